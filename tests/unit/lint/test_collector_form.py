"""The form of a collector's configuration, its memory, and the storages of Jaeger."""

from collections.abc import Callable

import pytest
from cases.base import COLLECTOR, replaced
from cases.collector_pipeline import with_limiter

from lint.views.quantities import bytes_of

Codes = Callable[..., list[str]]

TEXT = replaced(COLLECTOR, "  config:\n", "  config: |\n")
WORKLOAD = """
apiVersion: v1
kind: ConfigMap
metadata: {name: agent, namespace: obs}
data:
  relay: |
    receivers: {otlp: {protocols: {grpc: {endpoint: "0.0.0.0:4317"}}}}
    processors: {memory_limiter: {check_interval: 1s, limit_mib: 400}}
    exporters: {googlecloud: {}}
    service: {pipelines: {traces: {receivers: [otlp], processors: [memory_limiter], exporters: [googlecloud]}}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: agent, namespace: obs}
spec:
  template:
    spec:
      volumes: [{name: config, configMap: {name: agent}}]
      containers:
        - {name: proxy, image: "example.com/proxy:1", resources: {limits: {memory: 1Mi}}}
        - {name: agent, image: "otel/opentelemetry-collector-contrib:0.150.0", resources: {limits: {memory: LIMIT}}}
"""


@pytest.mark.parametrize(
    ("manifest", "expected"),
    [
        (TEXT, ["error N25"]),
        (replaced(TEXT, "tempo-tempo.tracing-system.svc:4317", "${env:STORE}"), ["error N25"]),
        (replaced(COLLECTOR, "v1beta1", "v1alpha1"), ["error N25"]),
        (replaced(TEXT, "v1beta1", "v1alpha1"), []),
        ("{apiVersion: opentelemetry.io/v1beta1, kind: OpenTelemetryCollector, spec: {config: $CONFIG}}", []),
        ("{apiVersion: opentelemetry.io/v1beta1, kind: OpenTelemetryCollector, spec: {}}", []),
    ],
)
def test_each_version_of_the_api_has_one_form_of_the_configuration(
    codes: Codes, manifest: str, expected: list[str]
) -> None:
    assert codes(manifest) == expected


@pytest.mark.parametrize(
    ("limit", "expected"),
    [
        ("256Mi", ["warning N25"]),
        ("400Mi", ["warning N25"]),
        ("1Gi", []),
        ("268435456", ["warning N25"]),
        ("much", ["error N30"]),
    ],
)
def test_the_limit_of_the_collectors_own_container_counts(codes: Codes, limit: str, expected: list[str]) -> None:
    assert codes(WORKLOAD.replace("LIMIT", limit)) == expected


def test_a_limiter_without_a_limit_of_the_container_or_of_its_own_is_right(codes: Codes) -> None:
    assert codes(with_limiter("check_interval: 1s, limit_mib: 400")) == []
    limited = with_limiter("check_interval: 1s, limit_percentage: 400")
    assert codes(replaced(limited, "spec:\n", "spec:\n  resources: {limits: {memory: 256Mi}}\n")) == []


@pytest.mark.parametrize(
    ("quantity", "expected"),
    [
        ("128Mi", 2**27),
        ("1.5Gi", 3 * 2**29),
        ("500M", 500_000_000),
        (1024, 1024),
        ("1024", 1024),
        ("100m", None),
        ("", None),
        (None, None),
        ([], None),
    ],
)
def test_quantities_are_bytes(quantity: object, expected: int | None) -> None:
    assert bytes_of(quantity) == expected


@pytest.mark.parametrize(
    ("query", "exporter", "expected"),
    [
        ("main", "main", []),
        ("main", "other", ["error N25"]),
        ("other", "other", ["error N25", "error N25"]),
        ("${env:STORAGE}", "main", []),
    ],
)
def test_jaeger_finds_its_storages_by_name(codes: Codes, query: str, exporter: str, expected: list[str]) -> None:
    assert (
        codes(f"""
receivers: {{otlp: {{protocols: {{grpc: {{endpoint: "0.0.0.0:4317"}}}}}}}}
extensions:
  jaeger_storage: {{backends: {{main: {{memory: {{}}}}}}}}
  jaeger_query: {{storage: {{traces: "{query}"}}}}
exporters: {{jaeger_storage_exporter: {{trace_storage: "{exporter}"}}}}
service:
  extensions: [jaeger_storage, jaeger_query]
  pipelines: {{traces: {{receivers: [otlp], exporters: [jaeger_storage_exporter]}}}}
""")
        == expected
    )
