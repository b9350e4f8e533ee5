"""Examples for lint/rules/collector_pipeline.py."""

from cases.base import COLLECTOR, Example, replaced

_PIPELINE = "traces: {receivers: [otlp], exporters: [otlp]}"
_OTEL = "OpenTelemetryCollector istio-system/otel: spec.config"
_WITH_TOKEN = replaced(
    replaced(COLLECTOR, "tls: {insecure: true}", "tls: {insecure: true}, auth: {authenticator: bearertokenauth}"),
    "    service:\n",
    "    extensions: {bearertokenauth: {token: t}}\n    service:\n",
)
_WITH_SECOND_RECEIVER = replaced(COLLECTOR, "    exporters: {", "    processors: {}\n    exporters: {").replace(
    '"0.0.0.0:4317"}}}', '"0.0.0.0:4317"}}}, otlp/mesh: {protocols: {http: {endpoint: "0.0.0.0:14318"}}}'
)
_WITH_SAMPLER = replaced(
    COLLECTOR, "    exporters: {", "    processors: {tail_sampling: {decision_wait: 5s}}\n    exporters: {"
)
_WITH_CONNECTOR = replaced(COLLECTOR, "    exporters: {", "    connectors: {spanmetrics: {}}\n    exporters: {")


def with_limiter(settings: str) -> str:
    limiter = f"    processors: {{memory_limiter: {{{settings}}}}}\n    exporters: {{"
    manifest = replaced(COLLECTOR, "    exporters: {", limiter)
    return replaced(manifest, "receivers: [otlp], ", "receivers: [otlp], processors: [memory_limiter], ")


EXAMPLES = {
    "component_that_is_not_configured": Example(
        f"error N25 {_OTEL}.service.pipelines.traces.processors[0]",
        wrong=replaced(COLLECTOR, _PIPELINE, "traces: {receivers: [otlp], processors: [batch], exporters: [otlp]}"),
        right=replaced(
            replaced(COLLECTOR, _PIPELINE, "traces: {receivers: [otlp], processors: [batch], exporters: [otlp]}"),
            "    exporters: {",
            "    processors: {batch: }\n    exporters: {",
        ),
    ),
    "pipeline_with_an_open_end": Example(
        f"error N25 {_OTEL}.service.pipelines.logs.receivers",
        wrong=replaced(COLLECTOR, _PIPELINE, f"{_PIPELINE}, logs: {{exporters: [otlp]}}"),
        right=replaced(COLLECTOR, _PIPELINE, f"{_PIPELINE}, logs: {{receivers: [otlp], exporters: [otlp]}}"),
    ),
    "connector_with_one_side": Example(
        f"error N25 {_OTEL}.service.pipelines.traces.exporters[1]",
        wrong=replaced(_WITH_CONNECTOR, _PIPELINE, "traces: {receivers: [otlp], exporters: [otlp, spanmetrics]}"),
        right=replaced(
            _WITH_CONNECTOR,
            _PIPELINE,
            "traces: {receivers: [otlp], exporters: [otlp, spanmetrics]}, "
            "metrics: {receivers: [spanmetrics], exporters: [otlp]}",
        ),
    ),
    "authenticator_that_does_not_run": Example(
        f"error N25 {_OTEL}.exporters.otlp.auth.authenticator",
        wrong=_WITH_TOKEN,
        right=replaced(_WITH_TOKEN, "    service:\n", "    service:\n      extensions: [bearertokenauth]\n"),
    ),
    "receiver_without_pipeline": Example(
        f'warning N25 {_OTEL}.receivers["otlp/mesh"]',
        wrong=_WITH_SECOND_RECEIVER,
        right=replaced(_WITH_SECOND_RECEIVER, "receivers: [otlp]", "receivers: [otlp, otlp/mesh]"),
    ),
    "processor_without_pipeline": Example(
        f"warning N25 {_OTEL}.processors.tail_sampling",
        wrong=_WITH_SAMPLER,
        right=replaced(_WITH_SAMPLER, "receivers: [otlp], ", "receivers: [otlp], processors: [tail_sampling], "),
    ),
    "memory_limiter_without_values": Example(
        f"error N25 {_OTEL}.processors.memory_limiter.check_interval",
        wrong=with_limiter("limit_mib: 400"),
        right=with_limiter("check_interval: 1s, limit_mib: 400"),
    ),
}
