"""The service graph: what makes it out of the spans."""

from typing import Literal

from pydantic import Field

from model.parts import Section

GraphSource = Literal["tempo", "collector"]


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
