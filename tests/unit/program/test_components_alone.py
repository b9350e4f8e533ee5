"""Each component deployed alone, by a program without settings and without other components."""

import functools
import importlib
import inspect
import pkgutil
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, cast

import pulumi
import pytest
from recording import Deployed, EverythingServes, minimal_config, record, run_program

import components
from components.bookinfo_gateway import BookinfoGateway
from components.grafana import Grafana
from objects.context import Context

Component = type[pulumi.ComponentResource]

# The arguments that each component requires, and the kinds of objects that it then creates.
ALONE: Mapping[Component, tuple[dict[str, Any], set[str]]] = {
    components.Alerts: ({}, {"PrometheusRule"}),
    components.Applications: (
        {"applications": [{"name": "shop", "deployments": ["cart"]}]},
        {"Namespace", "Deployment"},
    ),
    components.Bookinfo: ({}, {"Namespace", "Service", "ServiceAccount", "Deployment"}),
    BookinfoGateway: ({"kind": "gateway-api", "namespace": "bookinfo"}, {"Gateway", "HTTPRoute"}),
    components.Exposure: (
        {
            "exposure": {"kind": "ingress", "domain": "example.com"},
            "services": [{"name": "web", "namespace": "shop", "service": "web", "port": 80}],
        },
        {"Ingress"},
    ),
    Grafana: (
        {"namespace": "observe", "admin_password": "a test's own", "content_hash": "1"},
        {"ConfigMap", "Deployment", "Secret", "Service", "ServiceAccount"},
    ),
    components.GrafanaTempoDatasource: (
        {"tempo_url": "http://tempo:3200", "prometheus_url": "http://prometheus:9090"},
        {"ConfigMap"},
    ),
    components.Kiali: ({"tempo_url": "http://tempo:3200", "prometheus_url": "http://prometheus:9090"}, {"Kiali"}),
    components.MeshControlPlane: ({}, {"Release", "Service"}),
    components.MeshTelemetry: ({"otlp_address": "tempo:4317"}, {"OpenTelemetryCollector", "Service", "Telemetry"}),
    components.Namespaces: ({"names": ["one", "two"], "existing": ["two"]}, {"Namespace"}),
    components.NetworkPolicies: ({"stores": ["seaweedfs"]}, {"NetworkPolicy"}),
    components.ObjectStore: (
        {"namespace": "traces", "keys": {"access_key": "user", "secret_key": "a test's own"}},
        {"Deployment", "Job", "PersistentVolumeClaim", "Secret", "Service"},
    ),
    components.Operators: (
        {"needed": ["tempo"]},
        {"Namespace", "Operator", "OperatorGroup", "Subscription"},
    ),
    components.Prometheus: ({}, {"ConfigMap", "Deployment", "Service", "ServiceAccount"}),
    components.TempoStack: (
        {"remote_write_url": "http://prometheus:9090/api/v1/write"},
        {"PersistentVolumeClaim", "Service", "TempoMonolithic"},
    ),
    components.Verification: (
        {
            "verify": {"enabled": True, "image": "registry.example.com/mesh-tracing-verify:1.0.0"},
            "stack": "theirs",
            "outputs": {"deployment": {}},
            "rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["list"]}],
        },
        {"ClusterRole", "ClusterRoleBinding", "ConfigMap", "CronJob", "Role", "RoleBinding", "ServiceAccount"},
    ),
}


def deployed_alone(component: Component, arguments: Mapping[str, Any], name: str = "alone") -> Deployed:
    """A program of one component, with nothing in its stack's configuration."""

    def program() -> None:
        component(name, dict(arguments))

    return record(program, {}, preview=False)


@pytest.fixture(params=ALONE, ids=lambda component: component.__name__)
def component(request: pytest.FixtureRequest) -> Component:
    found: Component = request.param
    return found


@pytest.fixture
def alone(component: Component) -> Deployed:
    return deployed_alone(component, ALONE[component][0])


def every_component() -> Iterator[Component]:
    for found in pkgutil.iter_modules(components.__path__, "components."):
        module = importlib.import_module(found.name)
        for value in vars(module).values():
            if (
                isinstance(value, type)
                and issubclass(value, pulumi.ComponentResource)
                and value.__module__ == found.name
            ):
                yield value


def test_every_component_is_tried_alone() -> None:
    assert set(every_component()) == set(ALONE)


def test_it_makes_its_objects_as_its_own_children(component: Component, alone: Deployed) -> None:
    urns = {found.urn for found in alone.components}
    assert {resource.kind for resource in alone.children} == ALONE[component][1]
    assert {resource.parent for resource in alone.children} <= urns


def test_it_hands_out_what_it_says(component: Component, alone: Deployed) -> None:
    (urn,) = (found.urn for found in alone.components if found.name == "alone")
    assert set(alone.registered_outputs[urn]) <= set(component.__annotations__)
    assert alone.registered_outputs[urn]


# What the whole program hands to some of its components, with every setting at its default.
DEFAULTS: Mapping[str, tuple[Component, dict[str, Any], dict[str, Any]]] = {
    "telemetry": (
        components.MeshTelemetry,
        {"otlp_address": "tempo-tempo.tracing-system.svc.cluster.local:4317"},
        minimal_config(),
    ),
    "tempo": (
        components.TempoStack,
        {"remote_write_url": "http://prometheus.istio-system.svc.cluster.local:9090/api/v1/write"},
        minimal_config(),
    ),
    "datasource": (
        components.GrafanaTempoDatasource,
        {
            "tempo_url": "http://tempo-tempo.tracing-system.svc.cluster.local:3200",
            "prometheus_url": "http://prometheus.istio-system.svc.cluster.local:9090",
        },
        minimal_config(),
    ),
    "bookinfo": (components.Bookinfo, {}, minimal_config()),
    "mesh": (components.MeshControlPlane, {}, minimal_config()),
}


@pytest.mark.parametrize("name", DEFAULTS)
def test_its_defaults_are_those_of_the_settings(name: str) -> None:
    component, arguments, config = DEFAULTS[name]
    watch = {"watch": EverythingServes()} if "watch" in inspect.signature(component.__init__).parameters else {}
    found = deployed_alone(functools.partial(component, **watch), arguments, name)
    whole = {resource.name: resource for resource in run_program(config, preview=False).children}
    assert found.children
    for resource in found.children:
        assert (resource.inputs, resource.timeouts) == (whole[resource.name].inputs, whole[resource.name].timeouts)


@pytest.mark.parametrize(
    ("component", "kind", "condition"),
    [
        (components.TempoStack, "TempoMonolithic", "condition=Ready"),
        (components.MeshTelemetry, "OpenTelemetryCollector", "jsonpath={.status.scale.statusReplicas}=1/1"),
        (components.Kiali, "Kiali", "condition=Successful"),
    ],
)
def test_in_a_program_that_cannot_look_at_pods_its_operator_is_asked(
    component: Component, kind: str, condition: str
) -> None:
    arguments, _ = ALONE[component]
    annotations = deployed_alone(component, arguments).get(kind).inputs["metadata"]["annotations"]
    assert annotations["pulumi.com/waitFor"] == condition


def test_another_context_reaches_every_object() -> None:
    context = Context.model_validate({"clusterDomain": "corp.example", "timeouts": {"collector": 7}})
    deployed = deployed_alone(components.MeshTelemetry, {"otlp_address": "tempo:4317", "context": context})
    (component,) = deployed.components
    assert deployed.registered_outputs[component.urn]["collector_service"].endswith(".svc.corp.example")
    assert deployed.get("OpenTelemetryCollector").timeouts["create"] == "7s"


@pytest.mark.parametrize(
    ("component", "arguments", "message"),
    [
        (
            components.TempoStack,
            {"remote_write_url": "http://prometheus:9090/api/v1/write", "tempo": {"storage": {"backend": "s3"}}},
            "objectStoreAccessKey and objectStoreSecretKey: needed for tempo.storage.s3.source seaweedfs",
        ),
        (
            components.GrafanaTempoDatasource,
            {"tempo_url": "http://t", "prometheus_url": "http://p", "grafana": {"mode": "managed"}},
            "adminPassword: none; grafana.mode managed needs one",
        ),
    ],
    ids=["keys", "password"],
)
def test_a_secret_that_is_needed_is_asked_for(component: Component, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        deployed_alone(component, arguments)


def test_a_managed_grafana_starts_anew_for_other_addresses_that_are_known() -> None:
    def annotation(tempo_url: Any) -> str:
        arguments = {
            "tempo_url": tempo_url,
            "prometheus_url": "http://prometheus:9090",
            "grafana": {"mode": "managed"},
            "admin_password": "a test's own",
        }
        pod = deployed_alone(components.GrafanaTempoDatasource, arguments).get("Deployment").inputs["spec"]["template"]
        return str(pod["metadata"]["annotations"]["checksum/content"])

    assert annotation("http://tempo:3200") == annotation("http://tempo:3200")
    assert annotation("http://tempo:3200") != annotation("http://elsewhere:3200")


class Served(pulumi.CustomResource):
    """Stands for the end of a wait for pods."""

    def __init__(self, name: str) -> None:
        super().__init__("test:index:Served", name)


class MarksWaits(EverythingServes):
    """A wait of which the monitor sees who comes after it."""

    def served(self, awaited: pulumi.Input[Any], revision: pulumi.Input[str]) -> pulumi.Output[str]:
        marker = Served(f"served-{len(self.watched)}")
        self.watched.append(cast(Any, awaited))
        return pulumi.Output.all(revision, marker.urn).apply(lambda known: str(known[0]))

    def admitted(self, admission: Any, value: pulumi.Input[str]) -> pulumi.Output[str]:
        marker = Served(f"admitted-{admission.title}")
        return pulumi.Output.all(value, marker.urn).apply(lambda known: str(known[0]))

    def broken(self, awaited: Any) -> pulumi.Output[list[str]]:
        marker = Served(f"broken-{awaited.title}")
        return marker.urn.apply(lambda _: [])


STORE = {
    "object_store_access_key": "user",
    "object_store_secret_key": "a test's own",
    "remote_write_url": "http://prometheus:9090/api/v1/write",
}
MOVING = {**STORE, "tempo": {"storage": {"backend": "s3", "s3": {"moveFrom": "minio"}}}}
RELEASES = {"operators": {"source": "manifests", "certManager": "install"}, "needed": ["tempo", "opentelemetry"]}
PARTS = {**STORE, "tempo": {"mode": "stack", "storage": {"backend": "s3"}}, "operatorVersion": "0.21.0"}


@pytest.mark.parametrize(
    ("component", "arguments", "later", "waits"),
    [
        (components.MeshTelemetry, {"otlp_address": "tempo:4317"}, ("Telemetry", None), 1),
        (components.ObjectStore, ALONE[components.ObjectStore][0], ("Job", None), 1),
        # Both stores and Tempo.
        (components.TempoStack, MOVING, ("Job", "tempo-copy"), 3),
        (components.Applications, ALONE[components.Applications][0], ("Deployment", "cart"), 1),
        # What was broken before, and the agents.
        (components.MeshControlPlane, {"mesh": {"cni": True}}, ("Release", "istiod"), 2),
    ],
    ids=["telemetry", "bucket", "copy", "restart", "plugin"],
)
def test_what_needs_serving_pods_comes_after_the_wait_for_them(
    component: Component, arguments: dict[str, Any], later: tuple[str, str | None], waits: int
) -> None:
    deployed = deployed_alone(functools.partial(component, watch=MarksWaits()), arguments)
    before = deployed.before(deployed.get(*later).urn)
    assert len([urn for urn in before if "test:index:Served" in urn]) == waits


def waits_among(urns: Iterable[str]) -> set[str]:
    return {urn.rpartition("::")[2] for urn in urns if "test:index:Served" in urn}


def test_operators_of_release_manifests_work_once_the_webhooks_of_all_do() -> None:
    deployed = deployed_alone(functools.partial(components.Operators, watch=MarksWaits()), RELEASES)
    waits = waits_among(deployed.before_output("alone.names"))
    assert waits == {"admitted-cert-manager", "admitted-tempo", "admitted-opentelemetry"}


def test_certificates_come_after_the_webhook_of_cert_manager() -> None:
    deployed = deployed_alone(functools.partial(components.Operators, watch=MarksWaits()), RELEASES)
    (operator,) = (r for r in deployed if r.name == "alone-opentelemetry")
    assert waits_among(deployed.before(operator.urn)) == {"admitted-cert-manager"}


def test_the_tempo_that_makes_the_graph_is_awaited_like_the_other() -> None:
    deployed = deployed_alone(components.TempoStack, PARTS)
    graph, stack = deployed.get("TempoMonolithic", "graph"), deployed.get("TempoStack")
    for resource in (graph, stack):
        assert resource.inputs["metadata"]["annotations"]["pulumi.com/waitFor"] == "condition=Ready"
    assert graph.timeouts == stack.timeouts != {"create": "", "update": "", "delete": ""}
    assert {graph.urn, stack.urn} <= deployed.before_output("alone.otlp_address")


def test_the_tempo_that_makes_the_graph_has_its_login_and_its_account_before_it_starts() -> None:
    prometheus = {"queryUrl": "https://metrics.example.com", "auth": {"type": "bearer"}}
    context = {"images": {"pullSecrets": ["registry"]}}

    def deploy(token: str) -> Deployed:
        login = {"existing_prometheus": prometheus, "prometheus_credentials": token}
        return deployed_alone(components.TempoStack, {**PARTS, **login, "context": context})

    one, other = deploy("a token"), deploy("another token")
    graph = one.get("TempoMonolithic", "graph")
    for kind, name in (("Secret", None), ("ServiceAccount", None)):
        urns = {r.urn for r in one.children if r.kind == kind and "object-store" not in r.urn}
        assert urns & one.before(graph.urn), (kind, name)
    # It reads its login at the start only.
    assert graph.inputs["spec"] != other.get("TempoMonolithic", "graph").inputs["spec"]
