"""On which nodes the pods of every part run, and with which Secrets they pull their images."""

from collections.abc import Callable, Mapping
from typing import Any

import pulumi
import pytest
import schemas
from recording import (
    PROJECT,
    SENTINELS,
    Deployed,
    full_config,
    leaves,
    minimal_config,
    run_program,
    s3_config,
    with_setting,
    with_settings,
)
from variants import EVERY_CONFIG

import settings

pytestmark = pytest.mark.timeout(300)

Deploy = Callable[..., Deployed]

TERM = {"nodeSelectorTerms": [{"matchExpressions": [{"key": "ssd", "operator": "Exists"}]}]}
SCHEDULING: dict[str, Any] = {
    "nodeSelector": {"node-role.kubernetes.io/infra": ""},
    "tolerations": [{"key": "dedicated", "operator": "Equal", "value": "tracing", "effect": "NoSchedule"}],
    "affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": TERM}},
    "priorityClassName": "tracing",
}
PULL_SECRETS = [{"name": "registry"}]
WITHOUT_PRIORITY = {name: SCHEDULING[name] for name in ("nodeSelector", "tolerations", "affinity")}
OF_A_TEMPO_STACK = {name: SCHEDULING[name] for name in ("nodeSelector", "tolerations")}

# Where an object says on which nodes, and with what, in its own words.
FIELDS = {
    *SCHEDULING,
    "imagePullSecrets",
    "node_selector",
    "priority_class_name",
    "image_pull_secrets",
    "serviceAccount",
    "parametersRef",
    # Pods restart for it.
    "mesh-tracing/revision",
}


def placed(config: Mapping[str, Any]) -> dict[str, Any]:
    return with_settings(config, {"scheduling": SCHEDULING, "images.pullSecrets": ["registry"]})


def inputs(deployed: Deployed) -> dict[tuple[Any, ...], Any]:
    return {(r.urn, *path): value for r in deployed for path, value in leaves(r.inputs)}


def spec(deployed: Deployed, kind: str, name: str | None = None) -> Any:
    return deployed.get(kind, name).inputs["spec"]


def part(values: Mapping[str, Any], fields: Mapping[str, Any]) -> dict[str, Any]:
    """Those of ``fields`` that are in ``values``."""
    return {name: values[name] for name in fields if name in values}


@pytest.mark.parametrize("name", EVERY_CONFIG)
def test_every_pod_of_ours_runs_where_the_settings_say(name: str) -> None:
    deployed = run_program(placed(EVERY_CONFIG[name]), preview=False)
    workloads = [r for r in deployed if r.kind in {"Deployment", "Job"} and not r.type.endswith("Patch")]
    for workload in workloads:
        pod = workload.inputs["spec"]["template"]["spec"]
        assert part(pod, {**SCHEDULING, "imagePullSecrets": 0}) == {**SCHEDULING, "imagePullSecrets": PULL_SECRETS}


@pytest.mark.parametrize("name", EVERY_CONFIG)
def test_nothing_else_changes(name: str) -> None:
    before, after = (run_program(config, preview=False) for config in (EVERY_CONFIG[name], placed(EVERY_CONFIG[name])))
    made = [resource for urn, resource in after.resources.items() if urn not in before.resources]
    assert {r.kind for r in made} <= {"ServiceAccount", "ConfigMap"}
    assert set(before.resources) <= set(after.resources)
    urns = {resource.urn for resource in made}
    old, new = inputs(before), inputs(after)
    changed = {path for path in old | new if old.get(path) != new.get(path) and path[0] not in urns}
    # Tempo has the revision, for which its pods restart, as the name of its first remote write or of its process, or
    # among the labels of a generator that does not run; what Istio is to merge into a gateway's Deployment is a text in
    # a ConfigMap. What the collector may read, it may as the account with the pull secrets.
    texts = {
        ("subjects", 0, "name"),
        ("remote_write", 0, "name"),
        ("memberlist", "node_name"),
        ("external_labels", "revision"),
        ("data", "deployment"),
    }
    expected = {path for path in changed if FIELDS.intersection(path) or {path[-3:], path[-2:]} & texts}
    assert changed - expected == set()


@pytest.mark.parametrize("name", EVERY_CONFIG)
def test_every_object_still_fits_its_schema(name: str) -> None:
    assert schemas.faults(run_program(placed(EVERY_CONFIG[name]), preview=False)) == []


def test_the_collector_is_placed_by_its_operator_s_own_fields(deploy: Deploy) -> None:
    deployed = deploy(placed(minimal_config()))
    assert part(spec(deployed, "OpenTelemetryCollector"), SCHEDULING) == SCHEDULING


def test_tempo_of_a_single_process_is_placed_but_for_the_priority_which_has_no_field(deploy: Deploy) -> None:
    assert part(spec(deploy(placed(minimal_config())), "TempoMonolithic"), SCHEDULING) == WITHOUT_PRIORITY


def test_every_part_of_a_tempo_stack_is_placed_by_the_two_fields_that_it_has(deploy: Deploy) -> None:
    template = spec(deploy(placed(with_setting(s3_config(), "tempo.mode", "stack"))), "TempoStack")["template"]
    parts = {name: fields.get("component", fields) for name, fields in template.items() if name != "gateway"}
    assert set(parts) == {"compactor", "distributor", "ingester", "metricsGenerator", "querier", "queryFrontend"}
    for fields in parts.values():
        assert part(fields, SCHEDULING) == OF_A_TEMPO_STACK


def release(deployed: Deployed, chart: str) -> Any:
    (found,) = (r.inputs["values"] for r in deployed if r.kind == "Release" and r.inputs["chart"] == chart)
    return found


def istio_values(deploy: Deploy, installer: str) -> tuple[Any, Any]:
    """The values of istiod and of the CNI plugin."""
    deployed = deploy(placed(with_settings(minimal_config(), {"mesh.installer": installer, "mesh.cni": True})))
    if installer == "helm":
        return release(deployed, "istiod"), release(deployed, "cni")
    return spec(deployed, "Istio")["values"], spec(deployed, "IstioCNI")["values"]


@pytest.mark.parametrize("installer", ["helm", "sail"])
def test_istiod_is_placed_by_the_values_of_its_chart(deploy: Deploy, installer: str) -> None:
    istiod, _ = istio_values(deploy, installer)
    assert part(istiod["pilot"], SCHEDULING) == WITHOUT_PRIORITY
    assert istiod["global"]["priorityClassName"] == "tracing"
    assert istiod["global"]["imagePullSecrets"] == ["registry"]


@pytest.mark.parametrize("installer", ["helm", "sail"])
def test_the_cni_plugin_stays_on_every_node_and_pulls_with_the_secrets(deploy: Deploy, installer: str) -> None:
    _, cni = istio_values(deploy, installer)
    assert cni == {"global": {"imagePullSecrets": ["registry"]}}


def test_the_user_s_values_of_istiod_s_chart_win(deploy: Deploy) -> None:
    theirs = {"pilot": {"nodeSelector": {"node-role.kubernetes.io/infra": "istiod"}}}
    istiod = release(deploy(placed(with_setting(minimal_config(), "mesh.values", theirs))), "istiod")
    assert istiod["pilot"]["nodeSelector"] == theirs["pilot"]["nodeSelector"]
    assert istiod["pilot"]["tolerations"] == SCHEDULING["tolerations"]


def test_the_gateway_of_istio_s_chart_is_placed_by_its_values(deploy: Deploy) -> None:
    values = release(deploy(placed(with_setting(minimal_config(), "bookinfo.gateway", "istio"))), "gateway")
    assert part(values, {**SCHEDULING, "imagePullSecrets": 0}) == {**SCHEDULING, "imagePullSecrets": PULL_SECRETS}


def test_a_gateway_that_istio_makes_is_placed_by_a_config_map_that_it_merges(deploy: Deploy) -> None:
    deployed = deploy(placed(with_setting(minimal_config(), "bookinfo.gateway", "gateway-api")))
    reference = spec(deployed, "Gateway")["infrastructure"]["parametersRef"]
    merged = deployed.get("ConfigMap", "bookinfo-gateway").inputs
    assert reference == {"group": "", "kind": "ConfigMap", "name": "bookinfo-gateway"}
    assert merged["metadata"]["namespace"] == deployed.get("Gateway").inputs["metadata"]["namespace"]
    (text,) = (merged["data"][key] for key in ("deployment",))
    assert schemas.yaml.safe_load(text) == {"spec": {"template": {"spec": SCHEDULING}}}


@pytest.mark.parametrize("installer", ["operator", "helm"])
def test_kiali_is_placed_in_its_own_words(deploy: Deploy, installer: str) -> None:
    deployed = deploy(placed(with_setting(minimal_config(), "kiali.installer", installer)))
    values = spec(deployed, "Kiali") if installer == "operator" else release(deployed, "kiali-server")
    expected = {
        "node_selector": SCHEDULING["nodeSelector"],
        "tolerations": SCHEDULING["tolerations"],
        "affinity": {"node": SCHEDULING["affinity"]["nodeAffinity"]},
        "priority_class_name": "tracing",
        "image_pull_secrets": ["registry"],
    }
    assert part(values["deployment"], expected) == expected


def test_operators_that_olm_installs_are_placed_by_their_subscriptions(deploy: Deploy) -> None:
    deployed = deploy(placed(full_config()))
    subscriptions = [r.inputs["spec"] for r in deployed if r.kind == "Subscription"]
    assert len(subscriptions) == 3
    assert [each["config"] for each in subscriptions] == 3 * [WITHOUT_PRIORITY]


def test_an_operator_of_a_release_manifest_is_placed_as_pods_of_ours(deploy: Deploy) -> None:
    deployed = deploy(placed(with_setting(minimal_config(), "operators.source", "manifests")))
    pod = {"containers": [{"name": "manager", "image": "ghcr.io/o/operator:v1"}], "serviceAccountName": "manager"}
    (file,) = (r for r in deployed if r.kind == "ConfigFile" and r.name == "operators-tempo")
    for token, expected in (
        ("kubernetes:apps/v1:Deployment", {**pod, **SCHEDULING, "imagePullSecrets": PULL_SECRETS}),
        ("kubernetes:apps/v1:StatefulSet", pod),
    ):
        props: dict[str, Any] = {"spec": {"template": {"spec": pod}}}
        args = pulumi.ResourceTransformArgs(True, token, "operator", props, pulumi.ResourceOptions())
        for transform in file.transforms:
            result = transform(args)
            props = result.props if isinstance(result, pulumi.ResourceTransformResult) else props  # type: ignore[assignment]
        assert props["spec"]["template"]["spec"] == expected


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"bookinfo.gateway": "gateway-api", "mesh.version": "1.25.9"}, "mesh.version 1.26.0 or newer"),
        (
            {
                "platform": "openshift",
                "exposure": {"kind": "route", "domain": "apps.example.com", "jaegerUi": True},
            },
            "no exposure.jaegerUi by a Route for images.pullSecrets",
        ),
        ({"scheduling.tolerations": [{"operator": "Exists", "value": "x"}]}, "no value for operator Exists"),
        ({"scheduling.tolerations": [{"value": "x"}]}, "a key, or operator Exists"),
        (
            {"scheduling.tolerations": [{"key": "x", "tolerationSeconds": 5}]},
            "effect NoExecute for tolerationSeconds",
        ),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(changes: dict[str, Any], words: str) -> None:
    config = with_settings(placed({**minimal_config(), **SENTINELS}), changes)
    with pytest.raises(settings.ConfigError) as caught:
        run_program(config, preview=True)
    (problem,) = caught.value.problems
    assert problem.startswith(f"{PROJECT}")
    assert words in problem
