"""Each fault on the way of the spans is told within two minutes, and over when it is; where all is well, nothing is.

The certificates' alert needs a cert-manager that cannot renew, and those on services need services that fail: their
rules are judged with made-up series, in tests/programs.
"""

from collections.abc import Iterator

import pytest
from embedded import Host
from faults import (
    Stack,
    change_tempo,
    scale_the_collector_to_0,
    start_tempo,
    stop_tempo,
    switch_processors_off,
    write_to_another_url,
)
from watching import (
    MANY,
    Told,
    deployed,
    prove,
    send,
    start_the_clients,
    stop_the_clients,
    told_meanwhile,
    visit,
)


def limit_traces(host: Host) -> None:
    change_tempo(host, {"overrides": {"defaults": {"global": {"max_bytes_per_trace": 1}}}})


def limit_series(host: Host) -> None:
    change_tempo(host, {"overrides": {"defaults": {"metrics_generator": {"max_active_series": 10}}}})


def limit_edges(host: Host) -> None:
    change_tempo(host, {"metrics_generator": {"processor": {"service_graphs": {"max_items": 1}}}})


# A namespace is missed that has had spans for ten minutes, which the first test waits.
FAULTS = (
    Told(
        "the clients have stopped",
        ["MeshTracingNamespaceSilent"],
        stop_the_clients,
        mend=start_the_clients,
    ),
    Told("no collector runs", ["MeshTracingCollectorDown"], scale_the_collector_to_0),
    Told(
        "Tempo is away until the queue is full",
        [
            "MeshTracingTempoDown",
            "MeshTracingSpansNotSent",
            "MeshTracingQueueFilling",
            "MeshTracingSpansDropped",
            "MeshTracingSpansRefused",
        ],
        stop_tempo,
        goes_on=visit,
        mend=start_tempo,
    ),
    Told("a trace may have one byte", ["MeshTracingSpansDiscarded"], limit_traces),
    Told(
        "spans are late",
        ["MeshTracingSpansLate"],
        lambda _: None,
        goes_on=lambda host: send(host, ["late"], seconds_ago=60),
    ),
    Told("the generator's processors are off", ["MeshTracingGraphWithoutSpans"], switch_processors_off),
    Told("the graph is written elsewhere", ["MeshTracingGraphNotWritten"], write_to_another_url),
    Told("one edge may wait", ["MeshTracingEdgesDropped"], limit_edges, goes_on=visit),
    Told(
        "ten series are allowed",
        ["MeshTracingSeriesLimited"],
        limit_series,
        goes_on=lambda host: send(host, MANY[:40]),
    ),
    Told(
        "an operation's name has an id in it",
        ["MeshTracingLabelWithManyValues"],
        lambda host: send(host, MANY),
        mend=start_tempo,
    ),
)


@pytest.fixture(scope="module")
def stack(cluster: Host, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    yield from deployed(cluster, tmp_path_factory.mktemp("told"), "told", {})


def test_of_a_healthy_stack_nothing_is_told(cluster: Host, stack: Stack) -> None:
    assert stack
    assert told_meanwhile(cluster) == set()


@pytest.mark.parametrize("told", FAULTS, ids=lambda told: told.name)
def test_a_fault_is_told_and_then_over(cluster: Host, stack: Stack, told: Told) -> None:
    prove(cluster, told, stack)
