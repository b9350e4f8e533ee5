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

FOR_WEB = replaced(
    TELEMETRY,
    "name: mesh-default, namespace: istio-system}\nspec:",
    "name: first, namespace: bookinfo}\nspec:\n  selector: {matchLabels: {app: web}}",
)
SECOND_FOR_WEB = replaced(replaced(FOR_WEB, "name: first", "name: second"), "100", "1")

EXAMPLES = {
    "second_telemetry_in_a_namespace": Example(
        "error N27 Telemetry istio-system/mesh-default: metadata.name",
        wrong=MESH + SECOND,
        right=MESH + replaced(SECOND, "spec:", "spec:\n  selector: {matchLabels: {app: web}}"),
    ),
    "same_selector": Example(
        "warning N27 Telemetry bookinfo/second: spec.tracing[0].randomSamplingPercentage",
        wrong=MESH + FOR_WEB + SECOND_FOR_WEB,
        right=MESH + FOR_WEB + replaced(SECOND_FOR_WEB, "app: web", "app: shop"),
    ),
    "selector_in_root_namespace": Example(
        "warning N27 Telemetry istio-system/mesh-default: spec.selector",
        wrong=replaced(TELEMETRY, "spec:", "spec:\n  selector: {matchLabels: {app: web}}"),
        right=replaced(TELEMETRY, "spec:", "spec:\n  selector: {matchLabels: {istio: ingressgateway}}"),
    ),
}
