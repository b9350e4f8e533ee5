"""The deployed stack does what it is for: requests become traces, traces become the service graph."""

import json
import sys
from datetime import datetime
from typing import Any

import bucket
import httpx
import pytest
from embedded import CHECKOUT, Host, eventually, inventory, prometheus_query
from faults import in_node, start_tempo

from local.run.blueprint import FORWARDS

EXPECTED_EDGES = {
    ("sleep.bookinfo", "productpage.bookinfo"),
    ("spiffe-test-productpage.bookinfo", "productpage.bookinfo"),
    ("productpage.bookinfo", "details.bookinfo"),
    ("productpage.bookinfo", "reviews.bookinfo"),
    ("reviews.bookinfo", "ratings.bookinfo"),
}
COLLECTOR_CLUSTER = "outbound|4317||otel-collector.istio-system.svc.cluster.local"


def test_make_up_ends_with_the_service_graph_and_the_addresses(deployed: str) -> None:
    assert "productpage.bookinfo" in deployed[deployed.index("Service graph, as Prometheus has it") :]
    assert "http://127.0.0.1:" in deployed


def services_of(tempo: str, trace: str) -> set[str]:
    answer = httpx.get(f"{tempo}/api/traces/{trace}", trust_env=False, timeout=10).raise_for_status().json()
    return {
        attribute["value"]["stringValue"]
        for batch in answer["batches"]
        for attribute in batch["resource"]["attributes"]
        if attribute["key"] == "service.name"
    }


def test_traceql_finds_traces_that_span_productpage_details_reviews_and_ratings(cluster: Host, deployed: str) -> None:
    tempo = cluster.address("tempo")

    def widest() -> set[str]:
        found = httpx.get(
            f"{tempo}/api/search",
            params={"q": '{resource.service.name="productpage.bookinfo"}', "limit": 20},
            trust_env=False, timeout=10,
        ).raise_for_status().json()  # fmt: skip
        traces = [services_of(tempo, trace["traceID"]) for trace in found.get("traces", [])]
        return max(traces, key=len, default=set())

    wanted = {f"{name}.bookinfo" for name in ("productpage", "details", "reviews", "ratings")}
    assert eventually(widest, lambda services: wanted <= services, 60) >= wanted


def test_the_first_request_of_a_client_is_traced(cluster: Host, deployed: str) -> None:
    # This client asks at its start and then once in five seconds, so a first request without a trace leaves a gap.
    name = "spiffe-test-productpage"
    (pod,) = cluster.objects("pods", "-n", "bookinfo", "-l", f"app={name}")
    (started,) = (
        status["state"]["running"]["startedAt"]
        for status in pod["status"]["containerStatuses"]
        if status["name"] == "sleep"
    )
    query = {"q": f'{{resource.service.name="{name}.bookinfo"}}', "limit": 1000}
    address = f"{cluster.address('tempo')}/api/search"

    def traces() -> list[dict[str, Any]]:
        found: dict[str, Any] = httpx.get(address, params=query, trust_env=False, timeout=10).raise_for_status().json()
        return found.get("traces", [])

    first = min(int(trace["startTimeUnixNano"]) for trace in eventually(traces, bool, 60))
    assert first / 1e9 - datetime.fromisoformat(started).timestamp() < 5


def test_prometheus_has_exactly_the_expected_edges_between_bookinfo_services(cluster: Host, deployed: str) -> None:
    series = prometheus_query(cluster.address("prometheus"), "traces_service_graph_request_total")
    edges = {(one["metric"]["client"], one["metric"]["server"]) for one in series}
    assert {edge for edge in edges if all(name.endswith(".bookinfo") for name in edge)} == EXPECTED_EDGES


def bookinfo_pods(cluster: Host) -> list[dict[str, Any]]:
    return cluster.objects("pods", "-n", "bookinfo")


def test_every_bookinfo_pod_has_a_ready_sidecar(cluster: Host, deployed: str) -> None:
    pods = bookinfo_pods(cluster)
    assert len(pods) == 8
    for pod in pods:
        status = pod["status"]
        containers = status["containerStatuses"] + status.get("initContainerStatuses", [])
        sidecars = [entry for entry in containers if entry["name"] == "istio-proxy"]
        assert [entry["ready"] for entry in sidecars] == [True], pod["metadata"]["name"]


def test_the_sidecar_has_the_opentelemetry_tracer_and_the_collectors_cluster(cluster: Host, deployed: str) -> None:
    dump = cluster.kubectl(
        "exec", "-n", "bookinfo", "deploy/productpage-v1", "-c", "istio-proxy", "--",
        "pilot-agent", "request", "GET", "config_dump",
    )  # fmt: skip
    assert "envoy.tracers.opentelemetry" in dump
    clusters = [
        entry["cluster"]["name"]
        for section in json.loads(dump)["configs"]
        for entry in section.get("dynamic_active_clusters", [])
    ]
    assert COLLECTOR_CLUSTER in clusters


@pytest.mark.parametrize(
    ("job", "namespace", "labels"),
    [
        ("istiod", "istio-system", "app=istiod"),
        ("otel-collector", "istio-system", "app.kubernetes.io/component=opentelemetry-collector"),
        ("tempo", "tracing-system", "app.kubernetes.io/managed-by=tempo-operator"),
    ],
)
def test_prometheus_scrapes_the_pods_of_each_hop_by_themselves(
    cluster: Host, deployed: str, job: str, namespace: str, labels: str
) -> None:
    addresses = {pod["status"]["podIP"] for pod in cluster.objects("pods", "-n", namespace, "-l", labels)}

    def scraped() -> set[str]:
        up = prometheus_query(cluster.address("prometheus"), f'up{{job="{job}"}} == 1')
        # DNS calls a pod by its address, with hyphens.
        return {one["metric"]["instance"].partition(".")[0].replace("-", ".") for one in up}

    assert eventually(scraped, lambda found: found == addresses, 60) == addresses


@pytest.mark.parametrize("counter", ["otelcol_exporter_send_failed_spans", "otelcol_receiver_refused_spans"])
def test_the_collector_loses_no_span(cluster: Host, deployed: str, counter: str) -> None:
    address = cluster.address("prometheus")
    sent = prometheus_query(address, 'sum({__name__=~"otelcol_exporter_sent_spans.*"})')
    assert float(sent[0]["value"][1]) > 0
    lost = prometheus_query(address, f'sum({{__name__=~"{counter}.*"}})')
    assert [float(series["value"][1]) for series in lost if float(series["value"][1])] == []


def test_no_sidecar_runs_in_the_collector_tempo_or_prometheus(cluster: Host, deployed: str) -> None:
    for namespace in ("istio-system", "tracing-system"):
        for pod in cluster.objects("pods", "-n", namespace):
            assert "istio-proxy" not in {entry["name"] for entry in pod["spec"]["containers"]}


def test_a_proxy_path_of_the_api_server_reaches_tempo_and_prometheus(cluster: Host, deployed: str) -> None:
    ready = cluster.kubectl("get", "--raw", "/api/v1/namespaces/tracing-system/services/tempo-tempo:3200/proxy/ready")
    assert ready.strip() == "ready"
    healthy = cluster.kubectl(
        "get", "--raw", "/api/v1/namespaces/istio-system/services/prometheus:9090/proxy/-/healthy"
    )
    assert "Healthy" in healthy


def test_a_second_pulumi_up_has_nothing_to_do(cluster: Host, deployed: str) -> None:
    cluster.with_exports("pulumi", "up", "--cwd", str(CHECKOUT), "--stack", "local", "--yes", "--expect-no-changes")


def test_lint_finds_nothing_wrong_in_the_cluster(cluster: Host, deployed: str) -> None:
    # Besides what is out of support (N18): the cluster runs what can be built, and its Tempo is an older one.
    options = ("--cluster", "--stack", "local", "--ignore", "N18")
    done = cluster.with_exports(sys.executable, "-m", "lint", *options, check=False)
    assert done.returncode == 0, done.stdout


def test_no_file_beside_the_state_can_be_half_written_when_a_command_is_killed(cluster: Host, deployed: str) -> None:
    backend = cluster.state / "pulumi" / "backend"
    assert list(backend.rglob("local.json"))
    assert not list(backend.rglob("*.attrs"))


def test_the_stacks_outputs_name_the_services_that_are_forwarded(cluster: Host, deployed: str) -> None:
    outputs = json.loads(
        cluster.with_exports("pulumi", "stack", "output", "--cwd", str(CHECKOUT), "--stack", "local", "--json").stdout
    )
    targets = {forward.name: f"http://{forward.target}" for forward in FORWARDS}
    assert outputs["prometheus_url"] == targets["prometheus"]
    assert outputs["tempo_query_url"] == targets["tempo"]
    assert outputs["productpage_url"].startswith(targets["productpage"])


def test_a_trace_outlives_tempo_and_its_store(cluster: Host, deployed: str) -> None:
    trace = bucket.stored_trace(cluster)
    assert [key for key in bucket.keys(cluster) if key.endswith("/data.parquet")]
    bucket.restart(cluster, "seaweedfs")
    start_tempo(cluster)
    assert eventually(lambda: bucket.is_in_the_bucket(cluster, trace), bool, 60)


def test_nobody_reads_the_bucket_without_its_keys(cluster: Host, deployed: str) -> None:
    assert bucket.status(cluster, USER="somebody", PASSWORD="else") == "403"  # noqa: S106  nobody's


# Asks the store to take one more administrator; succeeds if that is refused.
ADD_AN_ADMINISTRATOR = """
import sys, grpc
def field(number, content): return bytes([number << 3 | 2, len(content)]) + content
keys = field(1, b"evil") + field(2, b"evil's password")
request = field(1, field(1, b"evil") + field(2, keys) + field(3, b"Admin"))
call = grpc.insecure_channel(sys.argv[1]).unary_unary("/messaging_pb.SeaweedS3IamCache/PutIdentity")
try:
    call(request, timeout=10)
except grpc.RpcError as error:
    sys.exit(error.code() not in {grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.PERMISSION_DENIED})
sys.exit("accepted")
"""


def test_nobody_makes_himself_an_administrator_of_the_store(cluster: Host, deployed: str) -> None:
    (pod,) = cluster.objects("pods", "-n", "tracing-system", "-l", "app.kubernetes.io/name=seaweedfs")
    in_node(cluster, sys.executable, "-c", ADD_AN_ADMINISTRATOR, f"{pod['status']['podIP']}:18333")
    assert bucket.status(cluster, USER="evil", PASSWORD="evil's password") == "403"  # noqa: S106  nobody's


def test_destroy_leaves_the_cluster_as_it_was_before_the_stack(
    cluster: Host, destroyed: None, inventory_before: set[tuple[str, str, str]]
) -> None:
    left = eventually(lambda: inventory(cluster), lambda now: now == inventory_before, 60)
    assert left == inventory_before
