"""A request from outside enters through a gateway, and the service graph begins there."""

import json
import secrets
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from embedded import Host, eventually, prometheus_query
from faults import BOOKINFO, PATIENCE, report
from other_settings import deploy_with

from local.run.cluster import EmbeddedCluster
from local.state import State

# What both kinds are called in spans, and the Service of each.
GATEWAY = f"bookinfo-gateway.{BOOKINFO}"
SERVICES = {"istio": "bookinfo-gateway", "gateway-api": "bookinfo-gateway-istio"}
GRAPH_SECONDS = 120


@dataclass(frozen=True)
class Entrance:
    """A gateway that is deployed, and the trace of a request that came in through it."""

    service: str
    status: str
    trace: str


@pytest.fixture(scope="module")
def committed(cluster: Host, deployed: str) -> Iterator[str]:
    """The stack as it was deployed, which it is again in the end."""
    yield deployed
    cluster.local("deploy")


@pytest.fixture(scope="module", params=SERVICES)
def entrance(
    request: pytest.FixtureRequest, cluster: Host, committed: str, tmp_path_factory: pytest.TempPathFactory
) -> Entrance:
    assert committed
    sample = {"gateway": request.param, "gatewayServiceType": "NodePort"}
    deploy_with(cluster, tmp_path_factory.mktemp("gateway"), {"mesh-tracing:bookinfo": sample})
    service = json.loads(cluster.kubectl("get", "service", "-n", BOOKINFO, SERVICES[request.param], "-o", "json"))
    trace = secrets.token_hex(16)
    status = ask_from_outside(cluster, node_port(service), trace)
    return Entrance(service["metadata"]["name"], status, trace)


def node_port(service: dict[str, Any]) -> int:
    (port,) = [port["nodePort"] for port in service["spec"]["ports"] if port["port"] == 80]
    return int(port)


def ask_from_outside(cluster: Host, port: int, trace: str) -> str:
    """The status of the answer to a request from one node's own network to the port of another one, if there is one."""
    *_, node = cluster.objects("nodes")
    (address,) = [entry["address"] for entry in node["status"]["addresses"] if entry["type"] == "InternalIP"]
    process = EmbeddedCluster(State(cluster.state)).init_process()
    # A mesh without a sidecar: the client is no pod, and has no address of the pods' network.
    command = [
        "nsenter", f"--net=/proc/{process}/ns/net",
        "curl", "--silent", "--max-time", "10", "--output", "/dev/null", "--write-out", "%{http_code}",
        "--header", f"traceparent: 00-{trace}-{secrets.token_hex(8)}-01", f"http://{address}:{port}/productpage",
    ]  # fmt: skip
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def services_of(cluster: Host, trace: str) -> set[str]:
    """The names of the services whose spans Tempo has of a trace."""
    answer = httpx.get(f"{cluster.address('tempo')}/api/traces/{trace}", trust_env=False, timeout=10)
    batches = answer.json()["batches"] if answer.is_success else []
    return {
        attribute["value"]["stringValue"]
        for batch in batches
        for attribute in batch["resource"]["attributes"]
        if attribute["key"] == "service.name"
    }


def test_a_request_from_outside_is_answered(entrance: Entrance) -> None:
    assert entrance.status == "200"


def test_its_trace_has_spans_of_the_gateway_and_of_all_that_it_led_to(cluster: Host, entrance: Entrance) -> None:
    expected = {GATEWAY, *(f"{name}.{BOOKINFO}" for name in ("productpage", "details", "reviews"))}
    found = eventually(lambda: services_of(cluster, entrance.trace), lambda names: names >= expected, 60)
    assert found >= expected


def test_the_graph_has_an_edge_from_the_gateway_to_the_product_page(cluster: Host, entrance: Entrance) -> None:
    query = f'traces_service_graph_request_total{{client="{GATEWAY}",server="productpage.{BOOKINFO}"}} > 0'
    address = cluster.address("prometheus")
    assert eventually(lambda: prometheus_query(address, query), bool, GRAPH_SECONDS)


def test_verify_enters_through_the_gateway_and_expects_its_edge(cluster: Host, entrance: Entrance) -> None:
    found = report(cluster, *PATIENCE)
    assert found["exit"] == 0, found["hops"]
    assert f"//{entrance.service}.{BOOKINFO}.svc" in found["request"]["address"]
    edges = {(edge["client"], edge["server"]): edge["expected"] for edge in found["graph"]}
    assert edges[GATEWAY, f"productpage.{BOOKINFO}"]
