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
        ("traces: {receivers: [otlp, hostmetrics], exporters: [debug]}", ["error N25"]),
        ("traces/host: {receivers: [hostmetrics], exporters: [debug]}", ["error N25", "warning N25"]),
        ("metrics: {receivers: [otlp, hostmetrics], exporters: [debug]}", []),
        ("logs: {receivers: [otlp, hostmetrics], exporters: [debug]}", []),
    ],
)
def test_a_receiver_is_right_in_a_pipeline_of_its_signals(codes: Codes, pipeline: str, expected: list[str]) -> None:
    assert codes(written("debug: {}", pipeline)) == expected


def test_a_connector_may_have_the_name_of_another_component(codes: Codes) -> None:
    pipelines = "traces: {receivers: [otlp], exporters: [zipkin]}, metrics: {receivers: [zipkin], exporters: [debug]}"
    assert codes(written("debug: {}", pipelines) + "connectors: {zipkin: {}}\n") == []


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
    assert codes(written("debug: {}, otlp: {}", "traces: {receivers: [otlp], exporters: [debug]}")) == []


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
