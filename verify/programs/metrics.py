"""Metrics in Prometheus' text format, as the hops expose them, and by how much they grew."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import httpx
from prometheus_client.parser import text_string_to_metric_families

from verify.access.cluster import Cluster, Object

# The scheme and the port of a pod.
Door = tuple[str, int]
# A metric's name and its labels, in order.
Series = tuple[str, tuple[tuple[str, str], ...]]


@dataclass(frozen=True)
class Samples:
    """Each value by its series, of each pod by what tells it from the others."""

    pods: Mapping[str, Mapping[Series, float]]

    @classmethod
    def parse(cls, text: str, pod: str = "") -> "Samples":
        """Raises ``ValueError`` if ``text`` is not in that format.

        Buckets of histograms, which are half of what Tempo exposes, are left out: no hop is judged by them.
        """
        lines = "\n".join(line for line in text.splitlines() if "_bucket{" not in line)
        return cls(
            {
                pod: {
                    (sample.name, tuple(sorted(sample.labels.items()))): float(sample.value)
                    for family in text_string_to_metric_families(lines)
                    for sample in family.samples
                }
            }
        )

    def total(self, prefix: str, **labels: str) -> float | None:
        """The sum over all pods of the metrics whose name starts with ``prefix`` and that have ``labels``, or None.

        By prefix, because collectors append ``_total`` or a unit to the name in some versions and settings.
        """
        found = [
            value
            for values in self.pods.values()
            for (name, pairs), value in values.items()
            if name.startswith(prefix) and labels.items() <= dict(pairs).items()
        ]
        return sum(found) if found else None


def scrape(cluster: Cluster, pods: list[Object], port: int, others: Sequence[Door] = ()) -> Samples | None:
    """The metrics of all ``pods``; None if no pod answers.

    They are asked by HTTP at ``port``, and those that do not answer there at ``others``.
    """
    found: dict[str, Mapping[Series, float]] = {}
    for pod in pods:
        found |= _of_pod(cluster, pod, (("http", port), *others))
    return Samples(found) if found else None


def _of_pod(cluster: Cluster, pod: Object, doors: Sequence[Door]) -> Mapping[str, Mapping[Series, float]]:
    for scheme, port in doors:
        try:
            with cluster.pod_client(pod, port, scheme=scheme) as client:
                return Samples.parse(client.get("/metrics").raise_for_status().text, _identity(pod)).pods
        except (httpx.HTTPError, ValueError):
            continue
    return {}


def total(samples: Samples | None, prefix: str, **labels: str) -> float:
    """The counter's sum; 0 if no pod exposes it."""
    return (samples.total(prefix, **labels) if samples else None) or 0.0


def by_pod(samples: Samples | None, prefix: str) -> dict[str, float]:
    """The counter's sum in each pod that answers."""
    pods = samples.pods if samples else {}
    return {pod: total(Samples({pod: values}), prefix) for pod, values in pods.items()}


def gain(before: Mapping[str, float], after: Mapping[str, float]) -> float:
    """By how much counters grew that are in both; one that is smaller than before began anew from 0."""
    return sum(now - before[key] if now >= before[key] else now for key, now in after.items() if key in before)


def growth(before: Samples | None, after: Samples | None, prefix: str, **labels: str) -> float | None:
    """By how much a counter grew, in the pods that answered both times; None if there is no such pod.

    A pod that has come since may have counted for hours, and one that has gone has taken its counters along: neither
    says what happened in between.
    """
    wanted = labels.items()
    grown = [value for has, value in _grown(before, after, prefix) if wanted <= has.items()]
    return sum(grown) if grown or _in_both(before, after) else None


def growth_by(label: str, before: Samples | None, after: Samples | None, prefix: str) -> dict[str, float]:
    """By how much a counter grew for each value of ``label``; the value is empty where a series has no such label."""
    found: dict[str, float] = {}
    for labels, value in _grown(before, after, prefix):
        key = labels.get(label, "")
        found[key] = found.get(key, 0.0) + value
    return found


def _grown(before: Samples | None, after: Samples | None, prefix: str) -> Iterator[tuple[Mapping[str, str], float]]:
    """The labels of each series of the counter, and by how much it grew.

    One that is smaller than before was restarted from 0, as one was that is new in a pod: both have grown by their
    present value.
    """
    if before is None or after is None:
        return
    for pod in _in_both(before, after):
        for (name, labels), now in after.pods[pod].items():
            if name.startswith(prefix):
                then = before.pods[pod].get((name, labels), 0.0)
                yield dict(labels), now - then if now >= then else now


def _in_both(before: Samples | None, after: Samples | None) -> list[str]:
    return [] if before is None or after is None else [pod for pod in after.pods if pod in before.pods]


def _identity(pod: Object) -> str:
    """What no other pod has: the pods of a StatefulSet get the names of those before them."""
    meta = pod["metadata"]
    return str(meta.get("uid") or f"{meta['namespace']}/{meta['name']}")
