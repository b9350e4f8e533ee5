"""Examples for lint/rules/telemetry_entries.py."""

from cases.base import MESH, TELEMETRY, Example, replaced

TAGGED = replaced(
    TELEMETRY,
    "randomSamplingPercentage: 100",
    "randomSamplingPercentage: 100\n      customTags: {zone: {header: {name: x-zone}}}",
)
LOGS = replaced(TELEMETRY, "spec:\n", "spec:\n  accessLogging: [{providers: [{name: otel}]}]\n")

EXAMPLES = {
    "several_entries_for_tracing": Example(
        "warning N27 Telemetry istio-system/mesh-default: spec.tracing",
        wrong=replaced(TAGGED, "      customTags", "    - customTags"),
        right=TAGGED,
    ),
    "provider_for_another_signal": Example(
        "warning N27 Telemetry istio-system/mesh-default: spec.accessLogging[0].providers[0].name",
        wrong=MESH + LOGS,
        right=MESH
        + replaced(LOGS, "accessLogging: [{providers: [{name: otel}", "accessLogging: [{providers: [{name: envoy}"),
    ),
    "tag_without_value": Example(
        "error N27 Telemetry istio-system/mesh-default: spec.tracing[0].customTags.zone.header.name",
        wrong=replaced(TAGGED, "name: x-zone", 'name: ""'),
        right=TAGGED,
    ),
}
