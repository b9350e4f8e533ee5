"""Objects of others that keep spans away are named, each with the command that takes it out of the way."""

import json
import shlex
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Literal

import pytest
from verify_world import DEPLOYMENT, TELEMETRY, assert_is_command, deployment, part, pod, resource, service, world

from model import NetworkPolicies
from objects.network_policies import NetworkPoliciesArgs, build_network_policies
from verify.causes import Code
from verify.obstacles import mutual_tls, network_policies, reception, telemetries, visibility
from verify.obstacles.network_policies import Way
from verify.obstacles.obstacle import Obstacle
from verify.obstacles.surroundings import Surroundings

Object = dict[str, Any]

HOST = "otel-collector.istio-system.svc.cluster.local"
ROOT = "istio-system"
PRODUCTPAGE = pod("productpage-v1-1", sidecar=True, labels={"app": "productpage"})
COLLECTOR_LABELS = {"app.kubernetes.io/instance": "istio-system.otel"}
COLLECTOR_PODS = COLLECTOR_LABELS | {
    "app.kubernetes.io/name": "otel-collector",
    "app.kubernetes.io/component": "opentelemetry-collector",
}
SERVICE = service("otel-collector", ROOT, COLLECTOR_LABELS, {"name": "otlp-grpc", "port": 4317, "appProtocol": "grpc"})
PROVIDER = {"name": "otel", "opentelemetry": {"service": HOST, "port": 4317}}
AROUND = Surroundings(
    ROOT,
    mesh={"extensionProviders": [PROVIDER]},
    namespaces={name: {"metadata": {"name": name, "labels": {"name": name}}} for name in (ROOT, "bookinfo", "other")},
    telemetries=[TELEMETRY],
    collector=[pod("otel-collector-1", ROOT, labels=COLLECTOR_LABELS)],
    service=SERVICE,
)


def named(name: str, namespace: str, created: str = "", **spec: Any) -> Object:
    return {"metadata": {"name": name, "namespace": namespace, "creationTimestamp": created}, "spec": spec}


def words(obstacle: Obstacle | None) -> list[str]:
    """The remedy of an obstacle, as a shell takes it apart."""
    assert obstacle is not None
    assert_is_command(obstacle.remedy)
    return shlex.split(obstacle.remedy)


# Telemetries.


def tracing(name: str, namespace: str, created: str = "", **fields: Any) -> Object:
    return named(name, namespace, created, tracing=[fields])


OLD, YOUNG = "2025-01-01T00:00:00Z", "2026-01-01T00:00:00Z"


def ours(created: str) -> Object:
    return TELEMETRY | {"metadata": TELEMETRY["metadata"] | {"creationTimestamp": created}}


def test_an_older_telemetry_of_the_mesh_is_named_and_gets_what_the_stacks_says() -> None:
    metrics = named("metric-tags", ROOT, OLD, metrics=[])
    found = telemetries.older(world(), [ours(YOUNG), metrics])
    assert found is not None
    assert "Telemetry istio-system/metric-tags (with metrics)" in found.evidence
    *command, patch = words(found)
    assert command[:3] == ["kubectl", "patch", "telemetries.telemetry.istio.io"]
    assert json.loads(patch) == {"spec": {"tracing": TELEMETRY["spec"]["tracing"]}}


@pytest.mark.parametrize(
    "other",
    [
        named("metric-tags", ROOT, "2026-06-01T00:00:00Z", metrics=[]),
        named("gateways", ROOT, OLD, selector={"matchLabels": {"istio": "ingressgateway"}}),
        named("waypoint", ROOT, OLD, targetRefs=[{"kind": "Gateway", "name": "waypoint"}]),
        named("both", ROOT, OLD, metrics=[], tracing=TELEMETRY["spec"]["tracing"]),
    ],
    ids=["younger", "for some workloads", "for a waypoint", "that says the same"],
)
def test_the_stacks_own_telemetry_counts_beside(other: Object) -> None:
    assert telemetries.older(world(), [ours(YOUNG), other]) is None


@pytest.mark.parametrize(
    "fields",
    [
        {"disableSpanReporting": True},
        {"providers": [{"name": "zipkin"}]},
        {"randomSamplingPercentage": 0},
    ],
    ids=["no spans", "another provider", "no sampling"],
)
@pytest.mark.parametrize(
    "reach", [{}, {"selector": {"matchLabels": {"app": "productpage"}}}], ids=["its namespace", "its workload"]
)
def test_a_telemetry_by_which_a_pod_does_not_trace_is_taken_back_to_that_of_the_mesh(
    fields: Object, reach: Object
) -> None:
    quiet = named("quiet", "bookinfo", tracing=[fields], **reach)
    found = telemetries.own(world(), replace(AROUND, telemetries=[TELEMETRY, quiet]), PRODUCTPAGE)
    assert found is not None
    assert (found.code, found.evidence.partition(":")[0]) == (Code.OTHER_TELEMETRY, "Telemetry bookinfo/quiet")
    assert json.loads(words(found)[-1]) == [{"op": "remove", "path": "/spec/tracing"}]


@pytest.mark.parametrize(
    "beside",
    [
        tracing("quiet", "other", disableSpanReporting=True),
        named(
            "quiet", "bookinfo", selector={"matchLabels": {"app": "ratings"}}, tracing=[{"disableSpanReporting": True}]
        ),
        tracing("loud", "bookinfo", disableSpanReporting=False),
        tracing("same", "bookinfo", providers=[{"name": "OTel"}]),
        tracing("more", "bookinfo", customTags={"a": {"literal": {"value": "b"}}}),
        named("metrics", "bookinfo", metrics=[]),
    ],
    ids=["another namespace", "another workload", "spans are reported", "the same provider", "only tags", "metrics"],
)
def test_a_telemetry_that_takes_no_spans_away_is_not_blamed(beside: Object) -> None:
    assert telemetries.own(world(), replace(AROUND, telemetries=[TELEMETRY, beside]), PRODUCTPAGE) is None


def test_the_stacks_own_telemetry_in_a_namespace_is_not_blamed_and_wins_over_the_mesh_s() -> None:
    quiet = tracing("quiet", ROOT, OLD, disableSpanReporting=True)
    own = tracing("mesh-tracing", "bookinfo", providers=[{"name": "otel"}], disableSpanReporting=False)
    stack = world(deployment(tracing=part(DEPLOYMENT.tracing, scope="namespaces")))
    assert telemetries.own(stack, replace(AROUND, telemetries=[quiet, own]), PRODUCTPAGE) is None


def test_another_provider_with_the_same_address_is_as_good() -> None:
    twin = {**PROVIDER, "name": "spans"}
    around = replace(
        AROUND,
        mesh={"extensionProviders": [PROVIDER, twin]},
        telemetries=[TELEMETRY, tracing("own", "bookinfo", providers=[{"name": "spans"}])],
    )
    assert telemetries.own(world(), around, PRODUCTPAGE) is None


def test_of_two_telemetries_of_a_namespace_the_younger_one_has_no_effect() -> None:
    quiet = tracing("quiet", "bookinfo", YOUNG, disableSpanReporting=True)
    first = named("first", "bookinfo", OLD, metrics=[])
    assert telemetries.own(world(), replace(AROUND, telemetries=[quiet, first]), PRODUCTPAGE) is None


# What hides the collector's Service.


def sidecar(namespace: str, *hosts: str, name: str = "default", **spec: Any) -> Object:
    return named(name, namespace, egress=[{"hosts": list(hosts)}], **spec)


def with_sidecars(*sidecars: Object) -> Surroundings:
    return replace(AROUND, sidecars=sidecars)


@pytest.mark.parametrize(
    "hosts",
    [
        ("./*",),
        ("./*", "other/*"),
        (f"{ROOT}/istiod.istio-system.svc.cluster.local",),
        (f"{ROOT}/*.other.svc.cluster.local",),
        ("*/*", f"~{ROOT}/{HOST}"),
    ],
)
def test_a_sidecar_whose_egress_leaves_the_collector_out_is_named(hosts: tuple[str, ...]) -> None:
    found = visibility.egress(world(), with_sidecars(sidecar("bookinfo", *hosts)), PRODUCTPAGE)
    assert found is not None
    assert (found.code, found.evidence.partition(":")[0]) == (Code.SIDECAR_HIDES_COLLECTOR, "Sidecar bookinfo/default")


@pytest.mark.parametrize("hosts", [("*/*",), (f"{ROOT}/*",), (f"*/{HOST}",), (f"{ROOT}/*.svc.cluster.local",)])
def test_a_sidecar_that_lists_the_collector_is_not_blamed(hosts: tuple[str, ...]) -> None:
    assert visibility.egress(world(), with_sidecars(sidecar("bookinfo", *hosts)), PRODUCTPAGE) is None


def test_the_collector_is_added_to_the_hosts_of_a_sidecar() -> None:
    found = visibility.egress(world(), with_sidecars(sidecar("bookinfo", "./*")), PRODUCTPAGE)
    assert json.loads(words(found)[-1]) == [{"op": "add", "path": "/spec/egress/0/hosts/-", "value": f"{ROOT}/{HOST}"}]


def test_a_sidecar_whose_listeners_all_have_a_port_gets_one_more() -> None:
    listening = named("default", "bookinfo", egress=[{"port": {"number": 8080}, "hosts": ["*/*"]}])
    found = visibility.egress(world(), with_sidecars(listening), PRODUCTPAGE)
    assert json.loads(words(found)[-1]) == [
        {"op": "add", "path": "/spec/egress/-", "value": {"hosts": [f"{ROOT}/{HOST}"]}}
    ]


@pytest.mark.parametrize(
    ("sidecars", "blamed"),
    [
        ([sidecar("other", "./*")], None),
        ([sidecar(ROOT, "./*")], "istio-system/default"),
        ([sidecar(ROOT, "./*"), sidecar("bookinfo", "*/*")], None),
        (
            [
                sidecar("bookinfo", "*/*"),
                sidecar("bookinfo", "./*", name="own", workloadSelector={"labels": {"app": "productpage"}}),
            ],
            "bookinfo/own",
        ),
        (
            [sidecar("bookinfo", "./*", name="own", workloadSelector={"labels": {"app": "ratings"}})],
            None,
        ),
    ],
    ids=["another namespace", "of the mesh", "its namespace's", "its workload's", "another workload's"],
)
def test_of_several_sidecars_the_one_that_is_for_the_pod_counts(sidecars: list[Object], blamed: str | None) -> None:
    found = visibility.egress(world(), with_sidecars(*sidecars), PRODUCTPAGE)
    assert (found and found.evidence.partition(":")[0]) == (blamed and f"Sidecar {blamed}")


def exported(to: str, *, annotated: bool = True) -> Surroundings:
    annotations = {"networking.istio.io/exportTo": to} if annotated else {}
    own = SERVICE | {"metadata": SERVICE["metadata"] | {"annotations": annotations}}
    return replace(AROUND, service=own, mesh={} if annotated else {"defaultServiceExportTo": [to]})


@pytest.mark.parametrize("to", [".", "other", "~", ".,other"])
@pytest.mark.parametrize("annotated", [True, False], ids=["by the Service", "by the mesh"])
def test_a_service_that_is_not_exported_to_a_pods_namespace_is_exported_to_all(to: str, annotated: bool) -> None:
    found = visibility.export(exported(to, annotated=annotated), PRODUCTPAGE)
    assert found is not None
    assert found.code is Code.COLLECTOR_NOT_EXPORTED
    assert words(found) == [
        "kubectl", "annotate", "service", "otel-collector", "-n", ROOT, "networking.istio.io/exportTo=*", "--overwrite",
    ]  # fmt: skip


@pytest.mark.parametrize("to", ["*", "bookinfo", ".,bookinfo", ""])
def test_a_service_that_is_exported_to_a_pods_namespace_is_not_blamed(to: str) -> None:
    assert visibility.export(exported(to), PRODUCTPAGE) is None


def test_an_annotation_that_the_operator_copies_is_changed_where_it_is_copied_from() -> None:
    around = exported(".")
    owner = resource("otel", ROOT)
    owner["metadata"]["annotations"] = {"networking.istio.io/exportTo": "."}
    assert words(visibility.export(replace(around, resource=owner), PRODUCTPAGE))[2:4] == [
        "opentelemetrycollectors", "otel",
    ]  # fmt: skip


def discovering(*selectors: Object) -> Surroundings:
    return replace(AROUND, mesh={"discoverySelectors": list(selectors)})


@pytest.mark.parametrize(
    ("selector", "label"),
    [
        ({"matchLabels": {"mesh": "yes"}}, "mesh=yes"),
        ({"matchExpressions": [{"key": "mesh", "operator": "In", "values": ["a", "b"]}]}, "mesh=a"),
        ({"matchExpressions": [{"key": "mesh", "operator": "Exists"}]}, "mesh=true"),
    ],
)
def test_a_namespace_that_the_mesh_does_not_look_at_gets_a_label(selector: Object, label: str) -> None:
    found = visibility.discovery(world(), discovering(selector))
    assert found is not None
    assert found.code is Code.NAMESPACE_NOT_DISCOVERED
    assert words(found) == ["kubectl", "label", "namespace", ROOT, label, "--overwrite"]


@pytest.mark.parametrize(
    "selectors",
    [
        [],
        [{"matchLabels": {"name": ROOT}}],
        [{"matchLabels": {"mesh": "yes"}}, {"matchLabels": {"name": ROOT}}],
        [{"matchExpressions": [{"key": "name", "operator": "NotIn", "values": ["other"]}]}],
    ],
)
def test_a_namespace_that_the_mesh_looks_at_is_not_blamed(selectors: list[Object]) -> None:
    assert visibility.discovery(world(), discovering(*selectors)) is None


# DestinationRules.


def rule(name: str, namespace: str, host: str) -> Object:
    return named(name, namespace, host=host, trafficPolicy={"tls": {"mode": "ISTIO_MUTUAL"}})


@pytest.mark.parametrize(
    ("rules", "named_one", "namespace"),
    [
        ([rule("everyone", ROOT, "*.local")], "istio-system/everyone", ROOT),
        ([rule("everyone", "bookinfo", "*.local")], "bookinfo/everyone", "bookinfo"),
        ([rule("wide", ROOT, "*.local"), rule("near", ROOT, "*.istio-system.svc.cluster.local")], f"{ROOT}/near", ROOT),
        ([rule("wide", ROOT, "*.local"), rule("other", "other", HOST)], f"{ROOT}/wide", ROOT),
    ],
)
def test_the_rule_that_a_proxy_obeys_is_named_and_one_for_the_exact_host_made_beside_it(
    rules: list[Object], named_one: str, namespace: str
) -> None:
    found = mutual_tls.rule(world(), replace(AROUND, destination_rules=rules), PRODUCTPAGE)
    assert found.evidence.startswith(f"DestinationRule {named_one} is for ")
    made = json.loads(words(found)[1])
    assert (made["metadata"]["namespace"], made["spec"]["host"]) == (namespace, HOST)


@pytest.mark.parametrize("host", [HOST, "otel-collector"])
def test_a_rule_for_the_exact_host_is_changed_itself(host: str) -> None:
    found = mutual_tls.rule(world(), replace(AROUND, destination_rules=[rule("own", ROOT, host)]), PRODUCTPAGE)
    assert words(found)[:4] == ["kubectl", "patch", "destinationrules.networking.istio.io", "own"]


def plain_rule(name: str, namespace: str, host: str) -> Object:
    return named(name, namespace, host=host, trafficPolicy={"tls": {"mode": "DISABLE"}})


@pytest.mark.parametrize(
    ("obeyed", "namespace"), [(("everyone", ROOT, "*.local"), ROOT), (("everyone", "bookinfo", "*.local"), "bookinfo")]
)
def test_a_rule_for_plain_text_to_the_collector_s_sidecar_is_named_and_one_for_mtls_made_beside_it(
    obeyed: tuple[str, str, str], namespace: str
) -> None:
    found = mutual_tls.plain(world(), replace(AROUND, destination_rules=[plain_rule(*obeyed)]), PRODUCTPAGE)
    assert found is not None
    assert (found.code, found.evidence.split()[1]) == (Code.PLAIN_TEXT, f"{obeyed[1]}/everyone")
    made = json.loads(words(found)[1])
    assert (made["metadata"]["namespace"], made["spec"]["host"]) == (namespace, HOST)
    assert made["spec"]["trafficPolicy"] == {"tls": {"mode": "ISTIO_MUTUAL"}}


@pytest.mark.parametrize("rules", [[], [rule("own", ROOT, HOST)], [named("load", ROOT, host=HOST, trafficPolicy={})]])
def test_a_proxy_that_is_not_told_to_speak_plain_text_obeys_no_such_rule(rules: list[Object]) -> None:
    assert mutual_tls.plain(world(), replace(AROUND, destination_rules=rules), PRODUCTPAGE) is None


# NetworkPolicies.


def policy(*ingress: Object, selector: Object | None = None, **spec: Any) -> Object:
    return named("closed", ROOT, podSelector=selector or {}, ingress=list(ingress), **spec)


def closed(*policies: Object) -> Obstacle | None:
    return network_policies.closed(world(), replace(AROUND, network_policies=policies), PRODUCTPAGE)


def from_namespace(**labels: str) -> Object:
    return {"from": [{"namespaceSelector": {"matchLabels": labels}}]}


@pytest.mark.parametrize(("otlp_from", "keeps_out"), [("all", set()), ("mesh", {"stranger"})])
def test_the_stacks_own_policies_are_in_nobodys_way_but_that_of_whom_they_are_to_keep_out(
    otlp_from: Literal["all", "mesh"], keeps_out: set[str]
) -> None:
    settings = NetworkPolicies(otlp_from=otlp_from)
    own = build_network_policies(NetworkPoliciesArgs(network_policies=settings, mesh_namespaces=["bookinfo"]))
    named = {name: {"metadata": {"labels": {"kubernetes.io/metadata.name": name}}} for name in ("bookinfo", "other")}
    collector = pod("otel-collector-1", ROOT, labels=COLLECTOR_PODS)
    policies = [one for one in own.values() if one["metadata"]["namespace"] == ROOT]
    around = replace(AROUND, namespaces=named, collector=[collector], network_policies=policies)
    proxied = pod("web", "other", labels={"service.istio.io/canonical-name": "web"})
    clients = {"bookinfo": PRODUCTPAGE, "proxied": proxied, "stranger": pod("job", "other", labels={"app": "job"})}
    found = {name for name, client in clients.items() if network_policies.closed(world(), around, client) is not None}
    assert found == keeps_out


@pytest.mark.parametrize(
    "policies",
    [
        [policy()],
        [policy(selector={"matchLabels": COLLECTOR_LABELS})],
        [policy({"ports": [{"port": 8888}]})],
        [policy(from_namespace(name="other"))],
        [policy({"from": [{"podSelector": {}}]})],
        [policy({"ports": [{"port": 4317, "protocol": "UDP"}]})],
    ],
    ids=["nothing", "by its labels", "another port", "another namespace", "its own namespace", "another protocol"],
)
def test_a_policy_that_lets_no_span_in_is_named_and_one_more_lets_it_in(policies: list[Object]) -> None:
    found = closed(*policies)
    assert found is not None
    assert (found.code, found.evidence.split(" selects")[0]) == (
        Code.POLICY_DROPS_SPANS,
        "NetworkPolicy istio-system/closed",
    )
    made = json.loads(words(found)[1])
    assert (made["kind"], made["spec"]["podSelector"]) == ("NetworkPolicy", {"matchLabels": COLLECTOR_LABELS})
    assert closed(*policies, made) is None


@pytest.mark.parametrize(
    "policies",
    [
        [],
        [policy(selector={"matchLabels": {"app": "kiali"}})],
        [policy(policyTypes=["Egress"])],
        [policy(), policy({})],
        [policy({"ports": [{"port": 4000, "endPort": 5000}]})],
        [policy(from_namespace(name="bookinfo"))],
        [policy({"from": [{"namespaceSelector": {}, "podSelector": {"matchLabels": {"app": "productpage"}}}]})],
        [policy({"from": [{"ipBlock": {"cidr": "10.0.0.0/8"}}]})],
    ],
    ids=[
        "none",
        "for other pods",
        "for egress",
        "beside one that allows",
        "a range",
        "its namespace",
        "its pods",
        "ip",
    ],
)
def test_policies_that_let_spans_in_are_not_blamed(policies: list[Object]) -> None:
    assert closed(*policies) is None


# NetworkPolicies behind the collector.

TEMPO_POD = pod("tempo-tempo-distributor-1", "tracing-system", labels={"app": "tempo"})


def at(namespace: str, **spec: Any) -> Object:
    return named("closed", namespace, podSelector={}, **spec)


def behind(*policies: Object) -> Obstacle | None:
    namespaces = {name: {"metadata": {"labels": {"name": name}}} for name in (ROOT, "tracing-system")}
    way = Way(AROUND.collector[0], TEMPO_POD, 4317, policies, namespaces, {"app": "tempo"})
    return network_policies.closed_behind(world(), way)


@pytest.mark.parametrize(
    ("shut", "opened"),
    [
        (at(ROOT, policyTypes=["Egress"]), COLLECTOR_LABELS),
        (at(ROOT, policyTypes=["Egress"], egress=[{"ports": [{"port": 53}]}]), COLLECTOR_LABELS),
        (at(ROOT, egress=[{"to": [{"podSelector": {}}]}], policyTypes=["Egress"]), COLLECTOR_LABELS),
        (at("tracing-system"), {"app": "tempo"}),
        (at("tracing-system", ingress=[from_namespace(name="other")]), {"app": "tempo"}),
    ],
    ids=["out to nobody", "out to DNS", "out to its namespace", "in from nobody", "in from another namespace"],
)
def test_a_policy_at_either_end_of_the_way_to_tempo_is_named_and_one_more_opens_it(
    shut: Object, opened: Object
) -> None:
    found = behind(shut)
    assert found is not None
    place = shut["metadata"]["namespace"]
    assert (found.code, found.evidence.split(" selects")[0]) == (
        Code.POLICY_IN_THE_WAY,
        f"NetworkPolicy {place}/closed",
    )
    made = json.loads(words(found)[1])
    assert (made["metadata"]["namespace"], made["spec"]["podSelector"]) == (place, {"matchLabels": opened})
    assert behind(shut, made) is None


@pytest.mark.parametrize(
    "policies",
    [
        [],
        [at(ROOT)],
        [at(ROOT, policyTypes=["Egress"]), at(ROOT, egress=[{}])],
        [at(ROOT, policyTypes=["Egress"], egress=[{"to": [{"namespaceSelector": {}}]}])],
        [at("tracing-system", policyTypes=["Egress"])],
        [at("elsewhere", policyTypes=["Ingress", "Egress"])],
    ],
    ids=["none", "into the collector", "beside one that allows", "out to pods", "out of Tempo", "of another namespace"],
)
def test_policies_that_leave_the_way_to_tempo_open_are_not_blamed(policies: list[Object]) -> None:
    assert behind(*policies) is None


# What the collector takes.

HTTP2 = {"explicit_http_config": {"http2_protocol_options": {}}}
HTTP_OPTIONS = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
TCP: Object = {"name": "collector"}
# What istiod sends for a port whose protocol it is not told.
GUESSED: Object = {
    "typed_extension_protocol_options": {
        HTTP_OPTIONS: {"use_downstream_protocol_config": {"http_protocol_options": {}, "http2_protocol_options": {}}}
    }
}


@pytest.mark.parametrize("cluster", [TCP, GUESSED])
def test_a_port_by_which_proxies_speak_no_http2_gets_a_protocol(cluster: Object) -> None:
    port = {"name": "otlp", "port": 4317}
    around = replace(AROUND, service=service("otel-collector", ROOT, {}, {"port": 8888}, port))
    found = reception.protocol(world(), around, cluster)
    assert found is not None
    assert found.code is Code.WRONG_PROTOCOL
    assert words(found)[:4] == ["kubectl", "patch", "service", "otel-collector"]
    assert json.loads(words(found)[-1]) == [{"op": "add", "path": "/spec/ports/1/appProtocol", "value": "grpc"}]


def test_a_port_that_the_collectors_resource_spells_out_is_changed_there() -> None:
    owner = resource("otel", ROOT, ports=[{"name": "otlp", "port": 4317}])
    found = reception.protocol(world(), replace(AROUND, resource=owner), TCP)
    assert words(found)[:4] == ["kubectl", "patch", "opentelemetrycollectors", "otel"]


def test_a_proxy_that_speaks_http2_knows_the_protocol() -> None:
    assert reception.protocol(world(), AROUND, {"typed_extension_protocol_options": {HTTP_OPTIONS: HTTP2}}) is None


def receiving(endpoint: str) -> Surroundings:
    config = {"receivers": {"otlp/mesh": {"protocols": {"grpc": {"endpoint": endpoint}}}}}
    return replace(AROUND, resource=resource("otel", ROOT, config=config))


@pytest.mark.parametrize("endpoint", ["localhost:4317", "127.0.0.1:4317", "0.0.0.0:4319", ""])
def test_a_receiver_that_is_closed_to_proxies_is_opened(endpoint: str) -> None:
    found = reception.listener(world(), receiving(endpoint))
    assert found is not None
    assert found.code is Code.CONNECTION_REFUSED
    opened = json.loads(words(found)[-1])["spec"]["config"]["receivers"]["otlp/mesh"]
    assert opened == {"protocols": {"grpc": {"endpoint": "0.0.0.0:4317"}}}


@pytest.mark.parametrize("endpoint", ["0.0.0.0:4317", "[::]:4317", "${env:MY_POD_IP}:4317"])
def test_a_receiver_that_is_open_to_proxies_is_not_blamed(endpoint: str) -> None:
    assert reception.listener(world(), receiving(endpoint)) is None


Find = Callable[[], Obstacle | None]


def test_nothing_around_is_nothing_in_the_way() -> None:
    other = deployment(mesh=part(DEPLOYMENT.mesh, namespaces=["bookinfo"]))
    found: list[Find] = [
        lambda: telemetries.own(world(other), AROUND, PRODUCTPAGE),
        lambda: visibility.egress(world(other), AROUND, PRODUCTPAGE),
        lambda: visibility.export(AROUND, PRODUCTPAGE),
        lambda: visibility.discovery(world(other), AROUND),
        lambda: network_policies.closed(world(other), AROUND, PRODUCTPAGE),
    ]
    assert [find() for find in found] == [None] * len(found)
