"""Examples for lint/rules/tempo_memory.py."""

from cases.base import GENERATOR, Example, replaced

LITTLE = replaced(GENERATOR, "storage: {traces", "resources: {limits: {memory: 1Gi}}\n  storage: {traces")

EXAMPLES = {
    "garbage_without_pause": Example(
        "warning N32 TempoMonolithic tracing-system/tempo: spec.resources.limits.memory",
        wrong=LITTLE,
        right=replaced(LITTLE, "1Gi", "2Gi"),
    ),
}
