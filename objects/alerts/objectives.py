"""What services are promised, watched for how fast the budget of errors burns.

Several windows and burn rates, each with a short window beside the long one, so that an alert ends soon after its
cause: the scheme of the Site Reliability Workbook, chapter 5 ("Alerting on SLOs").
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from model import Objective
from model.scalars import seconds_of
from objects.alerts.alert import Alert, alerting
from objects.alerts.watched import Watched
from objects.collector_graph import SPAN_BUCKETS
from objects.tempo_config import EDGE_BUCKETS

_RATIO = "mesh_tracing:objective_errors:ratio"
# How many times faster than allowed a budget burns, over a long window and a short one.
_FAST = ((14.4, "1h", "5m"), (6, "6h", "30m"))
_SLOW = ((1, "3d", "6h"),)
_WINDOWS = ("5m", "30m", "1h", "6h", "3d")
_WHICH_EDGE = (
    "`MeshEdgeFailing` and `MeshEdgeSlow` show which edge it is, and Tempo has the traces. If more is promised than is "
    "needed, change `alerts.objectives`."
)

_BURNS_FAST = Alert(
    name="MeshObjectiveBurnsFast",
    severity="page",
    home="graph",
    expr="",
    summary="{{ $labels.objective }} ({{ $labels.indicator }}): {{ $value | humanizePercentage }} of the requests "
    "break the promise, and the budget burns fast",
    cause="More requests fail, or are slow, than was promised: 14.4 times as many for an hour, or 6 times as many "
    "for six hours. Of a budget for 30 days, that is 2 % in an hour, or 5 % in six.",
    remedy=_WHICH_EDGE,
)
_BURNS_SLOWLY = Alert(
    name="MeshObjectiveBurnsSlowly",
    severity="ticket",
    home="graph",
    expr="",
    summary="{{ $labels.objective }} ({{ $labels.indicator }}): {{ $value | humanizePercentage }} of the requests "
    "have broken the promise for three days",
    cause="For three days, more requests have failed, or were slow, than was promised, and it has not ended: the "
    "budget will not last.",
    remedy=_WHICH_EDGE,
)
_MISSED = Alert(
    name="MeshObjectiveMissed",
    severity="ticket",
    home="graph",
    expr="",
    summary="{{ $labels.objective }} ({{ $labels.indicator }}): {{ $value | humanizePercentage }} of the requests "
    "have broken the promise over its window",
    cause="The budget of errors is spent: over the objective's whole window, more requests failed, or were slow, "
    "than was promised.",
    remedy="Put work on reliability before other changes, or promise less. " + _WHICH_EDGE,
)
OBJECTIVES: Sequence[Alert] = (_BURNS_FAST, _BURNS_SLOWLY, _MISSED)


@dataclass(frozen=True)
class _Indicator:
    """What is counted of an objective: all requests, and those that break the promise, by a counter of each.

    ``good`` is set instead of ``bad`` where it is those that keep it that are counted.
    """

    name: str
    budget: float
    total: str
    bad: str | None = None
    good: str | None = None

    def ratio(self, window: str) -> str:
        total = f"sum (rate({self.total}[{window}]))"
        if self.good is not None:
            return f"1 - sum (rate({self.good}[{window}])) / ({total} > 0)"
        # What never failed has no counter of failures.
        return f"(sum (rate({self.bad}[{window}])) or 0 * {total}) / ({total} > 0)"


def bounds(objective: Objective) -> Sequence[float]:
    """The thresholds, in seconds, up to which requests of the objective are counted."""
    return EDGE_BUCKETS if objective.service is None else SPAN_BUCKETS


def recorded(objective: Objective) -> Iterator[dict[str, Any]]:
    """The share of the requests that broke the promise, by window."""
    for indicator in _indicators(objective):
        for window in dict.fromkeys([*_WINDOWS, objective.window]):
            yield {
                "record": f"{_RATIO}_rate{window}",
                "expr": indicator.ratio(window),
                "labels": {"objective": objective.name, "indicator": indicator.name},
            }


def burning(objective: Objective, watched: Watched) -> Iterator[dict[str, Any]]:
    """The alerts of the objective."""
    for indicator in _indicators(objective):
        selector = f'{{objective="{objective.name}",indicator="{indicator.name}"}}'
        labels = {"objective": objective.name, "indicator": indicator.name}
        fast, slow = (_burns(windows, selector, indicator.budget) for windows in (_FAST, _SLOW))
        yield alerting(_BURNS_FAST, fast, watched, labels=labels)
        yield alerting(_BURNS_SLOWLY, slow, watched, labels=labels)
        missed = f"{_RATIO}_rate{objective.window}{selector} > {indicator.budget:g}"
        yield alerting(_MISSED, missed, watched, labels=labels)


def _burns(windows: Sequence[tuple[float, str, str]], selector: str, budget: float) -> str:
    return " or ".join(
        f"({_RATIO}_rate{long}{selector} > {rate * budget:g} and {_RATIO}_rate{short}{selector} > {rate * budget:g})"
        for rate, long, short in windows
    )


def _indicators(objective: Objective) -> Iterator[_Indicator]:
    if objective.service is None:
        selector = f'client="{objective.client}",server="{objective.server}"'
        total, failed = (f"traces_service_graph_request{kind}_total{{{selector}}}" for kind in ("", "_failed"))
        latency = "traces_service_graph_request_server_seconds"
    else:
        selector = f'service="{objective.service}",span_kind="SPAN_KIND_SERVER"'
        total = f"traces_spanmetrics_calls_total{{{selector}}}"
        failed = f'traces_spanmetrics_calls_total{{{selector},status_code="STATUS_CODE_ERROR"}}'
        latency = "traces_spanmetrics_latency"
    if objective.availability is not None:
        yield _Indicator("availability", _budget(objective.availability), total, bad=failed)
    if objective.latency is not None:
        least = f"{seconds_of(objective.latency.threshold):g}"
        yield _Indicator(
            "latency",
            _budget(objective.latency.percentage),
            f"{latency}_count{{{selector}}}",
            good=f'{latency}_bucket{{{selector},le="{least}"}}',
        )


def _budget(percentage: float) -> float:
    return round(1 - percentage / 100, 12)
