"""Examples for lint/rules/telemetry_fields.py."""

from cases.base import TELEMETRY, Example, replaced

EXAMPLES = {
    "telemetry_field_that_does_not_exist": Example(
        "error N27 Telemetry istio-system/mesh-default: spec.tracing[0].randomSamplingPercent",
        wrong=replaced(TELEMETRY, "randomSamplingPercentage", "randomSamplingPercent"),
        right=TELEMETRY,
    ),
}
