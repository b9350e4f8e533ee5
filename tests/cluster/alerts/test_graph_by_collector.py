"""The same of a collector that makes the graph and chooses traces: each of its own faults is told, and then over."""

from collections.abc import Iterator

import pytest
from embedded import Host
from faults import Stack
from watching import MANY, Told, configure_the_collector, deployed, prove, send, told_meanwhile, visit

TAIL = {
    "tracing.sampling": {"mode": "tail", "wait": "5s", "tail": {"percentage": 99, "budget": 1000, "slowerThan": "20s"}}
}
ANY = {"name": "others-any", "type": "always_sample"}


def forget_traces(host: Host) -> None:
    configure_the_collector(host, {"processors": {"tail_sampling/chosen": {"num_traces": 1}}})


def keep_little(host: Host) -> None:
    rate = {"spans_per_second": 1}
    limiter = {"name": "others-limit", "type": "rate_limiting", "rate_limiting": rate}
    policy = {"name": "others", "type": "and", "and": {"and_sub_policy": [ANY, limiter]}}
    configure_the_collector(host, {"processors": {"tail_sampling/limited": {"policies": [policy]}}})


FAULTS = (
    Told("one span a second is kept", ["MeshTracingSamplingLimited"], keep_little, goes_on=visit),
    Told("one trace may wait", ["MeshTracingSamplerFull"], forget_traces, goes_on=visit),
    Told(
        "two operations of a service are counted apart",
        ["MeshTracingServiceOverflows"],
        lambda host: configure_the_collector(
            host, {"connectors": {"spanmetrics": {"aggregation_cardinality_limit": 2}}}
        ),
        goes_on=lambda host: send(host, MANY[:10]),
    ),
    Told(
        "the graph is served at another port",
        ["MeshTracingGraphNotScraped"],
        lambda host: configure_the_collector(host, {"exporters": {"prometheus/graph": {"endpoint": "0.0.0.0:8890"}}}),
    ),
)


@pytest.fixture(scope="module")
def stack(cluster: Host, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    yield from deployed(cluster, tmp_path_factory.mktemp("chosen"), "chosen", TAIL)


def test_of_a_healthy_stack_that_chooses_traces_nothing_is_told(cluster: Host, stack: Stack) -> None:
    assert stack
    assert told_meanwhile(cluster) == set()


@pytest.mark.parametrize("told", FAULTS, ids=lambda told: told.name)
def test_a_fault_of_a_collector_that_counts_is_told_and_then_over(cluster: Host, stack: Stack, told: Told) -> None:
    prove(cluster, told, stack)
