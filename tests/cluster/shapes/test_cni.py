"""With Istio's CNI plugin no pod with a sidecar needs a capability, and a node whose plugin goes still starts pods.

The fixtures are the stages, each of which needs the one before; the last one leaves the stack as it was found.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from embedded import CHECKOUT, OPTIONS, STACK, Host, Project, eventually
from faults import BOOKINFO, PATIENCE, patch, report
from nodes import NODES

from verify.causes import Code

CURL = "docker.io/curlimages/curl:8.11.1"
PLUGIN, AGENT = "istio-cni", "daemonset/istio-cni-node"
# What decides on which nodes the agent runs.
SELECTOR = "/spec/template/spec/nodeSelector/none"


@pytest.fixture(scope="module")
def project(cluster: Host, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The checkout's stack with `mesh.cni`, in a copy."""
    copied = Project.copy(cluster, tmp_path_factory.mktemp("cni") / "project", STACK)
    name = f"Pulumi.{STACK}.yaml"
    content = yaml.safe_load((CHECKOUT / name).read_text())
    content["config"]["mesh-tracing:mesh"]["cni"] = True
    (copied.folder / name).write_text(yaml.safe_dump(content))
    return copied


@pytest.fixture(scope="module")
def switched_on(cluster: Host, deployed: str, project: Project) -> Host:
    """The stack that runs without the plugin has got it."""
    assert deployed
    project.pulumi("up", *OPTIONS)
    return cluster


@pytest.fixture(scope="module")
def destroyed(switched_on: Host, project: Project) -> Host:
    """The stack with the plugin has been destroyed."""
    project.pulumi("destroy", *OPTIONS)
    return switched_on


@pytest.fixture(scope="module")
def installed(destroyed: Host, project: Project) -> Host:
    """The stack has been made anew, with the plugin from the start, and its volumes on nodes that can be stopped."""
    destroyed.kubectl("cordon", NODES[0])
    project.pulumi("up", *OPTIONS)
    destroyed.kubectl("uncordon", NODES[0])
    return destroyed


@pytest.fixture(scope="module")
def switched_off(installed: Host) -> Host:
    """The stack is as its settings in the checkout say, without the plugin."""
    installed.local("deploy")
    return installed


def privileges(pod: dict[str, Any]) -> list[str]:
    """The capabilities that a pod's containers ask for."""
    containers = [*pod["spec"].get("initContainers", []), *pod["spec"]["containers"]]
    return [added for one in containers for added in one["securityContext"].get("capabilities", {}).get("add", [])]


def init_containers(pods: list[dict[str, Any]]) -> set[str]:
    return {one["name"] for pod in pods for one in pod["spec"].get("initContainers", [])}


def lasting(host: Host) -> list[dict[str, Any]]:
    """Bookinfo's pods that are not about to go."""
    return host.pods("-n", BOOKINFO)


def enforced(host: Host, namespace: str) -> str | None:
    labels: dict[str, str] = json.loads(host.kubectl("get", "namespace", namespace, "-o", "json"))["metadata"]["labels"]
    return labels.get("pod-security.kubernetes.io/enforce")


def start_plain_pods(host: Host) -> Iterator[str]:
    """Start a pod on each node, and yield the nodes on which it has become ready."""
    for node in NODES:
        selector = json.dumps({"spec": {"nodeName": node, "terminationGracePeriodSeconds": 0}})
        host.kubectl(
            "run", f"plain-{node}", "--image", CURL, "--overrides", selector, "--command", "--", "sleep", "600"
        )
    for node in NODES:
        host.kubectl("wait", f"pod/plain-{node}", "--for=condition=Ready", "--timeout=120s")
        host.kubectl("delete", f"pod/plain-{node}")
        yield node


def of_the_plugin(host: Host) -> list[str]:
    """The files of each node's pod network that are, or speak of, the plugin's."""
    files = [path for path in (host.state / "cluster" / "nodes").glob("*/cni/*/*") if not path.is_symlink()]
    return [str(path) for path in files if path.name == PLUGIN or PLUGIN in _text(path)]


def _text(path: Path) -> str:
    return path.read_text() if path.suffix == ".conflist" else ""


class TestAStackThatGetsThePlugin:
    def test_its_agent_runs_on_every_node(self, switched_on: Host) -> None:
        pods = switched_on.objects("pods", "-n", PLUGIN)
        assert sorted(pod["spec"]["nodeName"] for pod in pods) == sorted(NODES)
        # A program and a line of configuration.
        assert len(of_the_plugin(switched_on)) == 2 * len(NODES)

    def test_no_pod_of_the_sample_has_a_capability(self, switched_on: Host) -> None:
        pods = lasting(switched_on)
        assert {pod["metadata"]["name"]: found for pod in pods if (found := privileges(pod))} == {}
        assert init_containers(pods) == {"istio-validation", "istio-proxy"}

    def test_the_sample_s_namespace_takes_only_restricted_pods(self, switched_on: Host) -> None:
        assert enforced(switched_on, BOOKINFO) == "restricted"
        done = switched_on.with_exports(
            "kubectl", "run", "probe", "-n", BOOKINFO, "--image", CURL, "--dry-run=server", check=False
        )
        assert 'violates PodSecurity "restricted:latest"' in done.stderr

    def test_the_graph_is_found(self, switched_on: Host) -> None:
        found = report(switched_on, *PATIENCE)
        assert found["exit"] == 0, found["hops"]

    def test_a_pod_that_starts_where_the_agent_is_not_is_named_and_repaired(self, switched_on: Host) -> None:
        patch(switched_on, PLUGIN, AGENT, [{"op": "add", "path": SELECTOR, "value": "none"}], "json")
        eventually(lambda: switched_on.objects("pods", "-n", PLUGIN), lambda pods: not pods, 120)
        switched_on.kubectl("rollout", "restart", "deployment/details-v1", "-n", BOOKINFO)
        found = eventually(lambda: code_of_sidecars(switched_on), lambda code: code == Code.NOT_REDIRECTED, 240)
        patch(switched_on, PLUGIN, AGENT, [{"op": "remove", "path": SELECTOR}], "json")
        switched_on.kubectl("rollout", "status", "deployment/details-v1", "-n", BOOKINFO, "--timeout=300s")
        assert found == Code.NOT_REDIRECTED


def code_of_sidecars(host: Host) -> str | None:
    (hop,) = [entry for entry in report(host)["hops"] if entry["hop"] == "sidecars"]
    code: str | None = hop["code"]
    return code


class TestAStackWithThePluginThatIsDestroyed:
    def test_nothing_of_the_plugin_is_left_on_a_node(self, destroyed: Host) -> None:
        assert of_the_plugin(destroyed) == []

    def test_a_plain_pod_starts_on_every_node(self, destroyed: Host) -> None:
        assert tuple(start_plain_pods(destroyed)) == NODES


def test_a_new_stack_with_the_plugin_has_the_whole_graph(installed: Host) -> None:
    found = report(installed, *PATIENCE)
    assert found["exit"] == 0, found["hops"]


class TestAStackThatLosesThePlugin:
    def test_its_pods_redirect_their_own_traffic_again(self, switched_off: Host) -> None:
        assert init_containers(lasting(switched_off)) == {"istio-init", "istio-proxy"}
        assert enforced(switched_off, BOOKINFO) is None

    def test_nothing_of_the_plugin_is_left_on_a_node(self, switched_off: Host) -> None:
        assert of_the_plugin(switched_off) == []

    def test_the_graph_is_found(self, switched_off: Host) -> None:
        found = report(switched_off, *PATIENCE)
        assert found["exit"] == 0, found["hops"]
