"""Examples for lint/rules/ambient.py."""

from cases.base import TELEMETRY, Example, replaced

AMBIENT = """
apiVersion: v1
kind: Namespace
metadata: {name: bookinfo, labels: {istio.io/dataplane-mode: ambient}}
---
"""
WITH_WAYPOINT = replaced(AMBIENT, "mode: ambient", "mode: ambient, istio.io/use-waypoint: waypoint")
SHARED = """
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: waypoint, namespace: shared}
spec:
  gatewayClassName: istio-waypoint
  listeners: [{name: mesh, port: 15008, protocol: HBONE, allowedRoutes: {namespaces: {from: Same}}}]
---
"""
OF_NAMESPACE = replaced(TELEMETRY, "namespace: istio-system", "namespace: bookinfo") + TELEMETRY
OF_CLASS = replaced(
    TELEMETRY,
    "istio-system}\nspec:",
    "istio-system}\nspec:\n"
    "  targetRefs: [{group: gateway.networking.k8s.io, kind: GatewayClass, name: istio-waypoint}]",
)

EXAMPLES = {
    "ambient_namespace_without_waypoint": Example(
        'warning N29 Namespace bookinfo: metadata.labels["istio.io/use-waypoint"]',
        wrong=TELEMETRY + AMBIENT,
        right=TELEMETRY + WITH_WAYPOINT,
    ),
    "selector_in_ambient_namespace": Example(
        "warning N29 Telemetry bookinfo/mesh-default: spec.selector",
        wrong=replaced(OF_NAMESPACE, "bookinfo}\nspec:", "bookinfo}\nspec:\n  selector: {matchLabels: {app: reviews}}")
        + WITH_WAYPOINT,
        right=OF_NAMESPACE + WITH_WAYPOINT,
    ),
    "telemetry_for_the_class_of_waypoints": Example(
        "warning N29 Telemetry istio-system/mesh-default: spec.targetRefs[0]",
        wrong=OF_CLASS,
        right=TELEMETRY,
    ),
    "waypoint_that_does_not_admit_a_namespace": Example(
        'error N29 Namespace bookinfo: metadata.labels["istio.io/use-waypoint"]',
        wrong=SHARED + replaced(WITH_WAYPOINT, "waypoint}", "waypoint, istio.io/use-waypoint-namespace: shared}"),
        right=replaced(SHARED, "Same", "All")
        + replaced(WITH_WAYPOINT, "waypoint}", "waypoint, istio.io/use-waypoint-namespace: shared}"),
    ),
}
