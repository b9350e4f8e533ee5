"""Examples for lint/rules/tempo_store.py."""

from cases.base import PLAIN, Example, replaced

SEVERAL = replaced(PLAIN, "spec:\n  template:", "spec:\n  replicas: 2\n  template:")

_MOUNTED = replaced(
    PLAIN, "          args:", "          volumeMounts: [{name: conf, mountPath: /etc/tempo}]\n          args:"
)
_STORED = 'ConfigMap tracing-system/tempo: data["tempo.yaml"].storage.trace.local.path'

EXAMPLES = {
    "local_store_of_several_pods": Example(
        'warning N31 ConfigMap tracing-system/tempo: data["tempo.yaml"].storage.trace.backend',
        wrong=SEVERAL,
        right=replaced(SEVERAL, "backend: local", "backend: s3"),
    ),
    "local_store_without_path": Example(
        f"error N31 {_STORED}",
        wrong=replaced(PLAIN, "local: {path: /var/tempo/blocks}, ", ""),
        right=PLAIN,
    ),
    "store_that_is_read_only": Example(
        f"error N31 {_STORED}",
        wrong=replaced(_MOUNTED, "/var/tempo/blocks", "/etc/tempo/blocks"),
        right=replaced(_MOUNTED, "/var/tempo/blocks", "/etc/tempos/blocks"),
    ),
}
