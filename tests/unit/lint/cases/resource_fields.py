"""Examples for lint/rules/resource_fields.py."""

from cases.base import MESH, STACK, Example, replaced

EXAMPLES = {
    "field_that_the_kind_does_not_have": Example(
        "warning N30 TempoStack tracing-system/big: spec.limits.global.ingestion.rate",
        wrong=replaced(STACK, "spec:\n", "spec:\n  limits: {global: {ingestion: {rate: 10000}}}\n"),
        right=replaced(STACK, "spec:\n", "spec:\n  limits: {global: {ingestion: {ingestionRateLimitBytes: 10000}}}\n"),
    ),
    "value_that_the_kind_refuses": Example(
        "error N30 Istio default: spec.values.pilot.env.PILOT_ENABLE_STATUS",
        wrong=replaced(MESH, "    meshConfig:", "    pilot: {env: {PILOT_ENABLE_STATUS: true}}\n    meshConfig:"),
        right=replaced(MESH, "    meshConfig:", '    pilot: {env: {PILOT_ENABLE_STATUS: "true"}}\n    meshConfig:'),
    ),
}
