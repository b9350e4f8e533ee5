"""Entries of the mesh's list of providers that istiod refuses, and those that only look strange."""

from collections.abc import Callable

import pytest

import lint

HOST = "otel-collector.istio-system.svc.cluster.local"
OTEL = f"{{name: otel, opentelemetry: {{service: {HOST}, port: 4317}}}}"


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


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (f"{{meshConfig: {{}}, extensionProviders: [{OTEL}]}}", ["N3"]),
        (f"{{pilot: {{extensionProviders: [{OTEL}]}}}}", ["N3"]),
        (f"{{pilot: {{}}, global: {{extensionProviders: [{OTEL}]}}}}", ["N3"]),
        (f"{{meshConfig: {{extensionProviders: [{OTEL}]}}}}", []),
        # A file with the mesh configuration itself.
        (f"{{extensionProviders: [{OTEL}], defaultConfig: {{}}}}", []),
    ],
)
def test_the_chart_of_istiod_reads_providers_from_its_mesh_configuration_only(
    check_yaml: Callable[..., list[lint.Finding]], values: str, expected: list[str]
) -> None:
    assert [one.code for one in check_yaml(values)] == expected


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("zipkin:9411", ["N3"]),
        ("jaeger-collector:9411", ["N3"]),
        ("zipkin.istio-system:9411", []),
        ("localhost:9411", []),
        ("10.0.0.1:9411", []),
        ("'[::1]:9411'", []),
        ("$(HOST_IP):8126", []),
        ("'${TRACER}'", []),
        ("zipkin", []),
    ],
)
def test_an_address_for_spans_names_its_namespace(
    check_yaml: Callable[..., list[lint.Finding]], address: str, expected: list[str]
) -> None:
    found = check_yaml(f"meshConfig: {{defaultConfig: {{tracing: {{zipkin: {{address: {address}}}}}}}}}")
    assert [one.code for one in found] == expected
