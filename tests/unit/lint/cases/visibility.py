"""Examples for lint/rules/visibility.py."""

from cases.base import COLLECTOR, MESH, TELEMETRY, Example, mesh, replaced

SIDECAR = """
apiVersion: networking.istio.io/v1
kind: Sidecar
metadata: {name: default, namespace: bookinfo}
spec:
  egress: [{hosts: ["./*", "tracing/*"]}]
---
"""
PRIVATE = """
apiVersion: v1
kind: Service
metadata: {name: agent, namespace: tracing, annotations: {networking.istio.io/exportTo: "."}}
spec: {ports: [{name: grpc-otlp, port: 4317}]}
---
"""
WITH_AGENT = mesh("agent.tracing.svc.cluster.local") + TELEMETRY
NAMESPACE = """
apiVersion: v1
kind: Namespace
metadata: {name: istio-system, labels: {mesh: ours}}
---
"""
SELECTIVE = replaced(mesh(), "meshConfig:", "meshConfig:\n      discoverySelectors: [{matchLabels: {mesh: ours}}]")

EXAMPLES = {
    "sidecar_that_hides_the_collector": Example(
        "error N28 Sidecar bookinfo/default: spec.egress",
        wrong=MESH + SIDECAR,
        right=MESH + replaced(SIDECAR, "tracing/*", "istio-system/otel-collector.istio-system.svc.cluster.local"),
    ),
    "service_that_is_not_exported": Example(
        'error N28 Service tracing/agent: metadata.annotations["networking.istio.io/exportTo"]',
        wrong=WITH_AGENT + PRIVATE,
        right=WITH_AGENT + replaced(PRIVATE, '"."', '"*"'),
    ),
    "namespace_that_is_not_discovered": Example(
        "error N28 Istio default: spec.values.meshConfig.discoverySelectors",
        wrong=SELECTIVE + COLLECTOR + TELEMETRY + replaced(NAMESPACE, "mesh: ours", "mesh: theirs"),
        right=SELECTIVE + COLLECTOR + TELEMETRY + NAMESPACE,
    ),
}
