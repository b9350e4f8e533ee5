"""The nodes on paper: what a node's process reads is what was written, and its parts agree with each other."""

import ipaddress
import json
import tomllib
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
import yaml
from cryptography import x509

from local.build.images import RECIPES
from local.run import blueprint
from local.run.blueprint import Node
from local.run.node import Spec
from local.state import CHECKOUT, State

SOCKETS = {forward.name: number for number, forward in enumerate(blueprint.FORWARDS, start=10)}
NODES = [Node(number) for number in range(1, blueprint.MAX_NODES + 1)]
ONE_OF_EACH = pytest.mark.parametrize("node", NODES[:2], ids=["the first node", "another node"])


@pytest.fixture
def state(tmp_path: Path) -> State:
    """A state folder of its own."""
    return State(tmp_path)


@ONE_OF_EACH
def test_the_nodes_process_reads_what_was_written(state: State, tmp_path: Path, node: Node) -> None:
    spec = blueprint.spec(state, node, SOCKETS)
    spec.write(tmp_path / "node.json")
    read = Spec.read(tmp_path / "node.json")
    assert [(program.name, list(program.command), list(program.descriptors)) for program in read.programs] == [
        (program.name, list(program.command), list(program.descriptors)) for program in spec.programs
    ]
    assert read.binds == spec.binds


def test_no_two_nodes_share_an_address_a_name_or_a_zone() -> None:
    for kind in ("name", "address", "zone"):
        assert len({getattr(node, kind) for node in NODES}) == len(NODES)


def test_the_pods_of_each_node_have_a_range_of_their_own_within_that_of_all_pods() -> None:
    ranges = [ipaddress.ip_network(node.pod_cidr) for node in NODES]
    assert [(one, other) for one, other in combinations(ranges, 2) if one.overlaps(other)] == []
    assert all(one.subnet_of(ipaddress.ip_network(blueprint.POD_CIDR)) for one in ranges)


def test_no_two_nodes_write_to_the_same_file_but_to_volumes(state: State) -> None:
    specs = [blueprint.spec(state, node, SOCKETS) for node in NODES[:2]]
    written = [
        {*spec.binds.values(), *(program.log for program in spec.programs), spec.status}
        - {str(state.cluster / "volumes")}
        for spec in specs
    ]
    assert written[0] & written[1] == set()


def test_only_the_first_node_carries_the_control_plane(state: State) -> None:
    first, other = ({program.name for program in blueprint.spec(state, node, SOCKETS).programs} for node in NODES[:2])
    assert {"etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler"} <= first
    assert other == {"containerd", "kubelet", "kube-proxy"}


@ONE_OF_EACH
def test_policies_are_enforced_before_there_are_pods_and_only_where_asked_for(state: State, node: Node) -> None:
    without, enforced = (
        [program.name for program in blueprint.spec(state, node, SOCKETS, policies=asked).programs]
        for asked in (False, True)
    )
    assert [name for name in enforced if name not in without] == ["policies"]
    assert enforced.index("policies") < enforced.index("kubelet")


def test_the_pause_image_is_one_that_is_built() -> None:
    built = {entry["name"] for entry in tomllib.loads(RECIPES.read_text())["image"]}
    assert blueprint.PAUSE_IMAGE in built


def test_no_two_forwards_want_the_same_port() -> None:
    ports = [forward.preferred_port for forward in blueprint.FORWARDS]
    assert len(set(ports)) == len(ports)


def test_only_the_forwarder_inherits_the_hosts_sockets(state: State) -> None:
    holders = {program.name for program in blueprint.spec(state, NODES[0], SOCKETS).programs if program.descriptors}
    assert holders == {"forward"}


@ONE_OF_EACH
def test_every_file_that_a_flag_names_is_written(state: State, tmp_path: Path, node: Node) -> None:
    write(state, node, tmp_path)
    flags = [flag for program in blueprint.spec(state, node, SOCKETS).programs for flag in program.command]
    endings = (".conf", ".crt", ".key", ".pub", ".yaml")
    named = {Path(flag.partition("=")[2]) for flag in flags if flag.endswith(endings)}
    assert named
    assert [str(path) for path in sorted(named) if not path.exists()] == []


@ONE_OF_EACH
def test_a_node_finds_its_pod_network_where_its_containerd_looks(state: State, tmp_path: Path, node: Node) -> None:
    write(state, node, tmp_path)
    binds = blueprint.spec(state, node, SOCKETS).binds
    places = containerd_cni(state, node)
    (configuration,) = Path(binds[places["conf_dir"]]).iterdir()
    assert node.pod_cidr in configuration.read_text()
    assert (Path(binds[places["bin_dir"]]) / "ptp").read_text() == "a program"


def test_what_a_pod_adds_to_the_plugins_of_a_node_is_not_among_those_that_were_unpacked(
    state: State, tmp_path: Path
) -> None:
    write(state, NODES[0], tmp_path)
    folder = Path(blueprint.spec(state, NODES[0], SOCKETS).binds[containerd_cni(state, NODES[0])["bin_dir"]])
    (folder / "istio-cni").write_text("added")
    assert [path.name for path in (tmp_path / "plugins").iterdir()] == ["ptp"]


def test_what_a_pod_has_added_to_its_node_is_gone_when_the_node_starts_again(state: State, tmp_path: Path) -> None:
    write(state, NODES[0], tmp_path)
    binds = blueprint.spec(state, NODES[0], SOCKETS).binds
    folders = [Path(binds[place]) for place in containerd_cni(state, NODES[0]).values()]
    for folder in folders:
        (folder / "00-added").write_text("{}")
    blueprint.write_node(state, NODES[0], "/mesh-tracing-1/node", tmp_path / "plugins")
    assert [folder for folder in folders if (folder / "00-added").exists()] == []


def test_the_local_stack_is_told_where_the_nodes_have_their_pod_network(state: State, tmp_path: Path) -> None:
    write(state, NODES[0], tmp_path)
    stack = yaml.safe_load((CHECKOUT / "Pulumi.local.yaml").read_text())["config"]
    values = stack["mesh-tracing:mesh"]["cniValues"]["cni"]
    told = {"conf_dir": values["cniConfDir"], "bin_dir": values["cniBinDir"]}
    assert told == containerd_cni(state, NODES[0])


def containerd_cni(state: State, node: Node) -> dict[str, str]:
    """What the node's containerd is told of the pod network."""
    plugins = tomllib.loads((node.folder(state) / "etc" / "containerd.toml").read_text())["plugins"]
    found: dict[str, str] = plugins["io.containerd.grpc.v1.cri"]["cni"]
    return found


def test_keys_and_kubeconfigs_are_for_the_owner_alone(state: State, tmp_path: Path) -> None:
    write(state, NODES[0], tmp_path)
    modes = {path.name: path.stat().st_mode & 0o077 for path in state.pki.iterdir()}
    assert {name for name, mode in modes.items() if mode} == set()


@ONE_OF_EACH
def test_a_kubelet_serves_with_a_certificate_of_the_clusters_authority_for_its_own_address(
    state: State, tmp_path: Path, node: Node
) -> None:
    write(state, node, tmp_path)
    certificate, authority = (
        x509.load_pem_x509_certificate((state.pki / f"{name}.crt").read_bytes())
        for name in (f"kubelet-{node.name}", "ca")
    )
    certificate.verify_directly_issued_by(authority)
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.IPAddress) == [ipaddress.ip_address(node.address)]


@ONE_OF_EACH
def test_the_kubelet_places_pods_below_the_nodes_own_control_group(state: State, tmp_path: Path, node: Node) -> None:
    assert kubelet(state, tmp_path, node)["cgroupRoot"] == "/mesh-tracing-1/node"


def test_no_image_is_ever_collected(state: State, tmp_path: Path) -> None:
    assert kubelet(state, tmp_path, NODES[0])["imageGCHighThresholdPercent"] == 100


def write(state: State, node: Node, folder: Path) -> None:
    """Write what is written before the node starts; the plugins of its pod network are in ``folder``."""
    (folder / "plugins").mkdir()
    (folder / "plugins" / "ptp").write_text("a program")
    blueprint.write_pki(state)
    blueprint.write_node(state, node, "/mesh-tracing-1/node", folder / "plugins")


def kubelet(state: State, folder: Path, node: Node) -> dict[str, Any]:
    """The configuration of the node's kubelet."""
    write(state, node, folder)
    found: dict[str, Any] = json.loads((node.folder(state) / "etc" / "kubelet.yaml").read_text())
    return found
