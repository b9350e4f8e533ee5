"""A TempoStack on three nodes: every trace is in three ingesters, and the collectors on all nodes make the graph.

The operator has its own defaults: TLS between the parts, and NetworkPolicies, which are enforced where the kernel lets
them be. One node is stopped as if its power failed.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from embedded import Host, Project, eventually
from faults import MESH, PATIENCE, TRACING, Stack, apply, report, run_remedy
from load import SEND, results, sending_pod
from nodes import NODES, node_of_volume, pods_on, unavailable
from recording import stack_config, with_settings

STACK = "three"
SEVERAL = {part: {"replicas": 2} for part in ("distributor", "querier", "queryFrontend")}
CHANGES = {
    "tempo.mode": "stack",
    "tempo.replicationFactor": 3,
    "tempo.parts": SEVERAL,
    # The operator divides it among the parts.
    "tempo.resources": {"requests": {"cpu": "100m", "memory": "512Mi"}, "limits": {"memory": "6Gi"}},
    "tracing.collector.replicas": 3,
}
SENDER, LOAD_SECONDS = "sender", 60
INGESTERS = "app.kubernetes.io/component=ingester"
COLLECTORS = "app.kubernetes.io/name=otel-collector"
# 50 s until a node counts as lost, and 30 s until its pods are taken off.
LOST_SECONDS = 240


@dataclass(frozen=True)
class Spread:
    """The deployed stack; ``stopped`` is a node without the object store's volume, whose pod has no second."""

    project: Project
    stack: Stack
    stopped: str


@pytest.fixture(scope="module")
def spread(cluster: Host, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Spread]:
    project = Project.copy(cluster, tmp_path_factory.mktemp(STACK) / "project", STACK)
    project.configure(with_settings(stack_config("local"), CHANGES))
    project.pulumi("up", "--yes", "--skip-preview")
    # The first node carries the control plane, and ends only with the cluster.
    store = node_of_volume(cluster, TRACING, "seaweedfs")
    stopped = next(node for node in NODES[1:] if node != store)
    yield Spread(project, Stack(STACK, project.folder), stopped)
    project.pulumi("destroy", "--yes", "--skip-preview")


@pytest.fixture(scope="module")
def before(cluster: Host, spread: Spread) -> dict[str, Any]:
    """What verify says of the stack as it was deployed."""
    return report(cluster, "--stack", spread.stack.name, *PATIENCE)


@pytest.fixture(scope="module")
def accepted(cluster: Host, spread: Spread, before: dict[str, Any]) -> set[str]:
    """The traces that collectors took in the minute after a node was stopped, while its pods seemed to be there."""
    assert before["exit"] == 0, before["hops"]
    cluster.local("node", "stop", spread.stopped)
    apply(cluster, sending_pod(SENDER, "default", SEND, node=NODES[0], seconds=LOAD_SECONDS))
    try:
        cluster.kubectl("wait", "-n", "default", f"pod/{SENDER}", "--for=condition=Ready", "--timeout=60s")
        sent = results(cluster, "default", SENDER)
    finally:
        cluster.kubectl("delete", "pod", "-n", "default", SENDER)
    return {trace for trace, status in sent.items() if status == "200"}


@pytest.fixture(scope="module")
def without_a_node(cluster: Host, spread: Spread, accepted: set[str]) -> dict[str, Any]:
    """What verify says once all pods that can have moved."""
    assert accepted
    eventually(lambda: pods_on(cluster, spread.stopped), lambda pods: not pods, LOST_SECONDS)
    assert eventually(lambda: unavailable(cluster), lambda names: not names, 120) == set()
    return report(cluster, "--stack", spread.stack.name, *PATIENCE)


def hop(found: dict[str, Any], name: str) -> dict[str, Any]:
    (one,) = [entry for entry in found["hops"] if entry["hop"] == name]
    return dict(one)


@pytest.mark.parametrize(("namespace", "labels"), [(TRACING, INGESTERS), (MESH, COLLECTORS)])
def test_each_node_has_one_of(cluster: Host, spread: Spread, namespace: str, labels: str) -> None:
    assert spread.stack.name == STACK
    assert sorted(pod["spec"]["nodeName"] for pod in cluster.pods("-n", namespace, "-l", labels)) == sorted(NODES)


def test_its_operator_has_a_network_policy_for_each_part(cluster: Host, spread: Spread) -> None:
    assert spread.stack.name == STACK
    names = {policy["metadata"]["name"] for policy in cluster.objects("networkpolicies", "-n", TRACING)}
    parts = ("distributor", "ingester", "querier", "query-frontend", "compactor")
    assert {f"tempo-tempo-{part}" for part in parts} <= names


def test_a_request_is_found_by_search_and_in_the_graph_and_no_hop_complains(before: dict[str, Any]) -> None:
    assert (before["exit"], [one for one in before["hops"] if one["status"] not in {"ok", "absent"}]) == (0, [])
    request = before["request"]
    assert None not in (request["searchable_seconds"], request["graphed_seconds"])


def test_every_span_that_was_accepted_without_the_node_is_stored(
    cluster: Host, accepted: set[str], without_a_node: dict[str, Any]
) -> None:
    assert without_a_node
    assert len(accepted) > LOAD_SECONDS
    with cluster.forwarded(TRACING, "service/tempo-tempo-query-frontend", 3200) as address:
        assert eventually(lambda: accepted - stored(address, accepted), lambda lost: not lost, 60) == set()


def stored(address: str, traces: set[str]) -> set[str]:
    """Those of ``traces`` that the Tempo at ``address`` has."""
    with httpx.Client(base_url=address, trust_env=False, timeout=10) as tempo:
        return {trace for trace in traces if tempo.get(f"/api/traces/{trace}").status_code == httpx.codes.OK}


def test_without_the_node_a_request_is_still_found_and_graphed(without_a_node: dict[str, Any]) -> None:
    assert without_a_node["exit"] == 0, without_a_node["hops"]
    request = without_a_node["request"]
    assert None not in (request["searchable_seconds"], request["graphed_seconds"])


def test_verify_warns_that_an_ingester_waits_for_its_node(spread: Spread, without_a_node: dict[str, Any]) -> None:
    tempo = hop(without_a_node, "tempo")
    assert (tempo["status"], tempo["code"]) == ("warning", "volume-elsewhere"), without_a_node["hops"]
    assert spread.stopped in tempo["cause"]


def test_what_verify_prints_makes_it_whole_again(cluster: Host, spread: Spread, without_a_node: dict[str, Any]) -> None:
    run_remedy(cluster, hop(without_a_node, "tempo")["remedy"], spread.stack.folder)
    cluster.kubectl("rollout", "status", "-n", TRACING, "statefulset/tempo-tempo-ingester", "--timeout=180s")
    assert eventually(lambda: unavailable(cluster), lambda names: not names, 120) == set()
    after = report(cluster, "--stack", spread.stack.name, *PATIENCE)
    assert (after["exit"], [one for one in after["hops"] if one["status"] not in {"ok", "absent"}]) == (0, [])
