"""The NetworkPolicies of a stack let in exactly the hops of its data path, and who cannot be known; none is for others.

Who connects is told by the rules of https://kubernetes.io/docs/concepts/services-networking/network-policies/, written
down here once more, over pods with the labels that operators, charts and manifests give them.
"""

from collections.abc import Mapping
from typing import Any

import pytest
from recording import SENTINELS, Deployed, minimal_config, run_program, stack_config, with_settings

MESH, TEMPO, CONSOLES = "istio-system", "tracing-system", "tracing-grafana"
BY_OPERATOR = {"app.kubernetes.io/name": "tempo", "app.kubernetes.io/managed-by": "tempo-operator"}
Pod = tuple[str, Mapping[str, str]]


def ours(namespace: str, name: str) -> Pod:
    return namespace, {"app.kubernetes.io/name": name, "app.kubernetes.io/part-of": "mesh-tracing"}


PODS: Mapping[str, Pod] = {
    "collector": (
        MESH,
        {
            "app.kubernetes.io/name": "otel-collector",
            "app.kubernetes.io/component": "opentelemetry-collector",
            "app.kubernetes.io/instance": "istio-system.otel",
            "app.kubernetes.io/managed-by": "opentelemetry-operator",
        },
    ),
    "istiod": (MESH, {"app": "istiod", "app.kubernetes.io/name": "istiod"}),
    "prometheus": ours(MESH, "prometheus"),
    "kiali": (MESH, {"app.kubernetes.io/name": "kiali", "app.kubernetes.io/instance": "kiali"}),
    "check": ours(MESH, "mesh-tracing-verify"),
    "grafana": ours(CONSOLES, "grafana"),
    "tempo": (TEMPO, {**BY_OPERATOR, "app.kubernetes.io/instance": "tempo"}),
    "graph": (TEMPO, {**BY_OPERATOR, "app.kubernetes.io/instance": "graph"}),
    "seaweedfs": ours(TEMPO, "seaweedfs"),
    "minio": ours(TEMPO, "minio"),
    "bucket": ours(TEMPO, "tempo-bucket"),
    "copy": ours(TEMPO, "tempo-copy"),
    "application": ("bookinfo", {"app": "productpage", "service.istio.io/canonical-name": "productpage"}),
    "unproxied": ("bookinfo", {"app": "cron"}),
    "gateway": ("ingress", {"istio": "ingressgateway", "service.istio.io/canonical-name": "gateway"}),
    "stranger": ("stranger", {"app.kubernetes.io/name": "grafana"}),
    "client": ("monitoring", {"app": "prometheus"}),
}
EVERYBODY = set(PODS)
# What listens, and who connects to it where nothing of it is other people's.
OWN_CONSOLES = {"grafana.mode": "managed", "grafana.namespace": CONSOLES, "kiali.installer": "operator"}
S3 = {"tempo.storage.backend": "s3"}


def policies(config: Mapping[str, Any]) -> list[dict[str, Any]]:
    return of(run_program(config, preview=False))


def of(deployed: Deployed) -> list[dict[str, Any]]:
    return [dict(entry.inputs) for entry in deployed if entry.kind == "NetworkPolicy"]


def stack(**changes: Any) -> list[dict[str, Any]]:
    named = {path.replace("__", "."): value for path, value in changes.items()}
    return policies(with_settings({**minimal_config(), **SENTINELS}, named))


def let_in(found: list[dict[str, Any]], pod: str, port: int) -> set[str]:
    """The pods that connect to a port of ``pod``."""
    return {one for one in PODS if one != pod and connects(found, PODS[one], PODS[pod], port)}


def connects(found: list[dict[str, Any]], source: Pod, target: Pod, port: int) -> bool:
    return allows(found, "Egress", source, target, port) and allows(found, "Ingress", target, source, port)


def allows(found: list[dict[str, Any]], direction: str, pod: Pod, other: Pod, port: int) -> bool:
    """Whether the policies for ``pod`` let ``other`` connect to it, or it connect to ``other``."""
    selecting = [
        entry["spec"]
        for entry in found
        if entry["metadata"]["namespace"] == pod[0]
        and matches(entry["spec"]["podSelector"], pod[1])
        and direction in entry["spec"]["policyTypes"]
    ]
    rules = [rule for spec in selecting for rule in spec[direction.lower()]]
    return not selecting or any(in_rule(rule, other, port) for rule in rules)


def in_rule(rule: Mapping[str, Any], other: Pod, port: int) -> bool:
    ports = {entry["port"] for entry in rule.get("ports", []) if entry["protocol"] == "TCP"}
    peers = rule.get("from", rule.get("to"))
    assert peers != [], "an empty list is not nobody, but everybody"
    return ("ports" not in rule or port in ports) and (peers is None or any(in_peer(peer, other) for peer in peers))


def in_peer(peer: Mapping[str, Any], other: Pod) -> bool:
    namespace, labels = other
    in_namespace = matches(peer["namespaceSelector"], {"kubernetes.io/metadata.name": namespace})
    return in_namespace and matches(peer.get("podSelector", {}), labels)


def matches(selector: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    expressions = selector.get("matchExpressions", [])
    assert all(entry["operator"] == "Exists" for entry in expressions)
    wanted = selector.get("matchLabels", {})
    return wanted.items() <= labels.items() and all(entry["key"] in labels for entry in expressions)


# Without a setting.


@pytest.mark.parametrize("port", [4317, 4318])
def test_everybody_may_send_spans_to_the_collector(port: int) -> None:
    assert let_in(stack(), "collector", port) == EVERYBODY - {"collector"}


def test_the_store_is_for_tempo_and_the_jobs_that_make_and_fill_its_bucket() -> None:
    assert let_in(stack(**S3), "seaweedfs", 8333) == {"tempo", "bucket", "copy"}


def test_both_stores_are_open_to_their_users_while_one_moves_to_the_other() -> None:
    found = stack(**S3, tempo__storage__s3__moveFrom="minio")
    ports = {"seaweedfs": 8333, "minio": 9000}
    users = {"tempo", "bucket", "copy"}
    assert {store: let_in(found, store, port) for store, port in ports.items()} == dict.fromkeys(ports, users)


def test_the_store_connects_to_nobody() -> None:
    found = stack(**S3)
    assert [pod for pod in EVERYBODY - {"seaweedfs"} if "seaweedfs" in let_in(found, pod, 443)] == []


def test_only_the_collector_sends_spans_to_tempo() -> None:
    assert let_in(stack(), "tempo", 4317) == {"collector"}


def test_prometheus_reaches_what_it_scrapes_and_dns_and_nobody_else() -> None:
    found = stack()
    scraped = {"collector": 8888, "istiod": 15014, "tempo": 3200}
    assert [pod for pod, port in scraped.items() if "prometheus" not in let_in(found, pod, port)] == []
    assert "prometheus" in let_in(found, "stranger", 53)
    assert not {"prometheus"} & (let_in(found, "stranger", 443) | let_in(found, "application", 9080))


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"grafana.mode": "operator", "grafana.namespace": "grafana", "kiali.installer": "operator"},
        {"grafana.mode": "managed", "grafana.namespace": CONSOLES},
    ],
    ids=["nothing of ours", "somebody else's Grafana", "perhaps somebody else's Kiali"],
)
def test_where_a_console_may_be_anywhere_everybody_may_ask(changes: dict[str, Any]) -> None:
    found = stack(**changes)
    asked = {"tempo": 3200, "prometheus": 9090, "collector": 8888}
    assert {pod: let_in(found, pod, port) for pod, port in asked.items()} == {pod: EVERYBODY - {pod} for pod in asked}


def test_where_all_consoles_are_ours_only_they_ask() -> None:
    found = stack(**OWN_CONSOLES)
    assert let_in(found, "tempo", 3200) == {"prometheus", "grafana", "kiali"}
    assert let_in(found, "prometheus", 9090) == {"tempo", "grafana", "kiali"}
    assert let_in(found, "collector", 8888) == {"prometheus"}


@pytest.mark.parametrize(("console", "port"), [("grafana", 3000), ("kiali", 20001)])
def test_a_console_of_ours_is_open_to_whoever_brings_people_to_it(console: str, port: int) -> None:
    # Prometheus connects only to what it scrapes.
    assert let_in(stack(**OWN_CONSOLES), console, port) >= EVERYBODY - {console, "prometheus"}


def test_the_parts_of_a_tempo_stack_reach_each_other_on_every_port() -> None:
    found = stack(tempo__mode="stack", **S3)
    (policy,) = [entry for entry in found if entry["metadata"]["name"] == "mesh-tracing-tempo"]
    part = (TEMPO, {**PODS["tempo"][1], "app.kubernetes.io/component": "ingester"})
    assert allows([policy], "Ingress", part, PODS["tempo"], 7946)
    assert not allows([policy], "Ingress", part, PODS["graph"], 7946)


@pytest.mark.parametrize("pod", ["bucket", "copy", "check"])
def test_nobody_connects_to_what_only_asks(pod: str) -> None:
    found = stack(**S3, verify={"enabled": True, "image": "registry.example.com/mesh-tracing-verify:1.0.0"})
    assert let_in(found, pod, 8080) == set()


def test_a_policy_is_made_once_its_namespace_is_there() -> None:
    deployed = run_program({**minimal_config(), **SENTINELS}, preview=False)
    namespaces = {entry.object_name: entry.urn for entry in deployed if entry.kind == "Namespace"}
    made = [entry for entry in deployed if entry.kind == "NetworkPolicy"]
    assert made
    assert all(namespaces[entry.inputs["metadata"]["namespace"]] in deployed.before(entry.urn) for entry in made)


# By a setting.


def test_narrowed_to_the_mesh_only_its_namespaces_and_pods_with_a_proxy_send_spans() -> None:
    found = stack(networkPolicies={"otlpFrom": "mesh"})
    assert let_in(found, "collector", 4317) == {"application", "unproxied", "gateway"}


def test_named_clients_ask_and_send_and_take_the_place_of_everybody_else() -> None:
    found = stack(networkPolicies={"otlpFrom": "mesh", "clients": ["monitoring"]})
    assert let_in(found, "collector", 4317) == {"application", "unproxied", "gateway", "client"}
    assert let_in(found, "collector", 8888) == {"prometheus", "client"}
    assert let_in(found, "tempo", 4317) == {"collector", "client"}
    assert let_in(found, "tempo", 3200) == {"prometheus", "client"}
    assert let_in(found, "prometheus", 9090) == {"tempo", "client"}


def test_an_exposed_prometheus_is_open_to_whatever_leads_to_it() -> None:
    exposed = {"exposure.kind": "ingress", "exposure.domain": "example.com", "exposure.prometheus": True}
    assert let_in(stack(**OWN_CONSOLES, **exposed), "prometheus", 9090) == EVERYBODY - {"prometheus"}


def test_an_exposed_jaeger_ui_is_open_to_whatever_leads_to_it() -> None:
    exposed = {"exposure.kind": "ingress", "exposure.domain": "example.com", "exposure.jaegerUi": True}
    assert let_in(stack(**exposed), "tempo", 16686) >= {"stranger", "gateway"}
    assert let_in(stack(), "tempo", 16686) == set()


def test_further_listeners_of_the_collector_are_open_to_who_sends_spans() -> None:
    zipkin = {"receivers": {"zipkin": {"endpoint": "0.0.0.0:9411"}}}
    found = stack(networkPolicies={"otlpFrom": "mesh"}, tracing={"collector": {"extraConfig": zipkin}})
    assert let_in(found, "collector", 9411) == {"application", "unproxied", "gateway"}


def test_an_exporter_of_the_collectors_may_write_to_our_prometheus() -> None:
    writes = {"exporters": {"prometheusremotewrite": {"endpoint": "http://prometheus:9090/api/v1/write"}}}
    found = stack(**OWN_CONSOLES, tracing={"collector": {"extraConfig": writes}})
    assert let_in(found, "prometheus", 9090) == {"tempo", "grafana", "kiali", "collector"}


def test_switched_off_there_is_none() -> None:
    assert stack(networkPolicies={"enabled": False}, **S3) == []


@pytest.mark.parametrize("existing", [[MESH], [TEMPO], [MESH, TEMPO]], ids=", ".join)
def test_there_is_none_in_a_namespace_of_somebody_else(existing: list[str]) -> None:
    found = stack(namespaces={"existing": existing}, **S3)
    assert {entry["metadata"]["namespace"] for entry in found} == {MESH, TEMPO} - set(existing)


def test_there_is_none_for_a_prometheus_of_somebody_else() -> None:
    found = stack(prometheus={"existing": {"queryUrl": "http://prometheus.monitoring.svc.cluster.local:9090"}})
    assert let_in(found, "prometheus", 9090) == EVERYBODY - {"prometheus"}
    assert "mesh-tracing-prometheus" not in {entry["metadata"]["name"] for entry in found}


def test_no_policy_selects_what_is_not_the_stacks() -> None:
    found = policies({**stack_config("prod"), **SENTINELS})
    for other in ("istiod", "application", "stranger", "client"):
        assert let_in(found, other, 443) >= EVERYBODY - {other, "seaweedfs", "minio", "prometheus"}


# Beside the policies that operators make.


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, None),
        ({"networkPolicies": {"otlpFrom": "mesh"}}, {"enabled": False}),
        ({"networkPolicies": {"otlpFrom": "mesh", "enabled": False}}, None),
        ({"networkPolicies": {"otlpFrom": "mesh"}, "namespaces": {"existing": [MESH]}}, None),
    ],
    ids=["open", "narrowed", "switched off", "somebody else's namespace"],
)
def test_the_collectors_operator_opens_nothing_that_is_closed_here(
    changes: dict[str, Any], expected: dict[str, Any] | None
) -> None:
    deployed = run_program(with_settings({**minimal_config(), **SENTINELS}, changes), preview=False)
    assert deployed.get("OpenTelemetryCollector").inputs["spec"].get("networkPolicy") == expected


def test_the_operators_policies_of_a_tempo_stack_stay_as_they_are() -> None:
    deployed = run_program(
        with_settings({**minimal_config(), **SENTINELS}, {"tempo.mode": "stack", **S3}), preview=False
    )
    assert "networkPolicy" not in deployed.get("TempoStack").inputs["spec"]
