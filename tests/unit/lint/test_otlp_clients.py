"""Which protocol of OTLP an application speaks, and to which port it sends."""

from collections.abc import Callable

import pytest

Codes = Callable[..., list[str]]

INSTRUMENTATION = """
apiVersion: opentelemetry.io/v1alpha1
kind: Instrumentation
metadata: {name: shop, namespace: shop}
spec:
  exporter: {endpoint: "http://otel-collector.tracing:4317"}
"""
OF_OPERATOR = "ghcr.io/open-telemetry/opentelemetry-operator/autoinstrumentation"


@pytest.mark.parametrize(
    "languages",
    [
        "  java: {env: [{name: OTEL_METRICS_EXPORTER, value: none}]}",
        f"  java: {{image: '{OF_OPERATOR}-java:latest'}}",
        f"  nodejs: {{image: '{OF_OPERATOR}-nodejs:0.78.0'}}",
        "  nginx: {attrs: []}\n  python: {}",
    ],
)
def test_an_image_that_speaks_http_is_found_at_the_port_of_grpc(codes: Codes, languages: str) -> None:
    assert codes(INSTRUMENTATION + languages) == ["error N24"]


@pytest.mark.parametrize(
    "languages",
    [
        "  nginx: {attrs: []}",
        f"  java: {{image: '{OF_OPERATOR}-java:1.33.6'}}",
        f"  nodejs: {{image: '{OF_OPERATOR}-nodejs:0.53.0'}}",
        "  java: {env: [{name: OTEL_EXPORTER_OTLP_PROTOCOL, value: grpc}]}",
        "  python: {env: [{name: OTEL_EXPORTER_OTLP_ENDPOINT, value: 'http://otel-collector.tracing:4318'}]}",
        "  env: [{name: OTEL_EXPORTER_OTLP_PROTOCOL, value: grpc}]\n  java: {}",
    ],
)
def test_an_image_that_speaks_grpc_or_is_told_otherwise_is_not(codes: Codes, languages: str) -> None:
    assert codes(INSTRUMENTATION + languages) == []


def test_without_a_language_it_may_be_one_that_speaks_grpc(codes: Codes) -> None:
    assert codes(INSTRUMENTATION) == ["warning N24"]


def test_the_endpoint_among_a_languages_variables_counts_too(codes: Codes) -> None:
    languages = "  nodejs: {env: [{name: OTEL_EXPORTER_OTLP_ENDPOINT, value: 'http://otel-collector.tracing:4317'}]}"
    assert codes(INSTRUMENTATION + languages) == ["error N24"]
