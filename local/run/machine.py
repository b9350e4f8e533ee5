"""One node seen from the host: its namespaces, its control group, its images, its links to other nodes."""

import contextlib
import datetime
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from local.build import image_store
from local.build.images import Image
from local.errors import LocalError
from local.run import blueprint
from local.run.blueprint import Node
from local.run.cgroups import ControlGroup
from local.state import CHECKOUT, State

# In the state's record: what was brought into the image store of each node.
_IMAGES = "images of nodes"
_SOCKET_SECONDS = 60.0


class Machine:
    """One node of the cluster in one state folder; every method converges from whatever an earlier run left.

    ``started_at`` is when this process has started it, None if it has not.
    """

    def __init__(self, state: State, node: Node) -> None:
        self._state = state
        self.node = node
        self.started_at: datetime.datetime | None = None

    def init_process(self) -> int | None:
        """Return the host's id of the node's first process, or None when the node does not run."""
        group = self._group()
        for process in group.processes() if group else ():
            with contextlib.suppress(OSError):
                status = Path(f"/proc/{process}/status").read_text()
                # Ids from this namespace inwards: the node's init is 1 one level down; a container's is one deeper.
                ids = next(line.split()[1:] for line in status.splitlines() if line.startswith("NSpid:"))
                if len(ids) == 2 and ids[1] == "1":
                    return process
        return None

    def memory_bytes(self) -> int:
        """Return what every process of the node uses, without the page cache."""
        group = self._group()
        return group.memory_bytes() if group else 0

    def start(self, cni_plugins: Path, sockets: Mapping[str, int]) -> None:
        """Start the node, which does not run; ``sockets`` are the listening ones that the first one inherits."""
        group = ControlGroup(f"{self._state.identity()}/{self.node.name}")
        group.end()  # half a node of a run that was killed, or that was ended from outside
        group.create()
        blueprint.write_node(self._state, self.node, group.path, cni_plugins)
        self.started_at = datetime.datetime.now(datetime.UTC)
        self._spawn(group, sockets)

    def stop(self) -> None:
        """End every process of the node at once, as if its power failed; what it has on disk stays."""
        group = self._group()
        if group:
            group.end()

    def has_images(self) -> bool:
        """Return whether any image was ever brought in."""
        return self.node.name in self._images()

    def bring_in_images(self, store: Path, images: Sequence[Image]) -> None:
        """Make ``images`` available to the node, running or not; ``store`` is the image store that holds them.

        Nodes share the files of the store, on disk and in memory, and each has its own database of them.
        """
        wanted = [str(image.archive) for image in images]
        present = self._images().get(self.node.name, [])
        if set(wanted) <= set(present):
            return
        init = self.init_process()
        if init is None:
            folder = self.node.folder(self._state) / "containerd"
            shutil.rmtree(folder, ignore_errors=True)
            image_store.give(store, folder)
        else:
            new = [image for image in images if str(image.archive) not in present]
            log = self.node.log(self._state, "containerd")
            image_store.import_all(self._state.bin / "ctr", self._containerd(init, log), new, log)
        self._state.write_record(**{_IMAGES: self._images() | {self.node.name: wanted}})

    def connect(self, other: "Machine") -> None:
        """Lay a link to another node, unless there is one; both run. It ends with the first of them that ends."""
        here, there = self.init_process(), other.init_process()
        if here is None or there is None:
            raise LocalError(f"{self.node.name} or {other.node.name} ended while they were connected: see {self._log}")
        ends = ((here, self.node, other.node), (there, other.node, self.node))
        # Each end is named after the node that it leads to. One alone is left of a node that has just ended.
        if not all(_has_device(process, far.name) for process, _, far in ends):
            for process, _, far in ends:
                # The kernel removes it too, some time after the other end.
                with contextlib.suppress(LocalError):
                    _ip(process, f"link delete {far.name}")
            _ip(here, f"link add {other.node.name} type veth peer name {self.node.name} netns {there}")
        for process, near, far in ends:
            _ip(
                process,
                f"address replace {near.address} peer {far.address} dev {far.name}",
                f"link set {far.name} up",
                f"route replace {far.pod_cidr} via {far.address} dev {far.name}",
            )

    @property
    def _log(self) -> Path:
        return self._state.logs / f"{self.node.name}.log"

    def _group(self) -> ControlGroup | None:
        identity = self._state.record().get("identity")
        return None if identity is None else ControlGroup(f"{identity}/{self.node.name}")

    def _images(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = self._state.record().get(_IMAGES, {})
        return found

    def _containerd(self, init: int, log: Path) -> Path:
        """Return the place of containerd's socket, as soon as there is one."""
        socket = Path(f"/proc/{init}/root{blueprint.CONTAINERD_SOCKET}")
        deadline = time.monotonic() + _SOCKET_SECONDS
        while not socket.exists():
            if time.monotonic() > deadline:
                raise LocalError(f"containerd does not start on {self.node.name}: see {log}")
            time.sleep(0.1)
        return socket

    def _spawn(self, group: ControlGroup, sockets: Mapping[str, int]) -> None:
        file = self.node.folder(self._state) / "node.json"
        policies = bool(self._state.record().get(blueprint.POLICIES))
        blueprint.spec(self._state, self.node, sockets, policies=policies).write(file)
        environment = {
            "PATH": f"{self._state.bin}:{os.environ['PATH']}",
            "PYTHONPATH": str(CHECKOUT),
            "HOME": "/root",
        }
        with self._log.open("ab") as log:
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
                raise LocalError(f"the namespaces of {self.node.name} cannot be made: see {self._log}")
            time.sleep(0.05)


def _has_device(process: int, name: str) -> bool:
    """Return whether the network namespace of ``process`` has a device of that name."""
    # Under /proc/PROCESS/net is what that process sees.
    return any(
        line.strip().startswith(f"{name}:") for line in Path(f"/proc/{process}/net/dev").read_text().splitlines()
    )


def _ip(process: int, *commands: str) -> None:
    """Run commands of ip in the network namespace of ``process``, whose ids are those of this one."""
    inside = ["nsenter", f"--net=/proc/{process}/ns/net", "ip", "-batch", "-"]
    done = subprocess.run(inside, input="\n".join(commands), check=False, capture_output=True, text=True)
    if done.returncode != 0:
        reason = (done.stderr.strip().splitlines() or ["no reason given"])[0]
        raise LocalError(f"nodes cannot be connected: ip {commands[0]} ({reason})")
