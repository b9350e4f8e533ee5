"""Mutual TLS and NetworkPolicies in front of a collector: what certainly keeps spans out, and what only may."""

from collections.abc import Callable

import pytest
from test_collector_in_sight import COLLECTOR, HOST, PLAIN_COLLECTOR, SERVICE, mesh, namespace

Codes = Callable[..., list[str]]


def destination_rule(host: str, policy: str, where: str = "istio-system") -> str:
    return f"""
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {{name: rule-{where}, namespace: {where}}}
spec: {{host: "{host}", trafficPolicy: {policy}}}
---
"""


MUTUAL = "{tls: {mode: ISTIO_MUTUAL}}"


@pytest.mark.parametrize(
    ("host", "concerned"),
    [
        (HOST, True),
        ("*", True),
        ("*.local", True),
        ("*.svc.cluster.local", True),
        ("*.tracing.svc.cluster.local", True),
        ("otel-collector.tracing", True),
        ("*.shop.svc.cluster.local", False),
        ("otel-collector", False),
        ("*.example.com", False),
    ],
)
def test_a_rule_applies_to_the_hosts_that_it_names(codes: Codes, host: str, concerned: bool) -> None:
    found = codes(mesh() + PLAIN_COLLECTOR + destination_rule(host, MUTUAL))
    assert found == (["error N28"] if concerned else [])


def test_a_short_host_is_one_of_the_rules_own_namespace(codes: Codes) -> None:
    assert codes(mesh() + PLAIN_COLLECTOR + destination_rule("otel-collector", MUTUAL, "tracing")) == ["error N28"]


def test_a_collector_with_a_sidecar_understands_mutual_tls(codes: Codes) -> None:
    wanted = PLAIN_COLLECTOR.replace('"false"', '"true"')
    unsaid = PLAIN_COLLECTOR.replace(', labels: {sidecar.istio.io/inject: "false"}', "")
    in_mesh = namespace("tracing", "istio-injection: enabled")
    everywhere = destination_rule("*.local", MUTUAL)
    assert codes(mesh() + wanted + everywhere) == []
    assert codes(mesh() + unsaid + in_mesh + everywhere) == ["warning N19"]
    assert codes(mesh() + unsaid + namespace("tracing", "istio.io/dataplane-mode: ambient") + everywhere) == []


def test_a_collector_whose_pods_are_not_known_may_have_a_sidecar(codes: Codes) -> None:
    assert codes(mesh() + SERVICE % ("", "") + destination_rule("*.local", MUTUAL)) == ["warning N28"]


def test_what_is_set_for_the_port_replaces_what_is_set_for_the_host(codes: Codes) -> None:
    for_port = "{tls: {mode: %s}, portLevelSettings: [{port: {number: 4317}, tls: {mode: %s}}]}"
    assert codes(mesh() + PLAIN_COLLECTOR + destination_rule(HOST, for_port % ("ISTIO_MUTUAL", "DISABLE"))) == []
    assert codes(mesh() + PLAIN_COLLECTOR + destination_rule(HOST, for_port % ("DISABLE", "ISTIO_MUTUAL"))) == [
        "error N28"
    ]


def test_a_rule_in_the_services_namespace_comes_before_one_in_the_root_namespace(codes: Codes) -> None:
    everywhere, own = destination_rule("*.local", MUTUAL), destination_rule(HOST, "{tls: {mode: DISABLE}}", "tracing")
    assert codes(mesh() + PLAIN_COLLECTOR + everywhere + own) == []


def test_a_rule_in_a_clients_namespace_comes_before_all_others(codes: Codes) -> None:
    own = destination_rule(HOST, "{tls: {mode: DISABLE}}", "tracing")
    assert codes(mesh() + PLAIN_COLLECTOR + own + destination_rule("*.local", MUTUAL, "shop")) == ["error N28"]


def policy(selector: str, ingress: str, types: str = "[Ingress]", name: str = "policy", where: str = "tracing") -> str:
    return f"""
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {{name: {name}, namespace: {where}}}
spec: {{podSelector: {selector}, policyTypes: {types}, ingress: {ingress}}}
---
"""


IN_MESH = namespace("shop", "istio-injection: enabled, team: a") + namespace("tracing")
BLOCKED = ["error N28"]


@pytest.mark.parametrize(
    ("ingress", "expected"),
    [
        ("[]", BLOCKED),
        ("[{}]", []),
        ("[{ports: [{port: 4317}]}]", []),
        ("[{ports: [{port: 4000, endPort: 5000}]}]", []),
        ("[{ports: [{port: otlp-grpc}]}]", []),
        ("[{ports: [{port: 8888}]}]", BLOCKED),
        ("[{ports: [{port: 4317, protocol: UDP}]}]", BLOCKED),
        ("[{from: [{ipBlock: {cidr: 10.0.0.0/8}}]}]", []),
        ("[{from: [{podSelector: {}}]}]", BLOCKED),
        ("[{from: [{namespaceSelector: {}}]}]", []),
        ("[{from: [{namespaceSelector: {matchLabels: {team: a}}}]}]", []),
        ("[{from: [{namespaceSelector: {matchLabels: {team: b}}}]}]", BLOCKED),
        ("[{from: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: tracing}}}]}]", BLOCKED),
    ],
)
def test_a_policy_lets_the_mesh_in_or_not(codes: Codes, ingress: str, expected: list[str]) -> None:
    assert codes(mesh() + PLAIN_COLLECTOR + IN_MESH + policy("{}", ingress)) == expected


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        ("{matchLabels: {app.kubernetes.io/component: opentelemetry-collector}}", BLOCKED),
        ("{matchLabels: {app.kubernetes.io/instance: tracing.otel}}", BLOCKED),
        ("{matchLabels: {app.kubernetes.io/name: tempo}}", []),
        ("{matchLabels: {team: a}}", []),
    ],
)
def test_a_policy_selects_the_operators_pods_by_labels_that_are_known(
    codes: Codes, selector: str, expected: list[str]
) -> None:
    assert codes(mesh() + PLAIN_COLLECTOR + policy(selector, "[]")) == expected


def test_a_second_policy_may_let_the_mesh_in(codes: Codes) -> None:
    deny = policy("{}", "[]", name="deny")
    assert codes(mesh() + PLAIN_COLLECTOR + deny + policy("{matchLabels: {team: a}}", "[{}]")) == []
    assert codes(mesh() + PLAIN_COLLECTOR + deny + policy("{}", "[{}]", where="shop")) == BLOCKED


def test_a_policy_for_egress_blocks_no_spans(codes: Codes) -> None:
    assert codes(mesh() + PLAIN_COLLECTOR + policy("{}", "[]", "[Egress]")) == []


def test_the_operator_may_make_a_policy_of_its_own(codes: Codes) -> None:
    deny = policy("{}", "[]")
    assert codes(mesh() + COLLECTOR % ", networkPolicy: {enabled: true}" + deny) == []
    assert codes(mesh() + COLLECTOR % ", networkPolicy: {enabled: false}" + deny) == BLOCKED


def test_a_policy_is_about_the_port_of_the_pods(codes: Codes) -> None:
    to_other_port = SERVICE % ("", ", targetPort: 14317")
    assert codes(mesh() + to_other_port + policy("{}", "[{ports: [{port: 14317}]}]")) == []
    assert codes(mesh() + to_other_port + policy("{}", "[{ports: [{port: 4317}]}]")) == BLOCKED
    assert codes(mesh() + SERVICE % ("", ", targetPort: otlp") + policy("{}", "[{ports: [{port: 4317}]}]")) == []
