"""Examples for lint/rules/tempo_chart_values.py."""

from cases.base import Example, replaced

RELEASE = """
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: {name: tempo, namespace: tracing-system}
spec:
  chart: {spec: {chart: tempo}}
  values:
    tempo: {retention: 24h}
    storage: {trace: {backend: s3}}
"""

EXAMPLES = {
    "value_of_the_other_chart": Example(
        "warning N35 HelmRelease tracing-system/tempo: spec.values.storage",
        wrong=RELEASE,
        right=replaced(RELEASE, "24h}\n    storage: {trace: {backend: s3}}", "24h, storage: {trace: {backend: s3}}}"),
    ),
}
