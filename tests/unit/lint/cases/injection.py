"""Examples for lint/rules/injection.py."""

from cases.base import COLLECTOR, NAMESPACE, Example, mesh, replaced

EXAMPLES = {
    "label_without_default_revision": Example(
        "warning N10 Namespace bookinfo: metadata.labels.istio-injection",
        wrong=replaced(mesh(), "metadata: {name: default}", "metadata: {name: mesh}") + NAMESPACE,
        right=mesh() + NAMESPACE,
    ),
    "contradicting_labels": Example(
        'warning N10 Namespace bookinfo: metadata.labels["istio.io/rev"]',
        wrong=replaced(NAMESPACE, "enabled}", "enabled, istio.io/rev: canary}"),
        right=replaced(NAMESPACE, "istio-injection: enabled", "istio.io/rev: canary"),
    ),
    "sidecar_in_collector": Example(
        'warning N19 OpenTelemetryCollector istio-system/otel: metadata.labels["sidecar.istio.io/inject"]',
        wrong=replaced(NAMESPACE, "name: bookinfo", "name: istio-system")
        + replaced(COLLECTOR, ', labels: {sidecar.istio.io/inject: "false"}', ""),
        right=replaced(NAMESPACE, "name: bookinfo", "name: istio-system") + COLLECTOR,
    ),
}
