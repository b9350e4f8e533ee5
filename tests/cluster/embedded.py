"""What the tests on the embedded cluster do and look at: commands as a person types them, and the host's own tools."""

import fcntl
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import httpx
import pytest
import yaml

import settings

CHECKOUT = Path(__file__).resolve().parents[2]
# A namespace of applications that the program did not deploy.
SHOP = "shop"
CONTEXT = "mesh-tracing-local"
STACK = "local"
# Of Pulumi's commands that change this stack.
OPTIONS = ("--stack", STACK, "--yes", "--skip-preview")
KINDS = "namespaces,services,configmaps,deployments,jobs,persistentvolumeclaims,tempomonolithics"
SECRETS = {f"mesh-tracing:{key}" for key in settings.SECRETS}
Seen = TypeVar("Seen")
# Other embedded clusters on this machine; what changes in them is not caused by the tests.
OTHER_CLUSTERS = {path.name for path in Path("/sys/fs/cgroup").rglob("mesh-tracing-*")}


@dataclass(frozen=True)
class Host:
    """The commands, run in ``folder`` as a person would run them, with a state folder apart from the checkout's own."""

    state: Path
    folder: Path = CHECKOUT

    def environment(self) -> dict[str, str]:
        """Return the variables of a command on this state folder."""
        return os.environ | {"MESH_TRACING_STATE": str(self.state), "MESH_TRACING_PULL": "never"}

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keep a second suite out, whose first command would end the cluster of this one."""
        self.state.mkdir(parents=True, exist_ok=True)
        with (self.state / "suite.lock").open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                pytest.exit(f"another suite runs its cluster in {self.state}: wait until it ends, or end it", 1)
            yield

    def local(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run ``python -m local``; a failure fails the test and shows the output."""
        return self._run([sys.executable, "-m", "local", *arguments], self.environment())

    def with_exports(self, *command: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a command in the environment that ``python -m local env`` prints; if printing fails, run nothing."""
        line = f'exports="$({sys.executable} -m local env)" && eval "$exports" && exec "$@"'
        return self._run(["bash", "-c", line, "bash", *command], self.environment(), check=check)

    def kubectl(self, *arguments: str) -> str:
        """Return what kubectl prints."""
        return self.with_exports("kubectl", *arguments).stdout

    def objects(self, *arguments: str) -> list[dict[str, Any]]:
        """Return the items that ``kubectl get`` finds."""
        found: list[dict[str, Any]] = json.loads(self.kubectl("get", *arguments, "-o", "json"))["items"]
        return found

    def pods(self, *arguments: str) -> list[dict[str, Any]]:
        """Return the pods that are not being deleted."""
        return [pod for pod in self.objects("pods", *arguments) if "deletionTimestamp" not in pod["metadata"]]

    def address(self, name: str) -> str:
        """Return the address on the host of one forwarded service."""
        ports = json.loads((self.state / "cluster.json").read_text())["ports"]
        return f"http://127.0.0.1:{ports[name]}"

    @contextmanager
    def forwarded(self, namespace: str, what: str, port: int) -> Iterator[str]:
        """The address on the host of one port of a pod, or of what has pods, as ``kubectl port-forward`` opens it."""
        forward = f"kubectl port-forward -n {namespace} {what} :{port}"
        line = f'exports="$({sys.executable} -m local env)" && eval "$exports" && exec {forward}'
        command = ["bash", "-c", line]
        with subprocess.Popen(
            command, cwd=self.folder, env=self.environment(), stdout=subprocess.PIPE, text=True
        ) as running:
            try:
                assert running.stdout is not None
                found = re.search(r"127\.0\.0\.1:(\d+)", running.stdout.readline())
                assert found
                yield f"http://127.0.0.1:{found[1]}"
            finally:
                running.terminate()

    def _run(
        self, command: list[str], environment: dict[str, str], *, check: bool = True
    ) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(command, check=False, cwd=self.folder, env=environment, capture_output=True, text=True)
        assert not check or done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
        return done


@dataclass(frozen=True)
class Project:
    """A copy of the program whose settings a test may change; the checkout's own stack files stay as they are."""

    host: Host
    folder: Path
    stack: str

    @classmethod
    def copy(cls, host: Host, folder: Path, stack: str, program: Path | None = None) -> "Project":
        """Copy the program to ``folder``, which must not exist, and make its stack ``stack`` without configuration.

        ``program`` is a smaller one, and takes the place of the whole one.
        """
        shutil.copytree(CHECKOUT, folder, ignore=shutil.ignore_patterns(".*", "tests", "Pulumi.*.yaml"))
        for shared in (".venv", ".local"):
            (folder / shared).symlink_to(CHECKOUT / shared)
        if program is not None:
            shutil.copy(program, folder / "__main__.py")
        project = cls(host, folder, stack)
        project.pulumi("stack", "select", "--create", stack)
        return project

    def configure(self, config: Mapping[str, Any]) -> None:
        """Write the stack's configuration, on the context of the embedded cluster; secrets are set as such."""
        path = self.folder / f"Pulumi.{self.stack}.yaml"
        content = yaml.safe_load(path.read_text()) if path.exists() else {}
        plain = {key: value for key, value in config.items() if key not in SECRETS}
        plain["mesh-tracing:cluster"] = {"context": CONTEXT}
        path.write_text(yaml.safe_dump({**content, "config": plain}))
        for key in SECRETS & config.keys():
            self.pulumi("config", "set", "--secret", "--stack", self.stack, key, "a-secret-of-the-test")

    def pulumi(self, *arguments: str) -> str:
        """Return what Pulumi prints; a failure fails the test and shows the output."""
        done = self.attempt(*arguments)
        assert done.returncode == 0, f"pulumi {arguments}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def attempt(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run Pulumi, which may fail."""
        command = ("pulumi", "--cwd", str(self.folder), "--non-interactive", *arguments)
        return self.host.with_exports(*command, check=False)


def need_definitions_beside() -> None:
    """Skip what needs the definitions of Sail and Kiali, which no package carries, where they are not at hand."""
    folder = CHECKOUT.parent / "shared" / "crds"
    if not folder.is_dir():
        pytest.skip(f"the definitions of Sail and Kiali are not there: {folder}")


def eventually(look: Callable[[], Seen], enough: Callable[[Seen], bool], seconds: float) -> Seen:
    """Call ``look`` until ``enough`` accepts its result or the time is over; return the last result."""
    deadline = time.monotonic() + seconds
    while True:
        seen = look()
        if enough(seen) or time.monotonic() > deadline:
            return seen
        time.sleep(1)


def prometheus_query(address: str, query: str) -> list[dict[str, Any]]:
    """Return the vector that Prometheus answers."""
    answer = httpx.get(f"{address}/api/v1/query", params={"query": query}, trust_env=False, timeout=10)
    found: list[dict[str, Any]] = answer.raise_for_status().json()["data"]["result"]
    return found


def host_traces() -> dict[str, list[str]]:
    """Return everything that a cluster could leave behind on the host, read with the system's own tools."""

    def lines(*command: str) -> list[str]:
        printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        return sorted(line for line in printed.splitlines() if not line.startswith("#"))

    def deeper(process: Path) -> bool:
        try:
            status, groups = (process / "status").read_text(), (process / "cgroup").read_text()
        except OSError:
            return False
        if any(other in groups for other in OTHER_CLUSTERS):
            return False
        return any(line.startswith("NSpid:") and len(line.split()) > 2 for line in status.splitlines())

    return {
        "processes in namespaces below this one": sorted(
            process.name for process in Path("/proc").glob("[0-9]*") if deeper(process)
        ),
        "mounts": sorted(Path("/proc/self/mounts").read_text().splitlines()),
        "interfaces": lines("ip", "-oneline", "link"),
        "addresses": [line for line in lines("ip", "-oneline", "address") if "valid_lft forever" in line],
        "routes": lines("ip", "route", "show", "table", "all"),
        "network namespaces": lines("ip", "netns", "list"),
        "iptables rules": [line for line in lines("iptables-save") if line.startswith("-")],
        "tracked files": lines(
            "git", "-C", str(CHECKOUT), "status", "--porcelain", "--untracked-files=no"
        ),
        "control groups": sorted(
            str(path)
            for pattern in ("*mesh-tracing*", "*kubepods*")
            for path in Path("/sys/fs/cgroup").rglob(pattern)
        ),
        "folders outside the project": sorted(
            str(path)
            for path in map(Path, ("/var/lib/kubelet", "/var/lib/cni", "/var/lib/etcd", "/var/log/pods", "/etc/cni"))
            if path.exists()
        ),
    }  # fmt: skip


def uids(cluster: Host) -> dict[str, str]:
    """Every object of the stack by kind and name, with its UID."""
    listed = cluster.objects(KINDS, "--all-namespaces", "-l", "app.kubernetes.io/part-of=mesh-tracing")
    return {f"{one['kind']} {one['metadata']['name']}": one["metadata"]["uid"] for one in listed}


def inventory(host: Host) -> set[tuple[str, str, str]]:
    """Return kind, namespace and name of every object that the API server lists, except short-lived kinds."""
    passing = {"events", "events.events.k8s.io", "leases.coordination.k8s.io", "componentstatuses"}
    kinds = host.kubectl("api-resources", "--verbs=list", "-o", "name").split()
    listed = host.objects(",".join(sorted(set(kinds) - passing)), "--all-namespaces")
    return {(item["kind"], item["metadata"].get("namespace", ""), item["metadata"]["name"]) for item in listed}
