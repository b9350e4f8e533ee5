"""Where people look: Grafana and Kiali."""

from typing import Literal

from pydantic import Field, model_validator

from model.parts import Resources, Section
from model.scalars import ChartRepository, Image, LabelKey, LabelValue, Name, Version, expected


class Grafana(Section):
    """The Grafana that shows traces and graph."""

    mode: Literal["config-map", "operator", "managed"] = Field(
        default="config-map",
        examples=["managed"],
        description="`config-map`: data sources and dashboard for an existing Grafana; `operator`: the same as "
        "resources of grafana-operator; `managed`: the program deploys a Grafana.",
    )
    namespace: Name | None = Field(
        default=None,
        description="Its namespace, which must exist for `config-map` and `operator`; none takes the mesh's.",
    )
    image: Image = Field(default="docker.io/grafana/grafana:12.2.0", description="For `managed`: the image.")
    instance_labels: dict[LabelKey, LabelValue] = Field(
        default={"dashboards": "grafana"},
        examples=[{"dashboards": "grafana"}],
        description="For `operator`: the labels of the Grafana resources to configure.",
    )
    resources: Resources = Field(
        default=Resources(requests={"cpu": "50m", "memory": "128Mi"}, limits={"memory": "512Mi"}),
        description="For `managed`: requests and limits.",
    )

    @model_validator(mode="after")
    def _selects_something(self) -> "Grafana":
        if self.mode == "operator" and not self.instance_labels:
            raise expected("instanceLabels: without any, mode operator would configure no Grafana")
        return self

    def namespace_beside(self, mesh_namespace: str) -> str:
        """The namespace of this Grafana, in a mesh whose root namespace is ``mesh_namespace``."""
        return self.namespace or mesh_namespace


class Kiali(Section):
    """Kiali, wired to Prometheus, Grafana and Tempo."""

    installer: Literal["none", "operator", "helm"] = Field(
        default="none",
        examples=["operator"],
        description="`operator`: a Kiali resource for its operator; `helm`: the chart kiali-server.",
    )
    version: Version = Field(default="2.27.0", description="For `helm`: version of the chart.")
    chart_repository: ChartRepository = Field(
        default="https://kiali.org/helm-charts",
        examples=["https://kiali.org/helm-charts"],
        description="For `helm`: where the chart is: an https or oci URL, or a folder.",
    )
