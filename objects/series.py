"""How many series the service graph may have: as many as fit into the memory of who makes and who keeps them.

A label with ever new values, as an id in it, would else fill both. What is over the limit is left out, or counted in
one series, and alerts name the service and the label.
"""

from collections.abc import Iterable

from model import Resources
from model.scalars import amount

# Measured with an attribute of 10,000 and 20,000 values, at the highest: Tempo 2.8 took 3.7 kB for a series with what
# it has to write, Prometheus 3.13 took 2.8 kB, and the collector 0.152 took 2 kB.
_TEMPO_BYTES, _PROMETHEUS_BYTES, _COLLECTOR_BYTES = 4096, 4096, 2048
# Of the memory limit. Tempo holds traces too, the collector spans, and Prometheus series for hours after they end.
_TEMPO_SHARE, _PROMETHEUS_SHARE, _COLLECTOR_SHARE = 0.25, 0.5, 0.25
# What the generator is sure to get of the memory of a stack that says nothing of its parts.
_PART = 0.1
# Where nobody limits the memory.
_UNLIMITED = 100_000
# Of one service, operation, kind and status: what is counted, and the buckets of its latencies.
SERIES_OF_ONE = 20
# No service may take more than this part.
_SERVICES = 10


def in_tempo(resources: Resources, *, of_a_stack: bool = False) -> int:
    """How many series a metrics generator with these resources, or as a part of a stack with them, can have."""
    return _fitting(resources, _TEMPO_SHARE * (_PART if of_a_stack else 1), _TEMPO_BYTES)


def in_collector(resources: Resources) -> int:
    """How many series a collector with these resources can have."""
    return _fitting(resources, _COLLECTOR_SHARE, _COLLECTOR_BYTES)


def in_prometheus(resources: Resources) -> int:
    """How many series of the graph a Prometheus with these resources can have."""
    return _fitting(resources, _PROMETHEUS_SHARE, _PROMETHEUS_BYTES)


def least(limits: Iterable[int]) -> int:
    """The lowest limit, in whole thousands, so that it is readable."""
    return max(min(limits) // 1000 * 1000, 1000)


def of_one_service(max_series: int) -> int:
    """How many combinations of operation, kind, status and further dimensions one service may have."""
    return max(max_series // _SERVICES // SERIES_OF_ONE, 1)


def refused(max_series: int) -> int:
    """With so many series of the graph in one answer, Prometheus takes none: the last resort, with room for edges."""
    return 2 * max_series


def many_values(max_series: int) -> int:
    """With so many values of one label, a service is on its way to its limit."""
    return max(of_one_service(max_series) // 2, 1)


def _fitting(resources: Resources, share: float, size: int) -> int:
    memory = resources.limits.get("memory")
    return _UNLIMITED if memory is None else int(float(amount(memory)) * share / size)
