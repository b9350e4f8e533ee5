"""The whole mesh demands mTLS: tracing works with the collector outside of the mesh and inside."""

import subprocess
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from embedded import Host, eventually, prometheus_query
from faults import BOOKINFO, MESH, PATIENCE, apply, in_node, report, run_remedy
from other_settings import deploy_with

OTLP_HTTP_PORT = 4318
IN_MESH = {
    "mesh-tracing:namespaces": {"unrestricted": [MESH]},
    "mesh-tracing:tracing": {"collector": {"inMesh": True}},
}
DEMAND = {
    "apiVersion": "security.istio.io/v1",
    "kind": "PeerAuthentication",
    "metadata": {"name": "default", "namespace": MESH},
    "spec": {"mtls": {"mode": "STRICT"}},
}
PLAIN_TEXT_TO_ALL = {
    "apiVersion": "networking.istio.io/v1",
    "kind": "DestinationRule",
    "metadata": {"name": "plain-text", "namespace": MESH},
    "spec": {"host": f"*.{MESH}.svc.cluster.local", "trafficPolicy": {"tls": {"mode": "DISABLE"}}},
}


@pytest.fixture(scope="module")
def strict(cluster: Host, deployed: str) -> Iterator[str]:
    """The stack as it was deployed, which it is again in the end, in a mesh that demands mTLS."""
    apply(cluster, DEMAND)
    yield deployed
    cluster.kubectl("delete", "peerauthentication", "-n", MESH, "default")
    cluster.local("deploy")


@pytest.fixture(scope="module", params=["outside", "inside"])
def collector(
    request: pytest.FixtureRequest, cluster: Host, strict: str, tmp_path_factory: pytest.TempPathFactory
) -> str:
    """Where the collector is."""
    assert strict
    if request.param == "inside":
        deploy_with(cluster, tmp_path_factory.mktemp("in-mesh"), IN_MESH)
    return str(request.param)


def of_collector(cluster: Host) -> dict[str, Any]:
    (pod,) = cluster.pods("-n", MESH, "-l", "app.kubernetes.io/name=otel-collector")
    return pod


def takes_plain_text(cluster: Host, address: str, path: str) -> bool:
    """Whether a client without a sidecar, which is on the node's own network, is answered."""
    try:
        in_node(cluster, "curl", "--silent", "--max-time", "10", "--request", "POST", f"http://{address}{path}")
    except subprocess.CalledProcessError:
        return False
    return True


def test_the_mesh_demands_mtls(cluster: Host, collector: str) -> None:
    (pod,) = cluster.objects("pods", "-n", BOOKINFO, "-l", "app=details")
    answered = eventually(
        lambda: takes_plain_text(cluster, f"{pod['status']['podIP']}:9080", "/health"), lambda found: not found, 30
    )
    assert not answered


def test_the_collector_takes_plain_text_only_outside_of_the_mesh(cluster: Host, collector: str) -> None:
    address = f"{of_collector(cluster)['status']['podIP']}:{OTLP_HTTP_PORT}"
    assert takes_plain_text(cluster, address, "/v1/traces") == (collector == "outside")


def test_verify_finds_every_hop_well_and_the_trace(cluster: Host, collector: str) -> None:
    found = report(cluster, *PATIENCE)
    others = {hop["hop"]: hop["status"] for hop in found["hops"] if hop["status"] != "ok"}
    assert (found["exit"], others) == (0, {"kiali": "absent"}), found["hops"]
    answer = httpx.get(
        f"{cluster.address('tempo')}/api/traces/{found['request']['trace_id']}", trust_env=False, timeout=10
    )
    assert answer.status_code == httpx.codes.OK


def test_the_collector_is_scraped(cluster: Host, collector: str) -> None:
    address = cluster.address("prometheus")
    (up,) = eventually(
        lambda: prometheus_query(address, 'up{job="otel-collector"} == 1'), lambda found: len(found) == 1, 60
    )
    assert up["value"][1] == "1"


def test_the_collector_traces_nothing_of_its_own(cluster: Host, collector: str) -> None:
    query = {"q": '{ resource.service.name =~ "otel-collector.*" }'}
    answer = httpx.get(f"{cluster.address('tempo')}/api/search", params=query, trust_env=False, timeout=10)
    assert answer.raise_for_status().json()["traces"] == []


@pytest.mark.parametrize("collector", ["inside"], indirect=True)
def test_verify_names_a_rule_for_plain_text_to_the_sidecar_and_repairs_it(cluster: Host, collector: str) -> None:
    assert collector == "inside"
    apply(cluster, PLAIN_TEXT_TO_ALL)
    try:
        found = report(cluster)
        (proxies,) = [hop for hop in found["hops"] if hop["hop"] == "proxies"]
        assert (proxies["status"], proxies["code"]) == ("broken", "plain-text"), found["hops"]
        run_remedy(cluster, proxies["remedy"])
        repaired = report(cluster, *PATIENCE)
        assert repaired["exit"] == 0, repaired["hops"]
    finally:
        rules = ("plain-text", "tracing-collector-mutual-tls")
        cluster.kubectl("delete", "destinationrule", "-n", MESH, *rules, "--ignore-not-found")
