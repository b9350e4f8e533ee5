"""Examples for lint/rules/collector_form.py, collector_memory.py and collector_jaeger.py."""

from cases.base import COLLECTOR, Example, replaced
from cases.collector_pipeline import with_limiter

_LIMITED = replaced(
    with_limiter("check_interval: 1s, limit_mib: 400"), "spec:\n", "spec:\n  resources: {limits: {memory: 256Mi}}\n"
)
_JAEGER = replaced(
    replaced(
        replaced(COLLECTOR, "exporters: {otlp:", "exporters: {jaeger_storage_exporter: {trace_storage: main}, otlp:"),
        "    service:\n",
        "    extensions:\n      jaeger_storage: {backends: {main: {memory: {}}}}\n"
        "      jaeger_query: {storage: {traces: main}}\n"
        "    service:\n      extensions: [jaeger_storage, jaeger_query]\n",
    ),
    "exporters: [otlp]",
    "exporters: [otlp, jaeger_storage_exporter]",
)

EXAMPLES = {
    "configuration_of_the_other_form": Example(
        "error N25 OpenTelemetryCollector istio-system/otel: spec.config",
        wrong=replaced(COLLECTOR, "  config:\n", "  config: |\n"),
        right=replaced(replaced(COLLECTOR, "  config:\n", "  config: |\n"), "v1beta1", "v1alpha1"),
    ),
    "memory_limiter_above_the_container": Example(
        "warning N25 OpenTelemetryCollector istio-system/otel: spec.config.processors.memory_limiter.limit_mib",
        wrong=_LIMITED,
        right=replaced(_LIMITED, "256Mi", "512Mi"),
    ),
    "storage_that_is_not_configured": Example(
        "error N25 OpenTelemetryCollector istio-system/otel: spec.config.extensions.jaeger_query.storage.traces",
        wrong=replaced(_JAEGER, "storage: {traces: main}", "storage: {traces: memstore}"),
        right=_JAEGER,
    ),
}
