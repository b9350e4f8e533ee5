"""Examples for lint/rules/collector_probes.py."""

from cases.base import Example, replaced

DEPLOYED = """
apiVersion: v1
kind: ConfigMap
metadata: {name: otel, namespace: istio-system}
data:
  relay.yaml: |
    receivers: {otlp: {protocols: {grpc: {endpoint: "0.0.0.0:4317"}}}}
    exporters: {otlp: {endpoint: "tempo.example.com:4317"}}
    extensions: {health_check: {endpoint: "0.0.0.0:13133"}}
    service:
      extensions: [health_check]
      pipelines: {traces: {receivers: [otlp], exporters: [otlp]}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: otel, namespace: istio-system}
spec:
  template:
    spec:
      containers:
        - name: otel
          image: otel/opentelemetry-collector-contrib:0.158.0
          livenessProbe: {httpGet: {path: /, port: 13133}}
      volumes: [{name: config, configMap: {name: otel}}]
"""

EXAMPLES = {
    "probe_that_nothing_answers": Example(
        "error N25 Deployment istio-system/otel: spec.template.spec.containers[0].livenessProbe",
        wrong=replaced(DEPLOYED, "extensions: [health_check]", "extensions: []"),
        right=DEPLOYED,
    ),
}
