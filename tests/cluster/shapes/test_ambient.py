"""What istiod tells a waypoint of tracing, and by which Telemetry.

There is no ztunnel, and the upstream Envoy cannot be a waypoint: it refuses the listeners for filters of Istio's own,
and the bootstrap for an extension, which is left out here. What istiod has sent stands among what Envoy refuses.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from embedded import Host, eventually
from other_settings import deploy_with

from local.build.tools import Toolbox
from local.progress import Progress

QUIET, ROOT = "quiet", "istio-system"
SEES_WAYPOINTS = {
    "mesh-tracing:mesh": {
        "discoveryNamespacesOnly": False,
        "values": {"pilot": {"env": {"PILOT_ENABLE_AMBIENT": "true"}}},
    }
}
SERVICES = ("details", "marked")
# Of the program's Telemetry, of the one that is tried, and of the one for the second Service.
OURS, TRIED, MARK = 100, 37, 11
GATEWAY = {"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": "waypoint"}
CLASS = {"group": "gateway.networking.k8s.io", "kind": "GatewayClass", "name": "istio-waypoint"}


def service(name: str) -> dict[str, str]:
    return {"group": "", "kind": "Service", "name": name}


def named(api_version: str, kind: str, name: str, **content: Any) -> dict[str, Any]:
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": name, "namespace": QUIET}, **content}


def objects(bootstrap: str) -> Iterator[dict[str, Any]]:
    """A namespace of an ambient mesh with two Services and a waypoint, whose proxy starts with this template."""
    labels = {"istio.io/dataplane-mode": "ambient", "istio.io/use-waypoint": "waypoint"}
    yield {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": QUIET, "labels": labels}}
    proxy = {
        "name": "istio-proxy",
        # It is never ready, and would be ended for that.
        "startupProbe": None,
        "env": [{"name": "ISTIO_BOOTSTRAP", "value": "/bootstrap/template.json"}],
        "volumeMounts": [{"name": "bootstrap", "mountPath": "/bootstrap"}],
    }
    pod = {"containers": [proxy], "volumes": [{"name": "bootstrap", "configMap": {"name": "bootstrap"}}]}
    yield named("v1", "ConfigMap", "bootstrap", data={"template.json": bootstrap})
    overlay = json.dumps({"spec": {"template": {"spec": pod}}})
    yield named("v1", "ConfigMap", "waypoint", data={"deployment": overlay})
    for name in SERVICES:
        yield named(
            "v1", "Service", name, spec={"selector": {"app": "none"}, "ports": [{"name": "http", "port": 9080}]}
        )
    yield named(
        "gateway.networking.k8s.io/v1",
        "Gateway",
        "waypoint",
        spec={
            "gatewayClassName": "istio-waypoint",
            "listeners": [{"name": "mesh", "port": 15008, "protocol": "HBONE"}],
            "infrastructure": {"parametersRef": {"group": "", "kind": "ConfigMap", "name": "waypoint"}},
        },
    )


def telemetry(name: str, namespace: str, percentage: int, **scope: Any) -> dict[str, Any]:
    tracing = [{"providers": [{"name": "otel"}], "randomSamplingPercentage": percentage}]
    return {
        "apiVersion": "telemetry.istio.io/v1",
        "kind": "Telemetry",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {**scope, "tracing": tracing},
    }


def apply(cluster: Host, folder: Path, *items: dict[str, Any]) -> None:
    path = folder / "objects.json"
    path.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": items}))
    cluster.kubectl("apply", "-f", str(path))


@pytest.fixture(scope="module")
def gateway_api(cluster: Host, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The definitions of the Gateway API; those of the module that istiod is built with, where there are none."""
    name = "gateways.gateway.networking.k8s.io"
    if cluster.kubectl("get", "customresourcedefinitions", name, "--ignore-not-found"):
        yield
        return
    folder = toolbox(tmp_path_factory).module_folder("istio", "sigs.k8s.io/gateway-api") / "config" / "crd" / "standard"
    cluster.kubectl("apply", "--server-side", "-f", str(folder))
    yield
    cluster.kubectl("delete", "--ignore-not-found", "-f", str(folder))


def toolbox(tmp_path_factory: pytest.TempPathFactory) -> Toolbox:
    return Toolbox(tmp_path_factory.mktemp("logs"), Progress())


@pytest.fixture(scope="module")
def waypoint(
    cluster: Host, deployed: str, gateway_api: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Path]:
    """A folder for manifests, beside a waypoint that istiod knows."""
    folder = tmp_path_factory.mktemp("ambient")
    istio = toolbox(tmp_path_factory).module_folder("istio", "istio.io/istio")
    template = (istio / "tools" / "packaging" / "common" / "envoy_bootstrap.json").read_text()
    deploy_with(cluster, folder, SEES_WAYPOINTS)
    apply(cluster, folder, *objects(template.replace("{{- if .metadata_discovery }}", "{{- if false }}")))
    assert eventually(lambda: chains(cluster), lambda found: set(found) == set(SERVICES), 180).keys() == set(SERVICES)
    yield folder
    cluster.kubectl("delete", "namespace", QUIET, "--timeout=180s")
    deploy_with(cluster, folder, {})


def chains(cluster: Host) -> dict[str, dict[str, Any]]:
    """What istiod told the waypoint of tracing, for each Service behind it; nothing before it has."""
    asked = ("exec", "-n", QUIET, "deployment/waypoint", "--", "pilot-agent", "request", "GET", "config_dump")
    dump = cluster.with_exports("kubectl", *asked, check=False).stdout
    listeners = [
        (one.get("error_state") or {}).get("failed_configuration") or one["active_state"]["listener"]
        for config in json.loads(dump or '{"configs": []}')["configs"]
        for one in config.get("dynamic_listeners", [])
        if one.get("name") == "main_internal"
    ]
    return {
        name: one["typed_config"]["tracing"]
        for listener in listeners
        for chain in listener["filter_chains"]
        for name in SERVICES
        if chain.get("name", "").endswith(f"|{name}.{QUIET}.svc.cluster.local")
        for one in chain["filters"]
        if "tracing" in one["typed_config"]
    }


def sampling(cluster: Host) -> dict[str, float]:
    return {name: tracing["random_sampling"]["value"] for name, tracing in chains(cluster).items()}


def test_a_waypoint_sends_one_span_of_each_request_in_its_own_name(cluster: Host, waypoint: Path) -> None:
    for tracing in chains(cluster).values():
        tracer = tracing["provider"]["typed_config"]
        assert tracer["service_name"] == f"waypoint.{QUIET}"
        assert tracer["grpc_service"]["envoy_grpc"]["cluster_name"] == (
            "outbound|4317||otel-collector.istio-system.svc.cluster.local"
        )
        assert "spawn_upstream_span" not in tracing
    assert sampling(cluster) == dict.fromkeys(SERVICES, OURS)


@pytest.mark.parametrize(
    ("namespace", "scope", "expected"),
    [
        (QUIET, {}, TRIED),
        (QUIET, {"targetRefs": [GATEWAY]}, TRIED),
        (QUIET, {"targetRefs": [service("details")]}, TRIED),
        (QUIET, {"selector": {"matchLabels": {"gateway.networking.k8s.io/gateway-name": "waypoint"}}}, OURS),
        (ROOT, {"targetRefs": [CLASS]}, OURS),
    ],
    ids=["namespace", "waypoint", "service", "selector", "class"],
)
def test_which_telemetry_reaches_a_waypoint(
    cluster: Host, waypoint: Path, namespace: str, scope: dict[str, Any], expected: int
) -> None:
    # Of two that reach a Service the younger one decides, or that of the later name.
    tried = telemetry("first", namespace, TRIED, **scope)
    mark = telemetry("second", QUIET, MARK, targetRefs=[service("marked")])
    apply(cluster, waypoint, tried, mark)
    try:
        # The second one is seen with the first one or after it.
        seen = eventually(lambda: sampling(cluster), lambda found: MARK in found.values(), 60)
    finally:
        cluster.kubectl("delete", "-f", str(waypoint / "objects.json"))
    assert seen["details"] == expected
    after = eventually(lambda: sampling(cluster), lambda found: set(found.values()) == {OURS}, 60)
    assert after == dict.fromkeys(SERVICES, OURS)
