"""Examples for lint/rules/quantities.py."""

from cases.base import COLLECTOR, Example, replaced

LIMITED = replaced(
    COLLECTOR, "  mode: deployment", "  mode: deployment\n  resources: {limits: {cpu: 500m, memory: 512Mi}}"
)

EXAMPLES = {
    "quantity_that_does_not_exist": Example(
        "error N30 OpenTelemetryCollector istio-system/otel: spec.resources.limits.memory",
        wrong=replaced(LIMITED, "512Mi", "512i"),
        right=LIMITED,
    ),
}
