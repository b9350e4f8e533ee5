"""Examples for lint/rules/collector_chart.py."""

from cases.base import Example, replaced

_RELEASE = """
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: {name: otel, namespace: tracing-system}
spec:
  chart: {spec: {chart: opentelemetry-collector, version: 0.150.0}}
  values: {mode: deployment, image: {repository: otel/opentelemetry-collector-contrib}}
"""

EXAMPLES = {
    "chart_without_image": Example(
        "error N25 HelmRelease tracing-system/otel: spec.values.image.repository",
        wrong=replaced(_RELEASE, ", image: {repository: otel/opentelemetry-collector-contrib}", ""),
        right=_RELEASE,
    ),
}
