"""Whether the proxies know the collector's Service and may send spans to it."""

from collections.abc import Callable

import pytest

Codes = Callable[..., list[str]]

HOST = "otel-collector.tracing.svc.cluster.local"


def mesh(config: str = "", used: str = "defaultProviders: {tracing: [otel]}") -> str:
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
        - {{name: otel, opentelemetry: {{service: {HOST}, port: 4317}}}}
        - {{name: other, opentelemetry: {{service: somewhere.else.svc.cluster.local, port: 4317}}}}
      {used}
      {config}
---
"""


COLLECTOR = """
apiVersion: opentelemetry.io/v1beta1
kind: OpenTelemetryCollector
metadata: {name: otel, namespace: tracing, labels: {sidecar.istio.io/inject: "false"}}
spec: {mode: deployment%s}
---
"""
PLAIN_COLLECTOR = COLLECTOR % ""


def sidecar(egress: str, namespace: str = "shop") -> str:
    return f"""
apiVersion: networking.istio.io/v1
kind: Sidecar
metadata: {{name: default, namespace: {namespace}}}
spec: {{egress: [{egress}]}}
---
"""


def namespace(name: str, labels: str = "") -> str:
    return f"{{apiVersion: v1, kind: Namespace, metadata: {{name: {name}, labels: {{{labels}}}}}}}\n---\n"


def telemetry(provider: str, where: str) -> str:
    return f"""
apiVersion: telemetry.istio.io/v1
kind: Telemetry
metadata: {{name: tracing, namespace: {where}}}
spec: {{tracing: [{{providers: [{{name: {provider}}}], randomSamplingPercentage: 10}}]}}
---
"""


@pytest.mark.parametrize(
    ("hosts", "hidden"),
    [
        ('"./*"', True),
        ('"./*", "istio-system/*"', True),
        ('"~/*"', True),
        ('"*/*.shop.svc.cluster.local"', True),
        ('"tracing/jaeger.tracing.svc.cluster.local"', True),
        ('"*/*", "~tracing/*"', True),
        ('"*/*"', False),
        ('"tracing/*"', False),
        ('"./*", "*/*.tracing.svc.cluster.local"', False),
        (f'"*/{HOST}"', False),
        ('"./*", "${MORE}"', False),
        ('"*/*", "~istio-system/*"', False),
    ],
)
def test_the_hosts_of_a_sidecar_hide_the_collector_or_not(codes: Codes, hosts: str, hidden: bool) -> None:
    expected = ["error N28"] if hidden else []
    assert codes(mesh() + PLAIN_COLLECTOR + sidecar(f"{{hosts: [{hosts}]}}")) == expected


def test_a_sidecar_without_egress_hides_nothing(codes: Codes) -> None:
    assert codes(mesh() + sidecar("")) == []


def test_a_listener_for_another_port_does_not_import_the_collector(codes: Codes) -> None:
    listener = '{port: {number: %s, protocol: GRPC, name: grpc}, hosts: ["*/*"]}'
    assert codes(mesh() + sidecar(listener % 9080)) == ["error N28"]
    assert codes(mesh() + sidecar(listener % 4317)) == []
    assert codes(mesh() + sidecar(listener % 9080 + ', {hosts: ["tracing/*"]}')) == []


def test_a_dot_is_the_namespace_of_the_sidecar_and_in_the_root_namespace_of_each_workload(codes: Codes) -> None:
    own = '{hosts: ["./*"]}'
    assert codes(mesh() + sidecar(own, "tracing")) == []
    assert codes(mesh() + sidecar(own, "istio-system")) == ["error N28"]


def test_a_provider_that_others_use_need_not_be_in_sight(codes: Codes) -> None:
    used = mesh(used="") + telemetry("other", "shop")
    assert codes(used + sidecar('{hosts: ["else/*"]}')) == []
    assert "error N28" in codes(used + sidecar('{hosts: ["tracing/*"]}'))


def test_a_provider_of_one_namespace_need_not_be_in_sight_of_the_others(codes: Codes) -> None:
    used = mesh(used="") + telemetry("otel", "shop") + telemetry("other", "istio-system")
    assert codes(used + sidecar('{hosts: ["else/*"]}', "bank")) == []


def test_where_nothing_says_that_the_provider_is_used_it_is_a_warning(codes: Codes) -> None:
    assert set(codes(mesh(used="") + sidecar('{hosts: ["./*"]}'))) == {"warning N28"}


def test_a_namespace_that_wants_no_spans_may_hide_the_collector(codes: Codes) -> None:
    off = telemetry("otel", "shop").replace("providers: [{name: otel}]", "disableSpanReporting: true")
    assert "error N28" not in codes(mesh() + off + sidecar('{hosts: ["./*"]}'))


SERVICE = """
apiVersion: v1
kind: Service
metadata: {name: otel-collector, namespace: tracing%s}
spec: {selector: {app: otel}, ports: [{name: grpc-otlp, port: 4317%s}]}
---
"""


@pytest.mark.parametrize(
    ("exported", "hidden"),
    [(".", True), ("tracing", True), ("~", True), ("*", False), (".,shop", False), (".,bank", True), ("", False)],
)
def test_a_service_is_exported_to_the_mesh_or_not(codes: Codes, exported: str, hidden: bool) -> None:
    service = SERVICE % (f', annotations: {{networking.istio.io/exportTo: "{exported}"}}', "")
    in_mesh = namespace("shop", "istio-injection: enabled")
    assert codes(mesh() + service + in_mesh) == (["error N28"] if hidden else [])


def test_a_mesh_in_one_namespace_needs_no_export(codes: Codes) -> None:
    service = SERVICE % (', annotations: {networking.istio.io/exportTo: "."}', "")
    assert codes(mesh() + service + namespace("tracing", "istio-injection: enabled")) == []


def test_the_operator_copies_the_annotation_of_a_collector(codes: Codes) -> None:
    annotated = PLAIN_COLLECTOR.replace("labels:", 'annotations: {networking.istio.io/exportTo: "."}, labels:')
    assert codes(mesh() + annotated) == ["error N28"]


def test_the_default_of_the_mesh_is_for_services_without_the_annotation(codes: Codes) -> None:
    private = mesh('defaultServiceExportTo: ["."]')
    assert codes(private + PLAIN_COLLECTOR) == ["error N28"]
    assert codes(private + SERVICE % (', annotations: {networking.istio.io/exportTo: "*"}', "")) == []
    assert codes(private) == [], "the Service, and its annotation, are somewhere else"


def test_a_service_entry_is_exported_too(codes: Codes) -> None:
    outside = mesh().replace(HOST, "otel.example.com")
    entry = "apiVersion: networking.istio.io/v1\nkind: ServiceEntry\nmetadata: {name: otel, namespace: shop}\n"
    assert codes(f'{outside}{entry}spec: {{hosts: [otel.example.com], exportTo: ["."]}}') == ["error N28"]
    assert codes(f"{outside}{entry}spec: {{hosts: [otel.example.com]}}") == []


@pytest.mark.parametrize(
    ("selectors", "labels", "hidden"),
    [
        ("[{matchLabels: {mesh: a}}]", "mesh: a", False),
        ("[{matchLabels: {mesh: a}}]", "mesh: b", True),
        ("[{matchLabels: {mesh: a}}]", "", True),
        ("[{matchLabels: {mesh: a}}, {matchLabels: {mesh: b}}]", "mesh: b", False),
        ("[{matchLabels: {mesh: a, zone: x}}]", "mesh: a", True),
        ("[{matchLabels: {kubernetes.io/metadata.name: tracing}}]", "", False),
        ("[{matchExpressions: [{key: mesh, operator: Exists}]}]", "mesh: b", False),
        ("[{matchExpressions: [{key: mesh, operator: Exists}]}]", "", True),
        ("[{matchExpressions: [{key: mesh, operator: DoesNotExist}]}]", "", False),
        ("[{matchExpressions: [{key: mesh, operator: In, values: [a, b]}]}]", "mesh: c", True),
        ("[{matchExpressions: [{key: mesh, operator: NotIn, values: [a, b]}]}]", "mesh: c", False),
        ("[{matchLabels: {mesh: '${MESH}'}}]", "mesh: a", False),
        ("[]", "", False),
    ],
)
def test_istiod_looks_at_the_namespaces_that_a_selector_selects(
    codes: Codes, selectors: str, labels: str, hidden: bool
) -> None:
    found = codes(mesh(f"discoverySelectors: {selectors}") + PLAIN_COLLECTOR + namespace("tracing", labels))
    assert found == (["error N28"] if hidden else [])


def test_a_namespace_that_is_not_among_the_objects_has_labels_that_are_not_known(codes: Codes) -> None:
    by_label = "discoverySelectors: [{matchLabels: {mesh: a}}]"
    by_name = "discoverySelectors: [{matchLabels: {kubernetes.io/metadata.name: shop}}]"
    assert codes(mesh(by_label)) == []
    assert set(codes(mesh(by_name))) == {"error N28"}
