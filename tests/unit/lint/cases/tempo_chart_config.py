"""Examples for lint/rules/tempo_chart_config.py."""

from cases.base import Example, replaced

_RELEASE = """
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: {name: tempo, namespace: tracing-system}
spec:
  chart: {spec: {chart: tempo}}
  values:
    tempo: {server: {http_listen_port: 3200}}
    config: |
      server:
        {{- toYaml .Values.tempo.server | nindent 2 }}
        grpc_listen_port: 9095
"""

EXAMPLES = {
    "configuration_that_is_no_yaml_when_filled_in": Example(
        "error N31 HelmRelease tracing-system/tempo: spec.values.config",
        wrong=replaced(_RELEASE, "        grpc_listen_port", "          grpc_listen_port"),
        right=_RELEASE,
    ),
}
