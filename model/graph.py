"""The service graph: what makes it out of the spans."""

import re
from typing import Literal

from pydantic import Field, field_validator

from model.parts import Section
from model.scalars import AttributeName, expected

GraphSource = Literal["tempo", "collector"]

# What span metrics have anyway, and what Prometheus and its scrapes add.
OWN_LABELS = frozenset(
    {"service", "service_name", "span_name", "span_kind", "status_code", "status_message", "source", "collector"}
    | {"job", "instance", "le", "exported_job", "exported_instance", "metric_overflow", "otel_metric_overflow"}
)
_MOST_DIMENSIONS = 8


class Graph(Section):
    """The service graph."""

    source: Literal["auto", "tempo", "collector"] = Field(
        default="auto",
        examples=["collector"],
        description="What makes it out of the spans: `tempo`: its metrics generator; `collector`: connectors in the "
        "collector, of which a Prometheus of the program's own, or one that scrapes, gets what they count, and which "
        "write to any other. `auto`: Tempo, but the collector where `prometheus.existing` scrapes collectors, and for "
        "a TempoStack whose operator, before 0.22, knows no generator.",
    )
    dimensions: list[AttributeName] = Field(
        default=[],
        max_length=_MOST_DIMENSIONS,
        examples=[["http.route"]],
        description="Attributes of spans that become labels of the span metrics, each `.` in a name `_`. Not ids: each "
        "value of a label is some twenty series for each operation.",
    )
    max_series: int | None = Field(
        default=None,
        ge=1000,
        strict=True,
        examples=[50000],
        description="How many series each pod that makes the graph may have; what is over it is left out or counted "
        "together, and alerts name the label. None: as many as fit into the memory limits of that pod and of the "
        "Prometheus that the program deploys.",
    )

    @field_validator("dimensions")
    @classmethod
    def _are_labels_of_their_own(cls, value: list[str]) -> list[str]:
        labels = [label_of(name) for name in value]
        for label in labels:
            if label in OWN_LABELS or labels.count(label) > 1:
                raise expected(f"dimensions whose labels are not there already: {label} is")
        return value


def label_of(attribute: str) -> str:
    """The label that an attribute becomes."""
    return re.sub(r"[^A-Za-z0-9_]", "_", attribute)
