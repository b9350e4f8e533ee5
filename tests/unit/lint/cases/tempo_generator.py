"""Examples for lint/rules/tempo_generator.py."""

from cases.base import EXTRA, GENERATOR, PLAIN, Example, replaced

_SECTION = "    metrics_generator: {storage: {path: /var/tempo/generator/wal}}\n"
_IN_FILE = 'ConfigMap tracing-system/tempo: data["tempo.yaml"].metrics_generator'
_WRITES = 'remote_write: [{url: "http://prometheus.istio-system.svc:9090/api/v1/write", send_exemplars: true}]'


def _generating(storage: str, processor: str) -> str:
    section = f"    metrics_generator: {{{storage}}}\n"
    overrides = f"    overrides: {{defaults: {{metrics_generator: {{processors: [{processor}]}}}}}}\n"
    return replaced(PLAIN, "    overrides: {}\n", section + overrides)


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
    "generator_that_writes_nowhere": Example(
        f"error N5 {_IN_FILE}.storage.remote_write",
        wrong=_generating("storage: {path: /var/tempo/wal}", "service-graphs"),
        right=_generating(f"storage: {{path: /var/tempo/wal, {_WRITES}}}", "service-graphs"),
    ),
    "local_blocks_without_path": Example(
        f"error N5 {_IN_FILE}.traces_storage.path",
        wrong=_generating("storage: {path: /var/tempo/wal}", "local-blocks"),
        right=_generating("storage: {path: /var/tempo/wal}, traces_storage: {path: /var/tempo/traces}", "local-blocks"),
    ),
    "processor_that_does_not_exist": Example(
        f"error N5 {EXTRA}.overrides.defaults.metrics_generator.processors[2]",
        wrong=replaced(GENERATOR, "[service-graphs, span-metrics]", "[service-graphs, span-metrics, host-inf]"),
        right=replaced(GENERATOR, "[service-graphs, span-metrics]", "[service-graphs, span-metrics, host-info]"),
    ),
}
