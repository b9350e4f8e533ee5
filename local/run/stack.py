"""The Pulumi stack ``local`` on the embedded cluster: its environment, its deployment, its service graph.

The stack has a Pulumi home and a backend of its own below the state folder; a person's login and state are not touched.
"""

import json
import os
import subprocess
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import httpx

from local.build import scratch
from local.errors import LocalError
from local.run.cluster import EmbeddedCluster
from local.state import CHECKOUT, State
from verify.traffic import service_graph

STACK = "local"
# Not a secret: it guards the credentials of an object store that only this machine can reach and that `down` deletes.
PASSPHRASE = "embedded-cluster"  # noqa: S105
PROVIDER_PLUGIN = "resource-kubernetes-v4.25.0"
HELM_RELEASE = "kubernetes:helm.sh/v3:Release"
# What everything else of the stack is in, as a pattern of Pulumi's. What they were made after is left out with them.
NAMESPACES = "**$kubernetes:core/v1:Namespace::*"
# Pulumi's process id in its own runs, which are the first in a PID namespace.
INIT = 1
GRAPH_SECONDS = 180.0
POLL_SECONDS = 0.5
QUERY_SECONDS = 10.0
BOOKINFO = service_graph.bookinfo_edges("bookinfo")


def environment(state: State) -> dict[str, str]:
    """Return the variables with which a person, or this program, works on the cluster and its stack."""
    return {
        "KUBECONFIG": str(state.kubeconfig),
        "PATH": f"{state.bin}:{os.environ['PATH']}",
        "PULUMI_HOME": str(state.pulumi_home),
        # Without a second file of metadata beside each file of the state. Pulumi replaces the state at once, and writes
        # that one in place: whoever kills it in between has a state that cannot be read (gocloud.dev: blob/fileblob).
        "PULUMI_BACKEND_URL": f"file://{state.pulumi_home}/backend?metadata=skip",
        "PULUMI_CONFIG_PASSPHRASE": PASSPHRASE,
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        # The plugin is built and installed here; a version that is missing is an error, not a download.
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
    }


class Stack:
    """The stack ``local``; every method raises ``LocalError`` when Pulumi fails, after Pulumi has said why."""

    def __init__(self, state: State, cluster: EmbeddedCluster) -> None:
        self._state = state
        self._cluster = cluster

    def prepare(self, provider: Path) -> None:
        """Create what is missing of the Pulumi home with the ``provider`` plugin, the backend and the stack."""
        plugin = self._state.pulumi_home / "plugins" / PROVIDER_PLUGIN
        plugin.mkdir(parents=True, exist_ok=True)
        link = plugin / "pulumi-resource-kubernetes"
        link.unlink(missing_ok=True)
        link.symlink_to(provider)
        (self._state.pulumi_home / "backend").mkdir(exist_ok=True)
        if not self.exists():
            self._pulumi("stack", "select", "--create", STACK, quiet=True)

    def exists(self) -> bool:
        """Return whether the stack was made."""
        return any((self._state.pulumi_home / "backend" / ".pulumi" / "stacks").glob(f"*/{STACK}.json"))

    def up(self) -> None:
        """Deploy the program, also after a run that was killed in the middle of it."""
        self._repair()
        self._pulumi("up", "--stack", STACK, "--yes", "--skip-preview", "--non-interactive")

    def destroy(self, *, but_namespaces: bool = False) -> None:
        """Destroy the deployment, also an incomplete one; the stack with its (now empty) state stays.

        ``but_namespaces`` leaves the namespaces, emptied, to a cluster that ends next, and with them the control plane,
        after which Bookinfo's was made: Kubernetes removes a namespace 5 s after it was told to at the earliest, and
        5 s later again where a volume claim was left in it.
        """
        self._repair()
        left = ["--exclude", NAMESPACES] if but_namespaces else []
        self._pulumi(
            "destroy", "--stack", STACK, "--yes", "--skip-preview", "--non-interactive", "--suppress-outputs", *left
        )

    def wait_for_graph(self, prometheus: str) -> service_graph.Graph:
        """Return the service graph as soon as it has every edge of Bookinfo."""
        deadline = time.monotonic() + GRAPH_SECONDS
        graph: service_graph.Graph = {}
        with httpx.Client(base_url=prometheus, timeout=QUERY_SECONDS, trust_env=False) as client:
            while time.monotonic() < deadline:
                with suppress(httpx.HTTPError):  # Prometheus has just started, or restarts
                    graph = service_graph.read(client)
                if graph.keys() >= BOOKINFO:
                    return graph
                time.sleep(POLL_SECONDS)
        missing = ", ".join(f"{edge.client} → {edge.server}" for edge in sorted(BOOKINFO - graph.keys()))
        raise LocalError(
            f"after {GRAPH_SECONDS:.0f} s the service graph still lacks {missing}: "
            "look at the collector's and Tempo's logs"
        )

    def _repair(self) -> None:
        """Clean up after a run that was killed: its lock, and Helm releases that are not in the state yet."""
        backend = self._state.pulumi_home / "backend" / ".pulumi"
        for metadata in backend.rglob("*.attrs"):  # of a start by an older checkout, perhaps torn
            metadata.unlink(missing_ok=True)
        locks = (backend / "locks").rglob("*.json")
        holders = [int(json.loads(lock.read_text())["pid"]) for lock in locks]
        if not any(holder == INIT or not _alive(holder) for holder in holders):
            return
        self._pulumi("cancel", "--stack", STACK, "--yes", quiet=True)
        deployment = json.loads(self._pulumi("stack", "export", "--stack", STACK, quiet=True))["deployment"]
        for operation in deployment.get("pending_operations", []):
            resource = operation["resource"]
            if resource["type"] == HELM_RELEASE:
                name, namespace = resource["inputs"]["name"], resource["inputs"]["namespace"]
                # Helm refuses a name that it knows, and one on which it is at work. Without the record it takes the
                # objects over: they carry the release's name.
                half = "" if operation["type"] == "creating" else ",status in (pending-upgrade,pending-rollback)"
                self._cluster.kubectl("delete", "secret", "-n", namespace, "-l", f"owner=helm,name={name}{half}")
        # What else was being made is made again, over what is there of it.
        self._pulumi("refresh", "--stack", STACK, "--yes", "--skip-preview", "--clear-pending-creates", quiet=True)

    def _pulumi(self, *arguments: str, quiet: bool = False) -> str:
        """Run Pulumi, in a PID namespace with its plugins: however it or this process ends, they all do."""
        variables: Mapping[str, str] = os.environ | environment(self._state)
        contained = [*scratch.ENDS_WITH_US, "unshare", "--pid", "--fork", "--kill-child"]
        command = [*contained, str(self._state.bin / "pulumi"), *arguments]
        done = subprocess.run(command, check=False, cwd=CHECKOUT, env=variables, capture_output=quiet, text=True)
        if done.returncode != 0:
            reason = f" ({done.stderr.strip().splitlines()[-1]})" if quiet and done.stderr.strip() else ""
            raise LocalError(f"pulumi {arguments[0]} failed{reason}: what it says above names the resource")
        return done.stdout or ""


def _alive(process: int) -> bool:
    """Return whether ``process`` runs; one that has ended and waits to be reaped does not."""
    try:
        status = Path(f"/proc/{process}/status").read_text()
    except FileNotFoundError:
        return False
    return "State:\tZ" not in status
