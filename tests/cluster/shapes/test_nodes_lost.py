"""Of a node that is drained or stopped the pods move, those with a volume there wait, and verify says so."""

import json
from typing import Any

import pytest
from embedded import Host, eventually
from faults import PATIENCE, TRACING, report, run_remedy
from nodes import NODES, node_of_volume, pods_on, ready_nodes, unavailable

# 50 s until a node counts as lost, and 30 s until its pods are taken off.
LOST_SECONDS = 240


def hop(found: dict[str, Any], name: str) -> dict[str, Any]:
    (one,) = [entry for entry in found["hops"] if entry["hop"] == name]
    return dict(one)


class TestANodeThatIsDrained:
    @pytest.fixture(scope="class")
    def drained(self, cluster: Host, deployed: str) -> str:
        """The node with the object store's volume."""
        assert deployed
        node = node_of_volume(cluster, TRACING, "seaweedfs")
        cluster.local("node", "drain", node)
        return node

    @pytest.fixture(scope="class")
    def found(self, cluster: Host, drained: str) -> dict[str, Any]:
        """What verify says, after all that can move has moved."""
        assert drained
        eventually(lambda: unavailable(cluster), lambda names: names == {"seaweedfs"}, 120)
        return report(cluster)

    def test_it_has_no_pod_left_and_takes_none(self, cluster: Host, drained: str) -> None:
        assert pods_on(cluster, drained) == []
        node = json.loads(cluster.kubectl("get", "node", drained, "-o", "json"))
        assert node["spec"]["unschedulable"]

    @pytest.mark.usefixtures("found")
    def test_its_pods_run_elsewhere_but_that_with_the_volume(self, cluster: Host) -> None:
        assert unavailable(cluster) == {"seaweedfs"}

    def test_verify_says_that_the_volume_is_there(self, found: dict[str, Any], drained: str) -> None:
        store = hop(found, "object-store")
        assert (store["status"], store["code"]) == ("broken", "volume-elsewhere"), found["hops"]
        assert drained in store["cause"]
        assert found["exit"] == 1

    def test_what_verify_prints_repairs_it(self, cluster: Host, found: dict[str, Any]) -> None:
        run_remedy(cluster, hop(found, "object-store")["remedy"])
        assert eventually(lambda: unavailable(cluster), lambda names: not names, 120) == set()
        after = report(cluster, *PATIENCE)
        assert after["exit"] == 0, after["hops"]


class TestANodeThatIsStopped:
    @pytest.fixture(scope="class")
    def stopped(self, cluster: Host, deployed: str) -> str:
        """The node with Tempo's volume, once its pods have been taken off it."""
        assert deployed
        node = node_of_volume(cluster, TRACING, "tempo-storage-tempo-tempo-0")
        cluster.local("node", "stop", node)
        eventually(lambda: pods_on(cluster, node), lambda names: not names, LOST_SECONDS)
        return node

    @pytest.fixture(scope="class")
    def found(self, cluster: Host, stopped: str) -> dict[str, Any]:
        """What verify says, after all that can move has moved."""
        assert stopped
        eventually(lambda: unavailable(cluster), lambda names: names <= {"seaweedfs"}, 120)
        return report(cluster)

    def test_it_is_not_ready(self, cluster: Host, stopped: str) -> None:
        assert ready_nodes(cluster) == [node for node in NODES if node != stopped]

    def test_status_says_that_it_is_stopped(self, cluster: Host, stopped: str) -> None:
        assert f"{stopped}: stopped" in cluster.local("status").stdout

    @pytest.mark.usefixtures("found")
    def test_its_pods_run_elsewhere_but_those_with_a_volume_there(self, cluster: Host, stopped: str) -> None:
        there = {"seaweedfs"} if node_of_volume(cluster, TRACING, "seaweedfs") == stopped else set()
        assert unavailable(cluster) == there

    def test_verify_says_that_the_volume_is_there(self, found: dict[str, Any], stopped: str) -> None:
        tempo = hop(found, "tempo")
        assert (tempo["status"], tempo["code"]) == ("broken", "volume-elsewhere"), found["hops"]
        assert stopped in tempo["cause"]
        assert found["exit"] == 1

    def test_what_verify_prints_repairs_it(self, cluster: Host, found: dict[str, Any]) -> None:
        run_remedy(cluster, hop(found, "tempo")["remedy"])
        assert eventually(lambda: unavailable(cluster), lambda names: not names, 180) == set()
        after = report(cluster, *PATIENCE)
        assert after["exit"] == 0, after["hops"]
