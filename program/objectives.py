"""What services are promised has to be counted, and long enough."""

from collections.abc import Iterator

from model import Objective
from model.scalars import seconds_of
from objects.alerts.objectives import bounds
from program.plan import Plan


def unwatched(plan: Plan) -> Iterator[str]:
    """One line for each objective that no alert could watch."""
    settings = plan.settings
    objectives = settings.alerts.objectives
    if objectives and plan.watched is None:
        yield (
            "alerts.objectives: prometheus.existing is only written to, and gets no rules unless you say so: set "
            "alerts.enabled, if an operator makes it read PrometheusRules"
        )
    for objective in objectives:
        place, prometheus = f"alerts.objectives {objective.name}", settings.prometheus
        if prometheus.existing is None and seconds_of(objective.window) > seconds_of(prometheus.retention):
            yield (
                f"{place}: a window of {objective.window} is longer than Prometheus keeps samples: make it "
                f"{prometheus.retention} or shorter, or prometheus.retention longer"
            )
        if objective.latency is not None and settings.tempo.histograms == "native":
            yield f"{place}: a latency is counted in buckets: set tempo.histograms to classic or both"
        yield from _uncounted(objective, place)


def _uncounted(objective: Objective, place: str) -> Iterator[str]:
    if objective.latency is None or seconds_of(objective.latency.threshold) in bounds(objective):
        return
    known = ", ".join(f"{bound * 1000:g}ms" for bound in bounds(objective))
    yield f"{place}: no bucket ends at the threshold {objective.latency.threshold}: take one of {known}"
