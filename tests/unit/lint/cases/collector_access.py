"""Examples for lint/rules/collector_access.py."""

from cases.base import MESH, Example, replaced

MUTUAL = """
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: default, namespace: istio-system}
spec: {host: "*.local", trafficPolicy: {tls: {mode: ISTIO_MUTUAL}}}
---
"""
EXCEPTION = """
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: otel, namespace: istio-system}
spec: {host: otel-collector, trafficPolicy: {tls: {mode: DISABLE}}}
---
"""
POLICY = """
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: otel, namespace: istio-system}
spec:
  podSelector: {matchLabels: {app.kubernetes.io/name: otel-collector}}
  ingress: [{ports: [{port: 8888}]}]
---
"""

EXAMPLES = {
    "mutual_tls_without_sidecar": Example(
        "error N28 DestinationRule istio-system/default: spec.trafficPolicy.tls.mode",
        wrong=MESH + MUTUAL,
        right=MESH + MUTUAL + EXCEPTION,
    ),
    "policy_that_lets_no_spans_in": Example(
        "error N28 NetworkPolicy istio-system/otel: spec.ingress",
        wrong=MESH + POLICY,
        right=MESH + replaced(POLICY, "8888", "4317"),
    ),
}
