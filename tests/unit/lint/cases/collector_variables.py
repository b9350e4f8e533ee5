"""Examples for lint/rules/collector_variables.py."""

from cases.base import COLLECTOR, Example, replaced

EXAMPLES = {
    "variable_without_braces": Example(
        "error N25 OpenTelemetryCollector istio-system/otel: spec.config.exporters.otlp.endpoint",
        wrong=replaced(COLLECTOR, "tempo-tempo.tracing-system.svc:4317", "$TEMPO:4317"),
        right=replaced(COLLECTOR, "tempo-tempo.tracing-system.svc:4317", "${env:TEMPO}:4317"),
    ),
}
