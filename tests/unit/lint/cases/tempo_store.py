"""Examples for lint/rules/tempo_store.py."""

from cases.base import PLAIN, Example, replaced

SEVERAL = replaced(PLAIN, "spec:\n  template:", "spec:\n  replicas: 2\n  template:")

EXAMPLES = {
    "local_store_of_several_pods": Example(
        'warning N31 ConfigMap tracing-system/tempo: data["tempo.yaml"].storage.trace.backend',
        wrong=SEVERAL,
        right=replaced(SEVERAL, "backend: local", "backend: s3"),
    ),
}
