"""For each check: a faulty manifest that only this check notices, its correct twin, and the example that it carries."""

import datetime
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

import lint
from lint import reference

CHECKS_PAGE = Path(__file__).parents[3] / "docs" / "checks.md"


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

EXAMPLES = {
    "sampling_inside_provider": Example(
        "error N1 Telemetry istio-system/mesh-default: spec.tracing[0].providers[0].randomSamplingPercentage",
        wrong=replaced(
            TELEMETRY,
            "[{name: otel}]\n      randomSamplingPercentage: 100",
            "[{name: otel, randomSamplingPercentage: 100}]",
        ),
        right=TELEMETRY,
    ),
    "provider_that_the_mesh_lacks": Example(
        "error N2 Telemetry istio-system/mesh-default: spec.tracing[0].providers[0].name",
        wrong=mesh(name="otel-tracing") + COLLECTOR + TELEMETRY,
        right=MESH,
    ),
    "service_without_full_name": Example(
        f"error N3 {PROVIDER}.service",
        wrong=mesh("otel-collector") + COLLECTOR,
        right=MESH,
    ),
    "service_that_is_not_there": Example(
        f"error N3 {PROVIDER}.service",
        wrong=mesh("otel-collector.observability.svc.cluster.local") + COLLECTOR,
        right=MESH,
    ),
    "port_that_is_not_served": Example(
        f"error N3 {PROVIDER}.port",
        wrong=mesh(port=4318) + COLLECTOR,
        right=MESH,
    ),
    "port_that_is_not_http2": Example(
        f"error N4 {PROVIDER}.service",
        wrong=mesh("tempo-tempo.tracing-system.svc.cluster.local") + GENERATOR,
        right=MESH + GENERATOR,
    ),
    "route_ingress": Example(
        "error N4 OpenTelemetryCollector istio-system/otel: spec.ingress.type",
        wrong=replaced(MESH, "mode: deployment", "mode: deployment\n  ingress: {type: route}"),
        right=replaced(MESH, "mode: deployment", "mode: deployment\n  ingress: {type: ingress}"),
    ),
    "generator_without_path": Example(
        f"error N5 {EXTRA}.metrics_generator.storage.path",
        wrong=replaced(GENERATOR, "path: /var/tempo/generator/wal", ""),
        right=GENERATOR,
    ),
    "generator_outside_its_volume": Example(
        f"error N5 {EXTRA}.metrics_generator.storage.path",
        wrong=replaced(GENERATOR, "/var/tempo/generator/wal", "/tmp/tempo/generator/wal"),  # noqa: S108
        right=GENERATOR,
    ),
    "processors_not_switched_on": Example(
        f"error N5 {EXTRA}.overrides.defaults.metrics_generator.processors",
        wrong=replaced(GENERATOR, "[service-graphs, span-metrics]", "[span-metrics]"),
        right=GENERATOR,
    ),
    "mixed_overrides": Example(
        f"error N6 {EXTRA}.overrides.max_bytes_per_trace",
        wrong=replaced(GENERATOR, "overrides:", "overrides:\n        max_bytes_per_trace: 5000000"),
        right=replaced(GENERATOR, "defaults: {", "defaults: {global: {max_bytes_per_trace: 5000000}, "),
    ),
    "prometheus_without_receiver": Example(
        "error N7 Deployment istio-system/metrics: spec.template.spec.containers[1].args",
        wrong=replaced(GENERATOR + PROMETHEUS, ", --web.enable-remote-write-receiver", ""),
        right=GENERATOR + PROMETHEUS,
    ),
    "port_closed_by_network_policy": Example(
        "error N8 TempoStack tracing-system/big: spec.template.metricsGenerator.remoteWriteURLs[0]",
        wrong=replaced(STACK, ":9090", ":80"),
        right=STACK,
    ),
    "grpc_to_monolithic_tempo": Example(
        "error N9 Kiali istio-system/kiali: spec.external_services.tracing.use_grpc",
        wrong=replaced(KIALI, "use_grpc: false", "") + GENERATOR,
        right=KIALI + GENERATOR,
    ),
    "label_without_default_revision": Example(
        "error N10 Namespace bookinfo: metadata.labels.istio-injection",
        wrong=replaced(mesh(), "metadata: {name: default}", "metadata: {name: mesh}") + NAMESPACE,
        right=mesh() + NAMESPACE,
    ),
    "contradicting_labels": Example(
        'warning N10 Namespace bookinfo: metadata.labels["istio.io/rev"]',
        wrong=replaced(NAMESPACE, "enabled}", "enabled, istio.io/rev: canary}"),
        right=replaced(NAMESPACE, "istio-injection: enabled", "istio.io/rev: canary"),
    ),
    "openshift_without_cni": Example(
        "error N11 Istio default: spec",
        wrong=mesh(),
        right=mesh() + CNI,
        facts={"platform": "openshift"},
    ),
    "cni_with_another_name": Example(
        "error N11 IstioCNI istio-cni: metadata.name",
        wrong=replaced(CNI, "{name: default}", "{name: istio-cni}"),
        right=CNI,
    ),
    "cni_of_another_version": Example(
        "warning N11 IstioCNI default: spec.version",
        wrong=mesh() + replaced(CNI, "v1.31.0", "v1.31.1"),
        right=mesh() + CNI,
    ),
    "metrics_address": Example(
        "error N12 OpenTelemetryCollector istio-system/otel: spec.config.service.telemetry.metrics.address",
        wrong=replaced(
            COLLECTOR, "    service:\n", '    service:\n      telemetry: {metrics: {address: "0.0.0.0:8888"}}\n'
        ),
        right=replaced(
            COLLECTOR,
            "    service:\n",
            "    service:\n"
            "      telemetry:\n"
            "        metrics: {readers: [{pull: {exporter: {prometheus: {host: 0.0.0.0, port: 8888}}}}]}\n",
        ),
    ),
    "endpoint_without_scheme": Example(
        "error N13 Secret tracing-system/store: stringData.endpoint",
        wrong=replaced(STORE, "http://", ""),
        right=STORE,
    ),
    "region_beside_endpoint": Example(
        "error N13 Secret tracing-system/store: stringData.region",
        wrong=replaced(STORE, "bucket: traces", "bucket: traces, region: eu-central-1"),
        right=STORE,
    ),
    "tls_unlike_the_endpoint": Example(
        "error N13 TempoStack tracing-system/big: spec.storage.tls.enabled",
        wrong=STACK + replaced(STORE, "http://", "https://"),
        right=replaced(STACK, "enabled: false", "enabled: true") + replaced(STORE, "http://", "https://"),
    ),
    "authority_without_tls": Example(
        "error N13 TempoStack tracing-system/big: spec.storage.tls.caName",
        wrong=replaced(STACK, "enabled: false", "enabled: false, caName: ca"),
        right=replaced(STACK, "enabled: false", "enabled: true, caName: ca"),
    ),
    "bucket_that_nobody_creates": Example(
        "error N13 TempoMonolithic tracing-system/tempo: spec.storage.traces.s3.secret",
        wrong=GENERATOR,
        right=GENERATOR,
        facts={"bucket_is_created": False},
        facts_of_twin={"bucket_is_created": True},
    ),
    "image_of_minio": Example(
        "error N13 Deployment tracing-system/store: spec.template.spec.containers[0].image",
        wrong=replaced(STORE_POD, "chrislusf/seaweedfs:4.48", "minio/minio:RELEASE.2025-09-07T16-13-09Z"),
        right=STORE_POD,
    ),
    "mesh_wide_outside_root_namespace": Example(
        "warning N14 Telemetry bookinfo/mesh-default: metadata.namespace",
        wrong=replaced(TELEMETRY, "namespace: istio-system", "namespace: bookinfo"),
        right=TELEMETRY,
    ),
    "service_map_without_prometheus": Example(
        'error N15 ConfigMap tracing-system/grafana-datasources: data["datasources.yaml"].datasources[0]'
        ".jsonData.serviceMap.datasourceUid",
        wrong=replaced(DATA_SOURCES, "serviceMap: {datasourceUid: prometheus}", "serviceMap: {datasourceUid: prom}"),
        right=DATA_SOURCES,
    ),
    "traces_to_metrics_without_prometheus": Example(
        'error N15 ConfigMap tracing-system/grafana-datasources: data["datasources.yaml"].datasources[0]'
        ".jsonData.tracesToMetrics.datasourceUid",
        wrong=replaced(
            DATA_SOURCES, "tracesToMetrics: {datasourceUid: prometheus}", "tracesToMetrics: {datasourceUid: prom}"
        ),
        right=DATA_SOURCES,
    ),
    "exemplars_without_tempo": Example(
        'error N15 ConfigMap tracing-system/grafana-datasources: data["datasources.yaml"].datasources[1]'
        ".jsonData.exemplarTraceIdDestinations[0].datasourceUid",
        wrong=replaced(DATA_SOURCES, "datasourceUid: tempo", "datasourceUid: traces"),
        right=DATA_SOURCES,
    ),
    "native_histograms_only": Example(
        f"error N16 {EXTRA}.overrides.defaults.metrics_generator.generate_native_histograms",
        wrong=replaced(GENERATOR, "{processors", "{generate_native_histograms: native, processors"),
        right=replaced(GENERATOR, "{processors", "{generate_native_histograms: both, processors"),
        facts={"prometheus_native_histograms": False},
    ),
    "feature_flag_without_effect": Example(
        "warning N16 Deployment istio-system/metrics: spec.template.spec.containers[1].args",
        wrong=replaced(PROMETHEUS, "receiver]", "receiver, --enable-feature=native-histograms]"),
        right=replaced(PROMETHEUS, "receiver]", "receiver, --enable-feature=exemplar-storage]"),
    ),
    "variable_that_stays_literal": Example(
        f"error N17 {EXTRA}.metrics_generator.storage.remote_write[0].headers.Authorization",
        wrong=replaced(GENERATOR, "send_exemplars: true", 'headers: {Authorization: "Bearer ${TOKEN}"}'),
        right=replaced(GENERATOR, "send_exemplars: true", 'headers: {Authorization: "Bearer $${__tags}"}'),
        facts={"tempo_operator_version": "v0.20.0"},
    ),
    "unpinned_version": Example(
        "warning N18 Istio default: spec.version",
        wrong=replaced(mesh(), "v1.31.0", "v1.31-latest"),
        right=mesh(),
    ),
    "end_of_support": Example(
        "error N18 Istio default: spec.version",
        wrong=replaced(mesh(), "v1.31.0", "v1.27.3"),
        right=mesh(),
        facts={"platform": "kubernetes", "today": datetime.date(2026, 4, 7)},
    ),
    "faulty_release": Example(
        "warning N18 Istio default: spec.version",
        wrong=replaced(mesh(), "v1.31.0", "v1.29.6"),
        right=replaced(mesh(), "v1.31.0", "v1.29.7"),
        facts={"platform": "kubernetes", "today": datetime.date(2026, 8, 26)},
    ),
    "ingress_class_of_ingress_nginx": Example(
        "warning N18 Ingress tracing-system/grafana: spec.ingressClassName",
        wrong=INGRESS,
        right=replaced(INGRESS, "nginx", "internal"),
        facts={"today": datetime.date(2026, 11, 27)},
    ),
    "sidecar_in_collector": Example(
        'warning N19 OpenTelemetryCollector istio-system/otel: metadata.labels["sidecar.istio.io/inject"]',
        wrong=replaced(NAMESPACE, "name: bookinfo", "name: istio-system")
        + replaced(COLLECTOR, ', labels: {sidecar.istio.io/inject: "false"}', ""),
        right=replaced(NAMESPACE, "name: bookinfo", "name: istio-system") + COLLECTOR,
    ),
    "generator_that_the_operator_ignores": Example(
        "error N20 TempoStack tracing-system/big: spec.template.metricsGenerator",
        wrong=STACK,
        right=STACK,
        facts={"tempo_operator_version": "0.21.0"},
        facts_of_twin={"tempo_operator_version": "0.22.0"},
    ),
    "doubled_backslash": Example(
        "error N21 PodMonitor bookinfo/envoy-stats: spec.podMetricsEndpoints[0].relabelings[1].regex",
        wrong=replaced(POD_MONITOR, r"\d", r"\\d"),
        right=POD_MONITOR,
    ),
    "retired_host": Example(
        "error N22 Istio default: spec.values.global.hub",
        wrong=replaced(mesh(), "values:\n", "values:\n    global: {hub: registry.istio.io/release}\n"),
        right=replaced(mesh(), "values:\n", "values:\n    global: {hub: docker.io/istio}\n"),
        facts={"today": datetime.date(2026, 12, 1)},
    ),
    "retired_default_hub": Example(
        "warning N22 Istio default: spec.version",
        wrong=replaced(mesh(), "v1.31.0", "v1.30.4"),
        right=mesh(),
        facts={"platform": "kubernetes", "today": datetime.date(2026, 8, 31)},
    ),
    "service_names_by_semantic_conventions": Example(
        f"warning N23 {PROVIDER}.serviceAttributeEnrichment",
        wrong=replaced(MESH, "port: 4317}", "port: 4317, serviceAttributeEnrichment: OTEL_SEMANTIC_CONVENTIONS}"),
        right=replaced(MESH, "port: 4317}", "port: 4317, serviceAttributeEnrichment: ISTIO_CANONICAL}"),
    ),
}

EACH = [pytest.param(check, id=check.rule.name) for check in lint.CHECKS]


def found(text: str, facts: dict[str, Any], checks: tuple[lint.Check, ...] = lint.CHECKS) -> list[str]:
    objects = [document for document in yaml.safe_load_all(text) if document is not None]
    findings = lint.check(objects, lint.Facts(**facts), checks=checks)
    return [f"{finding.severity} {finding.code} {finding.where}" for finding in findings]


def test_every_check_has_an_example_and_every_code_a_check() -> None:
    assert EXAMPLES.keys() == {check.rule.name for check in lint.CHECKS}
    assert {check.code for check in lint.CHECKS} == {f"N{number}" for number in range(1, 24)}


@pytest.mark.parametrize("check", EACH)
def test_the_wrong_manifest_is_noticed_with_its_code_its_severity_and_the_field(check: lint.Check) -> None:
    example = EXAMPLES[check.rule.name]
    assert found(example.wrong, example.facts) == [example.finding]


@pytest.mark.parametrize("check", EACH)
def test_its_right_twin_is_silent(check: lint.Check) -> None:
    example = EXAMPLES[check.rule.name]
    facts = example.facts if example.facts_of_twin is None else example.facts_of_twin
    assert found(example.right, facts) == []


@pytest.mark.parametrize("check", EACH)
def test_without_the_check_the_wrong_manifest_passes_unnoticed(check: lint.Check) -> None:
    example = EXAMPLES[check.rule.name]
    others = tuple(other for other in lint.CHECKS if other is not check)
    assert found(example.wrong, example.facts, others) == []


@pytest.mark.parametrize("check", EACH)
def test_the_example_in_the_explanation_has_its_fault_and_no_other(check: lint.Check) -> None:
    objects = list(yaml.safe_load_all(check.rule.example))
    (finding,) = lint.check(objects, check.rule.facts)
    assert (finding.code, finding.severity in check.rule.levels) == (check.code, True)
    others = tuple(other for other in lint.CHECKS if other is not check)
    assert lint.check(objects, check.rule.facts, checks=others) == []


@pytest.mark.parametrize("check", EACH)
def test_an_explanation_is_a_title_and_two_paragraphs(check: lint.Check) -> None:
    rule = check.rule
    assert not rule.title.endswith(".")
    for paragraph in (rule.why, rule.remedy):
        assert paragraph.endswith(".")
        assert " ".join(paragraph.split()) == paragraph


def test_no_two_checks_have_the_same_title() -> None:
    assert len({check.rule.title for check in lint.CHECKS}) == len(lint.CHECKS)


def test_the_page_of_checks_is_what_the_checks_say() -> None:
    assert CHECKS_PAGE.read_text() == reference.page(), "run `python -m mesh_tracing checks > docs/checks.md`"


def test_the_whole_right_deployment_is_silent() -> None:
    everything = (
        MESH + GENERATOR + PROMETHEUS + STORE + STORE_POD + CNI + KIALI + DATA_SOURCES + NAMESPACE + POD_MONITOR
    )
    facts = {
        "platform": "kubernetes",
        "tempo_operator_version": "0.20.0",
        "collector_version": "0.148.0",
        "bucket_is_created": True,
        "prometheus_remote_write_receiver": True,
        "today": datetime.date(2026, 11, 27),
    }
    assert found(everything, facts) == []
