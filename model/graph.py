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
        "collector, of which a Prometheus of the program's own scrapes what they count, and which write to an existing "
        "one. `auto`: Tempo, but the collector for a TempoStack whose operator, before 0.22, knows no generator.",
    )
