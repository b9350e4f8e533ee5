"""Entries of the mesh's list of providers that istiod refuses, and those that only look strange."""

from collections.abc import Callable

import pytest

import lint

HOST = "otel-collector.istio-system.svc.cluster.local"


@pytest.mark.parametrize(
    ("entries", "remedy"),
    [
        (
            f"{{name: a, opentelemetry: {{service: 'http://{HOST}', port: 1}}}}",
            "write the host alone, as [namespace/]host",
        ),
        (f"{{name: a, zipkin: {{service: '{HOST}:9411', port: 1}}}}", "write the host alone, as [namespace/]host"),
        ("{name: a, opentelemetry: {port: 1}}", "name the Service that takes the spans"),
        (f"{{name: a, opentelemetry: {{service: {HOST}}}}}", "write the port of the Service"),
        (f"{{name: a, opentelemetry: {{service: {HOST}, port: 70000}}}}", "write the port of the Service"),
        (f"{{name: a, opentelemetry: {{service: {HOST}, port: 1, http: {{}}, grpc: {{}}}}}}", "remove one of the two"),
        ("{name: a, prometheus: {}}, {name: a, prometheus: {}}", "give each a name of its own"),
        ("{name: a}", "add a kind, such as opentelemetry"),
        (f"{{name: a, openTelemetry: {{service: {HOST}, port: 1}}}}", "write opentelemetry"),
        (f"{{name: a, envoyOTelALS: {{service: {HOST}, port: 1}}}}", "write envoyOtelAls"),
    ],
)
def test_an_entry_that_istiod_refuses(check_yaml: Callable[..., list[lint.Finding]], entries: str, remedy: str) -> None:
    found = check_yaml(f"meshConfig: {{extensionProviders: [{entries}]}}")
    assert [(one.code, one.severity, one.remedy) for one in found] == [("N3", "error", remedy)]


@pytest.mark.parametrize(
    "entry",
    [
        f"{{name: a, opentelemetry: {{service: istio-system/{HOST}, port: 1}}}}",
        f"{{name: a, opentelemetry: {{service: {HOST}, port: '4317'}}}}",
        "{name: a, opentelemetry: {service: '${HOST}', port: '${PORT}'}}",
        "{name: a, envoy_otel_als: {service: logs.example.com, port: 1}}",
        "{name: a, aKindOfTomorrow: {}}",
        "{name: a, opentelemetry: {service: otel.example.com, port: 443, http: {path: /v1/traces}}}",
    ],
)
def test_an_entry_that_istiod_takes(check_yaml: Callable[..., list[lint.Finding]], entry: str) -> None:
    assert check_yaml(f"meshConfig: {{extensionProviders: [{entry}]}}") == []
