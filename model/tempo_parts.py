"""The parts of a Tempo that runs as one process per component: how many pods each has, and how large they are."""

from typing import Any

from pydantic import Field

from model.parts import Resources, Section


class TempoPart(Section):
    """One part of a TempoStack."""

    replicas: int | None = Field(
        default=None,
        ge=1,
        le=100,
        strict=True,
        examples=[3],
        description="Number of pods; none means one, and for the ingester `tempo.replicationFactor`.",
    )
    resources: Resources | None = Field(
        default=None,
        examples=[{"requests": {"memory": "1Gi"}, "limits": {"memory": "2Gi"}}],
        description="Requests and limits of each of its pods; none means its share of `tempo.resources`.",
    )

    def to_kubernetes(self) -> dict[str, Any]:
        """What is set, as the part's template has it."""
        fields = {"replicas": self.replicas, "resources": self.resources and self.resources.to_kubernetes()}
        return {name: value for name, value in fields.items() if value}


class TempoParts(Section):
    """The parts of a TempoStack."""

    distributor: TempoPart = Field(default=TempoPart(), description="Takes spans.")
    ingester: TempoPart = Field(default=TempoPart(), description="Holds new traces until they are stored.")
    querier: TempoPart = Field(default=TempoPart(), description="Searches traces.")
    query_frontend: TempoPart = Field(
        default=TempoPart(), description="Takes queries; of its own it has a limit of 2Gi."
    )
    compactor: TempoPart = Field(default=TempoPart(), description="Merges and deletes what is stored.")
    metrics_generator: TempoPart = Field(default=TempoPart(), description="Makes the service graph.")

    def unscaled(self) -> "TempoParts":
        """The same without the numbers of pods."""
        parts = {name: getattr(self, name) for name in type(self).model_fields}
        return TempoParts(**{name: TempoPart(resources=part.resources) for name, part in parts.items()})
