"""Examples for lint/rules/otlp_clients.py."""

from cases.base import Example, replaced

INSTRUMENTATION = """
apiVersion: opentelemetry.io/v1alpha1
kind: Instrumentation
metadata: {name: shop, namespace: shop}
spec:
  exporter: {endpoint: "http://otel-collector.tracing:4318"}
  java: {image: "ghcr.io/open-telemetry/opentelemetry-operator/autoinstrumentation-java:2.30.0"}
"""
APPLICATION = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: shop, namespace: shop}
spec:
  template:
    spec:
      containers:
        - name: shop
          image: registry.example.com/shop:1.0
          env:
            - {name: OTEL_EXPORTER_OTLP_PROTOCOL, value: grpc}
            - {name: OTEL_EXPORTER_OTLP_ENDPOINT, value: "http://otel-collector.tracing:4317"}
"""

EXAMPLES = {
    "instrumentation_to_the_port_of_grpc": Example(
        "error N24 Instrumentation shop/shop: spec.exporter.endpoint",
        wrong=replaced(INSTRUMENTATION, "4318", "4317"),
        right=INSTRUMENTATION,
    ),
    "application_to_the_port_of_another_protocol": Example(
        "error N24 Deployment shop/shop: spec.template.spec.containers[0].env[1].value",
        wrong=replaced(APPLICATION, "4317", "4318"),
        right=APPLICATION,
    ),
}
