"""Examples for lint/rules/collector_loop.py."""

from cases.base import COLLECTOR, Example, replaced

EXAMPLES = {
    "export_to_itself": Example(
        "error N25 OpenTelemetryCollector istio-system/otel: spec.config.exporters.otlp.endpoint",
        wrong=replaced(COLLECTOR, "tempo-tempo.tracing-system.svc:4317", "otel-collector.istio-system.svc:4317"),
        right=replaced(COLLECTOR, "tempo-tempo.tracing-system.svc:4317", "otel-gateway.istio-system.svc:4317"),
    ),
}
