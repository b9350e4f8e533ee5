"""Examples for lint/rules/collector_listeners.py."""

from cases.base import COLLECTOR, Example, replaced

_WITH_METRICS = replaced(
    replaced(COLLECTOR, "exporters: {otlp:", 'exporters: {prometheus: {endpoint: "0.0.0.0:8888"}, otlp:'),
    "exporters: [otlp]}",
    "exporters: [otlp]}, metrics: {receivers: [otlp], exporters: [prometheus]}",
)

EXAMPLES = {
    "port_of_another_listener": Example(
        "error N25 OpenTelemetryCollector istio-system/otel: spec.config.exporters.prometheus.endpoint",
        wrong=_WITH_METRICS,
        right=replaced(_WITH_METRICS, "8888", "8889"),
    ),
}
