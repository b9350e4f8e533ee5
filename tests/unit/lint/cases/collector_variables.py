"""Examples for lint/rules/collector_variables.py."""

from cases.base import COLLECTOR, Example, replaced

_IN_A_CONTAINER = """
apiVersion: v1
kind: ConfigMap
metadata: {name: otel, namespace: tracing-system}
data:
  relay.yaml: |
    receivers: {otlp: {protocols: {grpc: {endpoint: "0.0.0.0:4317"}}}}
    exporters: {otlp: {endpoint: "${env:TEMPO_HOST}:4317", tls: {insecure: true}}}
    service:
      pipelines: {traces: {receivers: [otlp], exporters: [otlp]}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: otel, namespace: tracing-system}
spec:
  template:
    spec:
      containers:
        - name: otel
          image: otel/opentelemetry-collector-contrib:0.158.0
          env: [{name: TEMPO_HOST, value: tempo.tracing-system}]
      volumes: [{name: conf, configMap: {name: otel}}]
"""

EXAMPLES = {
    "variable_that_is_not_set": Example(
        'warning N25 ConfigMap tracing-system/otel: data["relay.yaml"].exporters.otlp.endpoint',
        wrong=replaced(_IN_A_CONTAINER, "name: TEMPO_HOST", "name: TEMPO"),
        right=_IN_A_CONTAINER,
    ),
    "variable_without_braces": Example(
        "error N25 OpenTelemetryCollector istio-system/otel: spec.config.exporters.otlp.endpoint",
        wrong=replaced(COLLECTOR, "tempo-tempo.tracing-system.svc:4317", "$TEMPO:4317"),
        right=replaced(COLLECTOR, "tempo-tempo.tracing-system.svc:4317", "${env:TEMPO}:4317"),
    ),
}
