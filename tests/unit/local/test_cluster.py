"""The cluster listens on ports of 127.0.0.1 that nobody else has."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.build.images import Image
from local.errors import LocalError
from local.run.blueprint import FORWARDS
from local.run.cluster import EmbeddedCluster
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
    (state.cluster / "containerd" / "of the node").touch()
    EmbeddedCluster(state).bring_in_images(store, images)

    assert {path.name for path in (state.cluster / "containerd").iterdir()} == {"layer", "of the node"}


def test_images_that_changed_take_the_place_of_those_of_a_node_that_does_not_run(tmp_path: Path) -> None:
    state = State(tmp_path / "state")
    for number in ("1", "2"):
        store = tmp_path / number
        store.mkdir()
        (store / f"layer {number}").touch()
        EmbeddedCluster(state).bring_in_images(store, [Image("one", Path(f"{number}.tar"), None)])

    assert {path.name for path in (state.cluster / "containerd").iterdir()} == {"layer 2"}
