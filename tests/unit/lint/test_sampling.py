"""Sampling in a collector against the service graph: what is a fault, and what only resembles one."""

from collections.abc import Callable

import pytest

import lint
from lint.views.durations import seconds

Codes = Callable[..., list[str]]
CheckYaml = Callable[..., list[lint.Finding]]

TEMPO = """
apiVersion: tempo.grafana.com/v1alpha1
kind: TempoMonolithic
metadata: {name: t, namespace: obs}
spec:
  extraConfig:
    tempo:
      metrics_generator:
        {storage: {path: /var/tempo/generator/wal, remote_write: [{url: "http://prometheus.obs.svc/api/v1/write"}]}%s}
      overrides: {defaults: {metrics_generator: {processors: [%s]%s}}}
---
"""
MESH = """
apiVersion: v1
kind: ConfigMap
metadata: {name: istio, namespace: istio-system}
data:
  mesh: "extensionProviders: [{name: o, opentelemetry: {service: otel-collector.obs.svc.cluster.local, port: 4317}}]"
---
"""


def tempo(slack: str = "", processors: str = "service-graphs", override: str = "") -> str:
    return TEMPO % (slack, processors, override)


def collector(processors: str, spec: str = "replicas: 1", exporter: str = "otlp", name: str = "otel") -> str:
    names = ", ".join(part.partition(":")[0].strip() for part in processors.split(";"))
    return f"""
apiVersion: opentelemetry.io/v1beta1
kind: OpenTelemetryCollector
metadata: {{name: {name}, namespace: obs}}
spec:
  {spec}
  config:
    receivers: {{otlp: {{protocols: {{grpc: {{}}}}}}}}
    processors: {{{processors.replace(";", ",")}}}
    exporters:
      otlp: {{endpoint: "tempo-t:4317", tls: {{insecure: true}}}}
      loadbalancing: {{routing_key: traceID}}
      loadbalancing/service: {{routing_key: service}}
    service: {{pipelines: {{traces: {{receivers: [otlp], processors: [{names}], exporters: [{exporter}]}}}}}}
---
"""


@pytest.mark.parametrize(
    ("processors", "expected"),
    [
        ("tail_sampling: {decision_wait: 29s}", []),
        ("tail_sampling: {decision_wait: 30s}", ["error N26"]),
        ("tail_sampling: {decision_wait: 1m}", ["error N26"]),
        ("tail_sampling: {decision_wait: 500ms}", []),
        ("tail_sampling: {}", ["error N26"]),
        ("tail_sampling: {decision_wait: 40s, decision_wait_after_root_received: 5s}", []),
        ("tail_sampling: {decision_wait: 40s, sampling_strategy: span-ingest}", []),
        ('tail_sampling: {decision_wait: "${env:WAIT}"}', []),
        ("groupbytrace: {wait_duration: 10s}; tail_sampling: {decision_wait: 25s}", ["error N26"]),
        ("groupbytrace: {}; tail_sampling: {decision_wait: 25s}", []),
        ("tail_sampling/mesh: {decision_wait: 40s}", ["error N26"]),
    ],
)
def test_a_trace_is_not_held_for_as_long_as_the_slack(codes: Codes, processors: str, expected: list[str]) -> None:
    assert codes(collector(processors) + tempo()) == expected


def test_the_finding_has_both_numbers(check_yaml: CheckYaml) -> None:
    (finding,) = check_yaml(collector("tail_sampling: {decision_wait: 40s}") + tempo())
    assert "40s" in finding.why
    assert "30s" in finding.why


@pytest.mark.parametrize(
    ("slack", "override", "expected"),
    [
        (", metrics_ingestion_time_range_slack: 2m", "", []),
        (", metrics_ingestion_time_range_slack: 2m", ", ingestion_time_range_slack: 20s", ["error N26"]),
        ("", ", ingestion_time_range_slack: 1m", []),
    ],
)
def test_tempo_may_take_older_spans(codes: Codes, slack: str, override: str, expected: list[str]) -> None:
    assert codes(collector("tail_sampling: {decision_wait: 40s}") + tempo(slack, override=override)) == expected


def test_without_a_graph_a_trace_may_be_held(codes: Codes) -> None:
    assert codes(collector("tail_sampling: {decision_wait: 40s}") + tempo(processors="host-info")) == []


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("replicas: 1", []),
        ("replicas: 2", ["warning N26"]),
        ("mode: daemonset", ["warning N26"]),
        ("mode: sidecar", []),
        ("autoscaler: {minReplicas: 1, maxReplicas: 3}", ["warning N26"]),
        ("autoscaler: {minReplicas: 1, maxReplicas: 1}", []),
    ],
)
def test_several_collectors_see_parts_of_a_trace(codes: Codes, spec: str, expected: list[str]) -> None:
    assert codes(collector("tail_sampling: {decision_wait: 5s}", spec)) == expected


def test_it_is_an_error_where_the_mesh_sends_to_them(codes: Codes) -> None:
    assert codes(MESH + collector("tail_sampling: {decision_wait: 5s}", "replicas: 2")) == ["error N26"]


@pytest.mark.parametrize(("exporter", "expected"), [("loadbalancing", []), ("loadbalancing/service", ["warning N26"])])
def test_collectors_in_front_may_route_by_trace(codes: Codes, exporter: str, expected: list[str]) -> None:
    front = collector("batch: {}", "replicas: 3", exporter, name="front")
    assert codes(front + collector("tail_sampling: {decision_wait: 5s}", "replicas: 2")) == expected


@pytest.mark.parametrize(("share", "expected"), [("10", ["warning N26"]), ("12.5", ["warning N26"]), ("100", [])])
def test_a_share_of_the_spans_makes_the_rates_too_low(codes: Codes, share: str, expected: list[str]) -> None:
    assert codes(collector(f"probabilistic_sampler: {{sampling_percentage: {share}}}") + tempo()) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [("1m30s", 90), ("1.5h", 5400), ("250ms", 0.25), ("0", 0), ("10", None), ("ten", None), ("5s ago", None)],
)
def test_a_duration_is_read_as_go_reads_it(text: str, expected: float | None) -> None:
    assert seconds(text) == expected
