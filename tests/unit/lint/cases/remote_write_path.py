"""Examples for lint/rules/remote_write_path.py."""

from cases.base import EXTRA, GENERATOR, PROMETHEUS, Example, replaced

EXAMPLES = {
    "writes_to_another_path": Example(
        f"error N7 {EXTRA}.metrics_generator.storage.remote_write[0].url",
        wrong=replaced(GENERATOR, "/api/v1/write", "/api/v1/push") + PROMETHEUS,
        right=GENERATOR + PROMETHEUS,
    ),
    "write_without_path": Example(
        f"warning N7 {EXTRA}.metrics_generator.storage.remote_write[0].url",
        wrong=replaced(GENERATOR, "svc:9090/api/v1/write", "svc:9090/"),
        right=GENERATOR,
    ),
}
