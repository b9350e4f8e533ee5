"""The upgrades in place and to another revision, and what the tests observe before, during and after them.

Only one version of Istio is at hand. In place, another tag of its images stands for the next one; by revision, the same
version is installed a second time.
"""

import json
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import yaml
from embedded import CHECKOUT, SHOP, Host, eventually

from local.run.blueprint import CONTAINERD_SOCKET
from local.run.cluster import EmbeddedCluster
from local.state import State

BOOKINFO, MESH, TRACING = "bookinfo", "istio-system", "tracing-system"
BOOKINFO_PODS = 8
MESH_SETTINGS = "mesh-tracing:mesh"
NEXT_TAG = "next"
REVISION = "canary"
SHARED = "shared-mesh-config"
CURL = "docker.io/curlimages/curl:8.11.1"
SECONDS_BETWEEN_REQUESTS = 0.2
MOST_REQUESTS = 3000


@dataclass
class Visitor:
    """Asks for the product page from outside the mesh, again and again, until it is told to stop."""

    address: str
    answers: list[int | str] = field(default_factory=list)
    stop: threading.Event = field(default_factory=threading.Event)

    def __call__(self) -> None:
        # A new connection for each request: a kept one would stay with a pod that is being stopped.
        while not self.stop.is_set() and len(self.answers) < MOST_REQUESTS:
            try:
                answer = httpx.get(f"{self.address}/productpage", trust_env=False, timeout=10)
                self.answers.append(answer.status_code)
            except httpx.HTTPError as error:
                self.answers.append(type(error).__name__)
            time.sleep(SECONDS_BETWEEN_REQUESTS)


def zipkin(name: str) -> dict[str, Any]:
    return {"name": name, "zipkin": {"service": f"{name}.tools.svc.cluster.local", "port": 9411}}


def lasting(listed: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The pods that are not being deleted."""
    return [pod for pod in listed if "deletionTimestamp" not in pod["metadata"]]


def identities(listed: list[dict[str, Any]]) -> set[str]:
    return {f"{pod['metadata']['name']} {pod['metadata']['uid']}" for pod in lasting(listed)}


def settled_pods(host: Host, expected: Mapping[str, int]) -> dict[str, list[dict[str, Any]]]:
    """The pods by namespace; a Deployment is done before the last pod of its old version is told to go."""

    def by_namespace() -> dict[str, list[dict[str, Any]]]:
        return {name: host.objects("pods", "-n", name) for name in (MESH, TRACING, *expected)}

    def settled(found: dict[str, list[dict[str, Any]]]) -> bool:
        return all(len(lasting(found[name])) == count for name, count in expected.items())

    return eventually(by_namespace, settled, 60)


@dataclass(frozen=True, kw_only=True)
class Upgrade:
    """The pods before and after, a visitor's answers in between, and the stack's new settings in ``config_file``."""

    before: dict[str, list[dict[str, Any]]]
    after: dict[str, list[dict[str, Any]]]
    answers: list[int | str]
    config_file: Path


@dataclass(frozen=True, kw_only=True)
class RevisionUpgrade(Upgrade):
    """``mesh_config`` is what the new istiod made of its configurations."""

    mesh_config: dict[str, Any]


@contextmanager
def visits(cluster: Host) -> Iterator[list[int | str]]:
    """The answers that a visitor gets meanwhile."""
    visitor = Visitor(cluster.address("productpage"))
    thread = threading.Thread(target=visitor)
    thread.start()
    try:
        yield visitor.answers
    finally:
        visitor.stop.set()
        thread.join()


def upgrade_in_place(cluster: Host, folder: Path) -> Upgrade:
    """Move the control plane and its proxies to the next tag while a visitor asks."""
    content = yaml.safe_load((CHECKOUT / "Pulumi.local.yaml").read_text())
    mesh = content["config"][MESH_SETTINGS]
    for image in ("pilot", "proxyv2"):
        _tag_image(cluster, f"{mesh['hub']}/{image}:{mesh['tag']}", f"{mesh['hub']}/{image}:{NEXT_TAG}")
    mesh["tag"] = NEXT_TAG
    config_file = _write(folder, content)
    expected = {BOOKINFO: BOOKINFO_PODS}
    before = settled_pods(cluster, expected)
    with visits(cluster) as answers:
        up(cluster, config_file)
    return Upgrade(before=before, after=settled_pods(cluster, expected), answers=answers, config_file=config_file)


def upgrade_by_revision(cluster: Host, folder: Path, earlier: Upgrade) -> RevisionUpgrade:
    """Bring in a namespace that the program did not create, then move all to another revision while a visitor asks.

    istiod gets one more mesh configuration, as it does in an existing mesh.
    """
    cluster.kubectl("create", "namespace", SHOP)
    cluster.kubectl("create", "deployment", "-n", SHOP, "cart", f"--image={CURL}", "--", "sleep", "infinity")
    cluster.kubectl("rollout", "status", "-n", SHOP, "deployment/cart", "--timeout=120s")
    content = yaml.safe_load(earlier.config_file.read_text())
    content["config"]["mesh-tracing:namespaces"] = {"applications": [{"name": SHOP, "deployments": ["cart"]}]}
    up(cluster, _write(folder, content))
    expected = {BOOKINFO: BOOKINFO_PODS, SHOP: 1}
    before = settled_pods(cluster, expected)

    mesh = content["config"][MESH_SETTINGS]
    mesh["revision"] = REVISION
    mesh["values"]["pilot"]["env"]["SHARED_MESH_CONFIG"] = SHARED
    mesh["values"]["meshConfig"]["extensionProviders"] = [zipkin("of-the-owner")]
    config_file = _write(folder, content)
    shared = yaml.safe_dump({"extensionProviders": [zipkin("shared")]})
    cluster.kubectl("create", "configmap", "-n", MESH, SHARED, f"--from-literal=mesh={shared}")
    try:
        with visits(cluster) as answers:
            up(cluster, config_file)
        mesh_config = json.loads(cluster.kubectl(
            "exec", "-n", MESH, f"deploy/istiod-{REVISION}", "--",
            "pilot-discovery", "request", "GET", "/debug/mesh",
        ))  # fmt: skip
    finally:
        cluster.kubectl("delete", "configmap", "-n", MESH, SHARED)
    return RevisionUpgrade(
        before=before,
        after=settled_pods(cluster, expected),
        answers=answers,
        config_file=config_file,
        mesh_config=mesh_config,
    )


def up(cluster: Host, config_file: Path, *options: str) -> None:
    """Deploy the stack with other settings than the checkout's file has."""
    cluster.with_exports(
        "pulumi", "up", "--cwd", str(CHECKOUT), "--stack", "local", "--config-file", str(config_file),
        "--yes", "--skip-preview", "--non-interactive", *options,
    )  # fmt: skip


def _write(folder: Path, content: dict[str, Any]) -> Path:
    config_file = folder / "Pulumi.local.yaml"
    config_file.write_text(yaml.safe_dump(content))
    return config_file


def _tag_image(cluster: Host, name: str, other: str) -> None:
    """Give an image of the node a second name."""
    state = State(cluster.state)
    containerd = f"/proc/{EmbeddedCluster(state).init_process()}/root{CONTAINERD_SOCKET}"
    command = [state.bin / "ctr", "--address", containerd, "--namespace", "k8s.io", "images", "tag", name, other]
    subprocess.run(command, check=True, capture_output=True)
