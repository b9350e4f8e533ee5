"""The path at which a Prometheus takes remote writes, however it is installed."""

from collections.abc import Callable

import pytest
from cases.base import GENERATOR, PROMETHEUS, replaced

Codes = Callable[..., list[str]]

URL = "http://prometheus.istio-system.svc:9090/api/v1/write"
CUSTOM = """
apiVersion: monitoring.coreos.com/v1
kind: Prometheus
metadata: {name: main, namespace: istio-system}
spec: {version: v3.13.5, enableRemoteWriteReceiver: true, externalUrl: "https://example.com/metrics", MORE}
"""


def started_with(*flags: str) -> str:
    return replaced(PROMETHEUS, "args: [", f"args: [{''.join(f'{flag}, ' for flag in flags)}")


@pytest.mark.parametrize(
    ("prometheus", "path", "expected"),
    [
        (started_with(), "/api/v1/write", []),
        (started_with(), "/api/v1/write/", []),
        (started_with(), "/api/v1/push", ["error N7"]),
        (started_with(), "", ["error N7"]),
        (started_with(), "/${PATH}", []),
        (started_with("--web.route-prefix=/prometheus"), "/api/v1/write", ["error N7"]),
        (started_with("--web.route-prefix=/prometheus/"), "/prometheus/api/v1/write", []),
        (started_with("'--web.external-url=https://example.com/metrics'"), "/api/v1/write", ["error N7"]),
        (started_with("'--web.external-url=/metrics'", "--web.route-prefix=/"), "/api/v1/write", []),
        (started_with("'--web.route-prefix=${PREFIX}'"), "/api/v1/write", []),
    ],
)
def test_the_path_is_that_of_the_flags(codes: Codes, prometheus: str, path: str, expected: list[str]) -> None:
    tempo = replaced(GENERATOR, "svc:9090/api/v1/write", f"svc:9090{path}")
    assert codes(tempo + prometheus) == expected


@pytest.mark.parametrize(
    ("more", "path", "expected"),
    [
        ("", "/api/v1/write", []),
        ("routePrefix: /prometheus", "/api/v1/write", ["error N7"]),
        ("routePrefix: /prometheus", "/prometheus/api/v1/write", []),
        ("routePrefix: /", "/api/v1/write", []),
    ],
)
def test_the_operators_resource_has_a_prefix_if_it_says_so(
    codes: Codes, more: str, path: str, expected: list[str]
) -> None:
    tempo = replaced(GENERATOR, URL, f"http://prometheus-operated.istio-system.svc:9090{path}")
    assert codes(tempo + CUSTOM.replace("MORE", more)) == expected


def test_another_receiver_may_have_another_path(codes: Codes) -> None:
    assert codes(replaced(GENERATOR, URL, "http://mimir.istio-system.svc/api/v1/push") + PROMETHEUS) == []


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://prometheus:9090", ["warning N7"]),
        ("http://prometheus:9090/", ["warning N7"]),
        ("http://prometheus:9090/api/v1/write", []),
        ("http://${HOST}", []),
        ("${URL}", []),
    ],
)
@pytest.mark.parametrize(
    "manifest",
    [
        "prometheus: {prometheusSpec: {remoteWrite: [{url: 'URL'}]}}",
        "{apiVersion: monitoring.coreos.com/v1, kind: PrometheusAgent, metadata: {name: a, namespace: b},"
        " spec: {remoteWrite: [{url: 'URL'}]}}",
        "{receivers: {otlp: {protocols: {grpc: {endpoint: '0.0.0.0:4317'}}}},"
        " exporters: {prometheusremotewrite: {endpoint: 'URL'}},"
        " service: {pipelines: {metrics: {receivers: [otlp], exporters: [prometheusremotewrite]}}}}",
    ],
)
def test_whoever_writes_needs_a_path(codes: Codes, manifest: str, url: str, expected: list[str]) -> None:
    assert codes(manifest.replace("URL", url)) == expected
