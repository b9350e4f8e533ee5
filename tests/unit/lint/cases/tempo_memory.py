"""Examples for lint/rules/tempo_memory.py."""

from cases.base import STACK, Example, replaced

TOTAL = replaced(STACK, "template:", "resources: {total: {limits: {memory: 16Gi}}}\n  template:")
FRONTEND = "template:\n    queryFrontend: {component: {resources: {limits: {memory: 2Gi}}}}"

EXAMPLES = {
    "garbage_without_pause": Example(
        "warning N32 TempoStack tracing-system/big: spec.resources.total.limits.memory",
        wrong=TOTAL,
        right=replaced(TOTAL, "template:", FRONTEND),
    ),
}
