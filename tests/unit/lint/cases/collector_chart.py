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


def _with_extensions(names: str) -> str:
    config = f"config: {{extensions: {{pprof: {{}}}}, service: {{extensions: {names}}}}}"
    return replaced(_RELEASE, "values: {mode: deployment", f"values: {{{config}, mode: deployment")


EXAMPLES = {
    "chart_without_image": Example(
        "error N25 HelmRelease tracing-system/otel: spec.values.image.repository",
        wrong=replaced(_RELEASE, ", image: {repository: otel/opentelemetry-collector-contrib}", ""),
        right=_RELEASE,
    ),
    "chart_without_health_check": Example(
        "error N25 HelmRelease tracing-system/otel: spec.values.config.service.extensions",
        wrong=_with_extensions("[pprof]"),
        right=_with_extensions("[health_check, pprof]"),
    ),
}
