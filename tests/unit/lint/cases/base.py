"""A right deployment in parts, from which each example takes what it needs and makes one mistake."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Example:
    """``finding`` is ``severity code where`` in ``wrong``; ``right`` has no finding.

    Both are checked with the same facts, unless there are ``facts_of_twin``.
    """

    finding: str
    wrong: str
    right: str
    facts: dict[str, Any] = field(default_factory=dict)
    facts_of_twin: dict[str, Any] | None = None


def mesh(service: str = "otel-collector.istio-system.svc.cluster.local", port: int = 4317, name: str = "otel") -> str:
    return f"""
apiVersion: sailoperator.io/v1
kind: Istio
metadata: {{name: default}}
spec:
  namespace: istio-system
  version: v1.31.0
  values:
    meshConfig:
      extensionProviders:
        - name: {name}
          opentelemetry: {{service: {service}, port: {port}}}
---
"""


COLLECTOR = """
apiVersion: opentelemetry.io/v1beta1
kind: OpenTelemetryCollector
metadata: {name: otel, namespace: istio-system, labels: {sidecar.istio.io/inject: "false"}}
spec:
  mode: deployment
  config:
    receivers: {otlp: {protocols: {grpc: {endpoint: "0.0.0.0:4317"}}}}
    exporters: {debug: {}}
    service:
      pipelines: {traces: {receivers: [otlp], exporters: [debug]}}
---
"""

TELEMETRY = """
apiVersion: telemetry.istio.io/v1
kind: Telemetry
metadata: {name: mesh-default, namespace: istio-system}
spec:
  tracing:
    - providers: [{name: otel}]
      randomSamplingPercentage: 100
---
"""

GENERATOR = """
apiVersion: tempo.grafana.com/v1alpha1
kind: TempoMonolithic
metadata: {name: tempo, namespace: tracing-system}
spec:
  storage: {traces: {backend: s3, s3: {secret: store}}}
  extraConfig:
    tempo:
      metrics_generator:
        storage:
          path: /var/tempo/generator/wal
          remote_write: [{url: "http://prometheus.istio-system.svc:9090/api/v1/write", send_exemplars: true}]
        processor: {service_graphs: {}, span_metrics: {}}
      overrides:
        defaults: {metrics_generator: {processors: [service-graphs, span-metrics]}}
---
"""

PLAIN = """
apiVersion: v1
kind: ConfigMap
metadata: {name: tempo, namespace: tracing-system}
data:
  tempo.yaml: |
    distributor: {receivers: {otlp: {protocols: {grpc: {endpoint: "0.0.0.0:4317"}}}}}
    compactor: {}
    overrides: {}
    storage: {trace: {backend: local, local: {path: /var/tempo/blocks}, wal: {path: /var/tempo/wal}}}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: tempo, namespace: tracing-system}
spec:
  template:
    spec:
      containers:
        - name: tempo
          image: docker.io/grafana/tempo:2.10.8
          args: [-config.file=/conf/tempo.yaml]
          env: [{name: FOLDER, value: /var/tempo/wal}]
      volumes: [{name: conf, configMap: {name: tempo}}]
---
"""

STACK = """
apiVersion: tempo.grafana.com/v1alpha1
kind: TempoStack
metadata: {name: big, namespace: tracing-system}
spec:
  storage: {secret: {type: s3, name: store}, tls: {enabled: false}}
  template:
    metricsGenerator: {enabled: true, remoteWriteURLs: ["http://prometheus.istio-system.svc:9090/api/v1/write"]}
---
"""

GATEWAY = """
apiVersion: tempo.grafana.com/v1alpha1
kind: TempoStack
metadata: {name: big, namespace: tracing-system}
spec:
  storage: {secret: {type: s3, name: store}, tls: {enabled: false}}
  tenants:
    mode: openshift
    authentication: [{tenantName: mesh, tenantId: 1610b0c3-c509-4592-a256-a1871353dbfa}]
  template:
    gateway: {enabled: true}
---
"""

PROMETHEUS = """
apiVersion: v1
kind: Service
metadata: {name: prometheus, namespace: istio-system}
spec: {selector: {app: prometheus}, ports: [{name: http, port: 9090}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: metrics, namespace: istio-system}
spec:
  template:
    metadata: {labels: {app: prometheus, extra: label}}
    spec:
      containers:
        - {name: reload, image: ghcr.io/prometheus-operator/prometheus-config-reloader:v0.85.0}
        - name: server
          image: prom/prometheus:v3.13.5
          args: [--config.file=/etc/prometheus/prometheus.yml, --web.enable-remote-write-receiver]
---
"""

STORE = """
apiVersion: v1
kind: Secret
metadata: {name: store, namespace: tracing-system}
stringData: {bucket: traces, endpoint: "http://minio.tracing-system.svc:9000", access_key_id: a, access_key_secret: b}
---
"""

STORE_POD = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: store, namespace: tracing-system}
spec:
  template:
    spec:
      containers: [{name: store, image: "docker.io/chrislusf/seaweedfs:4.48"}]
---
"""

CNI = """
apiVersion: sailoperator.io/v1
kind: IstioCNI
metadata: {name: default}
spec: {namespace: istio-cni, version: v1.31.0}
---
"""

KIALI = """
apiVersion: kiali.io/v1alpha1
kind: Kiali
metadata: {name: kiali, namespace: istio-system}
spec:
  external_services:
    tracing:
      enabled: true
      provider: tempo
      use_grpc: false
      internal_url: http://tempo-tempo.tracing-system.svc:3200
---
"""

DATA_SOURCES = """
apiVersion: v1
kind: ConfigMap
metadata: {name: grafana-datasources, namespace: tracing-system}
data:
  datasources.yaml: |
    apiVersion: 1
    datasources:
      - name: Tempo
        uid: tempo
        type: tempo
        jsonData:
          serviceMap: {datasourceUid: prometheus}
          tracesToMetrics: {datasourceUid: prometheus}
      - name: Prometheus
        uid: prometheus
        type: prometheus
        jsonData:
          exemplarTraceIdDestinations: [{name: traceID, datasourceUid: tempo}]
---
"""

NAMESPACE = """
apiVersion: v1
kind: Namespace
metadata: {name: bookinfo, labels: {istio-injection: enabled}}
---
"""

INGRESS = """
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: grafana, namespace: tracing-system}
spec: {ingressClassName: nginx, rules: [{host: grafana.example.com}]}
---
"""

POD_MONITOR = r"""
apiVersion: monitoring.coreos.com/v1
kind: PodMonitor
metadata: {name: envoy-stats, namespace: bookinfo}
spec:
  podMetricsEndpoints:
    - path: /stats/prometheus
      relabelings:
        - {action: keep, sourceLabels: [__meta_kubernetes_pod_container_name], regex: istio-proxy}
        - action: replace
          regex: (\d+);((([0-9]+?)(\.|$)){4})
          targetLabel: __address__
---
"""


def replaced(manifest: str, old: str, new: str) -> str:
    assert old in manifest, "the text to replace is not in the manifest"
    return manifest.replace(old, new)


MESH = mesh() + COLLECTOR + TELEMETRY
EXTRA = "TempoMonolithic tracing-system/tempo: spec.extraConfig.tempo"
PROVIDER = "Istio default: spec.values.meshConfig.extensionProviders[0].opentelemetry"
