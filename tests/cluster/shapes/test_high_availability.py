"""Two collectors and two istiods on two nodes: one of these can be drained under load."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import httpx
import pytest
from embedded import Host, eventually
from faults import BOOKINFO, MESH, PATIENCE, TRACING, apply, report
from load import SEND, VISIT, results, sending_pod
from nodes import NODES, node_of_volume, pods_on, unavailable
from other_settings import deploy_with

LOAD_SECONDS = 60
TWO_OF_EACH = {
    "mesh-tracing:mesh": {"replicas": 2},
    "mesh-tracing:tracing": {"collector": {"replicas": 2}},
}
VOLUMES = ("seaweedfs", "tempo-storage-tempo-tempo-0")
COLLECTOR, ISTIOD = "app.kubernetes.io/name=otel-collector", "app=istiod"


@dataclass(frozen=True)
class Doubled:
    """The stack with two collectors and two istiods: one of each ``staying``, one on the node that is ``drained``.

    The latter has no volume, and nothing that answers requests, which come from the node ``aside``.
    """

    cluster: Host
    drained: str
    staying: str
    aside: str


def nodes_of(cluster: Host, labels: str) -> list[str]:
    return sorted(found["spec"]["nodeName"] for found in cluster.objects("pods", "-n", MESH, "-l", labels))


@pytest.fixture(scope="module")
def doubled(cluster: Host, deployed: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Doubled]:
    with_volumes = {node_of_volume(cluster, TRACING, claim) for claim in VOLUMES}
    drained, *others = sorted(NODES, key=lambda node: node in with_volumes)
    found = Doubled(cluster, drained, *others)
    cluster.local("node", "drain", drained)
    assert eventually(lambda: unavailable(cluster), lambda names: not names, 120) == set()
    cluster.kubectl("uncordon", drained)
    cluster.kubectl("cordon", found.aside)
    deploy_with(cluster, tmp_path_factory.mktemp("doubled"), TWO_OF_EACH)
    for labels in (COLLECTOR, ISTIOD):
        eventually(lambda labels=labels: nodes_of(cluster, labels), lambda nodes: len(nodes) == 2, 90)
    cluster.kubectl("rollout", "status", "-n", MESH, "deployment/istiod", "--timeout=120s")
    cluster.kubectl("uncordon", found.aside)
    yield found
    cluster.kubectl("uncordon", drained)
    cluster.local("deploy")
    # The autoscaler, which knows no metrics here, leaves two.
    cluster.kubectl("scale", "-n", MESH, "deployment/istiod", "--replicas=1")
    assert len(eventually(lambda: nodes_of(cluster, ISTIOD), lambda nodes: len(nodes) == 1, 60)) == 1


@pytest.fixture(scope="module")
def drained(doubled: Doubled) -> dict[str, dict[str, str]]:
    """What each sender got for each of its traces, while the node was drained."""
    cluster, pods = doubled.cluster, {"visitor": (BOOKINFO, VISIT), "sender": ("default", SEND)}
    for name, (namespace, script) in pods.items():
        apply(cluster, sending_pod(name, namespace, script, node=doubled.aside, seconds=LOAD_SECONDS))
    try:
        for name, (namespace, _) in pods.items():
            cluster.kubectl("wait", "-n", namespace, f"pod/{name}", "--for=condition=Ready", "--timeout=60s")
        cluster.local("node", "drain", doubled.drained)
        with ThreadPoolExecutor() as beside:
            logs = {name: beside.submit(results, cluster, space, name) for name, (space, _) in pods.items()}
            return {name: found.result() for name, found in logs.items()}
    finally:
        for name, (namespace, _) in pods.items():
            cluster.kubectl("delete", "pod", "-n", namespace, name)


def stored(cluster: Host, traces: set[str]) -> set[str]:
    """Those of ``traces`` that Tempo has."""
    with httpx.Client(base_url=cluster.address("tempo"), trust_env=False, timeout=10) as tempo:
        return {trace for trace in traces if tempo.get(f"/api/traces/{trace}").status_code == httpx.codes.OK}


@pytest.mark.parametrize("labels", [COLLECTOR, ISTIOD])
def test_two_pods_are_spread_over_two_nodes(doubled: Doubled, labels: str) -> None:
    assert nodes_of(doubled.cluster, labels) == sorted([doubled.drained, doubled.staying])


@pytest.mark.parametrize("name", ["otel-collector", "istiod"])
def test_a_disruption_budget_lets_one_of_two_be_evicted(doubled: Doubled, name: str) -> None:
    budget = json.loads(doubled.cluster.kubectl("get", "poddisruptionbudget", "-n", MESH, name, "-o", "json"))
    assert (budget["status"]["expectedPods"], budget["status"]["disruptionsAllowed"]) == (2, 1)


def test_the_drained_node_has_no_pod_left(doubled: Doubled, drained: dict[str, dict[str, str]]) -> None:
    assert drained
    assert pods_on(doubled.cluster, doubled.drained) == []


def test_no_request_fails_while_a_node_is_drained(drained: dict[str, dict[str, str]]) -> None:
    statuses = [*drained["visitor"].values()]
    assert len(statuses) > LOAD_SECONDS
    assert [status for status in statuses if status != "200"] == []


def test_every_span_that_a_collector_accepted_is_stored(doubled: Doubled, drained: dict[str, dict[str, str]]) -> None:
    accepted = {trace for trace, status in drained["sender"].items() if status == "200"}
    assert len(accepted) > LOAD_SECONDS
    assert eventually(lambda: accepted - stored(doubled.cluster, accepted), lambda lost: not lost, 60) == set()


def test_two_of_each_serve_again_after_the_drain(doubled: Doubled, drained: dict[str, dict[str, str]]) -> None:
    assert drained
    for deployment in ("otel-collector", "istiod"):
        doubled.cluster.kubectl("rollout", "status", "-n", MESH, f"deployment/{deployment}", "--timeout=120s")
        found = json.loads(doubled.cluster.kubectl("get", "deployment", "-n", MESH, deployment, "-o", "json"))
        assert found["status"]["availableReplicas"] == 2
    found = report(doubled.cluster, *PATIENCE)
    assert found["exit"] == 0, found["hops"]
