"""Examples for lint/rules/tempo_chart_values.py."""

from cases.base import Example, replaced

RELEASE = """
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: {name: tempo, namespace: tracing-system}
spec:
  chart: {spec: {chart: tempo-distributed, version: 3.3.0}}
  values:
    traces: {otlp: {grpc: {enabled: true}}}
    storage: {trace: {backend: s3}}
    ingest: {kafka: {address: "kafka.kafka.svc:9092"}}
"""
VALUES = "HelmRelease tracing-system/tempo: spec.values"

EXAMPLES = {
    "value_of_the_other_chart": Example(
        f"warning N35 {VALUES}.tempo.storage",
        wrong=replaced(RELEASE, "storage: {trace: {backend: s3}}", "tempo: {storage: {trace: {backend: s3}}}"),
        right=RELEASE,
    ),
    "store_that_the_chart_does_not_bring": Example(
        f"error N35 {VALUES}.minio.enabled",
        wrong=RELEASE + "    minio: {enabled: true}\n",
        right=RELEASE,
    ),
    "chart_without_kafka": Example(
        f"error N35 {VALUES}.ingest.kafka.address",
        wrong=replaced(RELEASE, '{kafka: {address: "kafka.kafka.svc:9092"}}', "{kafka: {topic: traces}}"),
        right=RELEASE,
    ),
}
