"""Examples for lint/rules/telemetry_scope.py."""

from cases.base import MESH, TELEMETRY, Example, replaced

SECOND = """
apiVersion: telemetry.istio.io/v1
kind: Telemetry
metadata: {name: older-tags, namespace: istio-system, creationTimestamp: "2025-01-01T00:00:00Z"}
spec:
  metrics: [{providers: [{name: prometheus}]}]
---
"""

EXAMPLES = {
    "second_telemetry_in_a_namespace": Example(
        "error N27 Telemetry istio-system/mesh-default: metadata.name",
        wrong=MESH + SECOND,
        right=MESH + replaced(SECOND, "spec:", "spec:\n  selector: {matchLabels: {app: web}}"),
    ),
    "selector_in_root_namespace": Example(
        "warning N27 Telemetry istio-system/mesh-default: spec.selector",
        wrong=replaced(TELEMETRY, "spec:", "spec:\n  selector: {matchLabels: {app: web}}"),
        right=replaced(TELEMETRY, "spec:", "spec:\n  selector: {matchLabels: {istio: ingressgateway}}"),
    ),
}
