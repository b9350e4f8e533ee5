"""The cluster listens on ports of 127.0.0.1 that nobody else has."""

import datetime
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from local.build.images import Image
from local.errors import LocalError
from local.run.blueprint import FORWARDS
from local.run.cluster import EmbeddedCluster, _is_ready_since
from local.state import State


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that another program has."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        yield other.getsockname()[1]


def ports(opened: dict[str, socket.socket]) -> dict[str, int]:
    found = {name: listening.getsockname()[1] for name, listening in opened.items()}
    for listening in opened.values():
        listening.close()
    return found


def test_a_port_that_was_asked_for_and_is_taken_is_refused_by_name(tmp_path: Path, taken: int) -> None:
    with pytest.raises(LocalError, match=f"port {taken} of 127.0.0.1, asked for tempo, is in use"):
        EmbeddedCluster(State(tmp_path))._listen({"tempo": taken})


def test_a_usual_port_that_is_taken_gives_way_to_another(tmp_path: Path, taken: int) -> None:
    state = State(tmp_path)
    state.write_record(ports={"tempo": taken})
    assert ports(EmbeddedCluster(state)._listen({}))["tempo"] != taken


def test_every_forward_has_a_port_of_its_own(tmp_path: Path) -> None:
    found = ports(EmbeddedCluster(State(tmp_path))._listen({}))
    assert len(set(found.values())) == len(FORWARDS)


def test_a_cluster_that_was_never_started_is_not_running(tmp_path: Path) -> None:
    assert EmbeddedCluster(State(tmp_path)).init_process() is None


def test_a_node_that_does_not_run_gets_a_store_and_only_once(tmp_path: Path) -> None:
    store = tmp_path / "store"
    store.mkdir()
    (store / "layer").touch()
    state = State(tmp_path / "state")
    images = [Image("one", Path("1.tar"), None)]

    EmbeddedCluster(state).bring_in_images(store, images)
    (images_of(state, 1) / "of the node").touch()
    EmbeddedCluster(state).bring_in_images(store, images)

    assert {path.name for path in images_of(state, 1).iterdir()} == {"layer", "of the node"}


def test_images_that_changed_take_the_place_of_those_of_a_node_that_does_not_run(tmp_path: Path) -> None:
    state = State(tmp_path / "state")
    for number in ("1", "2"):
        store = tmp_path / number
        store.mkdir()
        (store / f"layer {number}").touch()
        EmbeddedCluster(state).bring_in_images(store, [Image("one", Path(f"{number}.tar"), None)])

    assert {path.name for path in images_of(state, 1).iterdir()} == {"layer 2"}


def test_every_node_gets_a_store_whose_layers_take_no_space_of_their_own(tmp_path: Path) -> None:
    store = tmp_path / "store"
    store.mkdir()
    (store / "layer").touch()
    state = State(tmp_path / "state")
    cluster = EmbeddedCluster(state)
    cluster.set_size(3)

    cluster.bring_in_images(store, [Image("one", Path("1.tar"), None)])

    layers = [images_of(state, number) / "layer" for number in (1, 2, 3)]
    assert [layer.samefile(store / "layer") for layer in layers] == [True] * 3


def images_of(state: State, number: int) -> Path:
    return state.cluster / "nodes" / f"node{number}" / "containerd"


def names(cluster: EmbeddedCluster) -> list[str]:
    return [machine.node.name for machine in cluster.machines]


def test_a_cluster_has_one_node_unless_more_are_asked_for(tmp_path: Path) -> None:
    assert names(EmbeddedCluster(State(tmp_path))) == ["node1"]


def test_the_number_of_nodes_is_kept_until_another_one_is_asked_for(tmp_path: Path) -> None:
    state = State(tmp_path)
    EmbeddedCluster(state).set_size(3)
    EmbeddedCluster(state).set_size(None)
    assert names(EmbeddedCluster(state)) == ["node1", "node2", "node3"]


def test_a_cluster_that_was_started_does_not_lose_nodes(tmp_path: Path) -> None:
    state = State(tmp_path)
    EmbeddedCluster(state).set_size(3)
    state.pki.mkdir(parents=True)
    with pytest.raises(LocalError, match="the cluster has 3 nodes"):
        EmbeddedCluster(state).set_size(2)


def test_the_node_with_the_control_plane_is_not_stopped_alone(tmp_path: Path) -> None:
    with pytest.raises(LocalError, match="node1 carries the control plane"):
        EmbeddedCluster(State(tmp_path)).stop_node("node1")


@pytest.mark.parametrize("act", [EmbeddedCluster.stop_node, EmbeddedCluster.start_node, EmbeddedCluster.drain_node])
def test_a_node_that_does_not_exist_is_refused_with_the_names_of_those_that_do(
    tmp_path: Path, act: Callable[[EmbeddedCluster, str], object]
) -> None:
    cluster = EmbeddedCluster(State(tmp_path))
    cluster.set_size(2)
    with pytest.raises(LocalError, match="there is no node 'node3', but node1, node2"):
        act(cluster, "node3")


@pytest.mark.parametrize(
    ("started", "is_ready"),
    [("10:00:00.900", True), ("10:00:01.100", False), (None, True)],
    ids=["in the second of its start", "before its start", "by a start of another command"],
)
def test_a_node_is_ready_when_it_has_said_so_since_its_start(started: str | None, is_ready: bool) -> None:
    ready = {"type": "Ready", "status": "True", "lastHeartbeatTime": "2026-01-01T10:00:00Z"}
    node = {"kind": "Node", "status": {"conditions": [ready]}}
    moment = datetime.datetime.fromisoformat(f"2026-01-01T{started}+00:00") if started else None
    assert _is_ready_since(node, moment) is is_ready


def test_policies_that_were_asked_for_stay_enforced_at_the_next_start(tmp_path: Path) -> None:
    EmbeddedCluster(State(tmp_path)).enforce_policies()
    assert EmbeddedCluster(State(tmp_path)).enforces_policies


def test_a_cluster_that_runs_without_enforced_policies_is_not_said_to_enforce_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster = EmbeddedCluster(State(tmp_path))
    monkeypatch.setattr(cluster, "init_process", lambda: 1)
    with pytest.raises(LocalError, match="run make down first"):
        cluster.enforce_policies()
    assert not cluster.enforces_policies
