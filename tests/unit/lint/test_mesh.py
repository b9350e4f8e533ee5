"""Tracing providers, their Services, revisions and versions: what is a fault, and what only resembles one."""

from collections.abc import Callable

import pytest

import lint

Codes = Callable[..., list[str]]
CheckYaml = Callable[..., list[lint.Finding]]

TELEMETRY = """
apiVersion: telemetry.istio.io/v1alpha1
kind: Telemetry
metadata: {name: mesh, namespace: istio-system}
spec: {tracing: [{providers: [{name: otel}], randomSamplingPercentage: 100}]}
"""

COLLECTOR = """
apiVersion: opentelemetry.io/v1beta1
kind: OpenTelemetryCollector
metadata: {name: otel, namespace: istio-system}
spec:
  config:
    receivers: {otlp: {protocols: {grpc: {}, http: {}}}, zipkin: {}}
    service: {pipelines: {traces: {receivers: [otlp, zipkin]}}}
"""


def mesh(service: str, port: int = 4317, extra: str = "") -> str:
    return f"""
apiVersion: v1
kind: ConfigMap
metadata: {{name: istio, namespace: istio-system}}
data:
  mesh: |
    extensionProviders:
      - name: otel
        opentelemetry: {{service: "{service}", port: {port}{extra}}}
"""


def together(*manifests: str) -> str:
    return "\n---\n".join(manifests)


OURS = "otel-collector.istio-system.svc.cluster.local"


def test_other_fields_inside_the_provider_are_lost_too(codes: Codes) -> None:
    nested = TELEMETRY.replace("{name: otel}", "{name: otel, customTags: {}}")
    assert codes(nested) == ["error N1"]


def test_without_a_mesh_configuration_no_provider_name_is_judged(codes: Codes) -> None:
    assert codes(TELEMETRY) == []


@pytest.mark.parametrize("version", ["v1", "v1alpha1"])
def test_the_mesh_configuration_of_a_config_map_names_providers(codes: Codes, version: str) -> None:
    telemetry = TELEMETRY.replace("v1alpha1", version)
    assert codes(together(mesh(OURS), COLLECTOR, telemetry)) == []
    assert codes(together(mesh(OURS).replace("name: otel", "name: jaeger"), COLLECTOR, telemetry)) == ["error N2"]


def test_an_istio_without_any_provider_lacks_the_one_that_is_used(codes: Codes) -> None:
    istio = "{apiVersion: sailoperator.io/v1, kind: Istio, metadata: {name: default}, spec: {version: v1.30.4}}"
    assert codes(together(istio, TELEMETRY)) == ["error N2"]


def test_a_shared_mesh_configuration_elsewhere_may_name_any_provider(codes: Codes) -> None:
    istio = """
apiVersion: sailoperator.io/v1
kind: Istio
metadata: {name: default}
spec: {version: v1.30.4, values: {pilot: {env: {SHARED_MESH_CONFIG: ours}}}}
"""
    assert codes(together(istio, TELEMETRY)) == []


def test_only_the_first_provider_of_a_telemetry_counts(codes: Codes) -> None:
    second = TELEMETRY.replace("{name: otel}", "{name: otel}, {name: nobody}")
    assert codes(together(mesh(OURS), COLLECTOR, second)) == []


def test_a_default_provider_must_exist_too(codes: Codes) -> None:
    config = mesh(OURS) + "    defaultProviders: {tracing: [jaeger]}\n"
    assert codes(together(config, COLLECTOR)) == ["error N2"]


def test_the_provider_of_an_istio_operator_is_read(codes: Codes) -> None:
    operator = """
apiVersion: install.istio.io/v1alpha1
kind: IstioOperator
metadata: {name: mesh, namespace: istio-system}
spec: {meshConfig: {extensionProviders: [{name: otel, opentelemetry: {service: otel-collector, port: 4317}}]}}
"""
    assert codes(together(operator, TELEMETRY)) == ["error N3"]


@pytest.mark.parametrize(
    ("service", "expected"),
    [
        (OURS, []),
        (f"istio-system/{OURS}", []),
        ("otel-collector-headless.istio-system.svc.cluster.local", []),
        (f"tracing/{OURS}", ["error N3"]),
        ("otel-collector", ["error N3"]),
        ("istio-system/otel-collector", ["error N3"]),
        ("otel-collector.istio-system", ["error N3"]),
        ("otel-collector.istio-system.svc", ["error N3"]),
        ("otel.istio-system.svc.cluster.local", ["error N3"]),
        ("otel-collector.istio-system.svc.corp.example", ["warning N3"]),
        ("collector.observability.svc.cluster.local", ["warning N3"]),
        ("otel.example.com", []),
        ("otel.eu.example.com", []),
        ("example.com", []),
    ],
)
def test_a_provider_names_the_collectors_service_in_full(codes: Codes, service: str, expected: list[str]) -> None:
    assert codes(together(mesh(service), COLLECTOR)) == expected


def test_the_clusters_domain_is_a_fact(codes: Codes) -> None:
    service = "otel-collector.istio-system.svc.corp.example"
    assert codes(together(mesh(service), COLLECTOR), cluster_domain="corp.example") == []


def test_a_provider_of_others_beside_ours_is_not_reported(codes: Codes) -> None:
    both = mesh(OURS) + (
        "      - name: theirs\n        opentelemetry: {service: otel-collector.team-a.svc.cluster.local, port: 4317}\n"
    )
    assert codes(together(both, COLLECTOR)) == []


def test_without_any_collector_among_the_objects_its_service_is_not_judged(codes: Codes) -> None:
    assert codes(mesh("otel-collector.observability.svc.cluster.local")) == []


@pytest.mark.parametrize(
    ("port", "extra", "expected"),
    [
        (4317, "", []),
        (4318, ", http: {path: /v1/traces}", []),
        (4318, "", ["error N3"]),
        (4317, ", http: {path: /v1/traces}", ["error N3"]),
        (9411, "", ["error N3"]),
        (8888, "", ["error N3"]),
    ],
)
def test_a_provider_uses_the_port_of_its_own_protocol(codes: Codes, port: int, extra: str, expected: list[str]) -> None:
    assert codes(together(mesh(OURS, port, extra), COLLECTOR)) == expected


def test_a_receiver_that_no_pipeline_uses_has_no_port(codes: Codes) -> None:
    unused = COLLECTOR.replace("receivers: [otlp, zipkin]", "receivers: [zipkin]")
    assert codes(together(mesh(OURS), unused)) == ["error N3"]


def test_a_port_that_the_collector_adds_itself_is_served(codes: Codes) -> None:
    added = COLLECTOR + "  ports: [{name: otlp, port: 14317, appProtocol: grpc}]\n"
    assert codes(together(mesh(OURS, 14317), added)) == []


def test_a_configuration_in_a_string_is_read_too(codes: Codes) -> None:
    old = """
apiVersion: opentelemetry.io/v1alpha1
kind: OpenTelemetryCollector
metadata: {name: otel, namespace: istio-system}
spec:
  config: |
    receivers: {otlp: {protocols: {grpc: {endpoint: "0.0.0.0:5317"}}}}
    service: {pipelines: {traces: {receivers: [otlp]}}}
"""
    assert codes(together(mesh(OURS, 5317), old)) == []
    assert codes(together(mesh(OURS, 4317), old)) == ["error N3"]


def test_a_port_that_is_unknown_is_not_judged(codes: Codes) -> None:
    unknown = COLLECTOR.replace("grpc: {}", 'grpc: {endpoint: "${env:ADDRESS}"}')
    assert codes(together(mesh(OURS, 5317), unknown)) == []


@pytest.mark.parametrize(
    ("declared", "expected"),
    [
        ("{name: otlp-grpc, port: 4317}", ["error N4"]),
        ("{name: otlp-grpc, port: 4317, appProtocol: h2c}", ["error N4"]),
        ("{name: grpc-otlp, port: 4317, appProtocol: tcp}", ["error N4"]),
        ("{port: 4317}", ["error N4"]),
        ("{name: otlp-grpc, port: 4317, appProtocol: grpc}", []),
        ("{name: otlp-grpc, port: 4317, appProtocol: kubernetes.io/h2c}", []),
        ("{name: grpc-otlp, port: 4317}", []),
        ("{name: http2-otlp, port: 4317}", []),
        ("{name: grpc, port: '4317'}", []),
    ],
)
def test_the_port_of_a_service_must_declare_http2(codes: Codes, declared: str, expected: list[str]) -> None:
    service = (
        f"{{apiVersion: v1, kind: Service, metadata: {{name: agent, namespace: obs}}, spec: {{ports: [{declared}]}}}}"
    )
    assert codes(together(mesh("agent.obs.svc.cluster.local"), service)) == expected
    assert codes(service) == [], "no provider points at it"


def test_the_distributor_of_a_tempo_stack_is_no_target_for_proxies(codes: Codes) -> None:
    stack = "{apiVersion: tempo.grafana.com/v1alpha1, kind: TempoStack, metadata: {name: big, namespace: obs}}"
    assert codes(together(mesh("tempo-big-distributor.obs.svc.cluster.local"), stack)) == ["error N4"]


def test_a_route_to_a_collector_that_takes_no_spans_of_the_mesh_is_a_warning(codes: Codes) -> None:
    with_route = COLLECTOR + "  ingress: {type: route}\n"
    assert codes(together(mesh("otel.example.com"), with_route)) == ["warning N4"]
    assert codes(with_route) == [], "there is no mesh"


NAMESPACE = "{apiVersion: v1, kind: Namespace, metadata: {name: shop, labels: {istio-injection: enabled}}}"
REVISION_BASED = """
apiVersion: sailoperator.io/v1
kind: Istio
metadata: {name: default}
spec: {version: v1.30.4, updateStrategy: {type: RevisionBased}}
"""


def test_a_revision_with_a_version_does_not_obey_the_simple_label(codes: Codes) -> None:
    assert codes(together(REVISION_BASED, NAMESPACE)) == ["warning N10"]
    assert codes(together(REVISION_BASED, NAMESPACE), istio_revisions=frozenset()) == ["error N10"]


def test_a_tag_called_default_makes_it_obey(codes: Codes) -> None:
    tag = "{apiVersion: sailoperator.io/v1, kind: IstioRevisionTag, metadata: {name: default}}"
    assert codes(together(REVISION_BASED, tag, NAMESPACE)) == []


def test_a_default_revision_may_exist_in_the_cluster_already(codes: Codes) -> None:
    assert codes(together(REVISION_BASED, NAMESPACE), istio_revisions=frozenset({"default"})) == []
    assert codes(NAMESPACE, istio_revisions=frozenset({"canary"})) == ["error N10"]
    assert codes(NAMESPACE) == []


def test_the_revision_of_a_mesh_config_map_is_in_its_name(codes: Codes) -> None:
    canary = mesh("otel.example.com").replace("name: istio,", "name: istio-canary,")
    assert codes(together(canary, NAMESPACE)) == ["warning N10"]


def test_the_revision_of_a_chart_is_in_its_values(codes: Codes) -> None:
    release = """
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: {name: istiod, namespace: istio-system}
spec: {chart: {spec: {chart: istiod, version: 1.31.0}}, values: {%s}}
"""
    assert codes(together(release % "revision: canary", NAMESPACE)) == ["warning N10"]
    assert codes(together(release % "revision: canary, revisionTags: [default]", NAMESPACE)) == []
    assert codes(together(release % "pilot: {}", NAMESPACE)) == []


def test_a_namespace_that_is_switched_off_is_not_asked_for_a_revision(codes: Codes) -> None:
    assert codes(NAMESPACE.replace("enabled", "disabled, istio.io/rev: canary")) == ["warning N10"]
    assert codes(NAMESPACE.replace("enabled", "enabled, istio.io/rev: default")) == []


def test_a_collector_in_a_switched_off_namespace_gets_no_sidecar(codes: Codes) -> None:
    namespace = "{apiVersion: v1, kind: Namespace, metadata: {name: istio-system, labels: {%s}}}"
    assert codes(together(namespace % "istio.io/rev: canary", COLLECTOR)) == ["warning N19"]
    assert codes(together(namespace % "istio-injection: disabled", COLLECTOR)) == []
    annotated = COLLECTOR + '  podAnnotations: {sidecar.istio.io/inject: "false"}\n'
    assert codes(together(namespace % "istio.io/rev: canary", annotated)) == []


ISTIO = "{apiVersion: sailoperator.io/v1, kind: Istio, metadata: {name: default}, spec: {version: %s}}"
CNI = "{apiVersion: sailoperator.io/v1, kind: IstioCNI, metadata: {name: default}, spec: {version: %s}}"


def test_openshift_without_the_plugin_is_right_where_the_plugin_is_switched_off(codes: Codes) -> None:
    istio = ISTIO % "v1.30.4, values: {pilot: {cni: {enabled: false}}}"
    assert codes(istio, platform="openshift") == []
    assert codes(ISTIO % "v1.30.4", platform="kubernetes") == []
    assert codes(ISTIO % "v1.30.4") == [], "the platform is unknown"


@pytest.mark.parametrize(
    ("plugin", "expected"),
    [
        ("1.30.4", []),
        ("v1.30.3", []),
        ("v1.30-latest", ["warning N18"]),
        ("v1.29.8", []),
        ("v1.28.9", ["warning N11"]),
        ("v1.31.0", ["warning N11"]),
    ],
)
def test_a_plugin_fits_its_own_minor_version_and_the_next(codes: Codes, plugin: str, expected: list[str]) -> None:
    assert codes(together(ISTIO % "v1.30.4", CNI % plugin)) == expected


def test_a_plugin_for_one_of_two_control_planes_is_right(codes: Codes) -> None:
    other = (ISTIO % "v1.29.7").replace("name: default", "name: canary")
    assert codes(together(ISTIO % "v1.30.4", other, CNI % "v1.29.7")) == []


def test_an_absent_version_is_not_pinned(codes: Codes) -> None:
    assert codes(ISTIO % "null") == ["warning N18"]


def test_an_exception_beside_the_mesh_wide_telemetry_is_allowed(codes: Codes) -> None:
    exception = TELEMETRY.replace("namespace: istio-system", "namespace: shop")
    assert codes(exception) == ["warning N14"]
    assert codes(together(TELEMETRY, exception)) == []
    assert codes(exception.replace("spec: {", "spec: {selector: {matchLabels: {app: a}}, ")) == []
    assert codes(exception, root_namespace="shop") == []


@pytest.mark.parametrize("namespace", ["$(NAMESPACE)", '"${ns}"', '"{{ .Release.Namespace }}"'])
def test_a_namespace_that_is_a_variable_may_be_the_root(codes: Codes, namespace: str) -> None:
    assert codes(TELEMETRY.replace("namespace: istio-system", f"namespace: {namespace}")) == []


def test_a_telemetry_of_an_application_is_meant_for_its_namespace(codes: Codes) -> None:
    own = TELEMETRY.replace("name: mesh, namespace: istio-system", "name: shop, namespace: shop")
    namespace = "{apiVersion: v1, kind: Namespace, metadata: {name: shop, labels: {%s}}}"
    assert codes(own) == []
    assert codes(together(own, namespace % "istio-injection: enabled")) == []
    assert codes(together(own, namespace % "")) == ["warning N14"]


def test_a_telemetry_beside_the_collector_is_meant_for_the_mesh(codes: Codes) -> None:
    beside = TELEMETRY.replace("name: mesh, namespace: istio-system", "name: tracing, namespace: obs")
    assert codes(together(mesh("agent.obs.svc.cluster.local"), beside)) == ["warning N14"]


def test_a_telemetry_that_only_has_mesh_in_its_name_is_a_matter_of_advice(check_yaml: CheckYaml) -> None:
    named = TELEMETRY.replace("name: mesh, namespace: istio-system", "name: mesh-telemetry, namespace: shop")
    assert [(one.code, one.severity) for one in check_yaml(named)] == [("N14", lint.Severity.ADVICE)]


def test_the_root_namespace_is_read_from_the_mesh_configuration(codes: Codes) -> None:
    config = mesh("otel.example.com") + "    rootNamespace: mesh-root\n"
    rooted = TELEMETRY.replace("namespace: istio-system", "namespace: mesh-root")
    assert codes(together(config, rooted)) == []
    assert codes(together(config, TELEMETRY)) == ["warning N14"]


@pytest.mark.parametrize(
    ("egress", "expected"),
    [
        ('[{hosts: ["*"]}]', ["error N28"]),
        ('[{hosts: ["*/"]}]', ["error N28"]),
        ('[{hosts: ["*/*"]}]', []),
        ('[{hosts: ["~/*"]}]', []),
        ('[{hosts: ["${NAMESPACE}"]}]', []),
        # The listener for the rest is the last one.
        ('[{hosts: ["./*"]}, {port: {number: 80, protocol: HTTP}, hosts: ["*/*"]}]', ["error N28"]),
        ('[{port: {number: 80, protocol: HTTP}, hosts: ["*/*"]}, {hosts: ["./*"]}]', []),
    ],
)
def test_istio_refuses_an_egress_that_it_cannot_read(codes: Codes, egress: str, expected: list[str]) -> None:
    sidecar = "apiVersion: networking.istio.io/v1, kind: Sidecar, metadata: {name: default, namespace: shop}"
    assert codes(f"{{{sidecar}, spec: {{egress: {egress}}}}}") == expected


def test_a_waypoint_that_nothing_uses_is_found_without_anything_else_for_tracing(codes: Codes) -> None:
    namespace = "{apiVersion: v1, kind: Namespace, metadata: {name: shop, labels: {istio.io/dataplane-mode: ambient}}}"
    waypoint = (
        "{apiVersion: gateway.networking.k8s.io/v1, kind: Gateway, metadata: {name: waypoint, namespace: shop}, "
        "spec: {gatewayClassName: istio-waypoint, listeners: [{name: mesh, port: 15008, protocol: HBONE}]}}"
    )
    assert codes(together(namespace, waypoint)) == ["warning N29"]
    assert codes(namespace) == []


def test_an_older_istio_may_still_have_mixer(codes: Codes) -> None:
    rule = "{apiVersion: config.istio.io/v1alpha2, kind: rule, metadata: {name: a, namespace: istio-system}}"
    operator = (
        "{apiVersion: install.istio.io/v1alpha1, kind: IstioOperator, metadata: {name: a, namespace: istio-system}, "
        "spec: {tag: 1.6.0}}"
    )
    assert codes(rule) == ["error N30"]
    assert "warning N30" in codes(together(operator, rule))
