"""Examples for lint/rules/tempo_config.py."""

from cases.base import EXTRA, GENERATOR, PLAIN, Example, replaced

OLDER = replaced(PLAIN, "overrides: {}", "overrides: {max_bytes_per_trace: 5000000}")

EXAMPLES = {
    "unknown_key": Example(
        f"error N31 {EXTRA}.metrics_generator.storage.remote_writes",
        wrong=replaced(GENERATOR, "remote_write: [{", "remote_writes: [{"),
        right=GENERATOR,
    ),
    "misplaced_key": Example(
        f"error N31 {EXTRA}.metrics_generator.registry.path",
        wrong=replaced(
            GENERATOR, "processor: {service_graphs: {}, span_metrics: {}}", "registry: {path: /var/tempo/registry}"
        ),
        right=GENERATOR,
    ),
    "key_of_another_release": Example(
        'error N31 ConfigMap tracing-system/tempo: data["tempo.yaml"].compactor',
        wrong=replaced(PLAIN, "2.10.8", "3.0.3"),
        right=PLAIN,
    ),
    "older_overrides_refused": Example(
        'error N31 ConfigMap tracing-system/tempo: data["tempo.yaml"].overrides.max_bytes_per_trace',
        wrong=replaced(replaced(OLDER, "2.10.8", "3.0.3"), "    compactor: {}\n", ""),
        right=OLDER,
    ),
}
