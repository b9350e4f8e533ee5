"""Who installs the operators: OLM, release manifests, or somebody else."""

from collections.abc import Callable, Mapping
from typing import Any

import pulumi
import pytest
from recording import (
    PROJECT,
    Deployed,
    RecordingMonitor,
    Registration,
    apply_config,
    minimal_config,
    with_setting,
)

import settings
from objects.operators import OperatorsArgs, build_operator
from program import Plan

Deploy = Callable[..., Deployed]
DEFINITION = "kubernetes:apiextensions.k8s.io/v1:CustomResourceDefinition"
Expected = tuple[str, str, str, str, str]

# package, namespace, channel, catalog source, the source's namespace
CATALOGS: Mapping[str, Mapping[str, Expected]] = {
    "redhat": {
        "mesh": ("servicemeshoperator3", "openshift-operators", "stable", "redhat-operators", "openshift-marketplace"),
        "tempo": ("tempo-product", "openshift-tempo-operator", "stable", "redhat-operators", "openshift-marketplace"),
        "opentelemetry": (
            "opentelemetry-product",
            "openshift-opentelemetry-operator",
            "stable",
            "redhat-operators",
            "openshift-marketplace",
        ),
        "kiali": ("kiali-ossm", "openshift-operators", "stable", "redhat-operators", "openshift-marketplace"),
        "grafana": ("grafana-operator", "openshift-operators", "v5", "community-operators", "openshift-marketplace"),
    },
    "community": {
        "mesh": ("sailoperator", "openshift-operators", "stable", "community-operators", "openshift-marketplace"),
        "tempo": ("tempo-operator", "openshift-operators", "alpha", "community-operators", "openshift-marketplace"),
        "opentelemetry": (
            "opentelemetry-operator",
            "openshift-operators",
            "alpha",
            "community-operators",
            "openshift-marketplace",
        ),
        "kiali": ("kiali", "openshift-operators", "stable", "community-operators", "openshift-marketplace"),
        "grafana": ("grafana-operator", "openshift-operators", "v5", "community-operators", "openshift-marketplace"),
    },
    "operatorhub": {
        "mesh": ("sailoperator", "operators", "stable", "operatorhubio-catalog", "olm"),
        "tempo": ("tempo-operator", "operators", "alpha", "operatorhubio-catalog", "olm"),
        "opentelemetry": ("opentelemetry-operator", "operators", "alpha", "operatorhubio-catalog", "olm"),
        "kiali": ("kiali", "operators", "stable", "operatorhubio-catalog", "olm"),
        "grafana": ("grafana-operator", "operators", "v5", "operatorhubio-catalog", "olm"),
    },
}
CELLS = [(catalog, operator) for catalog, packages in CATALOGS.items() for operator in packages]
OWN_NAMESPACES = {
    "tempo-product": "openshift-tempo-operator",
    "opentelemetry-product": "openshift-opentelemetry-operator",
}


def with_settings(*changes: tuple[str, Any]) -> dict[str, Any]:
    config = {**minimal_config(), f"{PROJECT}:platform": "openshift"}
    for path, value in changes:
        config = with_setting(config, path, value)
    return config


def by_olm(catalog: str, *changes: tuple[str, Any]) -> dict[str, Any]:
    return with_settings(("operators.source", "olm"), ("operators.catalog", catalog), *changes)


def by_manifests(*changes: tuple[str, Any]) -> dict[str, Any]:
    return {**with_settings(("operators.source", "manifests"), *changes), f"{PROJECT}:platform": "kubernetes"}


def asking_for(operator: str) -> list[tuple[str, Any]]:
    """The settings with which the deployment has resources of ``operator``."""
    return {
        "mesh": [("mesh.installer", "sail")],
        "kiali": [("kiali.installer", "operator")],
        "grafana": [("grafana.mode", "operator")],
    }.get(operator, [])


def arguments(config: dict[str, Any]) -> OperatorsArgs:
    """What the plan hands to the component; the whole program may not know every installer yet."""
    apply_config(config)
    return Plan(settings.load(pulumi.Config(PROJECT))).operators()


@pytest.mark.parametrize("catalog", CATALOGS)
def test_tempo_s_and_opentelemetry_s_operators_are_always_subscribed_to(deploy: Deploy, catalog: str) -> None:
    deployed = deploy(by_olm(catalog))
    found = {r.inputs["spec"]["name"] for r in deployed if r.kind == "Subscription"}
    assert found == {CATALOGS[catalog]["tempo"][0], CATALOGS[catalog]["opentelemetry"][0]}


@pytest.mark.parametrize(("catalog", "operator"), CELLS)
def test_each_catalog_has_its_package_for_each_operator(catalog: str, operator: str) -> None:
    args = arguments(by_olm(catalog, *asking_for(operator)))
    (needed,) = (found for found in args.needed if found == operator)
    name, namespace, channel, source, source_namespace = CATALOGS[catalog][operator]
    subscription = build_operator(needed, args)["subscription"]
    assert subscription["metadata"]["namespace"] == namespace
    assert subscription["spec"] == {
        "name": name,
        "channel": channel,
        "source": source,
        "sourceNamespace": source_namespace,
        "installPlanApproval": "Automatic",
    }


@pytest.mark.parametrize("operator", ["mesh", "kiali", "grafana"])
def test_an_operator_that_nothing_needs_is_not_installed(operator: str) -> None:
    assert operator not in arguments(by_olm("redhat")).needed
    assert operator in arguments(by_olm("redhat", *asking_for(operator))).needed


def test_a_subscription_lies_beside_its_operator(deploy: Deploy) -> None:
    subscription = deploy(by_olm("redhat")).get("Subscription", "tempo-product")
    assert subscription.inputs["apiVersion"] == "operators.coreos.com/v1alpha1"
    assert subscription.inputs["metadata"]["namespace"] == "openshift-tempo-operator"
    assert subscription.inputs["spec"]["name"] == "tempo-product"


def test_a_channel_and_a_first_version_of_the_settings_are_asked_for(deploy: Deploy) -> None:
    config = by_olm(
        "redhat",
        ("operators.channels", {"tempo": "stable-9"}),
        ("operators.startingVersions", {"tempo": "tempo-operator.v0.22.0-1"}),
    )
    deployed = deploy(config)
    tempo = deployed.get("Subscription", "tempo-product").inputs["spec"]
    assert tempo["channel"] == "stable-9"
    assert tempo["startingCSV"] == "tempo-operator.v0.22.0-1"
    other = deployed.get("Subscription", "opentelemetry-product").inputs["spec"]
    assert other["channel"] == "stable"
    assert "startingCSV" not in other


@pytest.fixture
def logged(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    messages: list[str] = []
    monkeypatch.setattr(pulumi.log, "info", lambda message, **_: messages.append(message))
    return messages


def test_manual_approval_is_asked_for_and_explained_once(deploy: Deploy, logged: list[str]) -> None:
    deployed = deploy(by_olm("redhat", ("operators.approval", "Manual"), ("timeouts.operators", 1234)))
    specs = [r.inputs["spec"] for r in deployed if r.kind == "Subscription"]
    assert {spec["installPlanApproval"] for spec in specs} == {"Manual"}
    (message,) = logged
    assert "1234 s" in message
    assert "openshift-opentelemetry-operator, openshift-tempo-operator" in message
    assert "kubectl patch installplan" in message
    assert "\n" not in message


def test_automatic_approval_says_nothing(deploy: Deploy, logged: list[str]) -> None:
    deploy(by_olm("redhat", ("timeouts.operators", 1235)))
    assert logged == []


@pytest.mark.parametrize(("name", "namespace"), OWN_NAMESPACES.items())
def test_a_product_with_a_namespace_of_its_own_gets_namespace_group_and_subscription_in_this_order(
    deploy: Deploy, name: str, namespace: str
) -> None:
    deployed = deploy(by_olm("redhat"))
    created = deployed.get("Namespace", namespace)
    group = deployed.get("OperatorGroup", namespace)
    subscription = deployed.get("Subscription", name)
    installed = deployed.get("Operator", f"{name}.{namespace}")
    assert created.urn in group.dependencies
    assert {created.urn, group.urn} <= subscription.dependencies
    assert subscription.urn in installed.dependencies
    assert group.inputs["apiVersion"] == "operators.coreos.com/v1"
    assert group.inputs["metadata"]["namespace"] == namespace
    # Without a list of namespaces, the operator watches all of them.
    assert not group.inputs.get("spec")


@pytest.mark.parametrize("catalog", ["community", "operatorhub"])
def test_where_operators_share_a_namespace_neither_it_nor_its_group_is_ours(deploy: Deploy, catalog: str) -> None:
    deployed = deploy(by_olm(catalog))
    assert not [r for r in deployed if r.kind == "OperatorGroup"]
    shared = CATALOGS[catalog]["tempo"][1]
    assert shared not in {r.object_name for r in deployed if r.kind == "Namespace"}


def test_an_operator_s_namespace_that_exists_keeps_its_only_group(deploy: Deploy) -> None:
    deployed = deploy(by_olm("redhat", ("namespaces.existing", ["openshift-tempo-operator"])))
    assert {r.object_name for r in deployed if r.kind == "OperatorGroup"} == {"openshift-opentelemetry-operator"}
    (namespace,) = (r for r in deployed if r.name == "operators-tempo-namespace")
    assert namespace.read
    assert namespace.urn in deployed.get("Subscription", "tempo-product").dependencies


def test_the_wait_is_for_a_cluster_service_version_that_succeeded(deploy: Deploy) -> None:
    deployed = deploy(by_olm("redhat", ("timeouts.operators", 321)))
    operators = [r for r in deployed if r.kind == "Operator"]
    assert len(operators) == 2
    for operator in operators:
        assert operator.inputs["apiVersion"] == "operators.coreos.com/v1"
        # The object is cluster-scoped, and all of it but our metadata is OLM's.
        assert "namespace" not in operator.inputs["metadata"]
        assert not operator.inputs.get("spec")
        assert set(operator.timeouts.values()) == {"321s"}
        # The expression was run with the parser of pulumi-kubernetes 4.25 on such statuses: it selects a node as soon
        # as there is a version with phase Succeeded; before that it selects nothing, and Pulumi keeps waiting.
        assert operator.inputs["metadata"]["annotations"]["pulumi.com/waitFor"] == (
            'jsonpath={.status.components.refs[?@.kind=="ClusterServiceVersion"]'
            '.conditions[?@.type=="Succeeded" && @.status=="True"].type}'
        )


def test_every_object_s_name_fits_olm_s_labels() -> None:
    # OLM cuts the name of its Operator after 63 characters; with a longer name we would wait for ever.
    for catalog, packages in CATALOGS.items():
        for name, namespace, *_ in packages.values():
            assert len(f"{name}.{namespace}") <= 63, catalog


def retained(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    names: set[str] = set()
    register = RecordingMonitor.RegisterResource

    def noting(self: RecordingMonitor, request: Any) -> Any:
        if request.retainOnDelete:
            names.add(request.name)
        return register(self, request)

    monkeypatch.setattr(RecordingMonitor, "RegisterResource", noting)
    return names


def test_destroy_leaves_olm_s_own_objects_to_olm(deploy: Deploy, monkeypatch: pytest.MonkeyPatch) -> None:
    names = retained(monkeypatch)
    # A value that no other test uses: equal configurations run only once, and that run may be over.
    deploy(by_olm("redhat", ("timeouts.operators", 654)))
    assert {name for name in names if name.startswith("operators-")} == {
        "operators-tempo-installed",
        "operators-opentelemetry-installed",
    }


@pytest.fixture(params=["olm", "manifests"])
def with_operators(deploy: Deploy, request: pytest.FixtureRequest) -> Deployed:
    return deploy(by_olm("redhat") if request.param == "olm" else by_manifests())


def waited_for(deployed: Deployed) -> list[Registration]:
    return [r for r in deployed if r.kind in {"Operator", "ConfigFile"}]


@pytest.mark.parametrize(
    "later", [("TempoMonolithic", "tempo"), ("OpenTelemetryCollector", "otel"), ("Telemetry", "mesh-tracing")]
)
def test_custom_resources_wait_for_the_operators(with_operators: Deployed, later: tuple[str, str]) -> None:
    operators = waited_for(with_operators)
    assert len(operators) == 2
    before = with_operators.before(with_operators.get(*later).urn)
    assert {operator.urn for operator in operators} <= before


@pytest.mark.parametrize("kind", ["MeshControlPlane", "TempoStack", "MeshTelemetry"])
def test_a_component_of_custom_resources_waits_for_the_operators(with_operators: Deployed, kind: str) -> None:
    (component,) = (c for c in with_operators.components if c.kind == kind)
    assert {operator.urn for operator in waited_for(with_operators)} <= with_operators.before(component.urn)


def test_operators_that_exist_are_neither_made_nor_awaited(minimal: Deployed) -> None:
    kinds = {r.kind for r in minimal}
    assert not kinds & {"Operators", "Subscription", "OperatorGroup", "Operator", "ConfigFile"}


def test_release_manifests_come_from_their_projects_by_version(deploy: Deploy) -> None:
    deployed = deploy(by_manifests(("operators.tempoVersion", "0.22.1"), ("operators.opentelemetryVersion", "0.158.2")))
    files = {r.name: r.inputs["file"] for r in deployed if r.kind == "ConfigFile"}
    assert files == {
        "operators-tempo": "https://github.com/grafana/tempo-operator/releases/download/v0.22.1/tempo-operator.yaml",
        "operators-opentelemetry": "https://github.com/open-telemetry/opentelemetry-operator/releases/download"
        "/v0.158.2/opentelemetry-operator.yaml",
    }


@pytest.mark.parametrize("folder", ["./operators", "./operators/"])
def test_release_manifests_come_from_a_folder(deploy: Deploy, folder: str) -> None:
    deployed = deploy(by_manifests(("operators.manifestFolder", folder)))
    files = {r.inputs["file"] for r in deployed if r.kind == "ConfigFile"}
    assert files == {"./operators/tempo-operator.yaml", "./operators/opentelemetry-operator.yaml"}


def test_objects_of_release_manifests_are_awaited(deploy: Deploy) -> None:
    deployed = deploy(by_manifests())
    assert [r.inputs["skipAwait"] for r in deployed if r.kind == "ConfigFile"] == [False, False]


DEPLOYMENT = "kubernetes:apps/v1:Deployment"
# As in the release manifest of the OpenTelemetry operator, shortened.
RELEASED = {
    "spec": {
        "replicas": 1,
        "template": {
            "spec": {"containers": [{"name": "manager", "args": ["--zap-log-level=info"]}, {"name": "other"}]}
        },
    }
}


def retained_of_manifests(deployed: Deployed) -> set[str]:
    """Of a CRD and a Deployment in each release manifest, the types that stay on destroy."""
    kept = set()
    for file in (r for r in deployed if r.kind == "ConfigFile"):
        for token in (DEFINITION, DEPLOYMENT):
            args = pulumi.ResourceTransformArgs(True, token, "any", RELEASED, pulumi.ResourceOptions(protect=True))
            for transform in file.transforms:
                result = transform(args)
                if isinstance(result, pulumi.ResourceTransformResult) and result.opts.retain_on_delete:
                    assert (result.props, result.opts.protect) == (RELEASED, True)
                    kept.add(f"{file.name} {token}")
    return kept


def test_definitions_of_release_manifests_stay_on_destroy_and_nothing_else_does(deploy: Deploy) -> None:
    kept = {f"operators-tempo {DEFINITION}", f"operators-opentelemetry {DEFINITION}"}
    assert retained_of_manifests(deploy(by_manifests())) == kept


def test_definitions_of_release_manifests_go_where_the_settings_say_so(deploy: Deploy) -> None:
    assert retained_of_manifests(deploy(by_manifests(("operators.keepCrds", False)))) == set()


def transformed(deployed: Deployed, operator: str, token: str) -> Any:
    """What becomes of an object of that type in the operator's release manifest."""
    (file,) = (r for r in deployed if r.name == f"operators-{operator}")
    args = pulumi.ResourceTransformArgs(True, token, "any", RELEASED, pulumi.ResourceOptions())
    for transform in file.transforms:
        result = transform(args)
        if isinstance(result, pulumi.ResourceTransformResult):
            args = pulumi.ResourceTransformArgs(True, token, "any", result.props, result.opts)
    return args.props


@pytest.mark.parametrize("version", ["0.158.0", "0.159.1"])
def test_an_operator_that_would_close_the_api_server_to_itself_is_told_not_to(deploy: Deploy, version: str) -> None:
    deployed = deploy(by_manifests(("operators.opentelemetryVersion", version)))
    spec = transformed(deployed, "opentelemetry", DEPLOYMENT)["spec"]
    assert spec["replicas"] == 1
    assert spec["template"]["spec"]["containers"] == [
        {"name": "manager", "args": ["--zap-log-level=info", "--feature-gates=-operator.networkpolicy"]},
        {"name": "other"},
    ]


@pytest.mark.parametrize(
    ("version", "operator", "token"),
    [
        ("0.157.0", "opentelemetry", DEPLOYMENT),
        ("0.160.0", "opentelemetry", DEPLOYMENT),
        ("0.158.0", "opentelemetry", DEFINITION),
        ("0.158.0", "tempo", DEPLOYMENT),
    ],
)
def test_what_else_is_in_release_manifests_stays_as_it_is(
    deploy: Deploy, version: str, operator: str, token: str
) -> None:
    deployed = deploy(by_manifests(("operators.opentelemetryVersion", version)))
    assert transformed(deployed, operator, token) == RELEASED


def test_kiali_s_and_grafana_s_operators_are_not_installed_from_manifests(deploy: Deploy) -> None:
    deployed = deploy(by_manifests(("grafana.mode", "operator")))
    assert {r.name for r in deployed if r.kind == "ConfigFile"} == {"operators-tempo", "operators-opentelemetry"}


def test_the_component_says_what_it_installed(with_operators: Deployed) -> None:
    (component,) = (c for c in with_operators.components if c.kind == "Operators")
    names = with_operators.registered_outputs[component.urn]["names"]
    assert names in {"tempo-product, opentelemetry-product", "tempo, opentelemetry"}


def test_everything_made_for_olm_is_labelled_as_ours(deploy: Deploy) -> None:
    deployed = deploy(by_olm("redhat"))
    made = [r for r in deployed if r.kind in {"Subscription", "OperatorGroup", "Operator"}]
    made += [r for r in deployed if r.object_name in OWN_NAMESPACES.values() and r.kind == "Namespace"]
    assert len(made) == 8
    for resource in made:
        assert resource.inputs["metadata"]["labels"]["app.kubernetes.io/part-of"] == PROJECT


def test_release_manifests_are_applied_to_our_cluster(deploy: Deploy) -> None:
    deployed = deploy(by_manifests())
    (provider,) = (r for r in deployed if r.type == "pulumi:providers:kubernetes")
    for resource in deployed:
        if resource.kind == "ConfigFile":
            assert resource.provider.startswith(provider.urn), resource.urn


@pytest.mark.parametrize(
    ("operator", "kinds"),
    [("mesh", {"Istio", "IstioCNI"}), ("kiali", {"Kiali"}), ("grafana", {"GrafanaDatasource", "GrafanaDashboard"})],
)
def test_what_only_some_settings_ask_for_waits_for_its_operator_too(
    deploy: Deploy, operator: str, kinds: set[str]
) -> None:
    deployed = deploy(by_olm("redhat", *asking_for(operator)))
    name, namespace, *_ = CATALOGS["redhat"][operator]
    installed = deployed.get("Operator", f"{name}.{namespace}")
    found = [r for r in deployed.children if r.kind in kinds]
    assert {r.kind for r in found} == kinds
    for resource in found:
        assert installed.urn in deployed.before(resource.urn), resource.urn
