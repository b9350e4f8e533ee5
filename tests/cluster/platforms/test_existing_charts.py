"""An Istio that somebody else installed by its charts: it is not changed, and traces once its owner has agreed."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from embedded import CHECKOUT, SHOP, Host, Project

from model import Images

PROGRAMS = Path(__file__).parent / "programs"
LOCAL = yaml.safe_load((CHECKOUT / "Pulumi.local.yaml").read_text())["config"]
THEIRS = {"name": "theirs", "zipkin": {"service": "zipkin.tools.svc.cluster.local", "port": 9411}}
CURL = Images().curl
OPTIONS = ("--yes", "--skip-preview")


def values(**env: str) -> dict[str, Any]:
    """The owner's values: those that the embedded cluster needs, a provider, and variables of istiod."""
    mesh = LOCAL["mesh-tracing:mesh"]
    theirs: dict[str, Any] = json.loads(json.dumps(mesh["values"]))
    theirs["global"] |= {"hub": mesh["hub"], "tag": mesh["tag"]}
    theirs["meshConfig"]["extensionProviders"] = [THEIRS]
    theirs["pilot"]["env"] |= env
    return theirs


@pytest.fixture(scope="module")
def owner(cluster: Host, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """The owner's Istio, which knows nothing of us."""
    cluster.kubectl("create", "namespace", "istio-system")
    project = Project.copy(
        cluster, tmp_path_factory.mktemp("owner") / "project", "owner", PROGRAMS / "owner_of_istio.py"
    )
    project.configure({"mesh-tracing:mesh": {"values": values()}})
    project.pulumi("up", *OPTIONS)
    yield project
    project.pulumi("destroy", *OPTIONS)
    cluster.kubectl("delete", "namespace", "istio-system")
    # Helm leaves them.
    cluster.kubectl("delete", "crd", "-l", "chart=istio")


def workload(kind: str, name: str) -> dict[str, Any]:
    """A workload of one pod for each replica or node, which does nothing."""
    container = {"name": "main", "image": CURL, "command": ["sleep", "infinity"]}
    template = {"metadata": {"labels": {"app": name}}, "spec": {"containers": [container]}}
    return {
        "apiVersion": "apps/v1",
        "kind": kind,
        "metadata": {"name": name, "namespace": SHOP},
        "spec": {"selector": {"matchLabels": {"app": name}}, "template": template},
    }


@pytest.fixture(scope="module")
def shop(cluster: Host, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A StatefulSet and a DaemonSet that run before the mesh is traced."""
    file = tmp_path_factory.mktemp("shop") / "shop.yaml"
    file.write_text(yaml.safe_dump_all([workload("StatefulSet", "db"), workload("DaemonSet", "agent")]))
    cluster.kubectl("create", "namespace", SHOP)
    cluster.kubectl("apply", "-f", str(file))
    for named in ("statefulset/db", "daemonset/agent"):
        cluster.kubectl("rollout", "status", "-n", SHOP, named, "--timeout=120s")
    yield
    cluster.kubectl("delete", "namespace", SHOP)


@pytest.fixture(scope="module")
def stack(owner: Project, shop: None, cluster: Host, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The whole program beside it, not deployed yet."""
    project = Project.copy(cluster, tmp_path_factory.mktemp("charts") / "project", "existing-charts")
    of_cluster = ("tracing", "prometheus")
    project.configure(
        {
            **{f"mesh-tracing:{key}": LOCAL[f"mesh-tracing:{key}"] for key in of_cluster},
            "mesh-tracing:mesh": {"installer": "existing"},
            "mesh-tracing:namespaces": {
                "existing": ["istio-system"],
                "applications": [{"name": SHOP, "statefulSets": ["db"], "daemonSets": ["agent"]}],
            },
            "mesh-tracing:tempo": {"traceIdlePeriod": "1s", "storage": {"backend": "memory"}},
        }
    )
    return project


def of_owner(cluster: Host) -> dict[str, Any]:
    """What the owner's charts have made: the text of the mesh configuration, and istiod's generation."""
    config = json.loads(cluster.kubectl("get", "configmap", "istio", "-n", "istio-system", "-o", "json"))
    istiod = json.loads(cluster.kubectl("get", "deployment", "istiod", "-n", "istio-system", "-o", "json"))
    return {"mesh": config["data"], "generation": istiod["metadata"]["generation"], "spec": istiod["spec"]}


@pytest.fixture(scope="module")
def refused(stack: Project) -> str:
    done = stack.attempt("preview")
    assert done.returncode != 0, done.stdout
    return done.stdout


@pytest.fixture(scope="module")
def agreed(owner: Project, cluster: Host, refused: str) -> dict[str, Any]:
    """The owner has set the one value that the refusal asks for."""
    assert refused
    owner.configure({"mesh-tracing:mesh": {"values": values(SHARED_MESH_CONFIG="mesh-tracing")}})
    owner.pulumi("up", *OPTIONS)
    return of_owner(cluster)


@pytest.fixture(scope="module")
def brought_in(stack: Project, agreed: dict[str, Any]) -> Project:
    assert agreed
    stack.pulumi("up", *OPTIONS)
    return stack


def test_without_their_consent_nothing_is_deployed_and_the_command_is_said(refused: str, cluster: Host) -> None:
    assert "helm upgrade control-plane CHART --namespace istio-system --reuse-values" in refused
    assert "--set pilot.env.SHARED_MESH_CONFIG=mesh-tracing" in refused


def test_requests_are_traced_into_a_graph(brought_in: Project, cluster: Host) -> None:
    command = (sys.executable, "-m", "verify", "--stack", brought_in.stack, "--no-report", "--wait", "120s")
    done = cluster.with_exports(*command, check=False)
    assert done.returncode == 0, done.stdout


def test_a_stateful_set_and_a_daemon_set_have_restarted_with_sidecars(brought_in: Project, cluster: Host) -> None:
    assert brought_in
    pods = cluster.objects("pods", "-n", SHOP)
    assert {pod["metadata"]["labels"]["app"] for pod in pods} == {"db", "agent"}
    for pod in pods:
        states = [*pod["status"].get("initContainerStatuses", []), *pod["status"]["containerStatuses"]]
        assert {"main", "istio-proxy"} <= {state["name"] for state in states if state["ready"]}


def test_what_is_the_owner_s_is_as_it_was(brought_in: Project, cluster: Host, agreed: dict[str, Any]) -> None:
    assert brought_in
    assert of_owner(cluster) == agreed


def test_the_owner_may_upgrade_again(brought_in: Project, owner: Project, cluster: Host) -> None:
    owner.pulumi("up", *OPTIONS, "--expect-no-changes")
    brought_in.pulumi("up", *OPTIONS, "--expect-no-changes")


def test_destroy_leaves_the_owner_s_istio_as_it_was(brought_in: Project, cluster: Host, agreed: dict[str, Any]) -> None:
    brought_in.pulumi("destroy", *OPTIONS)
    assert of_owner(cluster) == agreed
    names = {item["metadata"]["name"] for item in cluster.objects("configmaps", "-n", "istio-system")}
    assert "mesh-tracing" not in names
