"""Components of a collector: their signals, their endpoints and their settings."""

from collections.abc import Callable

import pytest

Codes = Callable[..., list[str]]

CONFIG = """
receivers: {otlp: {protocols: {grpc: {endpoint: "0.0.0.0:4317"}}}, hostmetrics: {}}
processors: {batch: {}, memory_limiter: {check_interval: 1s, limit_mib: 400}}
exporters: {EXPORTERS}
service: {pipelines: {PIPELINES}}
"""


def written(exporters: str, pipelines: str) -> str:
    return CONFIG.replace("EXPORTERS", exporters).replace("PIPELINES", pipelines)


@pytest.mark.parametrize(
    ("pipeline", "expected"),
    [
        ("traces: {receivers: [otlp, hostmetrics], exporters: [googlecloud]}", ["error N25"]),
        ("traces/host: {receivers: [hostmetrics], exporters: [googlecloud]}", ["error N25", "warning N25"]),
        ("metrics: {receivers: [otlp, hostmetrics], exporters: [googlecloud]}", []),
        ("logs: {receivers: [otlp, hostmetrics], exporters: [googlecloud]}", []),
    ],
)
def test_a_receiver_is_right_in_a_pipeline_of_its_signals(codes: Codes, pipeline: str, expected: list[str]) -> None:
    assert codes(written("googlecloud: {}", pipeline)) == expected


def test_a_connector_may_have_the_name_of_another_component(codes: Codes) -> None:
    pipelines = (
        "traces: {receivers: [otlp], exporters: [zipkin]}, metrics: {receivers: [zipkin], exporters: [googlecloud]}"
    )
    assert codes(written("googlecloud: {}", pipelines) + "connectors: {zipkin: {}}\n") == []


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ("otlphttp: {tls: {insecure: true}}", ["error N25"]),
        ("otlphttp:", ["error N25"]),
        ('otlphttp: "${file:exporter.yaml}"', []),
        ('otlphttp: {traces_endpoint: "http://tempo:4318/v1/traces"}', []),
    ],
)
def test_an_exporter_over_http_needs_one_of_its_endpoints(codes: Codes, settings: str, expected: list[str]) -> None:
    assert codes(written(settings, "traces: {receivers: [otlp], exporters: [otlphttp]}")) == expected


def test_an_exporter_that_nobody_uses_needs_no_endpoint(codes: Codes) -> None:
    assert codes(written("googlecloud: {}, otlp: {}", "traces: {receivers: [otlp], exporters: [googlecloud]}")) == []


@pytest.mark.parametrize(
    ("exporter", "expected"),
    [
        ('otlp/tempo: {endpoint: "tempo:4317", insecure: true}', ["warning N25"]),
        ('otlp/tempo: {endpoint: "tempo:4317", tls: {insecure: true}}', []),
        ('otlp/tempo: {endpoint: "tempo:4317", "${KEY}": true}', []),
    ],
)
def test_a_setting_in_the_wrong_place_is_not_known(codes: Codes, exporter: str, expected: list[str]) -> None:
    assert codes(written(exporter, "traces: {receivers: [otlp], exporters: [otlp/tempo]}")) == expected


@pytest.mark.parametrize(
    ("processor", "expected"),
    [
        ("filter: {spans: {exclude: {attributes: [{Key: a, Value: b}]}}}", ["warning N25", "warning N25"]),
        ("filter: {spans: {exclude: {match_type: strict, attributes: [{key: a, value: b}]}}}", []),
        ("span: {name: {from: [a]}}", ["warning N25"]),
        ("span: {name: {from_attributes: [a]}}", []),
        ("k8sattributes: {extract: {metadata: [k8s.pod.name], labels: [{tag_name: a, key: a, from: pod}]}}", []),
        ("resource: {attributes: [{key: a, value: b, action: upsert}]}", []),
        ("resource: {actions: [{key: a, value: b, action: upsert}]}", ["warning N25"]),
        ("transform: {trace_statements: [{context: span, statements: []}]}", []),
        ('attributes: "${file:attributes.yaml}"', []),
        ("attributes:", []),
        ("processor_of_ones_own: {anything: 1}", []),
    ],
)
def test_a_setting_is_known_at_every_depth(codes: Codes, processor: str, expected: list[str]) -> None:
    config = written('otlp: {endpoint: "tempo:4317"}', "traces: {receivers: [otlp], exporters: [otlp]}")
    assert codes(config.replace("batch: {}", processor)) == expected


@pytest.mark.parametrize(
    ("release", "expected"),
    [("0.99.0", []), ("0.124.0", []), ("0.130.0", ["error N25"]), ("latest", ["error N25"]), ("1.2.0", [])],
)
def test_a_setting_is_gone_from_the_release_on_that_lacks_it(codes: Codes, release: str, expected: list[str]) -> None:
    collector = f"""
apiVersion: opentelemetry.io/v1beta1
kind: OpenTelemetryCollector
metadata: {{name: otel, namespace: obs}}
spec:
  image: example.com/opentelemetry-collector:{release}
  config:
    receivers: {{otlp: {{protocols: {{grpc: {{}}}}}}}}
    exporters: {{otlp: {{endpoint: "tempo:4317", batcher: {{}}}}}}
    service: {{pipelines: {{traces: {{receivers: [otlp], exporters: [otlp]}}}}}}
"""
    assert codes(collector) == expected


def test_headers_are_a_map_with_any_names(codes: Codes) -> None:
    exporter = 'otlphttp: {endpoint: "http://tempo:4318", headers: {X-Scope-OrgID: a}}'
    assert codes(written(exporter, "traces: {receivers: [otlp], exporters: [otlphttp]}")) == []


DEPLOYED = """
apiVersion: v1
kind: ConfigMap
metadata: {name: otel, namespace: tracing-system, labels: {app.kubernetes.io/version: RELEASE}}
data:
  relay.yaml: |
    receivers: {otlp: {protocols: {grpc: {endpoint: "0.0.0.0:4317"}}}}
    exporters: {EXPORTERS, otlp: {endpoint: "tempo.example.com:4317"}}
    service: {pipelines: {traces: {receivers: [otlp], exporters: [otlp]}}}
"""


@pytest.mark.parametrize(
    ("release", "exporter", "expected"),
    [
        ("0.88.0", "logging: {logLevel: debug}", ["error N25"]),
        ("0.88.0", "logging: {loglevel: debug}", []),
        ("0.88.0", "logging: {level: debug}", []),
        ("0.70.0", "logging: {logLevel: debug}", []),
        ("0.103.0", "opensearch: {http: {endpoint: 'http://search:9200'}, trace_index: spans}", ["error N25"]),
        ("0.165.0", "opensearch: {http: {endpoint: 'http://search:9200'}, trace_index: spans}", []),
    ],
)
def test_a_setting_is_judged_by_the_releases_that_were_read(
    codes: Codes, release: str, exporter: str, expected: list[str]
) -> None:
    assert codes(DEPLOYED.replace("RELEASE", release).replace("EXPORTERS", exporter)) == expected
