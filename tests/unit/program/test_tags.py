"""What spans are to tell beside the request: tags that proxies add, and attributes of their resources."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from recording import Deployed, minimal_config, with_setting, with_settings
from test_checks import plan_of
from test_settings import problems_of

from objects.collector import FULL_IMAGE
from program.roles import roles

Deploy = Callable[..., Deployed]

TAGS = {
    "team": {"literal": {"value": "shop team"}},
    "region": {"environment": {"name": "REGION", "defaultValue": "unknown"}},
    "tenant": {"header": {"name": "x-tenant"}},
}
KUBERNETES = {"tracing.resource.kubernetes": True}


def spec(deployed: Deployed) -> dict[str, Any]:
    found: dict[str, Any] = deployed.get("OpenTelemetryCollector").inputs["spec"]
    return found


def processors(deployed: Deployed) -> dict[str, Any]:
    """Those of the pipeline that spans enter by, in its order."""
    config = spec(deployed)["config"]
    return {name: config["processors"][name] for name in config["service"]["pipelines"]["traces"]["processors"]}


def test_a_telemetry_has_the_tags_as_they_were_written(deploy: Deploy) -> None:
    deployed = deploy(with_setting(minimal_config(), "tracing.customTags", TAGS))
    (entry,) = deployed.get("Telemetry").inputs["spec"]["tracing"]
    assert entry["customTags"] == TAGS


def test_a_narrower_telemetry_has_them_too(deploy: Deploy) -> None:
    sampling = {"exceptions": [{"namespace": "bookinfo", "percentage": 1}]}
    changes = {"tracing.customTags": TAGS, "tracing.sampling": sampling}
    deployed = deploy(with_settings(minimal_config(), changes))
    found = [one.inputs["spec"]["tracing"] for one in deployed.children if one.kind == "Telemetry"]
    assert [entry["customTags"] for (entry,) in found] == [TAGS, TAGS]


@pytest.mark.parametrize(
    ("tags", "said"),
    [
        ({"who": {"header": {"name": "Authorization"}}}, "header Authorization, which redaction.headers"),
        ({"who": {"header": {"name": "cookie"}}}, "header cookie, which redaction.headers"),
        ({"x-api-key": {"literal": {"value": "a"}}}, "another name for customTags.x-api-key"),
        ({"component": {"literal": {"value": "a"}}}, "another name for customTags.component"),
        ({"istio.namespace": {"literal": {"value": "a"}}}, "another name for customTags.istio.namespace"),
        ({"team": {"literal": {"value": "a"}, "header": {"name": "x-b"}}}, "one of literal, environment and header"),
        ({"team": {}}, "one of literal, environment and header"),
        ({"team": {"literal": {"value": ""}}}, "tracing.customTags.team.literal.value"),
        ({"team": {"header": {"name": ":path"}}}, "tracing.customTags.team.header.name"),
        ({"a tag": {"literal": {"value": "a"}}}, "tracing.customTags"),
    ],
)
def test_a_tag_that_would_tell_a_secret_or_hide_something_is_refused_in_one_line(
    tags: Mapping[str, Any], said: str
) -> None:
    (problem,) = problems_of(with_setting(minimal_config(), "tracing.customTags", tags))
    assert said in problem
    assert "\n" not in problem


def test_a_header_that_the_owner_takes_off_the_list_may_be_a_tag(deploy: Deploy) -> None:
    changes = {
        "tracing.customTags": {"page": {"header": {"name": "referer"}}},
        "tracing.redaction.headers": ["authorization"],
    }
    (entry,) = deploy(with_settings(minimal_config(), changes)).get("Telemetry").inputs["spec"]["tracing"]
    assert entry["customTags"] == {"page": {"header": {"name": "referer"}}}


def test_spans_tell_cluster_region_and_zone_unless_they_do_already(deploy: Deploy) -> None:
    resource = {"cluster": "a", "region": "b", "zone": "c", "attributes": {"deployment.environment.name": "d"}}
    found = processors(deploy(with_setting(minimal_config(), "tracing.resource", resource)))
    assert list(found)[-1] == "resource/place"
    assert found["resource/place"]["attributes"] == [
        {"key": "k8s.cluster.name", "value": "a", "action": "insert"},
        {"key": "cloud.region", "value": "b", "action": "insert"},
        {"key": "cloud.availability_zone", "value": "c", "action": "insert"},
        {"key": "deployment.environment.name", "value": "d", "action": "insert"},
    ]


@pytest.mark.parametrize(
    ("attributes", "said"),
    [
        ({"service.name": "a"}, "no attributes.service.name"),
        ({"k8s.cluster.name": "a"}, "cluster instead of attributes.k8s.cluster.name"),
        ({"team": "${env:TEAM}"}, "tracing.resource.attributes.team"),
    ],
)
def test_an_attribute_that_would_hide_something_is_refused(attributes: Mapping[str, str], said: str) -> None:
    (problem,) = problems_of(with_setting(minimal_config(), "tracing.resource", {"attributes": attributes}))
    assert said in problem


@pytest.mark.parametrize("replicas", [1, 2])
def test_pods_are_looked_up_where_spans_come_straight_from_them(deploy: Deploy, replicas: int) -> None:
    changes = {**KUBERNETES, "graph.source": "collector", "tracing.collector.replicas": replicas}
    pipelines = spec(deploy(with_settings(minimal_config(), changes)))["config"]["service"]["pipelines"]
    looking = {name for name, one in pipelines.items() if "k8sattributes/place" in one["processors"]}
    assert looking == {"traces"}
    assert pipelines["traces"]["receivers"] == ["otlp"]


def test_looking_pods_up_takes_the_image_that_can(deploy: Deploy) -> None:
    assert spec(deploy(with_settings(minimal_config(), KUBERNETES)))["image"] == FULL_IMAGE


@pytest.mark.parametrize(
    ("changes", "account"),
    [({}, "otel-collector"), ({"images.pullSecrets": ["registry"]}, "mesh-tracing-otel-collector")],
)
def test_the_collector_s_account_may_read_pods_before_its_pods_start(
    deploy: Deploy, changes: Mapping[str, Any], account: str
) -> None:
    deployed = deploy(with_settings(minimal_config(), {**KUBERNETES, **changes}))
    role = deployed.get("ClusterRole", "mesh-tracing-otel-collector-istio-system")
    binding = deployed.get("ClusterRoleBinding", "mesh-tracing-otel-collector-istio-system")
    assert {verb for rule in role.inputs["rules"] for verb in rule["verbs"]} == {"get", "list", "watch"}
    assert {kind for rule in role.inputs["rules"] for kind in rule["resources"]} == {
        "pods",
        "namespaces",
        "replicasets",
    }
    assert binding.inputs["roleRef"]["name"] == role.object_name
    assert binding.inputs["subjects"] == [{"kind": "ServiceAccount", "name": account, "namespace": "istio-system"}]
    assert {role.urn, binding.urn} <= deployed.before(deployed.get("OpenTelemetryCollector").urn)


def test_without_it_no_role_is_made(minimal: Deployed) -> None:
    assert not [one for one in minimal.children if one.object_name == "mesh-tracing-otel-collector-istio-system"]


def test_whoever_runs_up_may_grant_that_role() -> None:
    (up,) = (
        role
        for role in roles(plan_of(with_settings(minimal_config(), KUBERNETES)), "dev")
        if role["metadata"]["name"].endswith("-up")
    )
    granting = [
        rule for rule in up["rules"] if "mesh-tracing-otel-collector-istio-system" in rule.get("resourceNames", [])
    ]
    assert {kind for rule in granting for kind in rule["resources"]} == {"clusterroles", "clusterrolebindings"}
    assert all({"escalate", "bind"} <= set(rule["verbs"]) for rule in granting if "clusterroles" in rule["resources"])


def test_behind_a_sidecar_nobody_is_looked_up() -> None:
    changes = {**KUBERNETES, "tracing.collector.inMesh": True, "mesh.cni": True}
    (problem,) = problems_of(with_settings(minimal_config(), changes))
    assert "collector.inMesh false for resource.kubernetes" in problem
