"""Examples for lint/rules/collector_distributions.py."""

from cases.base import COLLECTOR, Example, replaced

_OTEL = "OpenTelemetryCollector istio-system/otel: spec.config"
_WITH_EVENTS = replaced(
    replaced(COLLECTOR, "pipelines: {traces", "pipelines: {logs: {receivers: [k8s_events], exporters: [otlp]}, traces"),
    "    receivers: {otlp:",
    "    receivers: {k8s_events: {auth_type: serviceAccount}, otlp:",
)
_OF_CORE = replaced(_WITH_EVENTS, "mode: deployment", "mode: deployment\n  image: otel/opentelemetry-collector:0.150.0")

EXAMPLES = {
    "component_that_the_image_lacks": Example(
        f"error N25 {_OTEL}.receivers.k8s_events",
        wrong=_OF_CORE,
        right=replaced(_OF_CORE, "opentelemetry-collector:", "opentelemetry-collector-k8s:"),
    ),
    "component_that_the_default_image_lacks": Example(
        f"warning N25 {_OTEL}.receivers.k8s_events",
        wrong=_WITH_EVENTS,
        right=replaced(_OF_CORE, "opentelemetry-collector:", "opentelemetry-collector-k8s:"),
        facts={"platform": "kubernetes"},
    ),
}
