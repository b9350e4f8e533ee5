"""Examples for lint/rules/chart_values.py."""

from cases.base import Example, replaced

RELEASE = """
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: {name: tempo, namespace: tracing-system}
spec:
  chart: {spec: {chart: tempo}}
  values:
    tempo: {retention: 24h}
"""

EXAMPLES = {
    "value_that_the_chart_does_not_read": Example(
        "warning N35 HelmRelease tracing-system/tempo: spec.values.tempo.persistence",
        wrong=replaced(RELEASE, "tempo: {retention: 24h}", "tempo: {retention: 24h, persistence: {enabled: true}}"),
        right=RELEASE + "    persistence: {enabled: true}\n",
    ),
}
