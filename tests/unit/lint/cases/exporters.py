"""Examples for lint/rules/exporters.py."""

from cases.base import COLLECTOR, GENERATOR, STACK, Example, replaced

_OTEL = "OpenTelemetryCollector istio-system/otel: spec.config.exporters"
_HTTP = replaced(
    replaced(
        COLLECTOR, 'otlp: {endpoint: "tempo-tempo.tracing-system.svc:4317", tls: {insecure: true}}', "otlphttp: {%s}"
    ),
    "exporters: [otlp]",
    "exporters: [otlphttp]",
)

EXAMPLES = {
    "exporter_to_no_service": Example(
        f"error N24 {_OTEL}.otlp.endpoint",
        wrong=replaced(COLLECTOR, "tempo-tempo.", "tempo-big.") + STACK,
        right=replaced(COLLECTOR, "tempo-tempo.", "tempo-big-distributor.") + STACK,
    ),
    "exporter_to_another_port": Example(
        f"error N24 {_OTEL}.otlp.endpoint",
        wrong=replaced(COLLECTOR, "svc:4317", "svc:9095") + GENERATOR,
        right=COLLECTOR + GENERATOR,
    ),
    "exporter_of_the_other_protocol": Example(
        f"error N24 {_OTEL}.otlphttp.endpoint",
        wrong=_HTTP % 'endpoint: "http://tempo-tempo.tracing-system:4317"' + GENERATOR,
        right=_HTTP % 'endpoint: "http://tempo-tempo.tracing-system:4318"' + GENERATOR,
    ),
    "tls_on_one_side": Example(
        f"error N24 {_OTEL}.otlp.tls.insecure",
        wrong=replaced(COLLECTOR, ", tls: {insecure: true}", "") + GENERATOR,
        right=replaced(COLLECTOR, ", tls: {insecure: true}", "")
        + replaced(GENERATOR, "spec:\n", "spec:\n  ingestion: {otlp: {grpc: {tls: {enabled: true, certName: c}}}}\n"),
    ),
    "url_without_scheme": Example(
        f"error N24 {_OTEL}.otlphttp.endpoint",
        wrong=_HTTP % 'endpoint: "tempo-tempo.tracing-system:4318"' + GENERATOR,
        right=_HTTP % 'endpoint: "http://tempo-tempo.tracing-system:4318"' + GENERATOR,
    ),
}
