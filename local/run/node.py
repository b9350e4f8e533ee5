"""The first process inside the cluster's namespaces: prepares mounts and network, then keeps the node running.

``cluster.py`` starts ``python -m local.run.node SPEC`` in new network, mount, PID and UTS namespaces; SPEC is a JSON
file, see ``Spec``. It is the init of its PID namespace: it reaps orphans (containerd's shims become its children) and
starts a program again when it ends. When it is killed, the kernel ends everything inside.
"""

import ctypes
import json
import os
import socket
import ssl
import subprocess
import sys
import time
import urllib.request
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

RESTART_SECONDS = 1.0
READY_SECONDS = 120.0
RUN = Path("/run")


@dataclass(frozen=True)
class Program:
    """One program of the node. It starts when the health address ``after`` answers 200 (none: at once)."""

    name: str
    command: Sequence[str]
    log: str
    after: str = ""
    descriptors: Sequence[int] = ()


@dataclass(frozen=True)
class Spec:
    """What the node is: the folders to bind in, its addresses, and its programs in starting order.

    ``binds`` maps a place inside the namespaces to the folder of the host that it shows. ``authority`` is the file of
    the cluster's certificate authority, ``status`` the one in which the number of starts of each program is kept.
    """

    node_name: str
    node_address: str
    service_cidr: str
    dns_address: str
    binds: dict[str, str]
    programs: Sequence[Program]
    authority: str
    status: str

    def write(self, path: Path) -> None:
        """Store the spec for the node's process."""
        path.write_text(json.dumps(asdict(self), indent=1))

    @classmethod
    def read(cls, path: Path) -> "Spec":
        """Load what ``write`` stored."""
        fields = json.loads(path.read_text())
        fields["programs"] = [Program(**program) for program in fields["programs"]]
        return cls(**fields)


def _run(*command: str) -> None:
    subprocess.run(command, check=True)


def mount_private_folders(spec: Spec) -> None:
    """Give the cluster its own /run, /var/lib and /var/log, so that those of the host stay unchanged."""
    # Opened first, because the source of a bind mount may lie below one of the folders that are covered next.
    sources = {place: os.open(source, os.O_PATH) for place, source in spec.binds.items()}
    resolver = Path("/etc/resolv.conf").resolve()
    for folder in ("/run", "/var/lib", "/var/log"):
        _run("mount", "-t", "tmpfs", "-o", "mode=755", "mesh-tracing", folder)
    for place, source in sources.items():
        Path(place).mkdir(parents=True, exist_ok=True)
        # mount(8) would resolve the link to a path that is covered now; the system call follows the open folder.
        _bind(f"/proc/self/fd/{source}", place)
        os.close(source)
    own = RUN / "resolv.conf"
    own.write_text(f"nameserver {spec.dns_address}\noptions ndots:1\n")
    if resolver.exists():
        _bind(str(own), str(resolver))
    else:  # a link into the /run that was covered
        resolver.parent.mkdir(parents=True, exist_ok=True)
        resolver.write_text(own.read_text())
    # The kubelet and runc propagate mounts between themselves and the pods.
    _run("mount", "--make-rshared", "/")


def _bind(source: str, target: str) -> None:
    bind_recursive = 4096 | 16384  # MS_BIND | MS_REC
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mount(source.encode(), target.encode(), None, bind_recursive, None) != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code), target)


def set_up_network(spec: Spec) -> None:
    """Address the node on its loopback device; nothing leads out of the namespace."""
    _run("ip", "link", "set", "lo", "up")
    _run("ip", "address", "add", f"{spec.node_address}/32", "dev", "lo")
    # Service addresses exist only as NAT rules; without a route the kernel rejects them before it applies the rules.
    _run("ip", "route", "add", spec.service_cidr, "dev", "lo", "src", spec.node_address)
    Path("/proc/sys/net/ipv4/ip_forward").write_text("1")
    socket.sethostname(spec.node_name)


class Supervisor:
    """Starts the programs in order and starts each again when it ends."""

    def __init__(self, spec: Spec) -> None:
        self._spec = spec
        # The Popen objects are kept: when one is garbage-collected, it may reap its child before `supervise` does.
        self._running: dict[int, tuple[Program, subprocess.Popen[bytes]]] = {}
        self._starts: dict[str, int] = {}

    def start_all(self) -> None:
        """Start every program as soon as what it needs answers."""
        for program in self._spec.programs:
            if program.after:
                self._wait_for(program.after)
            self._start(program)

    def supervise(self) -> None:
        """Reap and restart for ever."""
        while True:
            try:
                process, status = os.waitpid(-1, 0)
            except ChildProcessError:
                time.sleep(RESTART_SECONDS)
                continue
            self._ended(process, status)

    def _start(self, program: Program) -> None:
        with Path(program.log).open("ab") as log:
            child = subprocess.Popen(
                program.command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=program.descriptors,
            )
        self._running[child.pid] = program, child
        self._starts[program.name] = self._starts.get(program.name, 0) + 1
        Path(self._spec.status).write_text(json.dumps(self._starts))

    def _ended(self, process: int, status: int) -> None:
        if process not in self._running:  # an orphan of a pod
            return
        program, _ = self._running.pop(process)
        print(f"{program.name} ended with {os.waitstatus_to_exitcode(status)}", flush=True)
        time.sleep(RESTART_SECONDS)
        self._start(program)

    def _wait_for(self, address: str) -> None:
        trusted = ssl.create_default_context(cafile=self._spec.authority)
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline:
            try:
                urllib.request.urlopen(address, timeout=5, context=trusted).close()  # noqa: S310  ours
            except OSError:
                self._reap_without_waiting()
                time.sleep(0.1)
            else:
                return
        print(f"{address} does not answer after {READY_SECONDS:.0f} s", flush=True)

    def _reap_without_waiting(self) -> None:
        while self._running:
            process, status = os.waitpid(-1, os.WNOHANG)
            if process == 0:
                return
            self._ended(process, status)


def main(path: str) -> None:
    """Run the node until it is killed: the init of a PID namespace gets no other signal from outside."""
    spec = Spec.read(Path(path))
    mount_private_folders(spec)
    set_up_network(spec)
    supervisor = Supervisor(spec)
    supervisor.start_all()
    supervisor.supervise()


if __name__ == "__main__":
    main(sys.argv[1])
