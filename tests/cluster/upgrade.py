"""The upgrade to another revision, with everything that is looked at before, during and after it."""

import json
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import yaml
from embedded import CHECKOUT, SHOP, Host, eventually

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
        # A connection of its own for each request: one that is kept would stay with a pod that ends.
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
    """The pods that are not about to go."""
    return [pod for pod in listed if "deletionTimestamp" not in pod["metadata"]]


def identities(listed: list[dict[str, Any]]) -> set[str]:
    return {f"{pod['metadata']['name']} {pod['metadata']['uid']}" for pod in lasting(listed)}


def settled_pods(host: Host) -> dict[str, list[dict[str, Any]]]:
    """The pods by namespace; a Deployment is done before the last pod of its old version is told to go."""

    def by_namespace() -> dict[str, list[dict[str, Any]]]:
        return {name: host.objects("pods", "-n", name) for name in ("bookinfo", "istio-system", "tracing-system", SHOP)}

    def settled(found: dict[str, list[dict[str, Any]]]) -> bool:
        return (len(lasting(found["bookinfo"])), len(lasting(found[SHOP]))) == (8, 1)

    return eventually(by_namespace, settled, 60)


@dataclass(frozen=True)
class Upgrade:
    before: dict[str, list[dict[str, Any]]]
    after: dict[str, list[dict[str, Any]]]
    answers: list[int | str]
    mesh_config: dict[str, Any]


def upgrade(cluster: Host, folder: Path) -> Upgrade:
    """Bring a namespace of others into the mesh, then move everything to another revision while a visitor asks.

    istiod gets one more mesh configuration, as it does in a mesh of others.
    """
    cluster.kubectl("create", "namespace", SHOP)
    cluster.kubectl("create", "deployment", "-n", SHOP, "cart", f"--image={CURL}", "--", "sleep", "infinity")
    cluster.kubectl("rollout", "status", "-n", SHOP, "deployment/cart", "--timeout=120s")
    content = yaml.safe_load((CHECKOUT / "Pulumi.local.yaml").read_text())
    content["config"]["mesh-tracing:namespaces"] = {"applications": [{"name": SHOP, "deployments": ["cart"]}]}
    _up(cluster, folder, content)
    before = settled_pods(cluster)

    mesh = content["config"]["mesh-tracing:mesh"]
    mesh["revision"] = REVISION
    mesh["values"]["pilot"]["env"]["SHARED_MESH_CONFIG"] = SHARED
    mesh["values"]["meshConfig"]["extensionProviders"] = [zipkin("of-the-owner")]
    shared = yaml.safe_dump({"extensionProviders": [zipkin("shared")]})
    cluster.kubectl("create", "configmap", "-n", "istio-system", SHARED, f"--from-literal=mesh={shared}")
    visitor = Visitor(cluster.address("productpage"))
    thread = threading.Thread(target=visitor)
    thread.start()
    try:
        _up(cluster, folder, content)
        mesh_config = json.loads(cluster.kubectl(
            "exec", "-n", "istio-system", f"deploy/istiod-{REVISION}", "--",
            "pilot-discovery", "request", "GET", "/debug/mesh",
        ))  # fmt: skip
    finally:
        visitor.stop.set()
        thread.join()
        cluster.kubectl("delete", "configmap", "-n", "istio-system", SHARED)
    return Upgrade(before, settled_pods(cluster), visitor.answers, mesh_config)


def _up(cluster: Host, folder: Path, content: dict[str, Any]) -> None:
    """Deploy the stack with other settings than the checkout's file has."""
    config_file = folder / "Pulumi.local.yaml"
    config_file.write_text(yaml.safe_dump(content))
    cluster.with_exports(
        "pulumi", "up", "--cwd", str(CHECKOUT), "--stack", "local", "--config-file", str(config_file),
        "--yes", "--skip-preview", "--non-interactive",
    )  # fmt: skip
