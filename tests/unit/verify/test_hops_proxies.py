"""The findings for the proxies."""

import json
from dataclasses import replace
from typing import Any

import httpx
import pytest
from verify_world import (
    COLLECTOR,
    DEPLOYMENT,
    StubCluster,
    assert_broken,
    deployment,
    healthy,
    journey,
    looks,
    part,
    pod,
    world,
)

from verify.causes import Code
from verify.deployment import SampledApart
from verify.findings import Because, Status
from verify.hops import proxies
from verify.obstacles.surroundings import Surroundings
from verify.programs.envoy import Tracing

UNANSWERED = journey(answered=0, trace_id="", stored_seconds=None, searchable_seconds=None, graphed_seconds=None)
NOTHING_AROUND = Surroundings("istio-system")


def cluster(**more: Any) -> dict[str, Any]:
    """The collector's cluster in a proxy that knows that it takes gRPC."""
    options = {"explicit_http_config": {"http2_protocol_options": {}}}
    kind = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
    return {"name": COLLECTOR, "typed_extension_protocol_options": {kind: options}, **more}


TRACING = Tracing(
    tracer=COLLECTOR,
    sampling=100.0,
    cluster=cluster(),
    counters={"rq_success": 4, "rq_error": 0, "cx_connect_fail": 0},
)


def telemetry(name: str, namespace: str, **tracing: Any) -> dict[str, Any]:
    return {"metadata": {"name": name, "namespace": namespace}, "spec": {"tracing": [tracing]}}


def proxy(name: str = "productpage-v1-1", **changes: Any) -> proxies.Proxy:
    return proxies.Proxy(pod(name, sidecar=True, labels={"app": name.partition("-")[0]}), replace(TRACING, **changes))


def seen(*asked: proxies.Proxy, around: Surroundings = NOTHING_AROUND) -> proxies.Seen:
    return proxies.Seen(list(asked), [], len(asked), around)


def seen_proxies(around: Surroundings = NOTHING_AROUND, **changes: Any) -> proxies.Seen:
    return seen(proxy(**changes), around=around)


def counted(around: Surroundings = NOTHING_AROUND, **counters: int) -> proxies.Seen:
    return seen_proxies(around, counters={**TRACING.counters, **counters})


def test_proxies_whose_spans_are_taken_are_ok() -> None:
    finding = proxies.judge(world(), looks(counted(rq_success=9), counted(), journey()))
    assert (finding.status, finding.evidence[-1]) == (
        Status.OK,
        "to the collector, during the check: rq_success +5, rq_error +0, cx_connect_fail +0",
    )


def test_a_proxy_without_a_tracer_is_starved_by_istiod() -> None:
    finding = proxies.judge(world(), looks(seen_proxies(tracer=None, cluster=None)))
    assert_broken(finding, Because.STARVED, remedy="kubectl rollout restart deployment/istiod -n istio-system")
    assert finding.evidence == ("Pod bookinfo/productpage-v1-1: no listener has envoy.tracers.opentelemetry",)


@pytest.mark.parametrize("lacking", [{"tracer": None}, {"tracer": "outbound|9411||zipkin"}, {"cluster": None}])
def test_a_proxy_that_refuses_what_istiod_sends_is_not_helped_by_a_restart(lacking: dict[str, Any]) -> None:
    finding = proxies.judge(world(), looks(seen_proxies(refusal="no such filter", **lacking)))
    assert_broken(finding, Because.STARVED, remedy="kubectl get envoyfilters.networking.istio.io --all-namespaces")
    assert (finding.code, finding.evidence[0]) == (
        Code.LISTENERS_REFUSED,
        "Pod bookinfo/productpage-v1-1 refuses a listener: no such filter",
    )


def test_a_proxy_that_sends_elsewhere_is_starved_by_istiod() -> None:
    finding = proxies.judge(world(), looks(seen_proxies(tracer="outbound|9411||zipkin.istio-system.svc")))
    assert_broken(finding, Because.STARVED, remedy="kubectl rollout restart deployment/istiod -n istio-system")
    assert finding.evidence == (
        "Pod bookinfo/productpage-v1-1: the tracer sends to outbound|9411||zipkin.istio-system.svc",
        f"expected {COLLECTOR}",
    )


def test_a_proxy_without_the_collectors_cluster_is_starved_by_istiod() -> None:
    finding = proxies.judge(world(), looks(seen_proxies(cluster=None)))
    assert_broken(finding, Because.STARVED, remedy="kubectl rollout restart deployment/istiod -n istio-system")


def test_a_proxy_loses_the_collectors_cluster_where_the_mesh_does_not_look_at_its_namespace() -> None:
    around = replace(
        NOTHING_AROUND,
        mesh={"discoverySelectors": [{"matchLabels": {"mesh": "yes"}}]},
        namespaces={"istio-system": {"metadata": {"name": "istio-system", "labels": {}}}},
    )
    finding = proxies.judge(world(), looks(seen_proxies(around, cluster=None)))
    assert_broken(finding, Because.FAULT, remedy="kubectl label namespace istio-system mesh=yes")
    assert finding.code is Code.NAMESPACE_NOT_DISCOVERED


def test_proxies_that_sample_less_than_the_stack_says_have_not_been_told_by_istiod() -> None:
    finding = proxies.judge(world(), looks(seen_proxies(sampling=1.0), seen_proxies(sampling=1.0), journey()))
    assert_broken(finding, Because.STARVED, remedy="kubectl rollout restart deployment/istiod")
    assert (finding.code, finding.evidence[0]) == (
        Code.SAMPLED_LESS,
        "Pod bookinfo/productpage-v1-1: random_sampling is 1",
    )


@pytest.mark.parametrize(
    ("sampling", "status", "code"),
    [(0.0, Status.BROKEN, Code.OTHER_TELEMETRY), (1.0, Status.WARNING, Code.SAMPLED_LESS)],
)
def test_a_telemetry_of_their_own_by_which_proxies_sample_less_is_named(
    sampling: float, status: Status, code: Code
) -> None:
    around = replace(NOTHING_AROUND, telemetries=[telemetry("quiet", "bookinfo", randomSamplingPercentage=sampling)])
    after = counted(around, rq_success=9)
    after = replace(after, proxies=[proxy(sampling=sampling, counters={"rq_success": 9})])
    finding = proxies.judge(world(), looks(after, counted(), journey()))
    assert (finding.status, finding.code) == (status, code)
    assert finding.evidence[0] == f"Telemetry bookinfo/quiet: randomSamplingPercentage is {sampling:g}"


def test_proxies_that_are_an_exception_of_the_stack_s_may_sample_less() -> None:
    around = replace(NOTHING_AROUND, telemetries=[telemetry("mesh-tracing", "bookinfo", randomSamplingPercentage=1)])
    apart = SampledApart(telemetry="mesh-tracing", namespace="bookinfo", app=None, percentage=1)
    stack = deployment(tracing=part(DEPLOYMENT.tracing, exceptions=[apart]))
    after = seen(proxy(sampling=1.0, counters={"rq_success": 9}), around=around)
    assert proxies.judge(world(stack), looks(after, counted(around), journey())).status is Status.OK


def test_a_fault_is_not_hidden_by_the_warning_that_proxies_sample_less() -> None:
    around = replace(NOTHING_AROUND, telemetries=[telemetry("quiet", "bookinfo", randomSamplingPercentage=1)])
    unsent = seen_proxies(around, sampling=1.0)
    assert proxies.judge(world(), looks(unsent, unsent, journey())).code is Code.SPANS_DROPPED


def test_mtls_to_the_collector_is_a_fault_that_a_rule_for_its_host_ends() -> None:
    encrypting = cluster(transport_socket={"name": "envoy.transport_sockets.tls"})
    finding = proxies.judge(world(), looks(seen_proxies(cluster=encrypting)))
    assert_broken(finding, Because.FAULT, remedy="echo '{")
    rule = json.loads(finding.remedy.removeprefix("echo '").removesuffix("' | kubectl apply -f -"))
    assert (rule["kind"], rule["spec"]) == (
        "DestinationRule",
        {
            "host": "otel-collector.istio-system.svc.cluster.local",
            "trafficPolicy": {"tls": {"mode": "DISABLE"}},
        },
    )


def test_mtls_to_a_collector_in_the_mesh_is_no_fault() -> None:
    encrypting = cluster(transport_socket={"name": "envoy.transport_sockets.tls"})
    in_mesh = deployment(tracing=part(DEPLOYMENT.tracing, collector_in_mesh=True))
    assert proxies.judge(world(in_mesh), looks(seen_proxies(cluster=encrypting))).status is Status.OK


def test_automatic_mtls_is_no_fault() -> None:
    """Envoy chooses the match by the endpoint; the collector's, outside the mesh, gets plain text."""
    matches = [{"name": "tlsMode-istio", "transport_socket": {"name": "envoy.transport_sockets.tls"}}]
    automatic = cluster(transport_socket_matches=matches)
    assert proxies.judge(world(), looks(seen_proxies(cluster=automatic))).status is Status.OK


def test_a_raw_buffer_is_no_mtls() -> None:
    raw = cluster(transport_socket={"name": "envoy.transport_sockets.raw_buffer"})
    assert proxies.judge(world(), looks(seen_proxies(cluster=raw))).status is Status.OK


def test_proxies_whose_spans_do_not_arrive_are_stalled_and_no_policy_is_blamed_that_is_not_there() -> None:
    finding = proxies.judge(world(), looks(counted(cx_connect_fail=3), counted(), journey()))
    assert_broken(finding, Because.STALLED, remedy="kubectl get endpointslices -n istio-system")
    assert (finding.code, finding.evidence[0]) == (
        Code.SPANS_DROPPED,
        "to the collector, during the check: rq_success +0, rq_error +0, cx_connect_fail +3",
    )


def test_proxies_that_have_only_just_started_are_reported_as_unknown() -> None:
    before = seen(proxy("productpage-v1-0"))
    after = counted(rq_success=0)
    assert proxies.judge(world(), looks(after, before, journey())).status is Status.UNKNOWN


def test_without_requests_it_is_not_judged_what_arrives() -> None:
    assert proxies.judge(world(), looks(counted(), counted(), UNANSWERED)).status is Status.OK


def test_proxies_that_do_not_answer_are_reported_as_unknown() -> None:
    finding = proxies.judge(world(), looks(proxies.Seen([], ["bookinfo/productpage-v1-1"], 1, NOTHING_AROUND)))
    assert (finding.status, finding.evidence) == (
        Status.UNKNOWN,
        ("Pod bookinfo/productpage-v1-1: its proxy does not answer",),
    )


def test_a_stack_without_namespaces_in_the_mesh_has_no_proxies() -> None:
    stack = world(deployment(mesh=part(DEPLOYMENT.mesh, namespaces=[])))
    assert proxies.judge(stack, looks(seen())).status is Status.ABSENT


def test_a_counter_that_began_anew_does_not_take_from_another_proxys() -> None:
    before = seen(proxy(), proxy("b", counters={"rq_success": 2}))
    after = seen(proxy(counters={"rq_success": 1}), proxy("b", counters={"rq_success": 9}))
    assert "rq_success +8" in proxies.judge(world(), looks(after, before, journey())).evidence[-1]


def test_what_a_proxy_that_is_new_has_sent_before_it_was_seen_does_not_count() -> None:
    after = seen(proxy(), proxy("b", counters={"rq_success": 9}))
    assert "rq_success +0" in proxies.judge(world(), looks(after, seen(proxy()), journey())).evidence[0]


def of_workload(name: str, workload: str, namespace: str = "bookinfo", **more: Any) -> dict[str, Any]:
    """A pod of a Deployment's ReplicaSet."""
    found = pod(name, namespace, sidecar=True, labels={"pod-template-hash": "abc"}, **more)
    owner = {"kind": "ReplicaSet", "name": f"{workload}-abc", "controller": True}
    found["metadata"]["ownerReferences"] = [owner]
    return found


def test_one_ready_pod_of_each_workload_is_asked() -> None:
    cluster = StubCluster()
    cluster.api.put(
        "/api/v1/pods",
        of_workload("reviews-v1-1", "reviews-v1"),
        of_workload("reviews-v1-2", "reviews-v1"),
        of_workload("reviews-v2-1", "reviews-v2"),
        of_workload("details-v1-1", "details-v1", ready=False),
        pod("batch-1", labels={"app": "batch"}),
    )
    seen = proxies.look(world(cluster=cluster))
    assert (seen.silent, seen.workloads) == (["bookinfo/reviews-v1-1", "bookinfo/reviews-v2-1"], 2)


def test_of_many_workloads_the_followed_one_and_some_of_each_namespace_are_asked() -> None:
    cluster = healthy()
    for namespace in ("first", "second"):
        many = [of_workload(f"w{number}-1", f"w{number}", namespace) for number in range(300)]
        cluster.api.put("/api/v1/pods", *many)
    mesh = part(DEPLOYMENT.mesh, namespaces=["first", "second", "bookinfo"])
    seen = proxies.look(world(deployment(mesh=mesh), cluster))
    asked = [one.pod for one in seen.proxies] + seen.silent
    assert (asked[0], len(asked), seen.workloads) == ("bookinfo/productpage-v1-1", 12, 601)
    assert {name.partition("/")[0] for name in asked} == {"first", "second", "bookinfo"}


def test_it_is_said_how_many_of_how_many_workloads_were_asked() -> None:
    many = replace(counted(rq_success=9), workloads=500)
    assert proxies.judge(world(), looks(many, counted(), journey())).evidence[0].startswith("1 of 500 workloads asked")


@pytest.mark.parametrize("answer", [httpx.Response(500), httpx.Response(200, text="<html>")])
def test_a_proxy_that_answers_something_else_is_silent(answer: httpx.Response) -> None:
    cluster = healthy()
    cluster.answers["productpage-v1-1", 15000] = lambda _: answer
    seen = proxies.look(world(cluster=cluster))
    assert (seen.proxies, seen.silent) == ([], ["bookinfo/productpage-v1-1"])


def test_what_flows_through_the_proxies_is_what_the_collector_took_of_all_of_them() -> None:
    assert (
        sum(proxies.flow(seen(proxy(), proxy("b", counters={"rq_success": 5}), proxy("c", counters={}))).values()) == 9
    )
