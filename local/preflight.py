"""Checks of the machine, made before anything is changed; every refusal says what to do."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from local.errors import LocalError
from local.state import State

GIB = 2**30
MEMORY_GIB = 5  # the cluster with the stack uses under 4; builds link with up to 4
DISK_GIB = 20  # Go's build cache, the tools, the images and the node's copy of them
COVERED = ("/run", "/var/lib", "/var/log")  # the cluster sees its own in their place


def check(state: State) -> None:
    """Raise ``LocalError`` for the first thing that is missing."""
    if not sys.platform.startswith("linux"):
        raise LocalError(
            f"the embedded cluster needs Linux, and this is {sys.platform}: use a cluster of your own (README)"
        )
    if os.geteuid() != 0:
        raise LocalError("the embedded cluster needs root for its namespaces: run the command with sudo")
    for folder in COVERED:
        if state.root.is_relative_to(folder):
            raise LocalError(
                f"{state.root} lies below {folder}, which the cluster covers: "
                "set MESH_TRACING_STATE to a folder elsewhere"
            )
    _check_size("memory", available_memory(), MEMORY_GIB, "free some, or use a larger machine")
    state.root.mkdir(parents=True, exist_ok=True)
    _check_size(
        "disk",
        shutil.disk_usage(state.root).free,
        DISK_GIB,
        f"free some on the file system of {state.root}",
    )


def check_kernel(state: State) -> None:
    """Raise ``LocalError`` for a kernel feature that pods need; run it once the host's commands are installed."""
    scratch = state.root / "overlay-probe"
    probes = {
        "overlay file systems (module overlay; not on an overlay itself)": (
            f"mkdir -p {scratch}/lower {scratch}/upper {scratch}/work {scratch}/merged && "
            f"cd {scratch} && mount -t overlay -o lowerdir=lower,upperdir=upper,workdir=work none merged"
        ),
        "veth pairs (module veth)": "ip link add probe0 type veth peer name probe1",
        "NAT by iptables (modules nf_nat, xt_comment)": (
            "iptables -t nat -A OUTPUT -m comment --comment probe -j RETURN"
        ),
        "PID namespaces": "test -d /proc/self/ns",
    }
    try:
        for feature, probe in probes.items():
            done = subprocess.run(
                ["unshare", "--net", "--mount", "--pid", "--fork", "sh", "-c", probe],
                check=False,
                capture_output=True,
                text=True,
            )
            if done.returncode != 0:
                reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
                raise LocalError(
                    f"this kernel or container does not offer {feature} ({reason}): "
                    "load the module, or use another machine"
                )
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def queue_refusal() -> str | None:
    """Return why this kernel lets no program decide over packets, as enforcing NetworkPolicies takes; None if it does.

    The target NFQUEUE of iptables brings the queue itself with it (in the kernel's Kconfig, one selects the other).
    """
    probe = (
        "iptables -t mangle -A POSTROUTING -m conntrack --ctstate NEW -m addrtype --src-type LOCAL "
        "-j NFQUEUE --queue-num 100"
    )
    done = subprocess.run(["unshare", "--net", "sh", "-c", probe], check=False, capture_output=True, text=True)
    if done.returncode == 0:
        return None
    reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
    return f"this kernel lacks iptables' target NFQUEUE or a match beside it ({reason})"


def available_memory() -> int:
    """Return how many bytes the kernel would give to new programs without swapping; 0 where it does not say."""
    for line in Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    return 0


def _check_size(what: str, found: int, wanted_gib: int, remedy: str) -> None:
    if found < wanted_gib * GIB:
        raise LocalError(f"{found / GIB:.1f} GiB of {what} are free and {wanted_gib} are needed: {remedy}")
