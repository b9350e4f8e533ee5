"""A Prometheus that somebody else runs scrapes the collectors of a TempoStack, as OpenShift's monitoring does.

Its operator is not to be had here. A stand-in does what it does with the ServiceMonitors of the stack: it configures
the Prometheus to scrape the pods behind the Services that they select, once, and honours no labels, as on OpenShift.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import prometheus_of_others
import pytest
from embedded import Host, Project, eventually, prometheus_query
from faults import MESH, PATIENCE, TRACING, Stack, apply, report
from load import CALL, CLIENT, SERVER, results, sending_pod
from nodes import NODES
from prometheus_of_others import MONITORING, URL
from recording import stack_config, with_settings

STACK = "scraped"
CHANGES = {
    "tempo.mode": "stack",
    # The operator divides it among the parts.
    "tempo.resources": {"requests": {"cpu": "100m", "memory": "512Mi"}, "limits": {"memory": "4Gi"}},
    "tracing.collector.replicas": 2,
    "prometheus.existing": {"method": "scrapeCollectors", "queryUrl": URL},
}
SENDER, LOAD_SECONDS = "sender", 30
CALLS = f'traces_service_graph_request_total{{client="{CLIENT}",server="{SERVER}"}}'
JOBS = ("mesh-tracing-service-graph", "mesh-tracing-otel-collector", "mesh-tracing-tempo-distributor")

Query = Callable[[str], list[dict[str, Any]]]


def scrape_config(host: Host, monitor: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """What an operator of Prometheus makes of each endpoint of a ServiceMonitor, for the pods that are there."""
    namespace, spec = monitor["metadata"]["namespace"], monitor["spec"]
    wanted = ",".join(f"{key}={value}" for key, value in spec["selector"]["matchLabels"].items())
    for service in host.objects("services", "-n", namespace, "-l", wanted):
        pods_of = ",".join(f"{key}={value}" for key, value in service["spec"]["selector"].items())
        pods = host.pods("-n", namespace, "-l", pods_of)
        for endpoint in spec["endpoints"]:
            (port,) = [one["port"] for one in service["spec"]["ports"] if one["name"] == endpoint["port"]]
            name = service["metadata"]["name"]
            yield {
                "job_name": name,
                "scrape_interval": endpoint["interval"],
                "scheme": endpoint.get("scheme", "http"),
                "tls_config": {"insecure_skip_verify": endpoint.get("tlsConfig", {}).get("insecureSkipVerify", False)},
                "honor_labels": False,
                "static_configs": [
                    {
                        "targets": [f"{pod['status']['podIP']}:{port}"],
                        "labels": {"namespace": namespace, "service": name, "pod": pod["metadata"]["name"]},
                    }
                    for pod in pods
                ],
                "metric_relabel_configs": [
                    {_snake_case(key): value for key, value in rule.items()}
                    for rule in endpoint.get("metricRelabelings", [])
                ],
            }


def _snake_case(key: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in key)


def scrape(host: Host, *, graph: bool = True) -> None:
    """Start the Prometheus, or start it anew, with what the monitors say now."""
    monitors = [one for space in (MESH, TRACING) for one in host.objects("servicemonitors", "-n", space)]
    jobs = [job for monitor in monitors for job in scrape_config(host, monitor)]
    kept = [job for job in jobs if graph or job["job_name"] != JOBS[0]]
    prometheus_of_others.deploy(host, {"scrape_configs": kept})


@pytest.fixture(scope="module")
def scraped(cluster: Host, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The stack of the embedded cluster with a TempoStack, and the Prometheus that scrapes it."""
    project = Project.copy(cluster, tmp_path_factory.mktemp(STACK) / "project", STACK)
    project.configure(with_settings(stack_config("local"), CHANGES))
    project.pulumi("up", "--yes", "--skip-preview")
    scrape(cluster)
    yield Stack(STACK, project.folder)
    project.pulumi("destroy", "--yes", "--skip-preview")
    prometheus_of_others.remove(cluster)


@pytest.fixture(scope="module")
def query(cluster: Host, scraped: Stack) -> Iterator[Query]:
    """What that Prometheus answers."""
    assert scraped.name == STACK
    with cluster.forwarded(MONITORING, "service/prometheus", 9090) as address:
        yield lambda text: prometheus_query(address, text)


@pytest.fixture(scope="module")
def sent(cluster: Host, scraped: Stack) -> dict[str, str]:
    """The status of the answers to the two spans of each call, by its trace."""
    assert scraped.name == STACK
    apply(cluster, sending_pod(SENDER, "default", CALL, node=NODES[0], seconds=LOAD_SECONDS))
    try:
        cluster.kubectl("wait", "-n", "default", f"pod/{SENDER}", "--for=condition=Ready", "--timeout=60s")
        return results(cluster, "default", SENDER)
    finally:
        cluster.kubectl("delete", "pod", "-n", "default", SENDER)


def test_the_program_deploys_no_prometheus(cluster: Host, scraped: Stack) -> None:
    assert scraped.name == STACK
    assert cluster.objects("deployments", "-n", MESH, "-l", "app.kubernetes.io/name=prometheus") == []


@pytest.mark.parametrize("job", JOBS)
def test_what_the_monitors_say_leads_to_every_pod_of(query: Query, job: str) -> None:
    up = eventually(lambda: query(f'up{{job="{job}"}}'), lambda found: all(one["value"][1] == "1" for one in found), 60)
    assert [one["value"][1] for one in up] == ["1"] * len(up) != []


def test_what_the_collectors_have_counted_adds_up_to_what_was_sent(sent: dict[str, str], query: Query) -> None:
    assert set(sent.values()) == {"200200"}

    def counted() -> float:
        return sum(float(one["value"][1]) for one in query(CALLS))

    assert eventually(counted, lambda found: found >= len(sent), 60) == len(sent) > LOAD_SECONDS


def test_each_collector_has_series_of_its_own(sent: dict[str, str], query: Query) -> None:
    assert sent
    found = eventually(lambda: query(f"count by (pod) ({CALLS})"), lambda pods: len(pods) == 2, 60)
    assert len(found) == 2


def test_the_services_and_the_buckets_have_the_names_that_tempo_writes(sent: dict[str, str], query: Query) -> None:
    assert sent
    of_span = f'traces_spanmetrics_latency_bucket{{service="{SERVER}",le=~"1|1.024"}}'
    assert eventually(lambda: query(of_span), bool, 60)
    of_edge = f'traces_service_graph_request_server_seconds_bucket{{client="{CLIENT}",le="1"}}'
    assert eventually(lambda: query(of_edge), bool, 60)
    assert query('{exported_service!=""}') == []


def test_verify_follows_a_request_into_this_graph(cluster: Host, scraped: Stack) -> None:
    found = report(cluster, "--stack", scraped.name, *PATIENCE)
    assert found["exit"] == 0, found["hops"]
    assert found["request"]["graphed_seconds"] is not None


def test_collectors_that_are_scraped_no_more_are_named(cluster: Host, scraped: Stack) -> None:
    scrape(cluster, graph=False)
    try:
        found = report(cluster, "--stack", scraped.name)
        broken = [hop for hop in found["hops"] if hop["status"] == "broken" and not hop["follows_from"]]
        assert [(hop["hop"], hop["code"]) for hop in broken] == [("generator", "not-scraped")], found["hops"]
    finally:
        scrape(cluster)
    assert report(cluster, "--stack", scraped.name, *PATIENCE)["exit"] == 0
