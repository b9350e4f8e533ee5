"""`Pulumi.dev.yaml` as committed, on an embedded cluster in the shape of OpenShift Local.

An administrator's mesh exists: an Istio and an IstioCNI, whose istiod and plugin are real and installed from Istio's
charts by the test's stand-in for the Sail operator; OLM has installed the operators of Tempo and OpenTelemetry for the
administrator; Pod Security `restricted` is enforced where pods of the mesh and of this stack run. Of the committed
settings only `cluster` differs: the context is the embedded cluster's. Secret settings are the test's.

Stand-ins: Sail (`sail.py`), OpenShift's router (`router.py`) and its security context constraints (`constraints.py`),
and the images that `make status` names, Grafana's among them. Nothing is reached by OpenShift's Routes.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from constraints import Constraints
from embedded import Host, Project, eventually, need_definitions_beside
from faults import PATIENCE, report
from openshift import (
    BOOKINFO,
    CATALOGS,
    GRAFANA,
    ISTIO_DEFINITIONS,
    MESH,
    OPTIONS,
    PLUGIN,
    TRACING,
    apply_as_owner,
    identities,
    lasting,
    namespace,
    settled,
    timed_up,
    violations,
    wait_for_sail,
)
from recording import ROOT, stack_config, with_setting
from router import Router
from sail import API_VERSION, Sail

STACK = "dev"
BEFORE, AFTER = "v1.30.2", "v1.30.3"
BOOKINFO_PODS = 8
THEIRS = {"name": "theirs", "zipkin": {"service": "zipkin.tools.svc.cluster.local", "port": 9411}}


# What the administrator has chosen in OperatorHub, and where OLM installs it.
PACKAGES = ("servicemeshoperator3", "tempo-product", "opentelemetry-product")
SHARED = "openshift-operators"


def subscription(package: str) -> dict[str, Any]:
    """The administrator's Subscription to a package of Red Hat's catalog."""
    return {
        "apiVersion": "operators.coreos.com/v1alpha1",
        "kind": "Subscription",
        "metadata": {"name": package, "namespace": SHARED},
        "spec": {
            "name": package,
            "channel": "stable",
            "source": "redhat-operators",
            "sourceNamespace": CATALOGS,
            "installPlanApproval": "Automatic",
        },
    }


def installed(host: Host) -> list[str]:
    """The operators that OLM has installed."""
    found = host.objects("clusterserviceversions", "-n", SHARED)
    return [one["metadata"]["name"] for one in found if one.get("status", {}).get("phase") == "Succeeded"]


def istio(version: str) -> dict[str, Any]:
    """The administrator's Istio, with a provider of their own."""
    values = {
        "pilot": {"env": {"OWNERS": "variable"}, "seccompProfile": {"type": "RuntimeDefault"}},
        "meshConfig": {"extensionProviders": [THEIRS]},
    }
    return {
        "apiVersion": API_VERSION,
        "kind": "Istio",
        "metadata": {"name": "default"},
        "spec": {"version": version, "namespace": MESH, "updateStrategy": {"type": "InPlace"}, "values": values},
    }


def plugin(version: str) -> dict[str, Any]:
    """The administrator's IstioCNI."""
    return {
        "apiVersion": API_VERSION,
        "kind": "IstioCNI",
        "metadata": {"name": "default"},
        "spec": {"version": version, "namespace": PLUGIN},
    }


def of_owner(cluster: Host) -> dict[str, Any]:
    """The administrator's resources as they are kept."""
    kinds = ("istios", "istiocnis")
    found = [json.loads(cluster.kubectl("get", f"{kind}.sailoperator.io", "default", "-o", "json")) for kind in kinds]
    return {one["kind"]: one["spec"] for one in found}


@pytest.fixture(scope="module")
def mesh(host: Host, extras: list[str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    """A cluster in the shape of OpenShift Local, with the administrator's operators and mesh."""
    need_definitions_beside()
    host.local("down")
    host.local("up", *extras, "--with", "olm-openshift")
    charts = Project.copy(
        host,
        tmp_path_factory.mktemp("sail") / "project",
        "sail",
        ROOT / "tests" / "cluster" / "profiles" / "programs" / "releases.py",
    )
    host.kubectl("apply", "--server-side", "-f", ISTIO_DEFINITIONS)
    apply_as_owner(host, *map(subscription, PACKAGES))
    assert eventually(lambda: installed(host), lambda found: len(found) == len(PACKAGES), 300)
    apply_as_owner(host, namespace(MESH, "restricted"), namespace(PLUGIN, "privileged"))
    chosen = Constraints(host, (MESH, TRACING, GRAFANA, BOOKINFO), tmp_path_factory.mktemp("constraints"))
    with chosen, Sail(host, charts), Router(host):
        apply_as_owner(host, plugin(BEFORE), istio(BEFORE))
        wait_for_sail(host, "istiocnis", BEFORE)
        wait_for_sail(host, "istios", BEFORE)
        yield host
    host.local("down")


@pytest.fixture(scope="module")
def before(mesh: Host) -> set[tuple[str, str, str]]:
    """What there was before the stack."""
    return lasting(mesh)


@pytest.fixture(scope="module")
def dev(mesh: Host, before: set[tuple[str, str, str]], tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The stack, deployed."""
    assert before
    project = Project.copy(mesh, tmp_path_factory.mktemp(STACK) / "project", STACK)
    project.configure(stack_config(STACK))
    print(f"pulumi up -s {STACK}: {timed_up(project):.0f} s")
    return project


@dataclass(frozen=True)
class Pods:
    """The pods of the sample, and all others of the stack's, each by name with its UID."""

    sample: dict[str, str]
    others: dict[str, str]

    @classmethod
    def of(cls, host: Host) -> "Pods":
        """The pods as they are once the sample's old ones are gone."""
        sample = settled(host, BOOKINFO, BOOKINFO_PODS)
        others = [identities(host, space, "app!=istiod") for space in (MESH, TRACING, GRAFANA)]
        return cls(sample, {name: uid for found in others for name, uid in found.items()})


@dataclass(frozen=True)
class Upgrade:
    """The pods before the administrator's upgrade, after it, and after `mesh.version` says so too."""

    before: Pods
    theirs: Pods
    ours: Pods


@pytest.fixture(scope="module")
def upgraded(mesh: Host, dev: Project) -> Upgrade:
    before = Pods.of(mesh)
    apply_as_owner(mesh, plugin(AFTER), istio(AFTER))
    wait_for_sail(mesh, "istios", AFTER)
    theirs = Pods.of(mesh)
    dev.configure(with_setting(stack_config(STACK), "mesh.version", AFTER.removeprefix("v")))
    dev.pulumi("up", *OPTIONS)
    return Upgrade(before, theirs, Pods.of(mesh))


def test_a_request_is_traced_through_every_hop_into_the_graph(mesh: Host, dev: Project) -> None:
    found = report(mesh, "--stack", dev.stack, *PATIENCE)
    assert found["exit"] == 0, found["hops"]


def test_a_second_update_changes_nothing(dev: Project) -> None:
    dev.pulumi("up", *OPTIONS, "--expect-no-changes")


# The sample declares it where the stack installs the CNI plugin; OpenShift itself gives every pod what is left.
@pytest.mark.parametrize("space", [MESH, TRACING, GRAFANA])
def test_every_pod_is_restricted(mesh: Host, dev: Project, space: str) -> None:
    assert dev.stack == STACK
    assert mesh.pods("-n", space)
    assert violations(mesh, space) == ""


def test_istiod_reads_our_provider_and_the_rest_of_the_resource_is_its_owner_s(mesh: Host, dev: Project) -> None:
    assert dev.stack == STACK
    (istiod,) = mesh.objects("deployments", "-n", MESH, "-l", "app=istiod")
    (container,) = istiod["spec"]["template"]["spec"]["containers"]
    variables = {one["name"]: one.get("value") for one in container["env"]}
    assert variables["SHARED_MESH_CONFIG"] == "mesh-tracing"
    values = of_owner(mesh)["Istio"]["values"]
    assert values["meshConfig"] == {"extensionProviders": [THEIRS], "enableTracing": True}
    assert values["pilot"]["env"] == {"OWNERS": "variable", "SHARED_MESH_CONFIG": "mesh-tracing"}


def test_what_is_exposed_has_the_domain_s_host_names(mesh: Host, dev: Project) -> None:
    outputs = json.loads(dev.pulumi("stack", "output", "--json"))
    hosts = {route["spec"]["host"] for route in mesh.objects("routes.route.openshift.io", "--all-namespaces")}
    assert hosts == {f"{name}.apps-crc.testing" for name in ("grafana", "productpage", "prometheus")}
    assert outputs["grafana_url"] == "https://grafana.apps-crc.testing"


def test_an_upgrade_of_the_administrator_s_restarts_nothing_of_the_stack_until_the_settings_say_so(
    upgraded: Upgrade,
) -> None:
    assert upgraded.theirs == upgraded.before


def test_then_every_pod_with_a_sidecar_restarts_and_gets_the_new_proxy(mesh: Host, upgraded: Upgrade) -> None:
    assert len(upgraded.ours.sample) == BOOKINFO_PODS
    assert not set(upgraded.ours.sample.values()) & set(upgraded.before.sample.values())
    pods = mesh.pods("-n", BOOKINFO)
    containers = (one for pod in pods for one in (*pod["spec"].get("initContainers", []), *pod["spec"]["containers"]))
    proxies = {one["image"] for one in containers if one["name"] == "istio-proxy"}
    assert {image.rpartition(":")[2] for image in proxies} == {AFTER}


def test_and_no_other_pod_does(upgraded: Upgrade) -> None:
    assert upgraded.ours.others == upgraded.before.others


def test_tracing_goes_on_after_the_upgrade(mesh: Host, dev: Project, upgraded: Upgrade) -> None:
    assert upgraded
    found = report(mesh, "--stack", dev.stack, *PATIENCE)
    assert found["exit"] == 0, found["hops"]


def test_destroy_leaves_exactly_what_was_there(
    mesh: Host, dev: Project, before: set[tuple[str, str, str]], upgraded: Upgrade
) -> None:
    assert upgraded
    dev.pulumi("destroy", *OPTIONS)
    wait_for_sail(mesh, "istios", AFTER)
    assert lasting(mesh) == before
    assert of_owner(mesh) == {"Istio": istio(AFTER)["spec"], "IstioCNI": plugin(AFTER)["spec"]}
