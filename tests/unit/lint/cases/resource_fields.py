"""Examples for lint/rules/resource_fields.py."""

from cases.base import STACK, Example, replaced

EXAMPLES = {
    "field_that_the_kind_does_not_have": Example(
        "warning N30 TempoStack tracing-system/big: spec.limits.global.ingestion.rate",
        wrong=replaced(STACK, "spec:\n", "spec:\n  limits: {global: {ingestion: {rate: 10000}}}\n"),
        right=replaced(STACK, "spec:\n", "spec:\n  limits: {global: {ingestion: {ingestionRateLimitBytes: 10000}}}\n"),
    ),
}
