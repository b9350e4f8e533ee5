"""No object, however malformed, stops the check; and the order of the objects does not change its findings."""

import copy
import datetime
import random
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

import lint
from lint.objects import Object

FACTS = lint.Facts(
    platform="openshift",
    tempo_operator_version="0.20.0",
    opentelemetry_operator_version="0.158.0",
    collector_version="0.148.0",
    prometheus_remote_write_receiver=False,
    prometheus_native_histograms=False,
    prometheus_uid="prometheus",
    bucket_is_created=False,
    istio_revisions=frozenset({"canary"}),
    today=datetime.date(2026, 11, 1),
)

# One object of every kind that a check reads, each with a fault.
OBJECTS: list[dict[str, Any]] = list(
    yaml.safe_load_all(r"""
apiVersion: sailoperator.io/v1
kind: Istio
metadata: {name: mesh}
spec:
  version: v1.24.0
  updateStrategy: {type: RevisionBased}
  values:
    pilot: {env: {}, cni: {}}
    meshConfig:
      extensionProviders: [{name: a, opentelemetry: {service: tempo-tempo.obs.svc.cluster.local, port: 4317}}]
      defaultProviders: {tracing: [b]}
---
{apiVersion: sailoperator.io/v1, kind: IstioCNI, metadata: {name: cni}, spec: {version: v1.25-latest}}
---
{apiVersion: helm.sh/v3, kind: Release, metadata: {name: a}, spec: {chart: istiod, version: 1.30.3}}
---
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: istio}
spec: {sources: [{chart: istiod, targetRevision: 1.29.6, repoURL: "https://gcr.io/istio-release"}]}
---
{apiVersion: grafana.integreatly.org/v1beta1, kind: Grafana, metadata: {name: g}, spec: {version: 13.2.1}}
---
{apiVersion: networking.k8s.io/v1, kind: IngressClass, metadata: {name: a}, spec: {controller: k8s.io/ingress-nginx}}
---
{apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: {name: a}, spec: {ingressClassName: nginx}}
---
{apiVersion: sailoperator.io/v1, kind: IstioRevisionTag, metadata: {name: prod}}
---
apiVersion: install.istio.io/v1alpha1
kind: IstioOperator
metadata: {name: old, namespace: istio-system}
spec: {revision: old, meshConfig: {extensionProviders: [{name: c, opentelemetry: {service: short, port: 1}}]}}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: istio, namespace: istio-system}
data:
  mesh: "extensionProviders: [{name: d, opentelemetry: {service: x.y.svc.cluster.local, port: '7', http: {}}}]"
---
apiVersion: telemetry.istio.io/v1
kind: Telemetry
metadata: {name: mesh, namespace: shop}
spec: {tracing: [{providers: [{name: z, randomSamplingPercentage: 100}]}]}
---
apiVersion: opentelemetry.io/v1beta1
kind: OpenTelemetryCollector
metadata: {name: otel, namespace: shop, labels: {a: b}}
spec:
  mode: deployment
  image: otel:0.125.0
  ingress: {type: route}
  podAnnotations: {}
  ports: [{port: 1, name: a, appProtocol: b}]
  config:
    receivers: {otlp: {protocols: {grpc: {endpoint: ":4317"}}}}
    service: {pipelines: {traces: {receivers: [otlp]}}, telemetry: {metrics: {address: ":8888"}}}
---
apiVersion: opentelemetry.io/v1beta1
kind: OpenTelemetryCollector
metadata: {name: gate, namespace: obs}
spec:
  replicas: 2
  config:
    receivers: {otlp: {protocols: {grpc: {endpoint: "localhost:4317"}}}, otlp/unused: {}}
    processors: {batch: {}, memory_limiter: {}, k8sattributes: {}, tail_sampling: {decision_wait: 40s}}
    exporters:
      otlp: {endpoint: "tempo-tempo.obs:9095", tls: {insecure: true}, auth: {authenticator: a}, headers: {a: b}}
      otlphttp: {endpoint: "tempo-big-distributor.obs:4317"}
      logging: {}
    connectors: {forward: {}}
    service:
      extensions: [b]
      pipelines:
        logs: {}
        traces:
          receivers: [otlp]
          processors: [batch, memory_limiter, k8sattributes, tail_sampling, missing]
          exporters: [otlp, otlphttp, forward]
---
apiVersion: v1
kind: ConfigMap
metadata: {name: agent, namespace: obs}
data:
  relay: |
    receivers: {otlp: {protocols: {grpc: {}}}}
    processors: {probabilistic_sampler: {sampling_percentage: 1}}
    exporters: {otlp_grpc: {endpoint: "tempo-big.obs:4317"}}
    service: {pipelines: {traces: {receivers: [otlp], processors: [probabilistic_sampler], exporters: [otlp_grpc]}}}
---
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: agent, namespace: obs}
spec:
  template:
    metadata: {labels: {a: agent}}
    spec:
      hostNetwork: false
      volumes: [{name: a, configMap: {name: agent}}]
      containers: [{name: p, image: "otel/opentelemetry-collector:0.158.0"}]
---
{apiVersion: v1, kind: Service, metadata: {name: agent, namespace: obs}, spec: {selector: {a: agent}}}
---
apiVersion: helm.cattle.io/v1
kind: HelmChart
metadata: {name: otel, namespace: obs}
spec:
  chart: opentelemetry-collector
  valuesContent: |
    mode: daemonset
    presets: {a: {enabled: true}}
    config: {exporters: {otlp: {endpoint: "tempo-tempo.obs:4317"}}, service: {pipelines: {traces: {exporters: [otlp]}}}}
---
{apiVersion: v1, kind: Namespace, metadata: {name: shop, labels: {istio-injection: enabled, istio.io/rev: canary}}}
---
apiVersion: tempo.grafana.com/v1alpha1
kind: TempoMonolithic
metadata: {name: tempo, namespace: obs}
spec:
  storage: {traces: {backend: s3, s3: {secret: store}}}
  extraConfig:
    tempo:
      metrics_generator:
        storage: {path: "/tmp/${X}", remote_write: [{url: "http://prometheus.obs.svc:9090/w"}]}
        processor: {service_graphs: {}}
      overrides:
        max_bytes_per_trace: 1
        defaults: {metrics_generator: {processors: [a], generate_native_histograms: native}}
---
apiVersion: tempo.grafana.com/v1alpha1
kind: TempoStack
metadata: {name: big, namespace: obs}
spec:
  limits: {global: {}}
  networkPolicy: {enabled: true}
  storage: {secret: {type: s3, name: store}}
  template: {metricsGenerator: {enabled: true, remoteWriteURLs: ["http://prometheus.obs.svc/w"]}}
  extraConfig: {tempo: {overrides: {defaults: {max_bytes_per_trace: 1}}}}
---
apiVersion: v1
kind: Service
metadata: {name: prometheus, namespace: obs}
spec: {selector: {a: b}, ports: [{port: 9}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: prometheus, namespace: obs}
spec:
  template:
    metadata: {labels: {a: b}}
    spec: {containers: [{name: p, image: prom/prometheus, args: [a], command: [b]}, {image: minio/minio}]}
---
apiVersion: monitoring.coreos.com/v1
kind: Prometheus
metadata: {name: a, namespace: obs}
spec: {enableFeatures: [a], additionalArgs: [{name: a}]}
---
{apiVersion: monitoring.rhobs/v1alpha1, kind: MonitoringStack, metadata: {name: a, namespace: obs}, spec: {}}
---
apiVersion: monitoring.coreos.com/v1
kind: ServiceMonitor
metadata: {name: a, namespace: obs}
spec: {endpoints: [{relabelings: [{regex: '\\d'}], metricRelabelings: [{regex: a}]}]}
---
apiVersion: v1
kind: Secret
metadata: {name: store, namespace: obs}
data: {bucket: YQ==, endpoint: YQ==, region: YQ==}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: sources, namespace: obs}
data:
  a.yaml: |
    datasources:
      - {type: tempo, uid: t, jsonData: {serviceMap: {datasourceUid: x}, tracesToMetrics: {datasourceUid: y}}}
      - {type: prometheus, uid: p, jsonData: {exemplarTraceIdDestinations: [{datasourceUid: z}]}}
---
apiVersion: grafana.integreatly.org/v1beta1
kind: GrafanaDatasource
metadata: {name: a, namespace: obs}
spec: {uid: a, datasource: {type: tempo, jsonData: {serviceMap: {datasourceUid: x}}}}
---
apiVersion: kiali.io/v1alpha1
kind: Kiali
metadata: {name: kiali, namespace: istio-system}
spec: {external_services: {tracing: {enabled: true, provider: tempo, internal_url: "http://tempo-tempo.obs:3200"}}}
---
{apiVersion: networking.istio.io/v1, kind: ServiceEntry, metadata: {name: a}, spec: {hosts: [a]}}
---
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: {name: istiod, namespace: istio-system}
spec:
  chart: {spec: {chart: istiod}}
  values:
    pilot: {env: {PILOT_TRACE_SAMPLING: 200}}
    meshConfig:
      discoverySelectors: [{matchLabels: {a: b}, matchExpressions: [{key: a, operator: In, values: [b]}]}]
      extensionProviders: [{name: z, opentelemetry: {service: otel-collector.shop.svc.cluster.local, port: 4317}}]
---
apiVersion: telemetry.istio.io/v1
kind: Telemetry
metadata: {name: second, namespace: shop}
spec:
  selector: {matchLabels: {a: b}}
  targetRefs: [{kind: Gateway, name: a}]
  tracing: [{providers: [{name: z}], randomSamplingPercentage: 200, match: {a: b}, customTags: {a: {b: c}}}]
---
apiVersion: networking.istio.io/v1
kind: Sidecar
metadata: {name: a, namespace: shop}
spec: {egress: [{hosts: [./*]}]}
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: a, namespace: shop}
spec: {host: "*", trafficPolicy: {portLevelSettings: [{port: {number: 4317}, tls: {mode: ISTIO_MUTUAL}}]}}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: a, namespace: shop}
spec: {podSelector: {}, ingress: [{from: [{namespaceSelector: {}}], ports: [{port: 1, endPort: 2}]}]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: waypoint, namespace: bank}
spec: {gatewayClassName: istio-waypoint, listeners: [{port: 15008, protocol: HBONE}]}
---
apiVersion: v1
kind: Namespace
metadata: {name: bank, labels: {istio.io/dataplane-mode: ambient, istio.io/use-waypoint: other}}
---
{apiVersion: admissionregistration.k8s.io/v1, kind: MutatingWebhookConfiguration, metadata: {labels: {istio.io/tag: a}}}
""")
)


def places(value: object, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in items:
        yield from places(child, (*path, key))


PLACES = [place for place in places(OBJECTS) if place]

TEXTS = st.text() | st.sampled_from(
    ["", "::", "http://[", "http://a:99999", "v1.", "a/b/c", "\\", "${", "!!int ''", "\0"]
)
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | TEXTS
KEYS = TEXTS | st.sampled_from(["name", "spec", "url", "port", "defaults", "protocols", "datasources", "tracing"])
JSON = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3))


def with_value(value: object, *places: tuple[Any, ...]) -> list[Any]:
    objects = copy.deepcopy(OBJECTS)
    for place in places:
        holder: Any = objects
        for key in place[:-1]:
            holder = holder[key]
        holder[place[-1]] = value
    return objects


def rounds() -> Iterator[list[tuple[Any, ...]]]:
    """Each field of each object once: one of every object at a time."""
    of_objects = [[place for place in PLACES if place[0] == index] for index, _ in enumerate(OBJECTS)]
    for number in range(max(map(len, of_objects))):
        yield [places[number] for places in of_objects if number < len(places)]


def test_the_objects_hold_a_fault_for_nearly_every_check() -> None:
    assert len({finding.code for finding in lint.check(OBJECTS, FACTS)}) >= 28


@settings(max_examples=200, deadline=None, derandomize=True)
@given(place=st.sampled_from(PLACES), value=JSON)
def test_any_json_in_place_of_any_field_does_not_stop_the_check(place: tuple[Any, ...], value: object) -> None:
    for finding in lint.check(with_value(value, place), FACTS):
        assert str(finding).isprintable()


@pytest.mark.parametrize("value", [None, [], {}, "text", 7, [None]], ids=repr)
def test_each_field_may_have_each_wrong_type(value: object) -> None:
    for places in rounds():
        lint.check(with_value(value, *places), FACTS)


@given(objects=st.lists(JSON, max_size=3))
def test_a_value_that_is_no_object_has_no_fault(objects: list[Any]) -> None:
    assert lint.check(objects, FACTS) == []


def said(objects: list[Any]) -> list[str]:
    return [str(finding) for finding in lint.check(objects, FACTS)]


def test_the_order_of_the_objects_changes_nothing() -> None:
    shuffled = list(OBJECTS)
    random.Random(7).shuffle(shuffled)  # noqa: S311
    assert said(shuffled) == said(OBJECTS)


def test_an_object_given_twice_has_its_faults_once() -> None:
    assert said([*OBJECTS, *OBJECTS]) == said(OBJECTS)


def test_the_objects_are_not_changed() -> None:
    before = copy.deepcopy(OBJECTS)
    lint.check(OBJECTS, FACTS)
    assert before == OBJECTS


def test_errors_stand_before_warnings() -> None:
    severities = [finding.severity for finding in lint.check(OBJECTS, FACTS)]
    assert severities == sorted(severities, key=list(lint.Severity).index)
    assert {lint.Severity.ERROR, lint.Severity.WARNING} <= set(severities)


def test_a_value_that_contains_itself_does_not_stop_the_check() -> None:
    loop: dict[str, Any] = {}
    loop["again"] = [loop, "${X}"]
    tempo = {
        "apiVersion": "tempo.grafana.com/v1alpha1",
        "kind": "TempoMonolithic",
        "metadata": {"name": "tempo"},
        "spec": {"extraConfig": {"tempo": {"distributor": {"receivers": loop}}}},
    }
    # Tempo has no receiver of this name, too.
    assert {finding.code for finding in lint.check([tempo], FACTS)} == {"N17", "N31"}


def test_a_control_sequence_in_a_name_does_not_reach_the_terminal() -> None:
    namespace = {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": "a\x1b[31m\nb", "labels": {"istio-injection": "enabled"}},
    }
    (finding,) = lint.check([namespace], lint.Facts(istio_revisions=frozenset({"\x1b[0m"})))
    assert "\x1b" not in str(finding)
    assert "\n" not in str(finding)


def test_a_finding_is_one_readable_line() -> None:
    telemetry = Object({"kind": "Telemetry", "metadata": {"name": "b", "namespace": "a"}})
    finding = lint.Finding("N1", lint.Severity.ERROR, telemetry.where("spec"), "it breaks", "mend it")
    assert str(finding) == "error N1 Telemetry a/b: spec: it breaks; mend it (docs/checks/N1.md)"
