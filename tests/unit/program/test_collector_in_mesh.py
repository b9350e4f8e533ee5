"""A collector in the mesh: its sidecar takes the spans, and stands in nobody's way."""

from collections.abc import Callable
from typing import Any

import pytest
from recording import Deployed, minimal_config, with_setting

from objects.restart import ANNOTATION
from verify.deployment import Deployment

Deploy = Callable[..., Deployed]

OWN_TELEMETRY = "mesh-tracing-collector"


def config_with(**changes: Any) -> dict[str, Any]:
    config = with_setting(minimal_config(), "tracing.collector.inMesh", True)
    config = with_setting(config, "namespaces.unrestricted", ["istio-system"])
    for path, value in changes.items():
        config = with_setting(config, path.replace("__", "."), value)
    return config


@pytest.fixture
def in_mesh(deploy: Deploy) -> Deployed:
    return deploy(config_with())


def annotations(deployed: Deployed) -> dict[str, Any]:
    found: dict[str, Any] = deployed.get("OpenTelemetryCollector").inputs["spec"]["podAnnotations"]
    return found


def test_its_pods_are_injected_whatever_the_labels_of_the_namespace_say(in_mesh: Deployed) -> None:
    labels = in_mesh.get("OpenTelemetryCollector").inputs["metadata"]["labels"]
    assert labels["sidecar.istio.io/inject"] == "true"
    assert "istio.io/rev" not in labels


def test_its_pods_are_injected_by_the_revision_of_the_mesh(deploy: Deploy) -> None:
    labels = deploy(config_with(mesh__revision="canary")).get("OpenTelemetryCollector").inputs["metadata"]["labels"]
    assert (labels["sidecar.istio.io/inject"], labels["istio.io/rev"]) == ("true", "canary")


def test_its_sidecar_leaves_the_scrapes_and_what_goes_out_alone(in_mesh: Deployed) -> None:
    found = annotations(in_mesh)
    (port,) = [port["port"] for port in in_mesh.get("Service", "mesh-tracing-otel-collector").inputs["spec"]["ports"]]
    assert found["traffic.sidecar.istio.io/excludeInboundPorts"] == str(int(port))
    assert found["traffic.sidecar.istio.io/includeOutboundIPRanges"] == ""


def test_its_pods_restart_with_the_sidecars_of_others(in_mesh: Deployed) -> None:
    sleep = in_mesh.get("Deployment", "sleep").inputs["spec"]["template"]["metadata"]["annotations"]
    assert annotations(in_mesh)[ANNOTATION] == sleep[ANNOTATION]


def test_its_sidecar_reports_no_spans(in_mesh: Deployed) -> None:
    telemetry = in_mesh.get("Telemetry", OWN_TELEMETRY).inputs
    assert telemetry["metadata"]["namespace"] == in_mesh.get("OpenTelemetryCollector").inputs["metadata"]["namespace"]
    assert telemetry["spec"]["tracing"] == [{"disableSpanReporting": True}]
    # The Service for metrics selects the same pods.
    selected = in_mesh.get("Service", "mesh-tracing-otel-collector").inputs["spec"]["selector"]
    assert telemetry["spec"]["selector"]["matchLabels"] == selected


def test_it_is_made_once_istiod_injects_and_its_sidecar_is_told_to_report_nothing(in_mesh: Deployed) -> None:
    own, istiod = in_mesh.get("Telemetry", OWN_TELEMETRY).urn, in_mesh.get("Release", "istiod").urn
    collector = in_mesh.get("OpenTelemetryCollector")
    assert istiod in in_mesh.before(own)
    assert {istiod, own} <= set(collector.dependencies)


def test_verify_is_told_where_it_is(in_mesh: Deployed, minimal: Deployed) -> None:
    said = [Deployment.model_validate(one.exports["deployment"]) for one in (in_mesh, minimal)]
    assert [one.tracing.collector_in_mesh for one in said] == [True, False]


def test_outside_the_mesh_it_has_nothing_of_all_that(minimal: Deployed) -> None:
    assert minimal.get("Telemetry").object_name == "mesh-tracing"
    assert not [key for key in annotations(minimal) if "istio.io" in key or key == ANNOTATION]
