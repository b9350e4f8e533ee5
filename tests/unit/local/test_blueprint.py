"""The node on paper: what its process reads is what was written, and its parts agree with each other."""

import json
import tomllib
from pathlib import Path

import pytest

from local.build.images import RECIPES
from local.run import blueprint
from local.run.node import Spec
from local.state import State

SOCKETS = {forward.name: number for number, forward in enumerate(blueprint.FORWARDS, start=10)}


@pytest.fixture
def state(tmp_path: Path) -> State:
    """A state folder of its own."""
    return State(tmp_path)


def test_the_nodes_process_reads_what_was_written(state: State, tmp_path: Path) -> None:
    spec = blueprint.spec(state, SOCKETS)
    spec.write(tmp_path / "node.json")
    read = Spec.read(tmp_path / "node.json")
    assert [(program.name, list(program.command), list(program.descriptors)) for program in read.programs] == [
        (program.name, list(program.command), list(program.descriptors)) for program in spec.programs
    ]
    assert read.binds == spec.binds


def test_the_pause_image_is_one_that_is_built() -> None:
    built = {entry["name"] for entry in tomllib.loads(RECIPES.read_text())["image"]}
    assert blueprint.PAUSE_IMAGE in built


def test_no_two_forwards_want_the_same_port() -> None:
    ports = [forward.preferred_port for forward in blueprint.FORWARDS]
    assert len(set(ports)) == len(ports)


def test_only_the_forwarder_inherits_the_hosts_sockets(state: State) -> None:
    holders = {program.name for program in blueprint.spec(state, SOCKETS).programs if program.descriptors}
    assert holders == {"forward"}


def test_every_component_kubeconfig_that_a_flag_names_is_written(state: State) -> None:
    blueprint.write_pki(state)
    flags = [flag for program in blueprint.spec(state, SOCKETS).programs for flag in program.command]
    named = {Path(flag.partition("=")[2]) for flag in flags if flag.endswith((".conf", ".crt", ".key", ".pub"))}
    assert named
    assert [str(path) for path in sorted(named) if not path.exists()] == []


def test_keys_and_kubeconfigs_are_for_the_owner_alone(state: State) -> None:
    blueprint.write_pki(state)
    modes = {path.name: path.stat().st_mode & 0o077 for path in state.pki.iterdir()}
    assert {name for name, mode in modes.items() if mode} == set()


def test_the_kubelet_places_pods_below_the_clusters_own_control_group(state: State, tmp_path: Path) -> None:
    blueprint.write_files(state, "/mesh-tracing-1", tmp_path / "plugins")
    kubelet = json.loads((state.cluster / "etc" / "kubelet.yaml").read_text())
    assert kubelet["cgroupRoot"] == "/mesh-tracing-1"


def test_no_image_is_ever_collected(state: State, tmp_path: Path) -> None:
    blueprint.write_files(state, "/mesh-tracing-1", tmp_path / "plugins")
    kubelet = json.loads((state.cluster / "etc" / "kubelet.yaml").read_text())
    assert kubelet["imageGCHighThresholdPercent"] == 100
