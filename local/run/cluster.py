"""The life of one embedded cluster, seen from the host: start it, inspect it, end it.

Its nodes are all alike, see ``Machine``. What runs is asked of control groups, never of a remembered process id, so a
crash leaves nothing that ``down`` would not find.
"""

import datetime
import hashlib
import json
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from local.build.images import Image
from local.errors import LocalError
from local.run import blueprint
from local.run.addons import Addons
from local.run.api import Api, Object, is_ready, path_of
from local.run.blueprint import Node
from local.run.cgroups import ControlGroup
from local.run.machine import Machine
from local.run.pki import write_kubeconfig
from local.state import CONTEXT, State

READY_SECONDS = 180.0
# The kinds among the addons that pods run for.
_RUN = ("Deployment", "ClusterServiceVersion", "CatalogSource")
POLL_SECONDS = 0.1


@dataclass(frozen=True)
class Remains:
    """What ``down`` found and ended."""

    processes: int
    folder: Path


class EmbeddedCluster:
    """One embedded cluster in one state folder.

    Every method converges from whatever an earlier run left, killed at whatever point. Callers hold the state's lock.
    """

    def __init__(self, state: State) -> None:
        self._state = state
        self._machines: dict[int, Machine] = {}

    @property
    def machines(self) -> list[Machine]:
        """The nodes, running or not, the one with the control plane first."""
        for number in range(1, int(self._state.record().get("nodes", 1)) + 1):
            self._machines.setdefault(number, Machine(self._state, Node(number)))
        return list(self._machines.values())

    def machine(self, name: str) -> Machine:
        """Return the node of that name; raises ``LocalError``."""
        found = next((machine for machine in self.machines if machine.node.name == name), None)
        if found is None:
            known = ", ".join(machine.node.name for machine in self.machines)
            raise LocalError(f"there is no node {name!r}, but {known}")
        return found

    def set_size(self, nodes: int | None) -> None:
        """Say how many nodes the cluster has from its next start; None is as many as it has, or one.

        Raises ``LocalError`` if these are fewer: Kubernetes knows the others.
        """
        if nodes is None or nodes == len(self.machines):
            return
        if nodes < len(self.machines) and self._state.pki.exists():
            raise LocalError(f"the cluster has {len(self.machines)} nodes, and only gets more: run make down first")
        self._state.write_record(nodes=nodes)
        self._machines.clear()

    @property
    def enforces_policies(self) -> bool:
        """Whether NetworkPolicies are enforced, at the latest from the next start."""
        return bool(self._state.record().get(blueprint.POLICIES))

    def enforce_policies(self) -> None:
        """Have NetworkPolicies enforced on every node from its start; raises ``LocalError`` if one runs without."""
        if self.enforces_policies:
            return
        if self.init_process() is not None:
            raise LocalError("the cluster runs without NetworkPolicies that are enforced: run make down first")
        self._state.write_record(**{blueprint.POLICIES: True})

    @property
    def olm(self) -> str:
        """How the Operator Lifecycle Manager (OLM) is installed, one of ``catalogs.SHAPES``; empty if it is not."""
        return str(self._state.record().get("olm", ""))

    def use_olm(self, shape: str) -> None:
        """Have OLM installed in place of the operators; raises ``LocalError`` if there are some already."""
        if shape == self.olm:
            return
        if self._state.pki.exists():
            raise LocalError(f"the cluster has its operators without --with {shape}: run make down first")
        self._state.write_record(olm=shape)

    def init_process(self) -> int | None:
        """Return the host's id of the first process of the node with the control plane; None when it does not run."""
        return self.machines[0].init_process()

    def start(self, programs: Mapping[str, Path], cni_plugins: Path, ports: Mapping[str, int]) -> None:
        """Start every node that does not run; ``ports`` are those that a person asked for, by forward."""
        if self.init_process() is None:
            self._begin(programs, cni_plugins, ports)
        elif ports.items() - self._state.record().get("ports", {}).items():
            raise LocalError("the cluster runs, and its ports are chosen when it starts: run make down first")
        for machine in self.machines[1:]:
            self._join(machine)

    def start_node(self, name: str) -> None:
        """Start one node, unless it runs, wait until it is ready, and let pods be placed on it."""
        machine = self.machine(name)
        self._demand_control_plane()
        if not machine.has_images():
            raise LocalError(f"{name} was never started: run up first")
        self._join(machine)
        self.wait_for_nodes()
        self.kubectl("uncordon", name)

    def stop_node(self, name: str) -> None:
        """End one node at once, as if its power failed; raises ``LocalError`` for the one with the control plane."""
        machine = self.machine(name)
        if machine.node.has_control_plane:
            raise LocalError(f"{name} carries the control plane: `down` ends it, with the whole cluster")
        machine.stop()

    def drain_node(self, name: str) -> str:
        """Let no more pods be placed on a node, evict those that are there, and return what kubectl says."""
        self.machine(name)
        self._demand_control_plane()
        options = ("--ignore-daemonsets", "--delete-emptydir-data", f"--timeout={READY_SECONDS:.0f}s")
        return self.kubectl("drain", name, *options)

    def _begin(self, programs: Mapping[str, Path], cni_plugins: Path, ports: Mapping[str, int]) -> None:
        """Start the node with the control plane, after ending what else is there of the cluster."""
        ControlGroup(self._state.identity()).end()  # half a cluster of a run that was killed
        if not self._state.pki.exists():
            shutil.rmtree(self._state.pki.with_name("pki-unfinished"), ignore_errors=True)
            blueprint.write_pki(self._state)
        self._link_programs(programs)
        sockets = self._listen(ports)
        try:
            chosen = {name: opened.getsockname()[1] for name, opened in sockets.items()}
            # Before the node runs, so that no node ever runs of which these are not known.
            self._state.write_record(ports=chosen, cni_plugins=str(cni_plugins))
            self._write_kubeconfig(chosen["kubernetes"])
            self.machines[0].start(cni_plugins, {name: opened.fileno() for name, opened in sockets.items()})
        finally:
            for opened in sockets.values():
                opened.close()

    def _write_kubeconfig(self, port: int) -> None:
        write_kubeconfig(
            self._state.kubeconfig,
            CONTEXT,
            f"https://127.0.0.1:{port}",
            self._state.pki / "ca.crt",
            (self._state.pki / "admin.crt", self._state.pki / "admin.key"),
        )

    def _join(self, machine: Machine) -> None:
        """Start a node beside others, unless it runs, and connect it with each of them that runs."""
        if machine.init_process() is None:
            machine.start(Path(self._state.record()["cni_plugins"]), {})
        for other in self.machines:
            if other is not machine and other.init_process() is not None:
                other.connect(machine)

    def _demand_control_plane(self) -> None:
        if self.init_process() is None:
            raise LocalError("the cluster does not run: make up")

    def bring_in_images(self, store: Path, images: Sequence[Image]) -> None:
        """Make ``images`` available to every node, running or not; ``store`` is the image store that holds them."""
        for machine in self.machines:
            machine.bring_in_images(store, images)

    def wait_for_api(self) -> None:
        """Wait until the API server is ready; raises ``LocalError`` with the log to read."""
        with Api.of(self._state) as api:
            self._wait("the API server", "kube-apiserver", api.is_ready)

    def install(self, addons: Addons) -> None:
        """Apply the ``addons``, unless the cluster has every one of them exactly as it was last applied."""
        objects = addons.objects()
        digest = hashlib.sha256(json.dumps(objects).encode()).hexdigest()
        with Api.of(self._state) as api:
            installed = {"digest": digest, "versions": api.versions(objects)}
            if self._state.record().get("installed") == installed:
                return
            # The server reports that it is ready shortly before it has created its own namespaces.
            self._wait(
                "the namespace kube-system", "kube-apiserver", partial(api.has, "/api/v1/namespaces/kube-system")
            )
            api.apply([*addons.cluster, *addons.definitions])
            self._wait_for(api, addons.definitions)
            api.apply(_of_kind("Namespace", addons.operators))
            api.apply(addons.operators)
            installed["versions"] = api.versions(objects)
        self._state.write_record(installed=installed)

    def wait_until_ready(self, addons: Addons) -> None:
        """Wait until the nodes are ready, and what runs among the ``addons``."""
        self.wait_for_nodes()
        with Api.of(self._state) as api:
            for kind in _RUN:
                self._wait_for(api, _of_kind(kind, addons.objects()))

    def wait_for_nodes(self) -> None:
        """Wait until every node that runs is ready, and says so since it was started."""

        def ready(machine: Machine) -> bool:
            return _is_ready_since(api.read(f"/api/v1/nodes/{machine.node.name}"), machine.started_at)

        with Api.of(self._state) as api:
            for machine in self.machines:
                if machine.init_process() is not None:
                    log = machine.node.log(self._state, "kubelet")
                    self._wait(f"Node {machine.node.name}", log.stem, partial(ready, machine))

    def kubectl(self, *arguments: str) -> str:
        """Run kubectl as the administrator and return what it prints; raises ``LocalError`` when it fails."""
        command = [str(self._state.bin / "kubectl"), "--kubeconfig", str(self._state.kubeconfig)]
        done = subprocess.run([*command, *arguments], check=False, capture_output=True, text=True)
        if done.returncode != 0:
            reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
            raise LocalError(f"kubectl {' '.join(arguments[:4])} failed ({reason}): see {self._state.logs}")
        return done.stdout

    def memory_bytes(self) -> int:
        """Return what every process of the cluster uses, without the page cache."""
        return ControlGroup(self._state.identity()).memory_bytes()

    def down(self) -> Remains:
        """End every process and remove everything but the logs; also safe when nothing, or only half, is there."""
        identity = self._state.record().get("identity")
        processes = 0
        if identity is not None:
            try:
                processes = ControlGroup(identity).end()
            except TimeoutError as error:
                raise LocalError(
                    f"the cluster does not end: {error}; look at it with ps, then run down again"
                ) from error
        # The record goes last, so that another `down` finds what an interrupted one left.
        for path in (self._state.cluster, self._state.bin, self._state.pulumi_home):
            shutil.rmtree(path, ignore_errors=True)
        for file in (self._state.kubeconfig, self._state.root / "cluster.json"):
            file.unlink(missing_ok=True)
        return Remains(processes, self._state.root)

    def _link_programs(self, programs: Mapping[str, Path]) -> None:
        """Link all programs into one folder for PATH, where containerd finds runc, and a person kubectl and pulumi."""
        self._state.bin.mkdir(parents=True, exist_ok=True)
        for name, place in programs.items():
            link = self._state.bin / name
            link.unlink(missing_ok=True)
            if name.startswith("pulumi"):
                _same_file(place, link)
            else:
                link.symlink_to(place)

    def _listen(self, asked: Mapping[str, int]) -> dict[str, socket.socket]:
        """Open the listening sockets: each on the port asked for, else the last or usual one, else any free one."""
        known = self._state.record().get("ports", {})
        sockets: dict[str, socket.socket] = {}
        for forward in blueprint.FORWARDS:
            opened = socket.socket()
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            wanted = asked.get(forward.name) or known.get(forward.name) or forward.preferred_port
            try:
                opened.bind(("127.0.0.1", wanted))
            except OSError as error:
                if forward.name in asked:
                    raise LocalError(
                        f"port {wanted} of 127.0.0.1, asked for {forward.name}, is in use: "
                        f"choose another with --port {forward.name}=PORT"
                    ) from error
                opened.bind(("127.0.0.1", 0))
            opened.listen(128)
            sockets[forward.name] = opened
        return sockets

    def _wait_for(self, api: Api, objects: Sequence[Object]) -> None:
        def ready(path: str) -> bool:
            return is_ready(api.read(path))

        for entry in objects:
            self._wait(f"{entry['kind']} {entry['metadata']['name']}", "kubelet", partial(ready, path_of(entry)))

    def _wait(self, what: str, log: str, ready: Callable[[], bool]) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while not ready():
            if self.init_process() is None:
                name = blueprint.FIRST.name
                raise LocalError(f"{name} ended while waiting for {what}: see {self._state.logs}/{name}.log")
            if time.monotonic() > deadline:
                raise LocalError(f"{what} is not ready after {READY_SECONDS:.0f} s: see {self._state.logs}/{log}.log")
            time.sleep(POLL_SECONDS)


def _same_file(place: Path, link: Path) -> None:
    """Let ``link`` be ``place`` itself: Pulumi looks beside its own file, links resolved, for its language host."""
    try:
        link.hardlink_to(place)
    except OSError:  # the cache is on another file system
        shutil.copy2(place, link)


def _is_ready_since(node: Object | None, moment: datetime.datetime | None) -> bool:
    """Return whether a Node is ready; what it said before ``moment``, if that is one, does not count."""
    if node is None or not is_ready(node):
        return False
    ready = next(found for found in node["status"]["conditions"] if found["type"] == "Ready")
    # Kubernetes' times are whole seconds.
    said = datetime.datetime.fromisoformat(ready["lastHeartbeatTime"])
    return moment is None or said >= moment.replace(microsecond=0)


def _of_kind(kind: str, objects: Sequence[Object]) -> list[Object]:
    return [entry for entry in objects if entry["kind"] == kind]
