"""The control groups that hold every process of a cluster and of each node, on cgroup v1 (also hybrid) and on v2.

Because nothing of a cluster or node is outside its group, the group answers exactly what runs, what it uses and what is
left to end, also after a crash, with no process id to be remembered.
"""

import contextlib
import os
import signal
import time
from pathlib import Path

# The node's own processes are in a leaf: v2 allows no processes in a group whose children have controllers.
LEAF = "node"
END_SECONDS = 30.0


def hierarchies(mounts: str) -> list[Path]:
    """Return where the cgroup hierarchies are mounted, from the text of ``/proc/self/mounts``."""
    found = [line.split() for line in mounts.splitlines() if line]
    paths = [Path(fields[1]) for fields in found if fields[2] in {"cgroup", "cgroup2"}]
    return [path for path in paths if path.is_dir()]


class ControlGroup:
    """The group ``name`` in every mounted hierarchy; ``cluster/node`` is a group in the group of the cluster."""

    def __init__(self, name: str) -> None:
        self.path = f"/{name}"
        self._depth = len(Path(name).parts)
        self._roots = [root / name for root in hierarchies(Path("/proc/self/mounts").read_text())]

    def create(self) -> None:
        """Create the group, what it lies in, and its leaf; on v2, enable every available controller for them."""
        for root in self._roots:
            groups = [*reversed(root.parents[: self._depth - 1]), root]
            for folder in (*groups, root / LEAF):
                folder.mkdir(exist_ok=True)
                self._inherit_cpuset(folder)
            for group in groups:
                self._enable_controllers(group)

    def join(self) -> None:
        """Move the calling process into the leaf."""
        for root in self._roots:
            (root / LEAF / "cgroup.procs").write_text(str(os.getpid()))

    def processes(self) -> set[int]:
        """Return the id of every process in the group or below it."""
        found: set[int] = set()
        for root in self._roots:
            # Unlike Path.rglob, this passes over a group that goes away meanwhile, as one of a container does.
            for folder, _, _ in os.walk(root):
                with contextlib.suppress(OSError):
                    found.update(int(line) for line in Path(folder, "cgroup.procs").read_text().split())
        return found

    def memory_bytes(self) -> int:
        """Return the memory in use, without the page cache; 0 where no memory controller is mounted."""
        for root in self._roots:
            with contextlib.suppress(OSError):
                stat = dict(line.split() for line in (root / "memory.stat").read_text().splitlines())
                if "total_rss" in stat:  # v1
                    return int(stat["total_rss"]) + int(stat.get("total_shmem", 0))
                if "anon" in stat:  # v2
                    return int(stat["anon"]) + int(stat.get("shmem", 0)) + int(stat.get("kernel", 0))
        return 0

    def end(self) -> int:
        """Kill every process in the group and remove the group; return the number of processes.

        Raises ``TimeoutError`` when something survives, which only an uninterruptible wait in the kernel can cause.
        """
        ended: set[int] = set()
        deadline = time.monotonic() + END_SECONDS
        while alive := self.processes():
            ended |= alive
            for process in sorted(alive):  # the node's first process comes first, and takes the rest with it
                with contextlib.suppress(ProcessLookupError):
                    os.kill(process, signal.SIGKILL)
            if time.monotonic() > deadline:
                raise TimeoutError(f"processes {sorted(alive)} do not end")
            time.sleep(0.05)
        for root in self._roots:
            self._remove(root, deadline)
        return len(ended)

    @staticmethod
    def _remove(root: Path, deadline: float) -> None:
        """Remove a tree of groups, leaves first; the kernel allows that shortly after the last process has ended."""
        while root.is_dir():
            for folder, _, _ in os.walk(root, topdown=False):
                with contextlib.suppress(OSError):
                    Path(folder).rmdir()
            if time.monotonic() > deadline:
                raise TimeoutError(f"the control group {root} cannot be removed")
            time.sleep(0.02)

    @staticmethod
    def _enable_controllers(group: Path) -> None:
        controllers = group / "cgroup.controllers"
        if controllers.exists():
            wanted = " ".join(f"+{name}" for name in controllers.read_text().split())
            for parent in (group.parent, group):
                with contextlib.suppress(OSError):
                    (parent / "cgroup.subtree_control").write_text(wanted)

    @staticmethod
    def _inherit_cpuset(folder: Path) -> None:
        """Fill a v1 cpuset from its parent: it starts empty, and an empty one accepts no process."""
        for name in ("cpuset.cpus", "cpuset.mems"):
            file = folder / name
            if file.exists() and not file.read_text().strip():
                file.write_text((folder.parent / name).read_text())
