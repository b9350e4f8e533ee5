"""Metrics in Prometheus' text format, as the hops expose them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import httpx
from prometheus_client.parser import text_string_to_metric_families

from verify.cluster import Cluster, Object

# The scheme and the port of a pod.
Door = tuple[str, int]


@dataclass(frozen=True)
class Samples:
    """Each value, by the metric's name and its labels in one string."""

    values: Mapping[tuple[str, str], float]

    @classmethod
    def parse(cls, text: str) -> "Samples":
        """Raises ``ValueError`` if ``text`` is not in that format."""
        return cls(
            {
                (sample.name, str(sorted(sample.labels.items()))): float(sample.value)
                for family in text_string_to_metric_families(text)
                for sample in family.samples
            }
        )

    def total(self, prefix: str, label: str = "") -> float | None:
        """The sum of all metrics whose name starts with ``prefix`` and whose labels contain ``label``, or None.

        By prefix, because collectors append ``_total`` or a unit to the name in some versions and settings.
        """
        found = [value for (name, labels), value in self.values.items() if name.startswith(prefix) and label in labels]
        return sum(found) if found else None


def scrape(cluster: Cluster, pods: list[Object], port: int, others: Sequence[Door] = ()) -> Samples | None:
    """The metrics of all ``pods``, added up; None if no pod answers.

    They are asked by HTTP at ``port``, and those that do not answer there at ``others``.
    """
    joined: dict[tuple[str, str], float] = {}
    answered = False
    for pod in pods:
        samples = _of_pod(cluster, pod, (("http", port), *others))
        if samples is None:
            continue
        answered = True
        for key, value in samples.values.items():
            joined[key] = joined.get(key, 0.0) + value
    return Samples(joined) if answered else None


def _of_pod(cluster: Cluster, pod: Object, doors: Sequence[Door]) -> Samples | None:
    for scheme, port in doors:
        try:
            with cluster.pod_client(pod, port, scheme=scheme) as client:
                return Samples.parse(client.get("/metrics").raise_for_status().text)
        except (httpx.HTTPError, ValueError):
            continue
    return None


def total(samples: Samples | None, prefix: str, label: str = "") -> float:
    """The counter's sum; 0 if no pod exposes it."""
    return (samples.total(prefix, label) if samples else None) or 0.0


def growth(before: Samples | None, after: Samples | None, prefix: str, label: str = "") -> float | None:
    """By how much a counter grew; None if no pod answers now.

    A counter that is smaller than before was restarted from 0, so it has grown by its present value.
    """
    if after is None:
        return None
    now, then = total(after, prefix, label), total(before, prefix, label)
    return now - then if now >= then else now
