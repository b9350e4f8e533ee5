"""Examples for lint/rules/collector_components.py."""

from cases.base import COLLECTOR, Example, replaced

_OTEL = "OpenTelemetryCollector istio-system/otel: spec.config"
_WITH_METRICS = replaced(COLLECTOR, "    receivers: {", "    receivers: {kubeletstats: {auth_type: serviceAccount}, ")
_FILTERED = replaced(
    replaced(COLLECTOR, "[otlp], exporters", "[otlp], processors: [filter], exporters"),
    "    exporters: {",
    "    processors: {filter: {spans: {exclude: {match_type: strict, attributes: "
    "[{key: http.target, value: /health}, {key: http.target, value: /ready}]}}}}\n    exporters: {",
)
_RENAMED = "include: calls, action: update, new_name: requests"
_RENAMING = replaced(
    replaced(
        COLLECTOR,
        "pipelines: {",
        "pipelines: {metrics: {receivers: [otlp], processors: [metricstransform], exporters: [otlp]}, ",
    ),
    "    exporters: {",
    f"    processors: {{metricstransform: {{transforms: {{{_RENAMED}}}}}}}\n    exporters: {{",
)
_PIPELINE = "{receivers: [otlp], exporters: [otlp]}"

_MEASURED = replaced(
    replaced(
        COLLECTOR,
        "    exporters: {",
        "    connectors: {spanmetrics: {histogram: {explicit: {buckets: [0.1, 1]}}}}\n    exporters: {",
    ),
    _PIPELINE,
    "{receivers: [otlp], exporters: [otlp, spanmetrics]}, metrics: {receivers: [spanmetrics], exporters: [otlp]}",
)

EXAMPLES = {
    "component_for_other_signals": Example(
        f"error N25 {_OTEL}.service.pipelines.traces.receivers[1]",
        wrong=replaced(_WITH_METRICS, "[otlp]", "[otlp, kubeletstats]").replace(
            "exporters: [otlp, kubeletstats]", "exporters: [otlp]"
        ),
        right=replaced(
            _WITH_METRICS, _PIPELINE, f"{_PIPELINE}, metrics: {{receivers: [otlp, kubeletstats], exporters: [otlp]}}"
        ),
    ),
    "exporter_without_endpoint": Example(
        f"error N25 {_OTEL}.exporters.otlp.endpoint",
        wrong=replaced(COLLECTOR, 'endpoint: "tempo-tempo.tracing-system.svc:4317", ', ""),
        right=COLLECTOR,
    ),
    "setting_that_a_component_does_not_know": Example(
        f"error N25 {_OTEL}.exporters.debug.loglevel",
        wrong=replaced(COLLECTOR, "exporters: {otlp:", "exporters: {debug: {loglevel: debug}, otlp:"),
        right=replaced(COLLECTOR, "exporters: {otlp:", "exporters: {debug: {verbosity: detailed}, otlp:"),
    ),
    "setting_that_was_taken_out": Example(
        f"error N25 {_OTEL}.exporters.otlp.batcher",
        wrong=replaced(COLLECTOR, "exporters: {otlp: {", "exporters: {otlp: {batcher: {enabled: true}, "),
        right=replaced(COLLECTOR, "exporters: {otlp: {", "exporters: {otlp: {sending_queue: {batch: {}}, "),
    ),
    "match_that_never_happens": Example(
        f"warning N25 {_OTEL}.processors.filter.spans.exclude.attributes",
        wrong=_FILTERED,
        right=replaced(_FILTERED, "match_type: strict", "match_type: regexp"),
    ),
    "buckets_without_unit": Example(
        f"warning N25 {_OTEL}.connectors.spanmetrics.histogram.explicit.buckets",
        wrong=_MEASURED,
        right=replaced(_MEASURED, "[0.1, 1]", "[100ms, 1s]"),
    ),
    "setting_of_another_form": Example(
        f"error N25 {_OTEL}.processors.metricstransform.transforms",
        wrong=_RENAMING,
        right=replaced(_RENAMING, "transforms: {OF}".replace("OF", _RENAMED), f"transforms: [{{{_RENAMED}}}]"),
    ),
}
