"""Examples for lint/rules/exporter_ports.py."""

from cases.base import Example, replaced

COLLECTOR = """
apiVersion: opentelemetry.io/v1beta1
kind: OpenTelemetryCollector
metadata: {name: otel, namespace: istio-system}
spec:
  config:
    receivers: {otlp: {protocols: {grpc: {}}}}
    exporters:
      otlp: {endpoint: "traces.example.com:4317"}
      otlphttp: {endpoint: "http://loki.logging.svc:3100/otlp"}
    service:
      pipelines: {traces: {receivers: [otlp], exporters: [otlp]}, logs: {receivers: [otlp], exporters: [otlphttp]}}
"""
_AT = "warning N24 OpenTelemetryCollector istio-system/otel: spec.config.exporters"

EXAMPLES = {
    "port_of_another_protocol": Example(
        f"{_AT}.otlp.endpoint", wrong=replaced(COLLECTOR, "example.com:4317", "example.com:4318"), right=COLLECTOR
    ),
    "path_that_takes_no_otlp": Example(
        f"{_AT}.otlphttp.endpoint", wrong=replaced(COLLECTOR, ":3100/otlp", ":3100/loki/api/v1/push"), right=COLLECTOR
    ),
}
