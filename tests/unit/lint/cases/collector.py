"""Examples for lint/rules/collector.py."""

from cases.base import COLLECTOR, MESH, Example, replaced

_PASSTHROUGH = "  mode: deployment\n  ingress: {type: route, route: {termination: passthrough}}"

EXAMPLES = {
    "route_ingress": Example(
        "error N4 OpenTelemetryCollector istio-system/otel: spec.ingress.type",
        wrong=replaced(MESH, "mode: deployment", "mode: deployment\n  ingress: {type: route}"),
        right=replaced(MESH, "mode: deployment", "mode: deployment\n  ingress: {type: ingress}"),
    ),
    "metrics_address": Example(
        "error N12 OpenTelemetryCollector istio-system/otel: spec.config.service.telemetry.metrics.address",
        wrong=replaced(
            COLLECTOR, "    service:\n", '    service:\n      telemetry: {metrics: {address: "0.0.0.0:8888"}}\n'
        ),
        right=replaced(
            COLLECTOR,
            "    service:\n",
            "    service:\n"
            "      telemetry:\n"
            "        metrics: {readers: [{pull: {exporter: {prometheus: {host: 0.0.0.0, port: 8888}}}}]}\n",
        ),
    ),
    "component_that_was_removed": Example(
        "error N25 OpenTelemetryCollector istio-system/otel: spec.config.exporters.logging",
        wrong=replaced(COLLECTOR, "exporters: {otlp:", "exporters: {logging: {}, otlp:"),
        right=replaced(COLLECTOR, "exporters: {otlp:", "exporters: {debug: {}, otlp:"),
    ),
    "route_to_plain_receivers": Example(
        "warning N25 OpenTelemetryCollector istio-system/otel: spec.ingress.route.termination",
        wrong=replaced(COLLECTOR, "  mode: deployment", _PASSTHROUGH),
        right=replaced(COLLECTOR, "  mode: deployment", replaced(_PASSTHROUGH, "passthrough", "edge")),
    ),
}
