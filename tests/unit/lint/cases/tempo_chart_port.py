"""Examples for lint/rules/tempo_chart_port.py."""

from cases.base import Example, replaced

_RELEASE = """
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: {name: tempo, namespace: tracing-system}
spec:
  chart: {spec: {chart: tempo, version: 1.26.0}}
  values: {tempo: {server: {http_listen_port: 3200}}}
"""

EXAMPLES = {
    "port_that_the_chart_does_not_serve": Example(
        "error N31 HelmRelease tracing-system/tempo: spec.values.tempo.server.http_listen_port",
        wrong=replaced(_RELEASE, "3200", "3100"),
        right=_RELEASE,
    ),
}
