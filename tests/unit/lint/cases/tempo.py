"""Examples for lint/rules/tempo.py."""

from cases.base import EXTRA, GENERATOR, PLAIN, STACK, Example, replaced

EXAMPLES = {
    "mixed_overrides": Example(
        f"error N6 {EXTRA}.overrides.max_bytes_per_trace",
        wrong=replaced(GENERATOR, "overrides:", "overrides:\n        max_bytes_per_trace: 5000000"),
        right=replaced(GENERATOR, "defaults: {", "defaults: {global: {max_bytes_per_trace: 5000000}, "),
    ),
    "variable_that_stays_literal": Example(
        f"error N17 {EXTRA}.metrics_generator.storage.remote_write[0].headers.Authorization",
        wrong=replaced(GENERATOR, "send_exemplars: true", 'headers: {Authorization: "Bearer ${TOKEN}"}'),
        right=replaced(GENERATOR, "send_exemplars: true", 'headers: {Authorization: "Bearer $${__tags}"}'),
        facts={"tempo_operator_version": "v0.20.0"},
    ),
    "variable_without_the_flag": Example(
        "error N17 StatefulSet tracing-system/tempo: spec.template.spec.containers[0].args",
        wrong=replaced(PLAIN, "path: /var/tempo/wal}", 'path: "${FOLDER}"}'),
        right=replaced(
            replaced(PLAIN, "path: /var/tempo/wal}", 'path: "${FOLDER}"}'), ".yaml]", ".yaml, -config.expand-env]"
        ),
    ),
    "generator_that_the_operator_ignores": Example(
        "error N20 TempoStack tracing-system/big: spec.template.metricsGenerator",
        wrong=STACK,
        right=STACK,
        facts={"tempo_operator_version": "0.21.0"},
        facts_of_twin={"tempo_operator_version": "0.22.0"},
    ),
}
