"""The collector's connectors and Tempo's generator count the same spans, and have to say the same of them.

Both write into one Prometheus, told apart by the label ``source``. The clients are stopped before the two are compared,
so that each has counted all there is.
"""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from embedded import Host, Project, eventually, prometheus_query
from faults import BOOKINFO, PATIENCE, report
from recording import stack_config, with_settings

STACK = "both"
ROOT = "istio-system"
CHANGES: Mapping[str, Any] = {
    "graph.source": "collector",
    "tracing.collector.replicas": 2,
    # With the collector as the source, Tempo's generator is off: here it is switched on beside it.
    "tempo.extraConfig": {
        "metrics_generator": {
            "storage": {
                "path": "/var/tempo/generator/wal",
                "remote_write": [{"url": f"http://prometheus.{ROOT}.svc.cluster.local:9090/api/v1/write"}],
            },
            "registry": {"collection_interval": "15s", "external_labels": {"source": "tempo"}},
            "processor": {
                "service_graphs": {
                    "histogram_buckets": [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]
                }
            },
        },
        "overrides": {"defaults": {"metrics_generator": {"processors": ["service-graphs", "span-metrics"]}}},
    },
}
CLIENTS = ("sleep", "spiffe-test-productpage")
ENOUGH_REQUESTS = 60
# What tells the series of one source from those of the other, or of one pod from those of another.
OF_THE_WRITER = {"__name__", "__metrics_gen_instance", "source", "job", "instance", "collector"}
# Those that Grafana, the dashboard and verify read.
COUNTERS = [
    "traces_service_graph_request_total",
    "traces_service_graph_request_client_seconds_bucket",
    "traces_service_graph_request_client_seconds_count",
    "traces_service_graph_request_server_seconds_bucket",
    "traces_service_graph_request_server_seconds_count",
    "traces_spanmetrics_calls_total",
    "traces_spanmetrics_latency_bucket",
    "traces_spanmetrics_latency_count",
]
SUMS = [
    "traces_service_graph_request_client_seconds_sum",
    "traces_service_graph_request_server_seconds_sum",
    "traces_spanmetrics_latency_sum",
]

Counted = Mapping[tuple[tuple[str, str], ...], float]


@pytest.fixture(scope="module")
def both(cluster: Host, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """The stack with both sources, before any request is stopped."""
    project = Project.copy(cluster, tmp_path_factory.mktemp(STACK) / "project", STACK)
    project.configure(with_settings(stack_config("local"), CHANGES))
    project.pulumi("up", "--yes", "--skip-preview")
    yield project
    project.pulumi("destroy", "--yes", "--skip-preview")


@pytest.fixture(scope="module")
def counted(cluster: Host, both: Project) -> Callable[[str, str], Counted]:
    """What a source has counted of a metric when no request is on its way any more."""
    assert both.stack == STACK
    address = cluster.address("prometheus")
    total = "sum(traces_service_graph_request_total)"
    eventually(lambda: prometheus_query(address, f"{total} > {ENOUGH_REQUESTS}"), bool, 240)
    cluster.kubectl("scale", "-n", BOOKINFO, "--replicas=0", *(f"deployment/{name}" for name in CLIENTS))
    settled(address, "sum by (source) (traces_spanmetrics_calls_total)")

    def read(metric: str, source: str) -> Counted:
        found: dict[tuple[tuple[str, str], ...], float] = {}
        for one in prometheus_query(address, f'{metric}{{source="{source}"}}'):
            labels = tuple(sorted((k, v) for k, v in one["metric"].items() if k not in OF_THE_WRITER))
            found[labels] = found.get(labels, 0.0) + float(one["value"][1])
        return found

    return read


def settled(address: str, query: str) -> None:
    """Wait until the answer to ``query`` has been the same for longer than any part of the way takes."""
    last, since, deadline = "", time.monotonic(), time.monotonic() + 240
    while time.monotonic() - since < 50:
        assert time.monotonic() < deadline, f"{query} does not come to rest"
        time.sleep(5)
        values = json.dumps([[one["metric"], one["value"][1]] for one in prometheus_query(address, query)])
        if values != last:
            last, since = values, time.monotonic()


@pytest.mark.parametrize("metric", COUNTERS)
def test_both_sources_count_the_same_in_every_series(counted: Callable[[str, str], Counted], metric: str) -> None:
    by_tempo, by_collector = (counted(metric, source) for source in ("tempo", "collector"))
    assert by_tempo
    assert by_collector == by_tempo


@pytest.mark.parametrize("metric", SUMS)
def test_both_sources_measure_the_same_seconds(counted: Callable[[str, str], Counted], metric: str) -> None:
    by_tempo, by_collector = (counted(metric, source) for source in ("tempo", "collector"))
    assert by_tempo
    assert by_collector == pytest.approx(by_tempo)


def test_each_pod_of_the_collector_has_series_of_its_own(cluster: Host, counted: Callable[[str, str], Counted]) -> None:
    assert counted("traces_service_graph_request_total", "collector")
    query = 'count by (instance) (traces_service_graph_request_total{source="collector"})'
    assert len(prometheus_query(cluster.address("prometheus"), query)) == 2


def test_verify_follows_a_request_into_this_graph(cluster: Host, both: Project, tmp_path: Path) -> None:
    assert tmp_path
    both.pulumi("up", "--yes", "--skip-preview", "--refresh")
    found = report(cluster, "--stack", both.stack, *PATIENCE)
    assert found["exit"] == 0, found["hops"]
