"""What is exposed outside the cluster: by which object, under which name, and nothing else."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest
import schemas
from recording import SENTINELS, Deployed, minimal_config, with_setting
from test_settings import problems_of

import model
from objects.context import Context
from objects.exposure import ExposedService, build_exposed
from objects.manifests import load

Deploy = Callable[..., Deployed]

SERVICE = ExposedService(name="grafana", namespace="observe", service="grafana-service", port=3000)
KINDS = {"route": "Route", "ingress": "Ingress", "gateway-api": "HTTPRoute"}
EVERYTHING = {
    "grafana.mode": "managed",
    "kiali.installer": "operator",
    "exposure.prometheus": True,
}


def exposure(kind: str, **more: Any) -> model.Exposure:
    return model.Exposure.model_validate({"kind": kind, "domain": "example.com", "gateway": "ingress/public", **more})


def config(kind: str, settings: Mapping[str, Any] | None = None) -> dict[str, Any]:
    changed: dict[str, Any] = {**minimal_config(), **SENTINELS}
    always: dict[str, Any] = {"exposure.kind": kind}
    if kind != "none":
        always |= {"exposure.domain": "example.com", "exposure.gateway": "ingress/public"}
    if kind == "route":
        always["platform"] = "openshift"
    for path, value in {**always, **(settings or {})}.items():
        changed = with_setting(changed, path, value)
    return changed


def exposed(deployed: Deployed) -> dict[str, str]:
    return {
        r.object_name: r.inputs["metadata"]["namespace"]
        for r in deployed.children
        if r.kind in KINDS.values() and r.name.startswith("exposure-")
    }


def test_a_route_ends_the_encryption_at_the_router_and_leads_to_the_named_port() -> None:
    assert build_exposed(exposure("route"), SERVICE, Context())["spec"] == {
        "host": "grafana.example.com",
        "to": {"kind": "Service", "name": "grafana-service"},
        "port": {"targetPort": "http"},
        "tls": {"termination": "edge", "insecureEdgeTerminationPolicy": "Redirect"},
    }
    assert "tls" not in build_exposed(exposure("route", tls=False), SERVICE, Context())["spec"]


def test_an_ingress_has_the_class_and_the_certificate_of_the_settings() -> None:
    backend = {"service": {"name": "grafana-service", "port": {"number": 3000}}}
    plain = {
        "rules": [
            {
                "host": "grafana.example.com",
                "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": backend}]},
            }
        ]
    }
    assert build_exposed(exposure("ingress", tls=False), SERVICE, Context())["spec"] == plain
    assert build_exposed(exposure("ingress", ingressClass="nginx"), SERVICE, Context())["spec"] == {
        **plain,
        "ingressClassName": "nginx",
        "tls": [{"hosts": ["grafana.example.com"]}],
    }


ISSUER = {"cert-manager.io/cluster-issuer": "letsencrypt"}
ALLOWED = {"nginx.ingress.kubernetes.io/whitelist-source-range": "10.0.0.0/8"}


def test_an_ingress_has_the_annotations_of_all_and_its_own_beside_those_of_the_program() -> None:
    own = {"grafana": {"annotations": ALLOWED}}
    found = build_exposed(exposure("ingress", annotations=ISSUER, services=own), SERVICE, Context())
    assert found["metadata"]["annotations"] == {**ISSUER, **ALLOWED, "pulumi.com/skipAwait": "true"}
    other = build_exposed(
        exposure("ingress", annotations=ISSUER, services={"kiali": own["grafana"]}), SERVICE, Context()
    )
    assert other["metadata"]["annotations"] == {**ISSUER, "pulumi.com/skipAwait": "true"}


def test_an_ingress_has_the_certificate_of_its_own_or_that_of_all() -> None:
    def certificate(**more: Any) -> Any:
        (entry,) = build_exposed(exposure("ingress", **more), SERVICE, Context())["spec"]["tls"]
        return entry

    assert certificate(tlsSecret="wildcard") == {"hosts": ["grafana.example.com"], "secretName": "wildcard"}
    own = certificate(tlsSecret="wildcard", services={"grafana": {"tlsSecret": "own", "host": "traces.example.org"}})
    assert own == {"hosts": ["traces.example.org"], "secretName": "own"}


@pytest.mark.parametrize("kind", KINDS)
def test_a_host_of_its_own_is_everywhere_that_the_name_is(deploy: Deploy, kind: str) -> None:
    hosts = {name: {"host": f"{name}.example.org"} for name in ("grafana", "kiali", "prometheus", "productpage")}
    deployed = deploy(config(kind, {**EVERYTHING, "exposure.services": hosts}))
    everything = [r.inputs for r in deployed.children]
    assert "example.com" not in str(everything)
    assert deployed.exports["grafana_url"] == "https://grafana.example.org"
    assert deployed.exports["kiali_url"] == "https://kiali.example.org"
    env = deployed.get("Deployment", "grafana").inputs["spec"]["template"]["spec"]["containers"][0]["env"]
    assert {"name": "GF_SERVER_ROOT_URL", "value": "https://grafana.example.org/"} in env
    assert deployed.get("Kiali").inputs["spec"]["server"]["web_fqdn"] == "kiali.example.org"


@pytest.mark.parametrize("mode", ["monolithic", "stack"])
def test_the_jaeger_ui_that_tempo_s_operator_exposes_has_host_and_annotations(deploy: Deploy, mode: str) -> None:
    settings = {
        "exposure.jaegerUi": True,
        "exposure.annotations": ISSUER,
        "exposure.services": {"jaeger": {"host": "jaeger.example.org", "annotations": ALLOWED}},
        "tempo.mode": mode,
        "tempo.storage.backend": "s3",
    }
    deployed = deploy(config("ingress", settings))
    kind = "TempoStack" if mode == "stack" else "TempoMonolithic"
    (tempo,) = (r for r in deployed if r.custom and r.kind == kind)
    spec = tempo.inputs["spec"]
    ui = spec["template"]["queryFrontend"]["jaegerQuery"] if mode == "stack" else spec["jaegerui"]
    assert ui["ingress"]["host"] == "jaeger.example.org"
    assert ui["ingress"]["annotations"] == {**ISSUER, **ALLOWED}
    assert schemas.faults(deployed) == []


REFUSED: Mapping[str, tuple[str, dict[str, Any], str]] = {
    "annotations of a Route": ("route", {"exposure.annotations": ISSUER}, "only for kind ingress"),
    "a Secret of an HTTPRoute": ("gateway-api", {"exposure.tlsSecret": "own"}, "only for kind ingress"),
    "a Secret without TLS": ("ingress", {"exposure.tlsSecret": "own", "exposure.tls": False}, "tls with a tlsSecret"),
    "a Secret of the Jaeger UI": ("ingress", {"exposure.services": {"jaeger": {"tlsSecret": "own"}}}, "jaeger"),
    "one host twice": (
        "ingress",
        {"exposure.services": {"grafana": {"host": "a.example.org"}, "kiali": {"host": "a.example.org"}}},
        "a host of its own",
    ),
    "an annotation of Pulumi": ("ingress", {"exposure.annotations": {"pulumi.com/waitFor": "x"}}, "pulumi.com"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_makes_no_sense_is_refused_in_one_line(name: str) -> None:
    kind, settings, words = REFUSED[name]
    (problem,) = problems_of(config(kind, settings))
    assert words in problem


def test_an_http_route_is_attached_to_the_gateway_that_exists() -> None:
    assert build_exposed(exposure("gateway-api"), SERVICE, Context())["spec"] == {
        "parentRefs": [{"namespace": "ingress", "name": "public"}],
        "hostnames": ["grafana.example.com"],
        "rules": [{"backendRefs": [{"name": "grafana-service", "port": 3000}]}],
    }


def test_nothing_is_built_for_a_cluster_without_a_way_in() -> None:
    with pytest.raises(ValueError, match="grafana: nothing leads to it"):
        build_exposed(model.Exposure(), SERVICE, Context())


@pytest.mark.parametrize(
    ("kind", "api_version", "annotations"),
    [
        (
            "route",
            "route.openshift.io/v1",
            {
                "pulumi.com/waitFor": "jsonpath={.status.ingress[*].conditions"
                '[?@.type=="Admitted" && @.status=="True"].type}'
            },
        ),
        ("ingress", "networking.k8s.io/v1", {"pulumi.com/skipAwait": "true"}),
        (
            "gateway-api",
            "gateway.networking.k8s.io/v1",
            {
                "pulumi.com/waitFor": "jsonpath={.status.parents[*].conditions"
                '[?@.type=="Accepted" && @.status=="True"].type}'
            },
        ),
    ],
)
def test_each_kind_is_awaited_as_far_as_it_says_anything(
    deploy: Deploy, kind: str, api_version: str, annotations: dict[str, str]
) -> None:
    deployed = deploy(config(kind, {**EVERYTHING, "timeouts.consoles": 66}))
    ours = [r for r in deployed.children if r.name.startswith("exposure-")]
    assert ours
    for resource in ours:
        assert (resource.inputs["apiVersion"], resource.kind) == (api_version, KINDS[kind])
        assert resource.inputs["metadata"]["annotations"].items() >= annotations.items()
        assert resource.inputs["metadata"]["labels"]["app.kubernetes.io/part-of"] == "mesh-tracing"
        assert set(resource.timeouts.values()) == {"66s"}


@pytest.mark.parametrize("preview", [False, True], ids=["up", "preview"])
@pytest.mark.parametrize("kind", ["ingress", "gateway-api"])
def test_consoles_and_sample_are_exposed_in_the_namespaces_of_their_services(
    deploy: Deploy, kind: str, preview: bool
) -> None:
    deployed = deploy(config(kind, {**EVERYTHING, "grafana.namespace": "observe"}), preview=preview)
    assert exposed(deployed) == {
        "grafana": "observe",
        "kiali": "istio-system",
        "productpage": "bookinfo",
        "prometheus": "istio-system",
    }


def test_kiali_makes_its_route_itself(deploy: Deploy) -> None:
    assert set(exposed(deploy(config("route", EVERYTHING)))) == {"grafana", "productpage", "prometheus"}


@pytest.mark.parametrize(
    ("settings", "missing"),
    [
        ({"grafana.mode": "config-map"}, "grafana"),
        ({"grafana.mode": "operator"}, "grafana"),
        ({"kiali.installer": "none"}, "kiali"),
        ({"exposure.prometheus": False}, "prometheus"),
        ({"prometheus.existing": {"queryUrl": "http://prometheus.monitoring:9090"}}, "prometheus"),
        ({"bookinfo.enabled": False}, "productpage"),
    ],
)
def test_only_what_is_the_program_s_own_and_meant_to_be_is_exposed(
    deploy: Deploy, settings: dict[str, Any], missing: str
) -> None:
    everything = {"grafana", "kiali", "productpage", "prometheus"}
    assert set(exposed(deploy(config("ingress", {**EVERYTHING, **settings})))) == everything - {missing}


def test_without_a_way_in_there_is_no_component(deploy: Deploy) -> None:
    deployed = deploy(config("none", {**EVERYTHING, "exposure.prometheus": False}))
    assert "Exposure" not in {component.kind for component in deployed.components}
    assert not {"grafana_url", "prometheus_external_url", "productpage_external_url", "kiali_url"} & set(
        deployed.exports
    )


def test_with_nothing_to_lead_to_there_is_no_component(deploy: Deploy) -> None:
    deployed = deploy(config("ingress", {"bookinfo.enabled": False}))
    assert "Exposure" not in {component.kind for component in deployed.components}


@pytest.mark.parametrize(
    ("gateway", "service", "port"),
    [("none", "productpage", 9080), ("istio", "bookinfo-gateway", 80), ("gateway-api", "bookinfo-gateway-istio", 80)],
)
def test_the_sample_is_reached_through_its_gateway_where_it_has_one(
    deploy: Deploy, gateway: str, service: str, port: int
) -> None:
    deployed = deploy(config("gateway-api", {"bookinfo.gateway": gateway}))
    (rule,) = deployed.get("HTTPRoute", "productpage").inputs["spec"]["rules"]
    assert rule["backendRefs"] == [{"name": service, "port": port}]


@pytest.mark.parametrize("file", ["grafana.yaml", "prometheus.yaml"])
def test_every_exposed_service_calls_its_port_by_the_name_that_routes_use(file: str) -> None:
    ports = [port["name"] for m in load(file) if m["kind"] == "Service" for port in m["spec"]["ports"]]
    assert ports == ["http"]


@pytest.mark.parametrize(
    ("name", "earlier"),
    [
        ("grafana", ("Deployment", "grafana")),
        ("kiali", ("Kiali", "kiali")),
        ("productpage", ("Deployment", "productpage-v1")),
        ("prometheus", ("Deployment", "prometheus")),
        ("grafana", ("Namespace", "istio-system")),
        ("productpage", ("Namespace", "bookinfo")),
    ],
)
def test_a_name_outside_appears_when_what_it_leads_to_serves(
    deploy: Deploy, name: str, earlier: tuple[str, str]
) -> None:
    deployed = deploy(config("ingress", EVERYTHING))
    # Not by `get`: Kiali is the name of a component, too.
    (resource,) = (r for r in deployed.children if (r.kind, r.object_name) == earlier)
    assert resource.urn in deployed.before(deployed.get("Ingress", name).urn)


@pytest.mark.parametrize(("tls", "scheme"), [(True, "https"), (False, "http")])
def test_the_urls_are_exported(deploy: Deploy, tls: bool, scheme: str) -> None:
    exports = deploy(config("ingress", {**EVERYTHING, "exposure.tls": tls})).exports
    assert {key: exports[key] for key in exports if key in {"grafana_url", "kiali_url"} or "external" in key} == {
        "grafana_url": f"{scheme}://grafana.example.com",
        "kiali_url": f"{scheme}://kiali.example.com",
        "productpage_external_url": f"{scheme}://productpage.example.com/productpage",
        "prometheus_external_url": f"{scheme}://prometheus.example.com",
    }
