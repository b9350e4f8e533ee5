"""Examples for lint/rules/collector_spans.py."""

from cases.base import COLLECTOR, GENERATOR, MESH, Example, replaced

_OTEL = "OpenTelemetryCollector istio-system/otel: spec.config"
_ONLY_DEBUG = replaced(
    replaced(MESH, "    exporters: {otlp:", "    exporters: {debug: {}, otlp:"),
    "exporters: [otlp]",
    "exporters: [debug]",
)


def _with_processors(names: str) -> str:
    limiter = "memory_limiter: {check_interval: 1s, limit_mib: 400}"
    configured = f"processors: {{batch: {{}}, {limiter}, k8sattributes: {{}}}}\n    exporters: {{"
    manifest = replaced(COLLECTOR, "exporters: {", configured)
    return replaced(manifest, "receivers: [otlp], ", f"receivers: [otlp], processors: [{names}], ")


_AGENT = replaced(
    replaced(
        replaced(COLLECTOR, "deployment", "daemonset"),
        "[otlp], exporters",
        "[otlp], processors: [k8sattributes], exporters",
    ),
    "    exporters: {",
    "    processors: {k8sattributes: {pod_association: [{sources: [{from: resource_attribute, name: k8s.pod.ip}]}]}}\n"
    "    exporters: {",
)

EXAMPLES = {
    "spans_that_no_store_gets": Example(
        f"error N25 {_OTEL}.service.pipelines.traces.exporters",
        wrong=_ONLY_DEBUG + GENERATOR,
        right=replaced(_ONLY_DEBUG, "exporters: [debug]", "exporters: [debug, otlp]") + GENERATOR,
    ),
    "receiver_on_localhost": Example(
        f"error N25 {_OTEL}.receivers.otlp.protocols.grpc.endpoint",
        wrong=replaced(COLLECTOR, "0.0.0.0:4317", "localhost:4317"),
        right=replaced(replaced(COLLECTOR, "0.0.0.0:4317", "localhost:4317"), "mode: deployment", "mode: sidecar"),
    ),
    "k8sattributes_behind_batches": Example(
        f"warning N25 {_OTEL}.service.pipelines.traces.processors[2]",
        wrong=_with_processors("memory_limiter, batch, k8sattributes"),
        right=_with_processors("memory_limiter, k8sattributes, batch"),
    ),
    "association_with_no_address": Example(
        f"warning N25 {_OTEL}.processors.k8sattributes.pod_association",
        wrong=_AGENT,
        right=replaced(_AGENT, "k8s.pod.ip}]}", "k8s.pod.ip}]}, {sources: [{from: connection}]}"),
    ),
}
