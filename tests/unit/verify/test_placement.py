"""A pod that waits for the node with its volume is found, with that node and what lets it run again."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from verify_world import (
    DEPLOYMENT,
    StubCluster,
    assert_broken,
    assert_warns,
    deployment,
    healthy,
    looks,
    part,
    pod,
    resource,
    tempo_labels,
    world,
)

from local.state import CONTEXT
from verify.causes import Code
from verify.findings import Because, Finding
from verify.hops import object_store, prometheus, tempo
from verify.programs.metrics import Samples
from verify.programs.placement import of_labels

CLAIM = {"name": "data", "persistentVolumeClaim": {"claimName": "data"}}
# As kube-scheduler 1.34 wrote them on a cluster of three nodes.
ELSEWHERE = "2 node(s) didn't match PersistentVolume's node affinity. preemption: not helpful."
CORDONED = f"0/3 nodes are available: 1 node(s) were unschedulable, {ELSEWHERE}"
LOST = f"0/3 nodes are available: 1 node(s) had untolerated taint {{node.kubernetes.io/unreachable: }}, {ELSEWHERE}"
FULL = f"0/3 nodes are available: 1 Insufficient memory, {ELSEWHERE}"
OLDER = "0/2 nodes are available: 1 node(s) had volume node affinity conflict, 1 node(s) were unschedulable."
BOTH = (
    "0/3 nodes are available: 1 node(s) had untolerated taint {node.kubernetes.io/unreachable: }, 1 node(s) were "
    "unschedulable, 1 node(s) didn't match PersistentVolume's node affinity."
)
APP = {"app": "app"}


def waiting(name: str, namespace: str, labels: Mapping[str, str], said: str, **spec: Any) -> dict[str, Any]:
    """A pod that the scheduler does not place."""
    found: dict[str, Any] = pod(name, namespace, ready=False, labels=labels, **spec)
    found["status"]["conditions"].append({"type": "PodScheduled", "status": "False", "message": said})
    return found


def ending(name: str, reason: str) -> dict[str, Any]:
    """A pod that is deleted, and whose node has not said yet that it has ended."""
    found: dict[str, Any] = pod(name, "shop", ready=False, labels=APP, volumes=[CLAIM], nodeName="node2")
    found["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    found["status"]["conditions"].append({"type": "DisruptionTarget", "status": "True", "reason": reason})
    return found


def put(cluster: StubCluster, *pods: dict[str, Any]) -> StubCluster:
    """The cluster with these pods, and their claim with its volume on node2."""
    annotations = {"volume.kubernetes.io/selected-node": "node2"}
    cluster.api.put("/api/v1/pods", *pods)
    for namespace in {one["metadata"]["namespace"] for one in pods}:
        claim = {"metadata": {"name": "data", "namespace": namespace, "annotations": annotations}}
        cluster.api.put("/api/v1/persistentvolumeclaims", claim)
    return cluster


def shop(*pods: dict[str, Any]) -> StubCluster:
    return put(StubCluster(), *pods)


def found(cluster: StubCluster) -> tuple[str, str, bool, bool] | None:
    """Which pod waits for which node, and whether that is cordoned or lost."""
    one = of_labels(cluster, "shop", APP)
    return None if one is None else (one.pod, one.node, one.cordoned, one.lost)


HOPS: Mapping[str, tuple[Any, str, str, Mapping[str, str]]] = {
    "object-store": (object_store, "seaweedfs-1", "tracing-system", {"app": "seaweedfs"}),
    "tempo": (tempo, "tempo-tempo-0", "tracing-system", tempo_labels("tempo", "tempo-monolithic")),
    "prometheus": (prometheus, "prometheus-1", "istio-system", {"app": "prometheus"}),
}


def judged(name: str, said: str, context: str = "test") -> Finding:
    """The finding of a hop whose only pod is not placed."""
    hop, app, namespace, labels = HOPS[name]
    cluster = put(healthy(), waiting(app, namespace, labels, said, volumes=[CLAIM]))
    cluster.context = context
    stack = world(cluster=cluster)
    return hop.judge(stack, looks(hop.look(stack)))


@pytest.mark.parametrize("name", HOPS)
def test_a_hop_whose_volume_is_on_a_cordoned_node_works_again_when_that_takes_pods(name: str) -> None:
    finding = judged(name, CORDONED)
    assert_broken(finding, Because.FAULT, remedy="kubectl uncordon node2")
    assert finding.code is Code.VOLUME_ELSEWHERE
    assert CORDONED in finding.evidence


@pytest.mark.parametrize("name", HOPS)
def test_a_hop_whose_pod_is_not_placed_for_another_reason_has_another_cause(name: str) -> None:
    assert judged(name, "0/3 nodes are available: 3 Insufficient memory.").code is not Code.VOLUME_ELSEWHERE


def test_a_node_that_does_not_answer_is_looked_at() -> None:
    finding = judged("tempo", LOST)
    assert_broken(finding, Because.FAULT, remedy="kubectl describe node node2")
    assert "node2 does not answer" in finding.cause


def test_a_node_of_the_embedded_cluster_is_started() -> None:
    finding = judged("tempo", LOST, CONTEXT)
    assert_broken(finding, Because.FAULT, remedy=".venv/bin/python -m local node start node2")


@pytest.mark.parametrize("said", [FULL, BOTH], ids=["it is full", "nothing says which of two nodes it is"])
def test_a_node_of_which_nothing_is_known_is_looked_at(said: str) -> None:
    assert_broken(judged("tempo", said), Because.FAULT, remedy="kubectl describe node node2")


def test_the_words_of_older_schedulers_are_known() -> None:
    assert found(shop(waiting("app-1", "shop", APP, OLDER, volumes=[CLAIM]))) == ("shop/app-1", "node2", True, False)


def test_a_pod_without_a_volume_waits_for_no_node() -> None:
    assert found(shop(waiting("app-1", "shop", APP, CORDONED))) is None


def test_a_pod_that_was_taken_off_a_lost_node_and_has_none_in_its_place_waits_for_that_node() -> None:
    assert found(shop(ending("app-0", "DeletionByTaintManager"))) == ("shop/app-0", "node2", False, True)


def test_a_pod_that_somebody_deletes_does_not_wait() -> None:
    assert found(shop(ending("app-0", "EvictionByEvictionAPI"))) is None


def test_what_takes_the_place_of_a_pod_says_why_it_waits() -> None:
    pods = ending("app-0", "DeletionByTaintManager"), waiting("app-1", "shop", APP, CORDONED, volumes=[CLAIM])
    assert found(shop(*pods)) == ("shop/app-1", "node2", True, False)


def test_without_the_right_to_read_claims_it_is_said_all_the_same_and_the_nodes_are_looked_at() -> None:
    _, app, namespace, labels = HOPS["tempo"]
    cluster = put(healthy(), waiting(app, namespace, labels, CORDONED, volumes=[CLAIM]))
    cluster.api.refused[f"/api/v1/namespaces/{namespace}/persistentvolumeclaims/data"] = 403
    stack = world(cluster=cluster)
    finding = tempo.judge(stack, looks(tempo.look(stack)))
    assert_broken(finding, Because.FAULT, remedy="kubectl get nodes")
    assert finding.code is Code.VOLUME_ELSEWHERE


def test_a_pod_that_no_node_has_has_no_log() -> None:
    cluster = shop(waiting("app-1", "shop", APP, CORDONED))
    cluster.api.refused["/api/v1/namespaces/shop/pods/app-1/log"] = 204
    assert isinstance(cluster.log(pod("app-1", "shop"), "app", seconds=60), list)


def test_an_ingester_that_waits_for_its_node_is_a_warning_while_the_others_take_its_place() -> None:
    cluster = healthy()
    for name in ("distributor", "ingester", "querier", "query-frontend", "compactor"):
        cluster.api.put("/api/v1/pods", pod(f"{name}-0", "tracing-system", labels=tempo_labels(name)))
    lost = ending("ingester-1", "DeletionByTaintManager")
    lost["metadata"] |= {"namespace": "tracing-system", "labels": tempo_labels("ingester")}
    cluster.api.put("/api/v1/pods", lost)
    cluster.api.put("/apis/tempo.grafana.com/v1alpha1/tempostacks", resource("tempo", "tracing-system", ready="True"))
    stack = world(deployment(tempo=part(DEPLOYMENT.tempo, mode="stack")), cluster)
    seen = replace(tempo.look(stack), search=12, metrics=Samples.parse("tempo_distributor_spans_received_total 80"))
    finding = tempo.judge(stack, looks(seen))
    assert_warns(finding, Code.VOLUME_ELSEWHERE, remedy="kubectl describe node node2")
    assert finding.cause.startswith(
        "Pod tracing-system/ingester-1 can only run where its volume is, and node2 does not"
    )
