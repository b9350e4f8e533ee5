"""Kiali gets the same configuration through its operator's resource and through its chart."""

from collections.abc import Callable
from typing import Any

import pytest
from recording import SENTINELS, Deployed, minimal_config, with_setting

Deploy = Callable[..., Deployed]

INSTALLERS = ["operator", "helm"]
STACK = {"tempo.mode": "stack", "tempo.storage.backend": "s3"}
ROUTES = {"platform": "openshift", "exposure.kind": "route", "exposure.domain": "apps.example.com"}
INGRESS = {"exposure.kind": "ingress", "exposure.domain": "example.com"}


def config(installer: str, *settings: dict[str, Any]) -> dict[str, Any]:
    changed: dict[str, Any] = {**minimal_config(), **SENTINELS}
    for part in ({"kiali.installer": installer}, *settings):
        for path, value in part.items():
            changed = with_setting(changed, path, value)
    return changed


def kiali(deployed: Deployed) -> dict[str, Any]:
    """What Kiali is told, by whichever installer."""
    (installed,) = (r for r in deployed.children if r.name.startswith("kiali-"))
    spec: dict[str, Any] = installed.inputs["spec" if installed.kind == "Kiali" else "values"]
    deployment = {key: value for key, value in spec["deployment"].items() if key != "pod_annotations"}
    return {**spec, "deployment": deployment}


def test_without_an_installer_there_is_no_kiali(minimal: Deployed) -> None:
    assert "Kiali" not in {component.kind for component in minimal.components}
    assert "kiali_url" not in minimal.exports


@pytest.mark.parametrize("preview", [False, True], ids=["up", "preview"])
def test_the_operator_s_resource_is_beside_the_control_plane_and_awaited(deploy: Deploy, preview: bool) -> None:
    settings = {"mesh.namespace": "mesh", "timeouts.consoles": 55}
    deployed = deploy(config("operator", settings), preview=preview)
    (resource,) = (r for r in deployed.children if r.kind == "Kiali")
    assert resource.inputs["apiVersion"] == "kiali.io/v1alpha1"
    metadata = resource.inputs["metadata"]
    assert (metadata["name"], metadata["namespace"]) == ("kiali", "mesh")
    (watched,) = (rollout for rollout in deployed.watched if rollout.title == "Kiali")
    assert (watched.namespace, watched.workloads, watched.seconds) == ("mesh", ("kiali",), 55)
    assert set(resource.timeouts.values()) == {"55s"}


@pytest.mark.parametrize(
    ("repository", "source"),
    [
        (
            "https://charts.example.com/",
            {
                "chart": "kiali-server",
                "version": "2.25.0",
                "repositoryOpts": {"repo": "https://charts.example.com"},
            },
        ),
        (
            "oci://registry.example.com/charts",
            {"chart": "oci://registry.example.com/charts/kiali-server", "version": "2.25.0"},
        ),
        ("./charts", {"chart": "./charts/kiali-server"}),
    ],
)
def test_the_chart_is_found_in_a_repository_a_registry_or_a_folder(
    deploy: Deploy, repository: str, source: dict[str, Any]
) -> None:
    settings = {"kiali.chartRepository": repository, "kiali.version": "2.25.0", "timeouts.consoles": 55}
    deployed = deploy(config("helm", settings))
    release = deployed.get("Release", "kiali")
    assert {key: release.inputs.get(key) for key in source} == source
    assert ("version" in release.inputs) == ("version" in source)
    assert release.inputs["namespace"] == "istio-system"
    assert release.inputs["timeout"] == 55
    assert release.inputs["atomic"] is True


def test_both_installers_are_told_the_same(deploy: Deploy) -> None:
    for settings in ({}, INGRESS, {"platform": "openshift"}):
        told, values = (kiali(deploy(config(installer, settings))) for installer in ("operator", "helm"))
        # The operator has one of its own.
        deployment = {key: value for key, value in values["deployment"].items() if key != "security_context"}
        assert told == {**values, "deployment": deployment}


@pytest.mark.parametrize("installer", INSTALLERS)
@pytest.mark.parametrize(
    ("settings", "url"),
    [
        ({}, "http://tempo-tempo.tracing-system.svc.cluster.local:3200"),
        (STACK, "http://tempo-tempo-query-frontend.tracing-system.svc.cluster.local:3200"),
    ],
    ids=["monolithic", "stack"],
)
@pytest.mark.parametrize("platform", ["kubernetes", "openshift"])
def test_traces_come_from_tempo_over_http(
    deploy: Deploy, installer: str, settings: dict[str, Any], url: str, platform: str
) -> None:
    tracing = kiali(deploy(config(installer, settings, {"platform": platform})))["external_services"]["tracing"]
    assert tracing == {
        "enabled": True,
        "provider": "tempo",
        "internal_url": url,
        "use_grpc": False,
        "tempo_config": {"datasource_uid": "mesh-tracing-tempo", "url_format": "grafana"},
    }


def test_metrics_come_from_the_prometheus_of_the_settings(deploy: Deploy) -> None:
    own = kiali(deploy(config("operator")))["external_services"]["prometheus"]
    assert own == {"url": "http://prometheus.istio-system.svc.cluster.local:9090"}
    existing = {"prometheus.existing": {"queryUrl": "http://prometheus.monitoring:9090"}}
    foreign = kiali(deploy(config("operator", existing)))["external_services"]["prometheus"]
    assert foreign == {"url": "http://prometheus.monitoring:9090"}


def test_kiali_knows_grafana_s_data_sources_by_their_uids(deploy: Deploy) -> None:
    uids = {"grafana.mode": "managed", "grafana.tempo": {"uid": "traces"}, "grafana.prometheus": {"uid": "graph"}}
    services = kiali(deploy(config("operator", uids)))["external_services"]
    assert services["tracing"]["tempo_config"]["datasource_uid"] == "traces"
    assert services["grafana"]["datasource_uid"] == "graph"


@pytest.mark.parametrize("mode", ["config-map", "operator"])
def test_of_somebody_else_s_grafana_kiali_knows_nothing(deploy: Deploy, mode: str) -> None:
    services = kiali(deploy(config("operator", {"grafana.mode": mode}, INGRESS)))["external_services"]
    assert services["grafana"] == {"enabled": False}
    assert "external_url" not in services["tracing"]


def test_kiali_starts_after_the_grafana_that_it_asks(deploy: Deploy) -> None:
    deployed = deploy(config("operator", {"grafana.mode": "managed"}))
    (resource,) = (r for r in deployed.children if r.kind == "Kiali")
    assert deployed.get("Deployment", "grafana").urn in deployed.before(resource.urn)


def test_a_grafana_of_the_program_s_own_is_where_kiali_sends_browsers(deploy: Deploy) -> None:
    grafana = {"grafana.mode": "managed", "grafana.namespace": "observe"}
    inside = {
        "enabled": True,
        "internal_url": "http://grafana.observe.svc.cluster.local:3000",
        "datasource_uid": "mesh-tracing-prometheus",
        "dashboards": [],
        "is_core": False,
    }
    hidden = kiali(deploy(config("operator", grafana)))["external_services"]
    assert hidden["grafana"] == inside
    assert "external_url" not in hidden["tracing"]
    exposed = kiali(deploy(config("operator", grafana, INGRESS)))["external_services"]
    assert exposed["grafana"] == {**inside, "external_url": "https://grafana.example.com"}
    assert exposed["tracing"]["external_url"] == "https://grafana.example.com"


def test_services_are_known_by_the_cluster_s_domain(deploy: Deploy) -> None:
    services = kiali(deploy(config("operator", {"cluster.domain": "corp.example"})))["external_services"]
    assert services["istio"] == {"istio_identity_domain": "svc.corp.example"}


@pytest.mark.parametrize("installer", INSTALLERS)
@pytest.mark.parametrize(
    "settings",
    [{}, INGRESS, {"platform": "openshift"}, {"platform": "openshift", **INGRESS}],
    ids=["kubernetes", "ingress", "openshift", "openshift-ingress"],
)
def test_without_a_route_a_token_lets_in_over_plain_http(
    deploy: Deploy, installer: str, settings: dict[str, Any]
) -> None:
    spec = kiali(deploy(config(installer, settings)))
    assert spec["auth"] == {"strategy": "token"}
    assert spec["deployment"]["ingress"] == {"enabled": False}
    assert spec["identity"] == {"cert_file": "", "private_key_file": ""}
    assert "kiali_route_url" not in spec


@pytest.mark.parametrize("installer", INSTALLERS)
@pytest.mark.parametrize("tls", [True, False])
def test_with_a_route_openshift_lets_in(deploy: Deploy, installer: str, tls: bool) -> None:
    deployed = deploy(config(installer, ROUTES, {"exposure.tls": tls}))
    spec = kiali(deployed)
    assert spec["auth"] == {"strategy": "openshift"}
    assert "identity" not in spec
    ingress = spec["deployment"]["ingress"]
    assert ingress["enabled"] is True
    assert ingress["override_yaml"]["spec"] == {
        "host": "kiali.apps.example.com",
        "to": {"kind": "Service", "name": "kiali"},
        "port": {"targetPort": 20001},
        "tls": {"termination": "reencrypt", "insecureEdgeTerminationPolicy": "Redirect"},
    }
    assert spec["server"]["web_schema"] == "https"
    assert deployed.exports["kiali_url"] == "https://kiali.apps.example.com"
    # Only the chart has the setting, because it cannot look up the Route.
    assert spec.get("kiali_route_url") == ("https://kiali.apps.example.com" if installer == "helm" else None)


@pytest.mark.parametrize(("tls", "scheme"), [(True, "https"), (False, "http")])
def test_kiali_knows_the_name_it_has_outside(deploy: Deploy, tls: bool, scheme: str) -> None:
    spec = kiali(deploy(config("operator", INGRESS, {"exposure.tls": tls})))
    assert spec["server"] == {"web_root": "/", "web_fqdn": "kiali.example.com", "web_schema": scheme}
    assert kiali(deploy(config("operator")))["server"] == {"web_root": "/"}


@pytest.mark.parametrize(
    "earlier",
    [
        ("Namespace", "istio-system"),
        ("Release", "istiod"),
        ("TempoMonolithic", "tempo"),
        ("Deployment", "prometheus"),
        ("Deployment", "grafana"),
    ],
)
@pytest.mark.parametrize("installer", INSTALLERS)
def test_kiali_waits_for_what_it_asks(deploy: Deploy, installer: str, earlier: tuple[str, str]) -> None:
    deployed = deploy(config(installer, {"grafana.mode": "managed"}))
    (installed,) = (r for r in deployed.children if r.name.startswith("kiali-"))
    assert deployed.get(*earlier).urn in deployed.before(installed.urn)


def test_kiali_waits_for_its_operator_where_the_program_installs_it(deploy: Deploy) -> None:
    deployed = deploy(config("operator", {"operators.source": "olm", "operators.catalog": "operatorhub"}))
    (resource,) = (r for r in deployed.children if r.kind == "Kiali")
    subscriptions = [r for r in deployed.children if r.kind == "Subscription" and r.object_name == "kiali"]
    assert len(subscriptions) == 1
    assert subscriptions[0].urn in deployed.before(resource.urn)
