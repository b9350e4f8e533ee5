"""A real application with the OpenTelemetry SDK beside a real sidecar: one trace, and each call is one in the graph.

The stack's own clients are off. The application runs in a namespace of its own, on the Python of the check's image,
with the SDK that these tests have: the folder of the node is the machine's.
"""

import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import opentelemetry.sdk
import pytest
from embedded import Host, Project, eventually, prometheus_query
from faults import apply
from recording import stack_config, with_settings

STACK, NAMESPACE, APP, NAME = "traced", "shop", "orders", "orders-sdk"
OPTIONS = ("--yes", "--skip-preview")
IMAGE = "localhost/mesh-tracing/verify:local"
PROGRAM = Path(__file__).parent / "programs" / "orders.py"
CALLS = 60
# istiod watches the namespace of the application too.
QUIET = {"bookinfo.traffic.enabled": False, "tempo.graphInterval": "5s", "mesh.discoveryNamespacesOnly": False}


@pytest.fixture(scope="module")
def project(cluster: Host, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    project = Project.copy(cluster, tmp_path_factory.mktemp(STACK) / "project", STACK)
    project.configure(with_settings(stack_config("local"), QUIET))
    project.pulumi("up", *OPTIONS)
    yield project
    project.pulumi("destroy", *OPTIONS)


@pytest.fixture(scope="module")
def traces(cluster: Host, project: Project) -> Iterator[list[str]]:
    """The traces of the application's calls, all of which were answered."""
    endpoint = json.loads(project.pulumi("stack", "output", "--json"))["otlp_endpoint"]
    labels = {"istio-injection": "enabled"}
    apply(cluster, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE, "labels": labels}})
    apply(
        cluster,
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": APP, "namespace": NAMESPACE},
            "data": {PROGRAM.name: PROGRAM.read_text()},
        },
    )
    apply(cluster, pod(endpoint))
    try:
        printed = eventually(lambda: log(cluster), lambda lines: "all sent" in lines, 240)
        assert printed[-1:] == ["all sent"], printed
        yield printed[:-1]
    finally:
        cluster.kubectl("delete", "namespace", NAMESPACE)


def pod(endpoint: str) -> dict[str, object]:
    environment = {
        "PYTHONPATH": "/sdk",
        "HOST": "productpage.bookinfo:9080",
        "CALLS": str(CALLS),
        "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint,
        "OTEL_SERVICE_NAME": NAME,
        "OTEL_PROPAGATORS": "tracecontext",
    }
    # The SDK is a package below `opentelemetry`, beside what it needs.
    (sdk,) = opentelemetry.sdk.__path__
    packages = Path(sdk).resolve().parents[1]
    container = {
        "name": APP,
        "image": IMAGE,
        "command": ["/usr/bin/python3", f"/program/{PROGRAM.name}"],
        "env": [{"name": name, "value": value} for name, value in environment.items()],
        "volumeMounts": [
            {"name": "sdk", "mountPath": "/sdk", "readOnly": True},
            {"name": "program", "mountPath": "/program"},
        ],
    }
    annotations = {
        "traffic.sidecar.istio.io/excludeOutboundPorts": "4317,4318",
        "proxy.istio.io/config": "holdApplicationUntilProxyStarts: true",
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": APP, "namespace": NAMESPACE, "labels": {"app": APP}, "annotations": annotations},
        "spec": {
            "restartPolicy": "Never",
            "terminationGracePeriodSeconds": 0,
            "containers": [container],
            "volumes": [
                {"name": "sdk", "hostPath": {"path": str(packages), "type": "Directory"}},
                {"name": "program", "configMap": {"name": APP}},
            ],
        },
    }


def log(cluster: Host) -> list[str]:
    phase = cluster.kubectl("get", "pod", APP, "-n", NAMESPACE, "-o", "jsonpath={.status.phase}")
    return [] if phase == "Pending" else cluster.kubectl("logs", APP, "-c", APP, "-n", NAMESPACE).splitlines()


def test_each_call_is_counted_once_by_the_names_that_proxies_have(cluster: Host, traces: list[str]) -> None:
    assert len(set(traces)) == CALLS

    def counted() -> dict[tuple[str, str], float]:
        query = 'traces_service_graph_request_total{client!="user"}'
        found = prometheus_query(cluster.address("prometheus"), query)
        return {(one["metric"]["client"], one["metric"]["server"]): float(one["value"][1]) for one in found}

    edge, details = (f"{APP}.{NAMESPACE}", "productpage.bookinfo"), ("productpage.bookinfo", "details.bookinfo")
    found = eventually(counted, lambda edges: min(edges.get(edge, 0), edges.get(details, 0)) >= CALLS, 120)
    assert (found[edge], found[details]) == (CALLS, CALLS)
    # Longer than a span waits for the other of its edge, and then for the next write.
    again = eventually(counted, lambda edges: any(NAME in one for pair in edges for one in pair), 40)
    assert {pair for pair in again if NAME in pair} == set()
    assert again[edge] == CALLS


def test_the_spans_of_the_application_and_of_the_proxies_are_one_trace(cluster: Host, traces: list[str]) -> None:
    found = httpx.get(f"{cluster.address('tempo')}/api/traces/{traces[-1]}", trust_env=False, timeout=30)
    names = {
        attribute["value"]["stringValue"]
        for batch in found.raise_for_status().json()["batches"]
        for attribute in batch["resource"]["attributes"]
        if attribute["key"] == "service.name"
    }
    assert {NAME, f"{APP}.{NAMESPACE}", "productpage.bookinfo", "details.bookinfo"} <= names
