"""Kiali's settings: where they are found, and which backend they ask."""

from collections.abc import Callable

import pytest

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
