"""Examples for lint/rules/telemetry_fields.py."""

from cases.base import TELEMETRY, Example, replaced

_TELEMETRY = "Telemetry istio-system/mesh-default: spec"


def with_tag(tag: str) -> str:
    override = f"{{providers: [{{name: prometheus}}], overrides: [{{tagOverrides: {{host: {tag}}}}}]}}"
    return replaced(TELEMETRY, "spec:\n", f"spec:\n  metrics: [{override}]\n")


EXAMPLES = {
    "telemetry_field_that_does_not_exist": Example(
        f"error N27 {_TELEMETRY}.tracing[0].randomSamplingPercent",
        wrong=replaced(TELEMETRY, "randomSamplingPercentage", "randomSamplingPercent"),
        right=TELEMETRY,
    ),
    "tag_that_is_refused": Example(
        f"error N27 {_TELEMETRY}.metrics[0].overrides[0].tagOverrides.host",
        wrong=with_tag("{operation: UPSERT}"),
        right=with_tag("{operation: REMOVE}"),
    ),
}
