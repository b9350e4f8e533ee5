"""Examples for lint/rules/tempo_charts.py."""

from cases.base import Example, replaced

RELEASE = """
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: {name: tempo, namespace: tracing-system}
spec:
  chart: {spec: {chart: CHART}}
  values:
"""
ONE = (
    replaced(RELEASE, "CHART", "tempo")
    + """
    tempo:
      metricsGenerator: {enabled: true, remoteWriteUrl: "http://prometheus.istio-system.svc:9090/api/v1/write"}
      overrides: {defaults: {metrics_generator: {processors: [service-graphs]}}}
---
"""
)
MANY = (
    replaced(RELEASE, "CHART", "tempo-distributed")
    + """
    metricsGenerator:
      enabled: true
      config: {storage: {remote_write: [{url: "http://prometheus.istio-system.svc:9090/api/v1/write"}]}}
    overrides: {defaults: {metrics_generator: {processors: [service-graphs]}}}
    storage: {trace: {backend: s3}}
    traces: {otlp: {grpc: {enabled: true}}}
---
"""
)
VALUES = "HelmRelease tracing-system/tempo: spec.values"

_WITH_LOCAL_BLOCKS = replaced(ONE, "[service-graphs]", "[service-graphs, local-blocks]")

EXAMPLES = {
    "chart_without_processors": Example(
        f"error N35 {VALUES}.tempo.overrides.defaults.metrics_generator.processors",
        wrong=replaced(ONE, "[service-graphs]", "[]"),
        right=ONE,
    ),
    "chart_without_generator": Example(
        f"error N35 {VALUES}.metricsGenerator.enabled",
        wrong=replaced(MANY, "      enabled: true\n", ""),
        right=MANY,
    ),
    "chart_without_remote_write": Example(
        f"error N35 {VALUES}.metricsGenerator.config.storage.remote_write",
        wrong=replaced(MANY, '[{url: "http://prometheus.istio-system.svc:9090/api/v1/write"}]', "[]"),
        right=MANY,
    ),
    "value_that_no_chart_reads": Example(
        f"error N35 {VALUES}.metricsGenerator.remoteWriteUrl",
        wrong=replaced(MANY, "config: {storage: {remote_write: [{url: ", "remoteWriteUrl: ").replace(
            'write"}]}}', 'write"'
        ),
        right=MANY,
    ),
    "chart_without_folder_for_local_blocks": Example(
        f"error N5 {VALUES}.tempo.overrides.defaults.metrics_generator.processors[1]",
        wrong=replaced(_WITH_LOCAL_BLOCKS, "chart: tempo", "chart: tempo, version: 1.20.0"),
        right=replaced(_WITH_LOCAL_BLOCKS, "chart: tempo", "chart: tempo, version: 1.26.0"),
    ),
    "chart_without_receiver": Example(
        f"error N35 {VALUES}.traces.otlp.grpc.enabled",
        wrong=replaced(MANY, "grpc: {enabled: true}", "grpc: {enabled: false}"),
        right=MANY,
    ),
}
