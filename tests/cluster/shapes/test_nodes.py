"""Three nodes are one cluster: each reaches what is on the others, and the stack works across them."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from embedded import Host
from faults import PATIENCE, report
from nodes import NODES

PROBE = "probe"
PORT = 9080
# It answers over HTTP, and the other one asks.
ANSWERING, ASKING = "docker.io/istio/examples-bookinfo-details-v1:1.20.3", "docker.io/curlimages/curl:8.11.1"
ZONE, HOST_NAME = "topology.kubernetes.io/zone", "kubernetes.io/hostname"


@pytest.fixture(scope="module")
def probes(cluster: Host) -> Iterator[dict[str, str]]:
    """The address of a pod on each node, which answers and asks, and behind a Service with the node's name."""
    objects = [entry for node in NODES for entry in (probe(node), service(node))]
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": PROBE}}
    manifest = cluster.state / "probes.json"
    manifest.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": [namespace, *objects]}))
    cluster.kubectl("apply", "-f", str(manifest))
    cluster.kubectl("wait", "-n", PROBE, "--for=condition=Ready", "pods", "--all", "--timeout=180s")
    yield {pod["spec"]["nodeName"]: pod["status"]["podIP"] for pod in cluster.objects("pods", "-n", PROBE)}
    cluster.kubectl("delete", "namespace", PROBE, "--timeout=120s")


def probe(node: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": node, "namespace": PROBE, "labels": {"on": node}},
        "spec": {
            "nodeSelector": {HOST_NAME: node},
            "terminationGracePeriodSeconds": 0,
            "containers": [
                {"name": "answering", "image": ANSWERING},
                {"name": "asking", "image": ASKING, "command": ["sh", "-c", f"echo asking on {node} && sleep 3600"]},
            ],
        },
    }


def service(node: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": node, "namespace": PROBE},
        "spec": {"selector": {"on": node}, "ports": [{"port": 80, "targetPort": PORT}]},
    }


def ask(cluster: Host, node: str, urls: list[str]) -> set[str]:
    """What requests from the pod on a node are answered with: their statuses."""
    command = ["curl", "--silent", "--max-time", "10", "--write-out", "%{http_code}\n"]
    parts = [word for url in urls for word in ("--output", "/dev/null", url)]
    printed = cluster.kubectl("exec", "-n", PROBE, node, "-c", "asking", "--", *command, *parts)
    assert len(printed.split()) == len(urls)
    return set(printed.split())


@pytest.mark.parametrize("node", NODES)
def test_a_pod_on_this_node_reaches_the_pods_on_all(cluster: Host, probes: dict[str, str], node: str) -> None:
    assert ask(cluster, node, [f"http://{address}:{PORT}/health" for address in probes.values()]) == {"200"}


@pytest.mark.parametrize("node", NODES)
def test_a_pod_on_this_node_reaches_services_on_all_by_name(cluster: Host, probes: dict[str, str], node: str) -> None:
    assert ask(cluster, node, [f"http://{name}.{PROBE}.svc.cluster.local/health" for name in probes]) == {"200"}


@pytest.mark.parametrize("node", NODES)
def test_the_pods_of_this_node_have_addresses_of_its_range(cluster: Host, probes: dict[str, str], node: str) -> None:
    prefixes = {name: address.rpartition(".")[0] for name, address in probes.items()}
    assert [name for name, prefix in prefixes.items() if prefix == prefixes[node]] == [node]


@pytest.mark.parametrize("node", NODES)
def test_the_control_plane_gets_logs_from_the_kubelet_of(cluster: Host, probes: dict[str, str], node: str) -> None:
    assert cluster.kubectl("logs", "-n", PROBE, node, "-c", "asking") == f"asking on {node}\n"


@pytest.mark.parametrize("node", NODES)
def test_the_control_plane_forwards_ports_through_the_kubelet_of(
    cluster: Host, probes: dict[str, str], node: str
) -> None:
    with cluster.forwarded(PROBE, node, PORT) as address:
        answer = httpx.get(f"{address}/health", trust_env=False, timeout=30)
    assert answer.status_code == 200


def test_each_node_is_a_zone_of_its_own_in_one_region(cluster: Host) -> None:
    labels = {node["metadata"]["name"]: node["metadata"]["labels"] for node in cluster.objects("nodes")}
    assert set(labels) == set(NODES)
    assert len({found[ZONE] for found in labels.values()}) == len(NODES)
    assert len({found["topology.kubernetes.io/region"] for found in labels.values()}) == 1


@pytest.fixture
def istiod_elsewhere(cluster: Host, deployed: str) -> str:
    """The node of istiod, which is not that of the API server; wherever other tests have left it."""
    assert deployed
    cluster.kubectl("cordon", NODES[0])
    try:
        cluster.kubectl("rollout", "restart", "-n", "istio-system", "deployment/istiod")
        cluster.kubectl("rollout", "status", "-n", "istio-system", "deployment/istiod", "--timeout=120s")
    finally:
        cluster.kubectl("uncordon", NODES[0])
    (node,) = {pod["spec"]["nodeName"] for pod in cluster.pods("-n", "istio-system", "-l", "app=istiod")}
    return str(node)


def test_the_control_plane_reaches_webhooks_on_another_node(cluster: Host, istiod_elsewhere: str) -> None:
    assert istiod_elsewhere != NODES[0]
    cluster.kubectl("rollout", "restart", "-n", "bookinfo", "deployment/details-v1")
    cluster.kubectl("rollout", "status", "-n", "bookinfo", "deployment/details-v1", "--timeout=120s")
    pods = cluster.pods("-n", "bookinfo", "-l", "app=details")
    assert pods
    assert [pod["metadata"]["name"] for pod in pods if "istio-proxy" not in all_containers(pod)] == []


def all_containers(pod: dict[str, Any]) -> set[str]:
    return {one["name"] for one in (*pod["spec"]["containers"], *pod["spec"].get("initContainers", []))}


def test_the_stack_works_across_nodes(cluster: Host, deployed: str) -> None:
    nodes = {
        pod["spec"]["nodeName"] for name in ("bookinfo", "istio-system") for pod in cluster.objects("pods", "-n", name)
    }
    assert len(nodes) > 1
    found = report(cluster, *PATIENCE)
    assert found["exit"] == 0, found["hops"]
