"""A new revision takes the workloads over while requests flow, and the old control plane goes last."""

import json
import threading
import time
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
import yaml
from embedded import CHECKOUT, Host

REVISION = "canary"
SHARED = "shared-mesh-config"
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


def pods(host: Host) -> dict[str, list[dict[str, Any]]]:
    return {name: host.objects("pods", "-n", name) for name in ("bookinfo", "istio-system", "tracing-system")}


def identities(listed: list[dict[str, Any]]) -> set[str]:
    return {f"{pod['metadata']['name']} {pod['metadata']['uid']}" for pod in listed}


@dataclass(frozen=True)
class Upgrade:
    before: dict[str, list[dict[str, Any]]]
    after: dict[str, list[dict[str, Any]]]
    answers: list[int | str]
    mesh_config: dict[str, Any]


@pytest.fixture(scope="session")
def upgraded(cluster: Host, deployed: str, tmp_path_factory: pytest.TempPathFactory) -> Upgrade:
    """The stack `local` with another revision, and with one more mesh configuration that others share with istiod."""
    config_file = tmp_path_factory.mktemp("upgrade") / "Pulumi.local.yaml"
    content = yaml.safe_load((CHECKOUT / "Pulumi.local.yaml").read_text())
    mesh = content["config"]["mesh-tracing:mesh"]
    mesh["revision"] = REVISION
    mesh["values"]["pilot"]["env"]["SHARED_MESH_CONFIG"] = SHARED
    mesh["values"]["meshConfig"]["extensionProviders"] = [zipkin("of-the-owner")]
    shared = yaml.safe_dump({"extensionProviders": [zipkin("shared")]})
    cluster.kubectl("create", "configmap", "-n", "istio-system", SHARED, f"--from-literal=mesh={shared}")
    config_file.write_text(yaml.safe_dump(content))

    visitor = Visitor(cluster.address("productpage"))
    thread = threading.Thread(target=visitor)
    before = pods(cluster)
    thread.start()
    try:
        cluster.with_exports(
            "pulumi", "up", "--cwd", str(CHECKOUT), "--stack", "local", "--config-file", str(config_file),
            "--yes", "--skip-preview", "--non-interactive",
        )  # fmt: skip
        mesh_config = json.loads(cluster.kubectl(
            "exec", "-n", "istio-system", f"deploy/istiod-{REVISION}", "--",
            "pilot-discovery", "request", "GET", "/debug/mesh",
        ))  # fmt: skip
    finally:
        visitor.stop.set()
        thread.join()
        cluster.kubectl("delete", "configmap", "-n", "istio-system", SHARED)
    return Upgrade(before, pods(cluster), visitor.answers, mesh_config)


def test_every_sidecar_belongs_to_the_new_revision(upgraded: Upgrade) -> None:
    revisions = {
        json.loads(pod["metadata"]["annotations"]["sidecar.istio.io/status"])["revision"]
        for pod in upgraded.after["bookinfo"]
    }
    assert revisions == {REVISION}


def test_exactly_the_injected_workloads_restarted(upgraded: Upgrade) -> None:
    for namespace in ("istio-system", "tracing-system"):
        kept = {
            moment: {pod for pod in identities(listed[namespace]) if not pod.startswith("istiod")}
            for moment, listed in (("before", upgraded.before), ("after", upgraded.after))
        }
        assert kept["before"] == kept["after"]
    assert not identities(upgraded.before["bookinfo"]) & identities(upgraded.after["bookinfo"])


def test_the_old_control_plane_is_gone(upgraded: Upgrade) -> None:
    istiods = [pod["metadata"]["name"] for pod in upgraded.after["istio-system"] if "istiod" in pod["metadata"]["name"]]
    assert istiods
    assert all(name.startswith(f"istiod-{REVISION}") for name in istiods)


def test_requests_were_answered_all_the_time(upgraded: Upgrade) -> None:
    assert len(upgraded.answers) > 50
    assert [answer for answer in upgraded.answers if answer != 200] == []


def test_istiod_joins_the_providers_of_its_own_and_of_a_shared_mesh_configuration(upgraded: Upgrade) -> None:
    # What lets a provider of ours into a mesh of others, without a word in their list.
    assert [provider["name"] for provider in upgraded.mesh_config["extensionProviders"]][-3:] == [
        "shared",
        "otel",
        "of-the-owner",
    ]
