"""Examples for lint/rules/visibility.py."""

from cases.base import MESH, TELEMETRY, Example, mesh, replaced

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
TRACING_NAMESPACE = """
apiVersion: v1
kind: Namespace
metadata: {name: tracing, labels: {mesh: theirs}}
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
    "telemetry_that_is_not_discovered": Example(
        "error N28 Telemetry istio-system/mesh-default: metadata.namespace",
        wrong=replaced(SELECTIVE, "otel-collector.istio-system", "otel-collector.tracing")
        + TELEMETRY
        + replaced(NAMESPACE, "mesh: ours", "mesh: theirs"),
        right=replaced(SELECTIVE, "otel-collector.istio-system", "otel-collector.tracing") + TELEMETRY + NAMESPACE,
    ),
    "namespace_that_is_not_discovered": Example(
        "error N28 Istio default: spec.values.meshConfig.discoverySelectors",
        wrong=SELECTIVE.replace("istio-system.svc", "tracing.svc") + TELEMETRY + NAMESPACE + TRACING_NAMESPACE,
        right=SELECTIVE.replace("istio-system.svc", "tracing.svc")
        + TELEMETRY
        + NAMESPACE
        + replaced(TRACING_NAMESPACE, "mesh: theirs", "mesh: ours"),
    ),
    "egress_that_istio_refuses": Example(
        "error N28 Sidecar bookinfo/default: spec.egress[0].hosts[1]",
        wrong=replaced(SIDECAR, "tracing/*", "*"),
        right=replaced(SIDECAR, "tracing/*", "*/*"),
    ),
}
