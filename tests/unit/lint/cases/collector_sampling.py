"""Examples for lint/rules/collector_sampling.py."""

from cases.base import GENERATOR, MESH, Example, replaced

_OTEL = "OpenTelemetryCollector istio-system/otel: spec.config"


def _with_processor(name: str, settings: str) -> str:
    configured = replaced(MESH, "    exporters: {", f"    processors: {{{name}: {{{settings}}}}}\n    exporters: {{")
    return replaced(configured, "receivers: [otlp], ", f"receivers: [otlp], processors: [{name}], ")


_SAMPLES = _with_processor("tail_sampling", "decision_wait: 5s, policies: [{name: all, type: always_sample}]")

EXAMPLES = {
    "decision_after_the_slack": Example(
        f"error N26 {_OTEL}.processors.tail_sampling.decision_wait",
        wrong=replaced(_SAMPLES, "decision_wait: 5s", "decision_wait: 40s") + GENERATOR,
        right=replaced(_SAMPLES, "decision_wait: 5s", "decision_wait: 40s")
        + replaced(
            GENERATOR, "metrics_generator:\n", "metrics_generator:\n        metrics_ingestion_time_range_slack: 2m\n"
        ),
    ),
    "several_that_sample_by_trace": Example(
        f"error N26 {_OTEL}.processors.tail_sampling",
        wrong=replaced(_SAMPLES, "mode: deployment", "mode: deployment\n  replicas: 3"),
        right=replaced(_SAMPLES, "mode: deployment", "mode: deployment\n  replicas: 1"),
    ),
    "sampler_before_the_graph": Example(
        f"warning N26 {_OTEL}.processors.probabilistic_sampler.sampling_percentage",
        wrong=_with_processor("probabilistic_sampler", "sampling_percentage: 10") + GENERATOR,
        right=_with_processor("probabilistic_sampler", "sampling_percentage: 100") + GENERATOR,
    ),
}
