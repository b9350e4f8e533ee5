"""Where people look: Grafana and Kiali."""

from typing import Literal

from pydantic import Field, field_validator, model_validator

from model.parts import Resources, Section
from model.scalars import (
    ChartRepository,
    DataSourceName,
    DataSourceUid,
    HttpUrl,
    Image,
    LabelKey,
    LabelValue,
    LokiLabel,
    Name,
    Version,
    expected,
)

# The first of Kiali that has the names of today's settings.
_OLDEST_MAJOR = 2


class TempoDataSource(Section):
    """Grafana's data source for traces."""

    name: DataSourceName = Field(
        default="Mesh Tempo",
        description="Its name. A data source of this name that Grafana has already would become ours.",
    )
    uid: DataSourceUid = Field(default="mesh-tracing-tempo", description="What dashboards and links know it by.")


class PrometheusDataSource(Section):
    """Grafana's data source for the service graph."""

    name: DataSourceName = Field(
        default="Mesh Prometheus",
        description="Its name. A data source of this name that Grafana has already would become ours.",
    )
    uid: DataSourceUid = Field(default="mesh-tracing-prometheus", description="What dashboards and links know it by.")


class LokiDataSource(Section):
    """Grafana's data source for logs, with the proxies' access logs in it."""

    url: HttpUrl | None = Field(
        default=None,
        examples=["http://loki-gateway.logging.svc.cluster.local"],
        description="Where Grafana's backend reaches Loki: the program then makes a data source. None means that "
        "Grafana has one already, with `uid`.",
    )
    uid: DataSourceUid = Field(
        default="mesh-tracing-loki", examples=["loki"], description="What links know the data source by."
    )
    name: DataSourceName = Field(
        default="Mesh Loki",
        description="For `url`: its name. A data source of this name that Grafana has already would become ours.",
    )
    namespace_label: LokiLabel = Field(
        default="namespace",
        examples=["kubernetes_namespace_name"],
        description="The label of a line with the namespace of its pod, as what collects logs calls it.",
    )

    @model_validator(mode="after")
    def _is_somewhere(self) -> "LokiDataSource":
        if self.url is None and "uid" not in self.model_fields_set:
            raise expected("url, or the uid of a data source that Grafana has")
        return self


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
    tempo: TempoDataSource = Field(default=TempoDataSource(), description="The data source for traces.")
    prometheus: PrometheusDataSource = Field(
        default=PrometheusDataSource(), description="The data source for the service graph."
    )
    loki: LokiDataSource | None = Field(
        default=None,
        description="The data source for logs, for links between spans and lines of access logs; none makes no link.",
    )
    image: Image = Field(default="docker.io/grafana/grafana:12.4.10", description="For `managed`: the image.")
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

    @model_validator(mode="after")
    def _several_data_sources(self) -> "Grafana":
        if self.tempo.name == self.prometheus.name or self.tempo.uid == self.prometheus.uid:
            raise expected("tempo and prometheus with different names and different uids: they are two data sources")
        others = (self.tempo, self.prometheus)
        if self.loki and (
            self.loki.name in {one.name for one in others} or self.loki.uid in {one.uid for one in others}
        ):
            raise expected(
                "loki with another name and another uid than tempo and prometheus: it is a third data source"
            )
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
    version: Version = Field(
        default="2.31.0", description="For `helm`: version of the chart, 2.0 or newer; a chart in a folder has its own."
    )
    chart_repository: ChartRepository = Field(
        default="https://kiali.org/helm-charts",
        examples=["https://kiali.org/helm-charts"],
        description="For `helm`: where the chart is: an https or oci URL, or a folder.",
    )

    @field_validator("version")
    @classmethod
    def _knows_our_names(cls, version: str) -> str:
        # Older ones call internal_url and external_url otherwise, and ignore what they do not know (kiali: d282bc72).
        if int(version.partition(".")[0]) < _OLDEST_MAJOR:
            raise expected(f"version {_OLDEST_MAJOR}.0.0 or newer: an older Kiali does not know where Tempo is told")
        return version
