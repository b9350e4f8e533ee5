"""Exactly which resources are protected, replaced in place or retained, and how long each may take."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
import variants
from recording import STACKS, Deployed, Registration, minimal_config, run_program, s3_config, stack_config, with_setting

pytestmark = pytest.mark.timeout(300)

# Kinds whose objects are there as soon as the API server has them; no limit of time makes a difference to these.
AT_ONCE = {
    "ClusterRole",
    "ClusterRoleBinding",
    "ConfigMap",
    "CronJob",
    "Namespace",
    "NetworkPolicy",
    "OperatorGroup",
    "Role",
    "RoleBinding",
    "Secret",
    "Service",
    "ServiceAccount",
    "Subscription",
    "Telemetry",
}
# What holds traces, metrics or the only copy of a password that these are locked with, and the namespaces around it.
HOLDS_DATA = {
    ("Namespace", "istio-system"),
    ("Namespace", "tracing-system"),
    ("PersistentVolumeClaim", "seaweedfs"),
    ("PersistentVolumeClaim", "prometheus"),
    ("Secret", "seaweedfs-s3"),
    ("TempoMonolithic", "tempo"),
}
# A Helm release has its own timeout among its values.
BY_CHART = "Release"


def every_run() -> Iterator[Deployed]:
    for stack in STACKS:
        yield run_program(stack_config(stack), preview=False)
    for config in variants.variants().values():
        yield run_program(config, preview=False)


@pytest.fixture(scope="module")
def resources() -> list[Registration]:
    """All resources of all stacks and variants."""
    return [resource for deployed in every_run() for resource in deployed]


def own(resources: list[Registration]) -> list[Registration]:
    return [r for r in resources if r.custom and not r.read and not r.type.startswith("pulumi:")]


def kinds_with(resources: list[Registration], has: Callable[[Registration], Any]) -> set[str]:
    return {resource.kind for resource in resources if has(resource)}


def protected(config: Mapping[str, Any]) -> set[tuple[str, str]]:
    return {(r.kind, r.object_name) for r in run_program(config, preview=False) if r.protect}


def test_nothing_is_protected_unless_the_settings_say_so() -> None:
    assert protected(s3_config()) == set()


def test_exactly_what_holds_data_is_protected() -> None:
    config = with_setting(s3_config(), "protectData", True)
    assert protected(with_setting(config, "prometheus.storage", {"size": "1Gi"})) == HOLDS_DATA


def test_a_namespace_of_somebody_else_is_not_protected() -> None:
    config = with_setting(minimal_config(), "protectData", True)
    config = with_setting(config, "namespaces.existing", ["istio-system", "tracing-system"])
    assert protected(config) == {("TempoMonolithic", "tempo")}


def test_the_production_stack_protects_its_data() -> None:
    assert protected(stack_config("prod")) == {
        ("Namespace", "istio-system"),
        ("Namespace", "tracing-system"),
        ("PersistentVolumeClaim", "prometheus"),
        ("TempoStack", "tempo"),
    }


def test_only_what_cannot_change_its_selector_is_deleted_before_it_is_replaced(resources: list[Registration]) -> None:
    expected = {"GrafanaDashboard", "GrafanaDatasource"}
    # In another namespace, the release of the CNI plugin would claim the ClusterRole of the old one.
    assert kinds_with(resources, lambda r: r.delete_before_replace and r.name != "mesh-cni") == expected
    assert kinds_with(resources, lambda r: r.further_options.get("replaceOnChanges")) == expected


def test_what_is_replaced_on_a_change_or_a_trigger_is_deleted_first(resources: list[Registration]) -> None:
    """Two objects cannot share a name: created first, the new one would be the old one, which is then deleted."""
    triggers = {"replaceOnChanges", "replacement_trigger", "replace_with"}
    for resource in resources:
        if triggers & resource.further_options.keys():
            assert resource.delete_before_replace, resource.urn


def test_only_what_belongs_to_an_operator_is_kept_on_destroy(resources: list[Registration]) -> None:
    """What is awaited of OLM goes with its Subscription, and a claim cannot be without the size that is ours."""
    assert kinds_with(resources, lambda r: "retainOnDelete" in r.further_options) == {
        "Operator",
        "PersistentVolumeClaim",
    }


def test_only_what_an_older_stack_would_lose_ignores_changes(resources: list[Registration]) -> None:
    """Older stacks have a context's name for the cluster, and a Job whose template cannot change."""
    ignoring = {(r.type, r.further_options["ignoreChanges"]) for r in resources if "ignoreChanges" in r.further_options}
    assert ignoring == {
        ("pulumi:providers:kubernetes", "['clusterIdentifier']"),
        ("pulumi:index:Stash", "['input']"),
        (
            "kubernetes:batch/v1:Job",
            "['spec.template.spec.securityContext', 'spec.template.spec.containers[0].securityContext']",
        ),
    }


def test_no_resource_has_an_option_that_is_not_in_these_tests(resources: list[Registration]) -> None:
    assert {name for r in resources for name in r.further_options} == {
        "ignoreChanges",
        "replaceOnChanges",
        "retainOnDelete",
    }


def test_whatever_takes_time_has_a_limit_for_all_it_does(resources: list[Registration]) -> None:
    for resource in own(resources):
        if resource.kind == BY_CHART:
            assert resource.inputs["timeout"] >= 1, resource.urn
        elif resource.kind not in AT_ONCE:
            limits = {resource.timeouts[action] for action in ("create", "update", "delete")}
            assert len(limits) == 1, resource.urn
            assert limits != {""}, resource.urn


def test_what_is_awaited_has_a_limit(resources: list[Registration]) -> None:
    awaited = [
        r for r in own(resources) if "pulumi.com/waitFor" in (r.inputs.get("metadata") or {}).get("annotations", {})
    ]
    assert {r.kind for r in awaited} >= {"Istio", "IstioCNI", "GrafanaDatasource", "Gateway"}
    assert all(r.timeouts["create"] for r in awaited)


@pytest.mark.parametrize(
    ("part", "kind", "name"),
    [
        ("bookinfo", "Deployment", "productpage-v1"),
        ("collector", "OpenTelemetryCollector", "otel"),
        ("consoles", "Deployment", "grafana"),
        ("objectStore", "Deployment", "seaweedfs"),
        ("objectStore", "Job", "seaweedfs-bucket"),
        ("prometheus", "Deployment", "prometheus"),
        ("tempo", "TempoMonolithic", "tempo"),
    ],
)
def test_the_limit_is_that_of_the_settings(part: str, kind: str, name: str) -> None:
    config = with_setting(s3_config(), f"timeouts.{part}", 77)
    config = with_setting(config, "grafana", {"mode": "managed", "namespace": "tracing-grafana"})
    assert run_program(config, preview=False).get(kind, name).timeouts["create"] == "77s"


@pytest.mark.parametrize("release", ["istio-base", "istiod"])
def test_the_limit_of_a_chart_is_that_of_the_settings(release: str) -> None:
    config = with_setting(minimal_config(), "timeouts.controlPlane", 78)
    assert run_program(config, preview=False).get("Release", release).inputs["timeout"] == 78
