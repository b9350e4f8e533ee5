"""What alerts are about: which parts a stack has, and how Prometheus knows them."""

from collections.abc import Mapping
from typing import Literal

from pydantic import Field

from model import Alerts, GraphSource, Prometheus, Tempo
from model.parts import Section
from model.scalars import GoDuration, PrometheusDuration, seconds_of
from objects.addresses import CERT_MANAGER, COLLECTOR_JOB, TEMPO
from objects.series import many_values

# Whose metrics a rule asks for, which decides over the namespace that it lies in where an operator reads rules.
Home = Literal["collector", "tempo", "graph", "certificates"]

# The shortest time over which anything is counted: four scrapes of a fast Prometheus, and with one more scrape, and the
# seconds that spans need, it is told within two minutes.
_LEAST_SECONDS = 60
_SAMPLES = 4
# How long a namespace has to have spans without a gap before it is missed.
_STEADY_SECONDS = 600


class Watched(Section):
    """What alerts are about."""

    alerts: Alerts = Field(default=Alerts(), description="Which alerts there are.")
    homes: list[Home] = Field(default=["collector", "tempo", "graph"], description="Whose metrics Prometheus has.")
    collector_job: str = Field(default=COLLECTOR_JOB, description="The collector's scrape job.")
    tempo_jobs: list[str] = Field(default=[TEMPO], description="The scrape jobs of Tempo's parts.")
    asks_pods: bool = Field(
        default=True, description="Whether Prometheus asks each pod itself, and notices one that does not answer."
    )
    graph_source: GraphSource = Field(default="tempo", description="What makes the service graph.")
    graph_job: str | None = Field(
        default=None, description="The scrape job for the graph, where collectors make it and do not write it."
    )
    labels: list[str] = Field(default=["span_name"], description="Labels of span metrics whose values nobody lists.")
    many_values: int = Field(default=many_values(100_000), description="From when on values of a label are many.")
    has_sampler: bool = Field(default=False, description="Whether the collector decides on whole traces.")
    has_limits: bool = Field(default=False, description="Whether the collector keeps no more traces than so many.")
    has_buckets: bool = Field(default=True, description="Whether latencies are histograms with buckets.")
    scrape_interval: PrometheusDuration = Field(
        default=Prometheus().scrape_interval, description="How often hops are scraped."
    )
    graph_interval: GoDuration = Field(default=Tempo().graph_interval, description="How often the graph is written.")

    @property
    def makes_graph_in_tempo(self) -> bool:
        return self.graph_source == "tempo"

    @property
    def words(self) -> Mapping[str, str]:
        """What the expressions of alerts leave open."""
        interval = max(seconds_of(self.scrape_interval), seconds_of(self.graph_interval))
        window = max(_LEAST_SECONDS, _SAMPLES * interval)
        edges = self.alerts.edges
        return {
            "window": f"{window:g}s",
            # Two scrapes: what is over by then was a restart, or a boundary between two counters.
            "moment": f"{2 * seconds_of(self.scrape_interval):g}s",
            "collector": self.collector_job,
            "cert_manager": CERT_MANAGER,
            "tempo": "|".join(self.tempo_jobs),
            "absent_tempo": " or ".join(f'absent(up{{job="{job}"}})' for job in self.tempo_jobs),
            "graph": self.graph_job or "",
            "many_values": " or ".join(map(self._many, self.labels)),
            "steady": f"{_STEADY_SECONDS:g}s",
            # With some to spare, for a scrape that came late.
            "steady_samples": f"{_STEADY_SECONDS / seconds_of(self.scrape_interval) * 0.8:.0f}",
            "failing_share": f"{(edges.failing_percentage or 0) / 100:g}",
            "slow_seconds": f"{seconds_of(edges.slower_than or '0s'):g}",
        }

    def _many(self, label: str) -> str:
        """The services of which a label has many values, with the label's name in ``label``."""
        values = f'count by (service, {label}) (traces_spanmetrics_calls_total{{{label}!=""}})'
        return f'label_replace(count by (service) ({values}) > {self.many_values}, "label", "{label}", "", "")'
