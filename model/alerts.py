"""Alerts: whether Prometheus gets rules for the way of the spans and for what they tell of services."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from model.parts import Section
from model.scalars import (
    Flag,
    GoDuration,
    HttpUrl,
    LabelKey,
    LabelValue,
    Name,
    Number,
    PrometheusDuration,
    TracedService,
    expected,
    seconds_of,
)

# Below it, an error budget is so large that no share of errors burns it 14.4 times too fast with a margin.
_LEAST_PERCENTAGE = 95
# The longest of the windows in which a budget is watched.
_LEAST_DAYS, _DAY = 3, 86400

Percentage = Annotated[
    Number, Field(ge=_LEAST_PERCENTAGE, lt=100, allow_inf_nan=False, examples=[99.9])  # the rest is the error budget
]


class Latency(Section):
    """How many requests are to be how fast."""

    threshold: GoDuration = Field(
        examples=["256ms"],
        description="A request that took no longer is fast: a bound of the histogram, which a refusal lists.",
    )
    percentage: Percentage = Field(examples=[99], description="Percentage of the requests that are to be fast.")


class Objective(Section):
    """What a service, or one of its callers, is promised. Each budget of errors is watched for how fast it burns."""

    name: Name = Field(examples=["reviews"], description="Its name in alerts.")
    service: TracedService | None = Field(
        default=None,
        examples=["reviews.bookinfo"],
        description="The service, by its name in traces: application, dot, namespace.",
    )
    client: TracedService | None = Field(
        default=None,
        examples=["productpage.bookinfo"],
        description="Instead of `service`: the calling side of one edge of the service graph.",
    )
    server: TracedService | None = Field(
        default=None, examples=["reviews.bookinfo"], description="With `client`: the called side of that edge."
    )
    availability: Percentage | None = Field(
        default=None, examples=[99.9], description="Percentage of the requests that are to succeed."
    )
    latency: Latency | None = Field(
        default=None,
        examples=[{"threshold": "256ms", "percentage": 99}],
        description="Percentage of the requests that are to be fast, and how fast.",
    )
    window: PrometheusDuration = Field(
        default="14d",
        examples=["7d"],
        description="Over which time the promise holds: 3 days at least, and no longer than Prometheus keeps samples.",
    )

    @model_validator(mode="after")
    def _promises_something(self) -> Self:
        is_edge = self.client is not None and self.server is not None
        is_service = self.service is not None and self.client is None and self.server is None
        if is_service == is_edge or (self.service is not None and not is_service):
            raise expected("either a service, or a client and a server")
        if self.availability is None and self.latency is None:
            raise expected("availability, latency, or both: nothing is promised")
        if seconds_of(self.window) < _LEAST_DAYS * _DAY:
            raise expected(f"a window of {_LEAST_DAYS}d or longer, the time over which a slow burn shows")
        return self


class EdgeAlerts(Section):
    """From when on an edge of the service graph is reported, whatever was promised."""

    failing_percentage: Number | None = Field(
        default=5,
        gt=0,
        lt=100,
        allow_inf_nan=False,
        examples=[10],
        description="Report an edge of which more than this percentage of the requests failed; none reports none.",
    )
    slower_than: GoDuration | None = Field(
        default="1s",
        examples=["500ms"],
        description="Report an edge of which more than one request in twenty took longer; none reports none.",
    )


class Alerts(Section):
    """The rules by which Prometheus tells that spans are lost, or that services fail; docs/alerts.md has them all."""

    enabled: Flag | None = Field(
        default=None,
        description="Whether there are any. None: where the program deploys Prometheus or an operator's scrapes, and "
        "not where the graph is only written to an existing one, which knows nothing of the hops and may be no "
        "operator's.",
    )
    labels: dict[LabelKey, LabelValue] = Field(
        default={},
        examples=[{"role": "alert-rules"}],
        description="For an existing Prometheus: labels by which its operator selects PrometheusRules, beside "
        "`prometheus.existing.monitorLabels`.",
    )
    runbooks: HttpUrl | None = Field(
        default=None,
        examples=["https://wiki.example.com/mesh-tracing/alerts"],
        description="Where you publish docs/alerts.md: the annotation `runbook_url` of each alert leads to its part of "
        "that page. None names the file.",
    )
    edges: EdgeAlerts = Field(default=EdgeAlerts(), description="Edges that fail or are slow.")
    objectives: list[Objective] = Field(
        default=[],
        examples=[[{"name": "reviews", "service": "reviews.bookinfo", "availability": 99.9}]],
        description="What services are promised; alerts tell how fast the budget of errors burns.",
    )

    @model_validator(mode="after")
    def _objectives_are_told_apart(self) -> Self:
        names = [objective.name for objective in self.objectives]
        if len(set(names)) < len(names):
            raise expected("one objective for each name")
        if self.enabled is False and self.objectives:
            raise expected("alerts.enabled, or no objectives: nothing would watch them")
        return self
