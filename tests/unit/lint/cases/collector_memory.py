"""Examples for lint/rules/collector_memory.py."""

from cases.base import MESH, Example, replaced

_OTEL = "OpenTelemetryCollector istio-system/otel: spec.config"
_LIMITER = "processors: {batch: {}, memory_limiter: {check_interval: 1s, limit_mib: 400}}\n    exporters: {"


def _with_processors(names: str) -> str:
    manifest = replaced(MESH, "exporters: {", _LIMITER)
    return replaced(manifest, "receivers: [otlp], ", f"receivers: [otlp], processors: [{names}], ")


EXAMPLES = {
    "memory_limiter_missing": Example(
        f"advice N25 {_OTEL}.service.pipelines.traces.processors",
        wrong=_with_processors("batch"),
        right=_with_processors("memory_limiter, batch"),
    ),
    "memory_limiter_behind_others": Example(
        f"advice N25 {_OTEL}.service.pipelines.traces.processors[1]",
        wrong=_with_processors("batch, memory_limiter"),
        right=_with_processors("memory_limiter, batch"),
    ),
}
