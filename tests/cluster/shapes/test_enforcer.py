"""NetworkPolicies are enforced on every node: over new connections of the pods that they select, and over no others."""

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from embedded import Host, eventually
from nodes import NODES

from local.run.cluster import EmbeddedCluster
from local.state import State

pytestmark = pytest.mark.usefixtures("enforced")

# Everything in the one is isolated in both directions, nothing in the other.
WALLED, OPEN = "walled", "open"
PORT = 9080
ANSWERING, ASKING = "docker.io/istio/examples-bookinfo-details-v1:1.20.3", "docker.io/curlimages/curl:8.11.1"
# What curl ends with when nothing answers within its time.
TIMED_OUT = 28
SECONDS = "3"


def pod(namespace: str, node: str, labels: dict[str, str] | None = None) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": node, "namespace": namespace, "labels": {"on": node, **(labels or {})}},
        "spec": {
            "nodeSelector": {"kubernetes.io/hostname": node},
            "terminationGracePeriodSeconds": 0,
            "containers": [
                {
                    "name": "answering",
                    "image": ANSWERING,
                    "readinessProbe": {"httpGet": {"path": "/health", "port": PORT}, "periodSeconds": 1},
                },
                {"name": "asking", "image": ASKING, "command": ["sleep", "3600"]},
            ],
        },
    }


def service(namespace: str, node: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": node, "namespace": namespace},
        "spec": {"selector": {"on": node}, "ports": [{"port": 80, "targetPort": PORT}]},
    }


def policy(name: str, spec: dict[str, Any]) -> dict[str, Any]:
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": name, "namespace": WALLED},
        "spec": spec,
    }


DENY_ALL = policy("deny-all", {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]})
# One way in, from one pod, to one pod; and one way out, from one pod to that pod's port and to DNS.
LET_IN = policy(
    "let-in",
    {
        "podSelector": {"matchLabels": {"on": "node2"}},
        "policyTypes": ["Ingress"],
        "ingress": [
            {
                "ports": [{"port": PORT}],
                "from": [
                    {
                        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": OPEN}},
                        "podSelector": {"matchLabels": {"on": "node1"}},
                    }
                ],
            }
        ],
    },
)
LET_OUT = policy(
    "let-out",
    {
        "podSelector": {"matchLabels": {"on": "node3"}},
        "policyTypes": ["Egress"],
        "egress": [
            {"ports": [{"port": 53, "protocol": "UDP"}]},
            {
                "ports": [{"port": PORT}],
                "to": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": OPEN}}}],
            },
        ],
    },
)


@pytest.fixture(scope="module")
def pods(cluster: Host) -> Iterator[dict[tuple[str, str], str]]:
    """The address of each pod by namespace and node, ready to answer and to ask."""
    objects: list[dict[str, Any]] = [DENY_ALL, LET_IN, LET_OUT]
    for namespace in (WALLED, OPEN):
        objects.insert(0, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})
        objects += [entry for node in NODES for entry in (pod(namespace, node), service(namespace, node))]
    manifest = cluster.state / "walled.json"
    manifest.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}))
    cluster.kubectl("apply", "-f", str(manifest))
    addresses = {}
    for namespace in (WALLED, OPEN):
        # The kubelet's probes come from the node, which no policy keeps out.
        cluster.kubectl("wait", "-n", namespace, "--for=condition=Ready", "pods", "--all", "--timeout=180s")
        for one in cluster.objects("pods", "-n", namespace):
            addresses[namespace, one["spec"]["nodeName"]] = one["status"]["podIP"]
    yield addresses
    cluster.kubectl("delete", "namespace", WALLED, OPEN, "--timeout=120s")


def ask(cluster: Host, namespace: str, node: str, url: str) -> int:
    """What curl in a pod ends with: 0 for an answer."""
    command = ["curl", "--silent", "--fail", "--output", "/dev/null", "--max-time", SECONDS, url]
    target = ("-n", namespace, node, "-c", "asking")
    return cluster.with_exports("kubectl", "exec", *target, "--", *command, check=False).returncode


@pytest.mark.parametrize("node", NODES)
def test_nothing_reaches_a_pod_of_this_node_that_lets_nobody_in(
    cluster: Host, pods: dict[tuple[str, str], str], node: str
) -> None:
    url = f"http://{pods[WALLED, node]}:{PORT}/health"
    asking = [one for one in NODES if (one, node) != ("node1", "node2")]
    assert {one: ask(cluster, OPEN, one, url) for one in asking} == dict.fromkeys(asking, TIMED_OUT)


def test_nothing_reaches_it_through_its_service_either(cluster: Host, pods: dict[tuple[str, str], str]) -> None:
    assert ask(cluster, OPEN, "node2", f"http://node1.{WALLED}.svc.cluster.local/health") == TIMED_OUT


@pytest.mark.parametrize("place", ["pod", "service"])
def test_the_one_pod_that_is_let_in_gets_an_answer_from_another_node(
    cluster: Host, pods: dict[tuple[str, str], str], place: str
) -> None:
    host = {"pod": f"{pods[WALLED, 'node2']}:{PORT}", "service": f"node2.{WALLED}.svc.cluster.local"}[place]
    assert ask(cluster, OPEN, "node1", f"http://{host}/health") == 0


@pytest.mark.parametrize("node", ["node1", "node2"])
def test_nothing_leaves_a_pod_that_may_reach_nobody(cluster: Host, pods: dict[tuple[str, str], str], node: str) -> None:
    found = {target: ask(cluster, WALLED, node, f"http://{pods[OPEN, target]}:{PORT}/health") for target in NODES}
    assert found == dict.fromkeys(NODES, TIMED_OUT)


def test_a_pod_reaches_by_name_what_its_policy_lets_it_reach(cluster: Host, pods: dict[tuple[str, str], str]) -> None:
    urls = [f"http://{target}.{OPEN}.svc.cluster.local/health" for target in NODES]
    assert {url: ask(cluster, WALLED, "node3", url) for url in urls} == dict.fromkeys(urls, 0)


def test_the_node_reaches_its_own_pods(cluster: Host, pods: dict[tuple[str, str], str]) -> None:
    for node in NODES:
        url = f"http://{pods[WALLED, node]}:{PORT}/health"
        assert in_node(cluster, node, "curl", "--silent", "--fail", "--max-time", SECONDS, url).returncode == 0


def test_connections_between_pods_that_no_policy_selects_are_not_looked_at(
    cluster: Host, pods: dict[tuple[str, str], str]
) -> None:
    before = judged(cluster)
    for node in NODES:
        assert ask(cluster, OPEN, node, f"http://{pods[OPEN, 'node1']}:{PORT}/health") == 0
    assert judged(cluster) == before


def test_of_a_connection_only_the_first_packet_is_looked_at_on_each_node(
    cluster: Host, pods: dict[tuple[str, str], str]
) -> None:
    before = judged(cluster)["node2"]
    url = f"http://{pods[WALLED, 'node2']}:{PORT}/health"
    urls = " ".join(f"-o /dev/null {url}" for _ in range(20))
    cluster.kubectl("exec", "-n", OPEN, "node1", "-c", "asking", "--", "sh", "-c", f"curl -sf {urls}")
    assert judged(cluster)["node2"] == before + 1


def test_while_nobody_judges_a_selected_pod_gets_no_connection_and_others_do(
    cluster: Host, pods: dict[tuple[str, str], str]
) -> None:
    process = enforcer(cluster, "node2")
    walled, free = (f"http://{pods[namespace, 'node2']}:{PORT}/health" for namespace in (WALLED, OPEN))
    os.kill(process, signal.SIGSTOP)
    try:
        assert (ask(cluster, OPEN, "node1", walled), ask(cluster, OPEN, "node1", free)) == (TIMED_OUT, 0)
    finally:
        os.kill(process, signal.SIGCONT)
    assert ask(cluster, OPEN, "node1", walled) == 0


def test_an_enforcer_that_is_killed_comes_back_and_nothing_passes_meanwhile(
    cluster: Host, pods: dict[tuple[str, str], str]
) -> None:
    process = enforcer(cluster, "node2")
    os.kill(process, signal.SIGKILL)
    url = f"http://{pods[WALLED, 'node2']}:{PORT}/health"
    assert ask(cluster, OPEN, "node3", url) == TIMED_OUT
    assert eventually(lambda: ask(cluster, OPEN, "node1", url), lambda ended: ended == 0, 30) == 0
    assert enforcer(cluster, "node2") != process


def in_node(cluster: Host, node: str, *command: str) -> subprocess.CompletedProcess[str]:
    """Run a command of the host in a node's network namespace."""
    process = EmbeddedCluster(State(cluster.state)).machine(node).init_process()
    inside = ["nsenter", f"--net=/proc/{process}/ns/net", *command]
    return subprocess.run(inside, check=False, capture_output=True, text=True)


def judged(cluster: Host) -> dict[str, int]:
    """How many packets each node's kernel has handed over; the last but one number of its table (proc(5))."""
    found = {}
    for node in NODES:
        process = EmbeddedCluster(State(cluster.state)).machine(node).init_process()
        table = Path(f"/proc/{process}/net/netfilter/nfnetlink_queue").read_text()
        found[node] = int(table.split()[-2])
    return found


def enforcer(cluster: Host, node: str) -> int:
    """The host's process id of the program that judges on a node."""
    program = f"{cluster.state}/bin/policies"

    def runs(process: Path) -> bool:
        try:
            words = (process / "cmdline").read_bytes().decode().split("\0")
        except OSError:
            return False
        return words[0] == program and f"--node={node}" in words

    (found,) = eventually(lambda: [p for p in Path("/proc").glob("[0-9]*") if runs(p)], bool, 30)
    return int(found.name)
