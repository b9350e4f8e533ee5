"""Examples for lint/rules/tempo_generator.py."""

from cases.base import EXTRA, GENERATOR, PLAIN, Example, replaced

_SECTION = "    metrics_generator: {storage: {path: /var/tempo/generator/wal}}\n"

EXAMPLES = {
    "generator_without_path": Example(
        f"error N5 {EXTRA}.metrics_generator.storage.path",
        wrong=replaced(GENERATOR, "path: /var/tempo/generator/wal", ""),
        right=GENERATOR,
    ),
    "generator_outside_its_volume": Example(
        f"error N5 {EXTRA}.metrics_generator.storage.path",
        wrong=replaced(GENERATOR, "/var/tempo/generator/wal", "/tmp/tempo/generator/wal"),  # noqa: S108
        right=GENERATOR,
    ),
    "processors_not_switched_on": Example(
        f"error N5 {EXTRA}.overrides.defaults.metrics_generator.processors",
        wrong=replaced(GENERATOR, "[service-graphs, span-metrics]", "[span-metrics]"),
        right=GENERATOR,
    ),
    "generator_without_slack": Example(
        f"error N5 {EXTRA}.metrics_generator.metrics_ingestion_time_range_slack",
        wrong=replaced(GENERATOR, "processor: {s", "metrics_ingestion_time_range_slack: 1s\n        processor: {s"),
        right=replaced(GENERATOR, "processor: {s", "metrics_ingestion_time_range_slack: 1m\n        processor: {s"),
    ),
    "generator_without_result": Example(
        'warning N5 ConfigMap tracing-system/tempo: data["tempo.yaml"].metrics_generator',
        wrong=replaced(PLAIN, "    compactor: {}\n", f"    compactor: {{}}\n{_SECTION}"),
        right=PLAIN,
    ),
    "processor_that_does_not_exist": Example(
        f"error N5 {EXTRA}.overrides.defaults.metrics_generator.processors[2]",
        wrong=replaced(GENERATOR, "[service-graphs, span-metrics]", "[service-graphs, span-metrics, local-blcks]"),
        right=replaced(GENERATOR, "[service-graphs, span-metrics]", "[service-graphs, span-metrics, local-blocks]"),
    ),
}
