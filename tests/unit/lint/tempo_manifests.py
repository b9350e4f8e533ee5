"""Manifests of Tempo, of which tests take parts."""

import textwrap

PLAIN = """
distributor: {receivers: {otlp: {protocols: {grpc: {endpoint: "0.0.0.0:4317"}}}}}
storage: {trace: {backend: local, local: {path: /var/tempo/blocks}, wal: {path: /var/tempo/wal}}}
"""
GENERATOR = """
metrics_generator:
  processor: {service_graphs: {}}
  storage: {path: /var/tempo/generator/wal, remote_write: [{url: "http://prometheus.obs.svc:9090/api/v1/write"}]}
overrides: {defaults: {metrics_generator: {processors: [service-graphs]}}}
"""


def together(*manifests: str) -> str:
    return "\n---\n".join(manifests)


def config_map(config: str, key: str = "tempo.yaml") -> str:
    return f"""
apiVersion: v1
kind: ConfigMap
metadata: {{name: tempo, namespace: obs}}
data:
  {key}: |
{textwrap.indent(config, "    ")}
"""


def workload(image: str, name: str = "tempo", volume: str = "{configMap: {name: tempo}}", more: str = "") -> str:
    return f"""
apiVersion: apps/v1
kind: Deployment
metadata: {{name: {name}, namespace: obs}}
spec:
  template:
    spec:
      containers: [{{name: tempo, image: "{image}", {more}}}]
      volumes: [{volume}]
"""


def release(chart: str, values: str, more: str = "") -> str:
    return f"""
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: {{name: tempo, namespace: obs}}
spec:
  {more}
  chart: {{spec: {{chart: {chart}}}}}
  values:
{textwrap.indent(textwrap.dedent(values), "    ")}
"""
