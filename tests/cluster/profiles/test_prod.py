"""`Pulumi.prod.yaml` as committed, on an embedded cluster of three nodes in the shape of OpenShift.

Of the committed settings these differ: `cluster`, whose context is the embedded cluster's; the endpoint of the object
store, which is a SeaweedFS of the test's in another namespace; and the collector's image, which has the components of
Red Hat's build. Secret settings are the test's. OLM installs the operators that the stack subscribes to.

Stand-ins: Sail (`sail.py`, with a real istiod and a real CNI plugin), Kiali's operator (`kiali.py`, with a real Kiali
1.89), OpenShift's router (`router.py`) and its security context constraints (`constraints.py`), and the images that
`make status` names, Grafana's among them.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from constraints import Constraints
from embedded import Host, Project, eventually, need_definitions_beside
from faults import PATIENCE, report
from kiali import KialiOperator
from left_by_olm import not_left_by_olm
from openshift import (
    CATALOGS,
    GRAFANA,
    ISTIO_DEFINITIONS,
    MESH,
    OPTIONS,
    TRACING,
    lasting,
    restarted,
    timed_up,
    violations,
    workloads,
)
from recording import ROOT, stack_config, with_setting
from router import Router
from sail import Sail

STACK = "prod"
STORE = "object-store"
PROGRAMS = ROOT / "tests" / "cluster" / "profiles" / "programs"
SPACES = (MESH, TRACING, GRAFANA, "bookinfo")
ENDPOINT = f"http://seaweedfs.{STORE}.svc.cluster.local:8333"
LABEL = "example.com/cost-center"
FULL_COLLECTOR = "ghcr.io/open-telemetry/opentelemetry-collector-releases/opentelemetry-collector-contrib:0.152.0"


def committed() -> dict[str, Any]:
    """The settings, but for what the test has in other places."""
    config = with_setting(stack_config(STACK), "tempo.storage.s3.endpoint", ENDPOINT)
    return with_setting(config, "tracing.collector.image", FULL_COLLECTOR)


@dataclass(frozen=True)
class Change:
    """One changed setting of a section: where it is seen, and which workloads restart for it.

    ``look`` returns what is in the cluster, or in the stack's outputs, of the ``expected`` value.
    """

    setting: str
    value: Any
    look: Callable[[Host, Project], Any]
    expected: Any
    restarts: set[str]


def field(what: str, space: str, *path: str | int) -> Callable[[Host, Project], Any]:
    """A look at one field of an object."""

    def look(host: Host, _: Project) -> Any:
        found: Any = json.loads(host.kubectl("get", what, "-n", space, "-o", "json"))
        for key in path:
            found = found[key]
        return found

    return look


def arguments(host: Host, _: Project) -> bool:
    """Whether Prometheus is told of ten days."""
    look = field("deployment/prometheus", MESH, "spec", "template", "spec", "containers", 0, "args")
    return "--storage.tsdb.retention.time=10d" in look(host, _)


def data_source(host: Host, _: Project) -> bool:
    """Whether Grafana's data source has its new name."""
    look = field("configmap/grafana-datasources-tracing", GRAFANA, "data", "datasources.yaml")
    return "name: Traces" in look(host, _)


def output(name: str) -> Callable[[Host, Project], Any]:
    """A look at one of the stack's outputs."""
    return lambda _, prod: json.loads(prod.pulumi("stack", "output", "--json"))[name]


TEMPO_PARTS = {f"tempo-tempo-{part}" for part in ("compactor", "distributor", "ingester", "querier", "query-frontend")}
TEMPO, COLLECTOR = "tempostacks.tempo.grafana.com/tempo", "opentelemetrycollectors.opentelemetry.io/otel"
KEPT = ("ottl_condition", "span", 0)
CHANGES = [
    Change(
        "mesh.values", {"meshConfig": {"accessLogFile": "/dev/stdout"}},
        field("istios.sailoperator.io/default", MESH, "spec", "values", "meshConfig", "accessLogFile"), "/dev/stdout",
        set(),
    ),
    Change(
        "tracing.sampling.tail.percentage", 50,
        field(COLLECTOR, MESH, "spec", "config", "processors", "tail_sampling/chosen", "policies", 1, *KEPT),
        # Half of all values of the 56 bits that are random.
        f"ParseInt(Substring(span.trace_id.string, 18, 14), 16) < {2**55}", {"otel-collector"},
    ),
    Change(
        "tempo.retention", "168h",
        field(TEMPO, TRACING, "spec", "retention", "global", "traces"), "168h0m0s", TEMPO_PARTS,
    ),
    Change("graph.source", "collector", output("graph_source"), "collector", set()),
    Change("prometheus.retention", "10d", arguments, True, {"prometheus"}),
    Change("grafana.tempo.name", "Traces", data_source, True, {"grafana"}),
    Change(
        "exposure.services", {"grafana": {"host": "traces.example.com"}},
        field("route.route.openshift.io/grafana", GRAFANA, "spec", "host"), "traces.example.com", {"grafana", "kiali"},
    ),
    Change(
        "networkPolicies.clients", ["monitoring"],
        output("graph_source"), "collector", set(),
    ),
    # The operator of the collector copies labels and annotations of its resource to the pods.
    Change(
        "commonLabels", {LABEL: "4711"}, field(TEMPO, TRACING, "metadata", "labels", LABEL), "4711", {"otel-collector"}
    ),
    Change(
        "commonAnnotations", {"example.com/owner": "room 12"},
        field(TEMPO, TRACING, "metadata", "annotations", "example.com/owner"), "room 12", {"otel-collector"},
    ),
    Change("timeouts.tempo", 700, output("graph_source"), "collector", set()),
    Change("bookinfo.enabled", True, output("mesh_namespaces"), ["bookinfo"], set()),
    Change("protectData", False, output("graph_source"), "collector", set()),
]  # fmt: skip


@pytest.fixture(scope="module")
def openshift(host: Host, extras: list[str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    """A cluster in the shape of OpenShift on three nodes, with an S3 store beside it."""
    need_definitions_beside()
    host.local("down")
    host.local("up", "--nodes", "3", *extras, "--with", "olm-openshift")
    copied = {
        name: Project.copy(host, tmp_path_factory.mktemp(name) / "project", name, PROGRAMS / program)
        for name, program in (("sail", "releases.py"), ("kiali", "releases.py"), ("store", "object_store.py"))
    }
    host.kubectl("apply", "--server-side", "-f", ISTIO_DEFINITIONS)
    store = copied["store"]
    keys = ("mesh-tracing:objectStoreAccessKey", "mesh-tracing:objectStoreSecretKey")
    store.configure({"mesh-tracing:tempo": {"bucket": "mesh-traces"}, **dict.fromkeys(keys, "")})
    store.pulumi("up", *OPTIONS)
    chosen = Constraints(host, SPACES, tmp_path_factory.mktemp("constraints"))
    with chosen, Sail(host, copied["sail"]), KialiOperator(host, copied["kiali"]), Router(host):
        yield host
    host.local("down")


@pytest.fixture(scope="module")
def before(openshift: Host) -> set[tuple[str, str, str]]:
    """What there was before the stack."""
    return lasting(openshift)


@pytest.fixture(scope="module")
def prod(openshift: Host, before: set[tuple[str, str, str]], tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The stack, deployed."""
    assert before
    project = Project.copy(openshift, tmp_path_factory.mktemp(STACK) / "project", STACK)
    project.configure(committed())
    print(f"pulumi up -s {STACK}: {timed_up(project):.0f} s")
    return project


@pytest.fixture(scope="module")
def config(prod: Project) -> dict[str, Any]:
    """The settings as they are by now; each change is kept."""
    assert prod
    return {"now": committed()}


def test_a_second_update_changes_nothing(prod: Project) -> None:
    prod.pulumi("up", *OPTIONS, "--expect-no-changes")


def test_no_hop_is_broken_though_nothing_is_in_the_mesh_yet(openshift: Host, prod: Project) -> None:
    found = report(openshift, "--stack", prod.stack)
    assert [hop for hop in found["hops"] if hop["status"] == "broken"] == []


@pytest.mark.parametrize("space", [MESH, TRACING, GRAFANA])
def test_every_pod_is_restricted(openshift: Host, prod: Project, space: str) -> None:
    assert prod.stack == STACK
    assert openshift.pods("-n", space)
    assert violations(openshift, space) == ""


@pytest.mark.parametrize("workload", ["istiod-default", "otel-collector", "tempo-tempo-ingester"])
def test_what_has_several_pods_has_them_on_several_nodes(openshift: Host, prod: Project, workload: str) -> None:
    assert prod.stack == STACK
    pods = [pod for space in (MESH, TRACING) for pod in openshift.pods("-n", space)]
    nodes = [pod["spec"]["nodeName"] for pod in pods if pod["metadata"]["name"].startswith(workload)]
    assert len(nodes) > 1
    assert len(set(nodes)) == len(nodes)


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.setting)
def test_a_changed_setting_is_in_the_cluster_and_restarts_no_more_than_it_has_to(
    openshift: Host, prod: Project, config: dict[str, Any], change: Change
) -> None:
    earlier = workloads(openshift, SPACES)
    config["now"] = with_setting(config["now"], change.setting, change.value)
    prod.configure(config["now"])
    prod.pulumi("up", *OPTIONS)
    assert change.look(openshift, prod) == change.expected
    assert restarted(earlier, workloads(openshift, SPACES)) == change.restarts


def test_a_request_of_the_sample_is_traced_through_every_hop_into_the_graph(openshift: Host, prod: Project) -> None:
    found = report(openshift, "--stack", prod.stack, *PATIENCE)
    assert found["exit"] == 0, found["hops"]


def test_destroy_leaves_what_was_there_and_what_olm_keeps(
    openshift: Host, prod: Project, before: set[tuple[str, str, str]]
) -> None:
    prod.pulumi("destroy", *OPTIONS)
    missing = before - lasting(openshift)
    assert missing == set()
    shared = {"openshift-operator-lifecycle-manager", CATALOGS, "openshift-operators"}
    left = eventually(lambda: not_left_by_olm(lasting(openshift) - before, shared), lambda found: not found, 60)
    assert left == set()
