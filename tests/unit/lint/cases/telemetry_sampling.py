"""Examples for lint/rules/telemetry_sampling.py."""

from cases.base import MESH, TELEMETRY, Example, replaced

EXAMPLES = {
    "sampling_is_left_at_its_default": Example(
        "warning N27 Telemetry istio-system/mesh-default: spec.tracing[0].randomSamplingPercentage",
        wrong=replaced(MESH, "      randomSamplingPercentage: 100\n", ""),
        right=MESH,
    ),
    "sampling_that_is_no_percentage": Example(
        "error N27 Telemetry istio-system/mesh-default: spec.tracing[0].randomSamplingPercentage",
        wrong=replaced(TELEMETRY, "randomSamplingPercentage: 100", "randomSamplingPercentage: 150"),
        right=replaced(TELEMETRY, "randomSamplingPercentage: 100", "randomSamplingPercentage: 0.5"),
    ),
}
