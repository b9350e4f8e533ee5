"""Examples for lint/rules/names.py."""

from cases.ambient import SHARED, WITH_WAYPOINT
from cases.base import TELEMETRY, Example, replaced

WAYPOINT = replaced(SHARED, "namespace: shared", "namespace: bookinfo")
FOR_WAYPOINT = """
apiVersion: telemetry.istio.io/v1
kind: Telemetry
metadata: {name: waypoint, namespace: bookinfo}
spec:
  targetRefs: [{group: gateway.networking.k8s.io, kind: Gateway, name: waypoint}]
  tracing: [{providers: [{name: otel}], randomSamplingPercentage: 100}]
---
"""

_OF_MIXER = """
apiVersion: config.istio.io/v1alpha2
kind: rule
metadata: {name: tracing, namespace: istio-system}
spec: {actions: [{handler: zipkin, instances: [default.tracespan]}]}
---
"""

_SCALER = """
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: otel-collector, namespace: istio-system}
spec: {scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: otel-collector}, maxReplicas: 3}
---
"""

EXAMPLES = {
    "api_version_that_kubernetes_took_away": Example(
        "error N30 HorizontalPodAutoscaler istio-system/otel-collector: apiVersion",
        wrong=replaced(_SCALER, "autoscaling/v2", "autoscaling/v2beta1"),
        right=_SCALER,
    ),
    "api_version_that_nobody_serves": Example(
        "error N30 Telemetry istio-system/mesh-default: apiVersion",
        wrong=replaced(TELEMETRY, "telemetry.istio.io/v1", "telemetry.istio.io/v1beta1"),
        right=TELEMETRY,
    ),
    "waypoint_that_is_not_there": Example(
        'error N30 Namespace bookinfo: metadata.labels["istio.io/use-waypoint"]',
        wrong=WITH_WAYPOINT + replaced(WAYPOINT, "name: waypoint", "name: bookinfo"),
        right=WITH_WAYPOINT + WAYPOINT,
    ),
    "telemetry_target_that_is_not_there": Example(
        "error N30 Telemetry bookinfo/waypoint: spec.targetRefs[0].name",
        wrong=replaced(WAYPOINT, "name: waypoint", "name: bookinfo") + FOR_WAYPOINT,
        right=WAYPOINT + FOR_WAYPOINT,
    ),
    "resource_of_a_part_that_was_taken_out": Example(
        "error N30 rule istio-system/tracing: apiVersion",
        wrong=_OF_MIXER + TELEMETRY,
        right=TELEMETRY,
    ),
}
