"""Ambient meshes, and names that lead nowhere."""

from collections.abc import Callable

import pytest

import lint

Codes = Callable[..., list[str]]

TELEMETRY = """
apiVersion: telemetry.istio.io/v1
kind: Telemetry
metadata: {name: mesh, namespace: istio-system}
spec: {tracing: [{providers: [{name: otel}], randomSamplingPercentage: 10}]}
---
"""


def namespace(labels: str, name: str = "shop") -> str:
    return f"{{apiVersion: v1, kind: Namespace, metadata: {{name: {name}, labels: {{{labels}}}}}}}\n---\n"


def waypoint(name: str = "waypoint", where: str = "shop", routes: str = "") -> str:
    return f"""
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {{name: {name}, namespace: {where}}}
spec:
  gatewayClassName: istio-waypoint
  listeners: [{{name: mesh, port: 15008, protocol: HBONE{routes}}}]
---
"""


AMBIENT = "istio.io/dataplane-mode: ambient"
USES = "istio.io/use-waypoint: waypoint"


def test_where_nothing_is_traced_no_waypoint_is_missed(codes: Codes) -> None:
    assert codes(namespace(AMBIENT)) == []
    assert codes(TELEMETRY + namespace(AMBIENT)) == ["warning N29"]


@pytest.mark.parametrize(
    "labels",
    [
        "",
        "istio.io/dataplane-mode: none",
        f"{AMBIENT}, istio-injection: enabled",
        f"{AMBIENT}, istio.io/use-waypoint: none",
    ],
)
def test_these_namespaces_need_no_waypoint(codes: Codes, labels: str) -> None:
    assert codes(TELEMETRY + namespace(labels)) == []


def test_the_root_namespace_and_the_collectors_need_no_waypoint(codes: Codes) -> None:
    mesh = """
apiVersion: sailoperator.io/v1
kind: Istio
metadata: {name: default}
spec:
  version: v1.31.0
  values:
    meshConfig:
      extensionProviders: [{name: otel, opentelemetry: {service: otel.tracing.svc.cluster.local, port: 4317}}]
---
"""
    infrastructure = namespace(AMBIENT, "istio-system") + namespace(AMBIENT, "tracing")
    assert codes(mesh + TELEMETRY + infrastructure) == []


def test_a_service_may_name_the_waypoint_instead_of_its_namespace(codes: Codes) -> None:
    service = f"{{apiVersion: v1, kind: Service, metadata: {{name: a, namespace: shop, labels: {{{USES}}}}}}}\n---\n"
    assert codes(TELEMETRY + namespace(AMBIENT) + service + waypoint()) == []


def test_a_waypoint_without_the_label_gets_no_traffic(check_yaml: Callable[..., list[lint.Finding]]) -> None:
    (finding,) = check_yaml(TELEMETRY + namespace(AMBIENT) + waypoint())
    assert finding.remedy == "name the waypoint here"


@pytest.mark.parametrize(
    ("routes", "expected"),
    [
        ("", ["error N29"]),
        (", allowedRoutes: {namespaces: {from: Same}}", ["error N29"]),
        (", allowedRoutes: {namespaces: {from: All}}", []),
        (", allowedRoutes: {namespaces: {from: Selector, selector: {matchLabels: {team: a}}}}", []),
        (", allowedRoutes: {namespaces: {from: Selector, selector: {matchLabels: {team: b}}}}", ["error N29"]),
    ],
)
def test_a_waypoint_says_which_namespaces_it_takes(codes: Codes, routes: str, expected: list[str]) -> None:
    user = namespace(f"{AMBIENT}, team: a, {USES}, istio.io/use-waypoint-namespace: shared")
    assert codes(user + waypoint(where="shared", routes=routes)) == expected


def test_a_waypoint_that_a_command_makes_is_not_missed(codes: Codes) -> None:
    assert codes(namespace(f"{AMBIENT}, {USES}")) == []


def test_a_waypoint_is_missed_where_there_is_another_one(codes: Codes) -> None:
    user = namespace(f"{AMBIENT}, {USES}")
    assert codes(user + waypoint("other")) == ["error N30"]
    assert codes(user + waypoint(where="bank")) == ["warning N30"]
    assert codes(user + waypoint("other", "bank")) == []


def target(ref: str, where: str = "shop") -> str:
    in_namespace = TELEMETRY.replace("namespace: istio-system", f"namespace: {where}")
    return in_namespace.replace("spec: {", f"spec: {{targetRefs: [{ref}], ")


GATEWAY = "{group: gateway.networking.k8s.io, kind: Gateway, name: %s}"


def test_the_target_of_a_telemetry_is_missed_where_there_are_others_of_its_kind(codes: Codes) -> None:
    assert codes(target(GATEWAY % "waypoint") + waypoint()) == []
    assert codes(target(GATEWAY % "gone") + waypoint()) == ["error N30"]
    assert codes(target(GATEWAY % "gone")) == []
    assert codes(target(GATEWAY % "gone") + waypoint(where="bank")) == []


def test_a_service_may_be_made_by_an_operator(codes: Codes) -> None:
    service = "{apiVersion: v1, kind: Service, metadata: {name: a, namespace: shop}}\n---\n"
    assert codes(target("{kind: Service, name: a}") + service) == []
    assert codes(target("{kind: Service, name: b}") + service) == ["warning N30"]


def test_the_class_of_waypoints_is_no_target_that_reaches_all_of_them(codes: Codes) -> None:
    ref = "{group: gateway.networking.k8s.io, kind: GatewayClass, name: istio-waypoint}"
    assert codes(target(ref, "istio-system")) == ["warning N29"]
    assert codes(target(ref)) == ["error N30"]


@pytest.mark.parametrize(
    ("version", "kind", "remedy"),
    [
        ("telemetry.istio.io/v1beta1", "Telemetry", "write telemetry.istio.io/v1"),
        ("networking.istio.io/v1alpha3", "PeerAuthentication", "write security.istio.io/v1"),
        ("tempo.grafana.com/v1", "TempoStack", "write tempo.grafana.com/v1alpha1"),
        ("grafana.com/v1alpha1", "TempoMonolithic", "write tempo.grafana.com/v1alpha1"),
        ("opentelemetry.io/v1", "OpenTelemetryCollector", "write opentelemetry.io/v1beta1"),
    ],
)
def test_a_version_that_nobody_serves_gets_the_newest_one_as_a_remedy(
    check_yaml: Callable[..., list[lint.Finding]], version: str, kind: str, remedy: str
) -> None:
    found = check_yaml(f"{{apiVersion: {version}, kind: {kind}, metadata: {{name: a}}}}")
    assert [(one.code, one.remedy) for one in found] == [("N30", remedy)]


@pytest.mark.parametrize(
    ("version", "kind"),
    [
        ("operator.kyma-project.io/v1alpha1", "Telemetry"),
        ("'${API}'", "Telemetry"),
        ("networking.istio.io/v1alpha3", "Sidecar"),
        ("telemetry.istio.io/v1alpha1", "Telemetry"),
        ("example.com/v1", "Sidecar"),
    ],
)
def test_kinds_of_others_and_older_versions_are_right(codes: Codes, version: str, kind: str) -> None:
    assert codes(f"{{apiVersion: {version}, kind: {kind}, metadata: {{name: a}}}}") == []
