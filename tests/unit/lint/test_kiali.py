"""Kiali's settings: where they are found, and which backend they ask."""

import json
from collections.abc import Callable

import pytest
from conftest import CheckYaml

Codes = Callable[..., list[str]]

TEMPO = "{apiVersion: tempo.grafana.com/v1alpha1, kind: %s, metadata: {name: main, namespace: obs}}"
TRACING = "external_services: {tracing: {enabled: true, provider: tempo, internal_url: 'http://tempo-main.obs:3200'}}"


@pytest.mark.parametrize(
    "settings",
    [
        f"{{apiVersion: kiali.io/v1alpha1, kind: Kiali, metadata: {{name: kiali}}, spec: {{{TRACING}}}}}",
        f'{{apiVersion: v1, kind: ConfigMap, metadata: {{name: kiali}}, data: {{config.yaml: "{{{TRACING}}}"}}}}',
        f"{{{TRACING}, auth: {{strategy: anonymous}}}}",
        f"{{cr: {{create: true, spec: {{{TRACING}}}}}}}",
        f"{{kiali-server: {{{TRACING}}}}}",
        "{apiVersion: helm.toolkit.fluxcd.io/v2, kind: HelmRelease,"
        f" spec: {{chart: {{spec: {{chart: kiali-server}}}}, values: {{{TRACING}}}}}}}",
    ],
)
def test_kialis_settings_are_found_in_its_resource_and_in_values_of_its_charts(codes: Codes, settings: str) -> None:
    assert codes(f"{settings}\n---\n{TEMPO % 'TempoMonolithic'}") == ["error N9"]
    with_http = settings.replace("provider: tempo", "provider: tempo, use_grpc: false")
    assert codes(f"{with_http}\n---\n{TEMPO % 'TempoMonolithic'}") == []


@pytest.mark.parametrize(
    ("tracing", "tempo", "expected"),
    [
        ("internal_url: 'http://tempo-main-query-frontend.obs.svc:3200'", "TempoStack", ["error N9"]),
        ("provider: jaeger, in_cluster_url: 'http://tempo-main.obs:3200'", "TempoMonolithic", ["error N9"]),
        ("internal_url: 'http://tempo.monitoring:3200'", "TempoStack", ["warning N9"]),
        ("internal_url: 'http://tempo-main-query-frontend.obs.svc:16685'", "TempoStack", []),
        ("internal_url: 'http://tracing.istio-system:16685/jaeger'", "TempoStack", []),
        ("internal_url: 'http://traces.istio-system:3200'", "TempoStack", []),
        ("provider: tempo, internal_url: 'http://tempo-main-query-frontend.obs.svc:3200'", "TempoStack", []),
        ("provider: '${PROVIDER}', internal_url: 'http://tempo.monitoring:3200'", "TempoStack", []),
    ],
)
def test_kiali_is_told_that_tempo_is_no_jaeger(codes: Codes, tracing: str, tempo: str, expected: list[str]) -> None:
    spec = f"spec: {{external_services: {{tracing: {{enabled: true, {tracing}}}}}}}"
    assert codes(f"{{apiVersion: kiali.io/v1alpha1, kind: Kiali, {spec}}}\n---\n{TEMPO % tempo}") == expected


@pytest.mark.parametrize(
    ("tracing", "expected"),
    [
        ("internal_url: 'http://jaeger-query.obs:16686'", ["warning N9"]),
        ("in_cluster_url: 'http://tracing.istio-system:16686/jaeger'", ["warning N9"]),
        ("internal_url: 'http://jaeger-query.obs:16686', use_grpc: false", []),
        ("internal_url: 'http://jaeger-query.obs:16685'", []),
        ("internal_url: 'http://jaeger-query.obs:16686', enabled: false", []),
        ("external_url: 'http://jaeger-query.obs:16686'", []),
    ],
)
def test_kiali_speaks_grpc_to_the_port_of_jaeger_for_it(codes: Codes, tracing: str, expected: list[str]) -> None:
    said = tracing if "enabled" in tracing else f"enabled: true, {tracing}"
    spec = f"spec: {{external_services: {{tracing: {{{said}}}}}}}"
    assert codes(f"{{apiVersion: kiali.io/v1alpha1, kind: Kiali, {spec}}}") == expected


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("enable", ["warning N9"]),
        ("useGrpc", ["warning N9"]),
        ("in_cluster_urls", ["warning N9"]),
        ("port", ["warning N9"]),
        ("query_timeout", []),
        ("component_status", []),
        ("x-note", []),
    ],
)
def test_a_key_that_kialis_tracing_does_not_have_is_found(codes: Codes, key: str, expected: list[str]) -> None:
    spec = f"spec: {{external_services: {{tracing: {{{key}: 5}}}}}}"
    assert codes(f"{{apiVersion: kiali.io/v1alpha1, kind: Kiali, {spec}}}") == expected


@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        ("server: {signing_key: a}", ["warning N9"]),
        ("server: {web_root: /, observability: {tracing: {enabled: true}}}", []),
        # The chart writes its own values there too.
        ("skipResources: []", []),
    ],
)
def test_a_config_map_of_kiali_has_what_kiali_reads(codes: Codes, setting: str, expected: list[str]) -> None:
    config = f"external_services: {{istio: {{root_namespace: istio-system}}}}\n{setting}\n"
    held = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "kiali"}, "data": {"config.yaml": config}}
    assert codes(json.dumps(held)) == expected


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ("deployment: {auth: {strategy: anonymous}}", ["warning N35"]),
        ("features: {istio_injection_action: false}", ["warning N35"]),
        ("external_services: {jaeger: {enabled: true}}", ["warning N35"]),
        ("external_services: {tracing: {enabled: 'true'}}", ["error N9"]),
        ("external_services: {tracing: {query_timeout: [5]}}", ["error N9"]),
        ("external_services: {tracing: {provider: 5}}", []),
        ("external_services: {tracing: {enabled: '${ON}'}}", []),
        ("server: {web_root: /kiali}, istio_labels: {app_label_name: a}, kiali_route_url: a, nameOverride: a", []),
        ("server: {signing_key: a}", ["warning N35"]),
        ("deployment: {resources: {limits: {cpu: 1}}, ingress: {enabled: true}, image_version: v2}", []),
    ],
)
def test_values_of_the_chart_are_kialis_settings(codes: Codes, values: str, expected: list[str]) -> None:
    chart = "apiVersion: helm.toolkit.fluxcd.io/v2, kind: HelmRelease"
    assert codes(f"{{{chart}, spec: {{chart: {{spec: {{chart: kiali-server}}}}, values: {{{values}}}}}}}") == expected


@pytest.mark.parametrize(
    ("prometheus", "expected"),
    [
        ("{url: ''}", ["error N9"]),
        ("{url: '', enabled: false}", []),
        ("{url: '${PROMETHEUS}'}", []),
        ("{}", []),
    ],
)
def test_an_empty_address_of_prometheus_is_none(codes: Codes, prometheus: str, expected: list[str]) -> None:
    settings = f"{{external_services: {{prometheus: {prometheus}}}}}"
    chart = "apiVersion: helm.toolkit.fluxcd.io/v2, kind: HelmRelease"
    assert codes(f"{{{chart}, spec: {{chart: {{spec: {{chart: kiali-server}}}}, values: {settings}}}}}") == expected
    # The operator writes one instead.
    assert codes(f"{{apiVersion: kiali.io/v1alpha1, kind: Kiali, spec: {settings}}}") == []
    assert codes(f"{{cr: {{create: true, spec: {settings}}}}}") == []


@pytest.mark.parametrize(
    ("values", "remedy"),
    [
        ("external_services: {grafana: {prometheus: {url: a}}}", "move it below external_services"),
        ("deployment: {auth: {strategy: anonymous}}", "move it to the top, as auth"),
        ("deployment: {any: thing}", "leave it out"),
    ],
)
def test_a_value_gets_the_place_where_kiali_has_it(check_yaml: CheckYaml, values: str, remedy: str) -> None:
    chart = "apiVersion: helm.toolkit.fluxcd.io/v2, kind: HelmRelease"
    (found,) = check_yaml(f"{{{chart}, spec: {{chart: {{spec: {{chart: kiali-server}}}}, values: {{{values}}}}}}}")
    assert found.remedy == remedy
