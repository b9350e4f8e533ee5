"""The life of one embedded cluster, seen from the host: start it, inspect it, end it.

What runs is asked of the cluster's control group, never of a remembered process id, so a crash leaves nothing that
``down`` would not find.
"""

import contextlib
import hashlib
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from local.build import image_store
from local.build.images import Image
from local.errors import LocalError
from local.run import blueprint
from local.run.addons import Addons
from local.run.api import Api, Object, is_ready, path_of
from local.run.cgroups import ControlGroup
from local.run.pki import write_kubeconfig
from local.state import CHECKOUT, CONTEXT, State

READY_SECONDS = 180.0
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

    def init_process(self) -> int | None:
        """Return the host's id of the node's first process, or None when the cluster does not run."""
        identity = self._state.record().get("identity")
        if identity is None:
            return None
        for process in ControlGroup(identity).processes():
            with contextlib.suppress(OSError):
                status = Path(f"/proc/{process}/status").read_text()
                # Ids from this namespace inwards: the node's init is 1 one level down; a container's is one deeper.
                ids = next(line.split()[1:] for line in status.splitlines() if line.startswith("NSpid:"))
                if len(ids) == 2 and ids[1] == "1":
                    return process
        return None

    def start(self, programs: Mapping[str, Path], cni_plugins: Path, ports: Mapping[str, int]) -> None:
        """Start the node, unless it runs; ``ports`` are those that a person asked for, by forward."""
        if self.init_process() is not None:
            if ports.items() - self._state.record().get("ports", {}).items():
                raise LocalError("the cluster runs, and its ports are chosen when it starts: run make down first")
            return
        group = ControlGroup(self._state.identity())
        group.end()  # half a cluster of a run that was killed
        group.create()
        if not self._state.pki.exists():
            shutil.rmtree(self._state.pki.with_name("pki-unfinished"), ignore_errors=True)
            blueprint.write_pki(self._state)
        self._link_programs(programs)
        blueprint.write_files(self._state, group.path, cni_plugins)
        sockets = self._listen(ports)
        try:
            self._spawn(group, {name: opened.fileno() for name, opened in sockets.items()})
            chosen = {name: opened.getsockname()[1] for name, opened in sockets.items()}
        finally:
            for opened in sockets.values():
                opened.close()
        self._state.write_record(ports=chosen)
        write_kubeconfig(
            self._state.kubeconfig,
            CONTEXT,
            f"https://127.0.0.1:{chosen['kubernetes']}",
            self._state.pki / "ca.crt",
            (self._state.pki / "admin.crt", self._state.pki / "admin.key"),
        )

    def bring_in_images(self, store: Path, images: Sequence[Image]) -> None:
        """Make ``images`` available to the node, running or not; ``store`` is the image store that holds them."""
        wanted = [str(image.archive) for image in images]
        present = self._state.record().get("images", [])
        if set(wanted) <= set(present):
            return
        init = self.init_process()
        if init is None:
            folder = self._state.cluster / "containerd"
            shutil.rmtree(folder, ignore_errors=True)
            image_store.give(store, folder)
        else:
            socket = Path(f"/proc/{init}/root{blueprint.CONTAINERD_SOCKET}")
            self._wait("containerd", "containerd", socket.exists)
            new = [image for image in images if str(image.archive) not in present]
            image_store.import_all(self._state.bin / "ctr", socket, new, self._state.logs / "containerd.log")
        self._state.write_record(images=wanted)

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
        """Wait until the node is ready, and the Deployments among the ``addons`` are."""
        node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": blueprint.NODE}}
        with Api.of(self._state) as api:
            self._wait_for(api, [node, *_of_kind("Deployment", addons.objects())])

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
        for file in (
            self._state.kubeconfig,
            self._state.root / "starts.json",
            self._state.root / "cluster.json",
        ):
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

    def _spawn(self, group: ControlGroup, sockets: Mapping[str, int]) -> None:
        file = self._state.cluster / "node.json"
        blueprint.spec(self._state, sockets).write(file)
        environment = {
            "PATH": f"{self._state.bin}:{os.environ['PATH']}",
            "PYTHONPATH": str(CHECKOUT),
            "HOME": "/root",
        }
        with (self._state.logs / "node.log").open("ab") as log:
            node = subprocess.Popen(
                [
                    "unshare", "--net", "--mount", "--uts", "--pid", "--fork", "--mount-proc",
                    sys.executable, "-m", "local.run.node", str(file),
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=environment,
                cwd="/",
                pass_fds=tuple(sockets.values()),
                start_new_session=True,
                # The process joins the group before it does anything else, so that it can always be found and ended. No
                # thread of this process runs at this point.
                preexec_fn=group.join,  # noqa: PLW1509
            )  # fmt: skip
        while self.init_process() is None:
            if node.poll() is not None:
                raise LocalError(f"the node's namespaces cannot be made: see {self._state.logs}/node.log")
            time.sleep(0.05)

    def _wait_for(self, api: Api, objects: Sequence[Object]) -> None:
        def ready(path: str) -> bool:
            return is_ready(api.read(path))

        for entry in objects:
            self._wait(f"{entry['kind']} {entry['metadata']['name']}", "kubelet", partial(ready, path_of(entry)))

    def _wait(self, what: str, log: str, ready: Callable[[], bool]) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while not ready():
            if self.init_process() is None:
                raise LocalError(f"the node ended while waiting for {what}: see {self._state.logs}/node.log")
            if time.monotonic() > deadline:
                raise LocalError(f"{what} is not ready after {READY_SECONDS:.0f} s: see {self._state.logs}/{log}.log")
            time.sleep(POLL_SECONDS)


def _same_file(place: Path, link: Path) -> None:
    """Let ``link`` be ``place`` itself: Pulumi looks beside its own file, links resolved, for its language host."""
    try:
        link.hardlink_to(place)
    except OSError:  # the cache is on another file system
        shutil.copy2(place, link)


def _of_kind(kind: str, objects: Sequence[Object]) -> list[Object]:
    return [entry for entry in objects if entry["kind"] == kind]
