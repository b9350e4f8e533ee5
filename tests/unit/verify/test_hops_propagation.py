"""The hop of the applications: what it says of a mesh in which some drop the trace context."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import httpx
import pytest
from simulated_mesh import NOW, App, Mesh, Span, Tempo
from verify_world import (
    DEPLOYMENT,
    MESH_CONFIG,
    Api,
    StubCluster,
    assert_are_lines,
    assert_broken,
    assert_is_command,
    assert_warns,
    config_map,
    deployment,
    healthy,
    journey,
    looks,
    part,
    pod,
    service,
    world,
)

from verify.access.cluster import CannotLookError
from verify.causes import Code
from verify.findings import Because, Finding, Status
from verify.hops import propagation
from verify.hops.propagation import Seen
from verify.world import World

SLEEP = App("sleep", by_itself={"web": 1})
WEB = App("web", calls={"store": 1, "search": 1})
STORE, SEARCH = App("store"), App("search")
FORGETFUL = replace(WEB, drops={"store": 1, "search": 1})
URL = "http://web.shop.svc.cluster.local:8080/"


def mesh_of(
    *apps: App, sampled: float = 1.0, spans: list[Span] | None = None, config: str = MESH_CONFIG, **container: Any
) -> World:
    """A stack with ``apps`` in its namespace; ``container`` is set in each of their pods."""
    mesh, api = Mesh(apps, sampled), Api()
    pods = mesh.pods()
    for one in pods:
        one["spec"]["containers"][1] |= container
    api.put("/api/v1/pods", *pods, pod("tempo-tempo-0", "tracing-system", labels={"app": "tempo"}))
    api.put(
        "/api/v1/services",
        service("tempo-tempo", "tracing-system", {"app": "tempo"}, {"port": 3200}),
        *(service(app.called, "shop", {"app": app.called}, {"port": 8080}) for app in apps),
    )
    api.put("/api/v1/configmaps", config_map("istio", "istio-system", mesh=config))
    tempo = Tempo(mesh.spans if spans is None else spans)
    stack = deployment(
        mesh=part(DEPLOYMENT.mesh, namespaces=["shop"]),
        tracing=part(DEPLOYMENT.tracing, sampling_percentage=sampled * 100),
        bookinfo=None,
    )
    return world(stack, StubCluster(api, {("tempo-tempo-0", 3200): tempo}))


def found(stack: World, **followed: Any) -> Finding:
    seen = propagation.look(stack)
    return propagation.judge(stack, looks(seen, replace(seen, at=NOW - 60), journey(address=URL, **followed)))


def test_a_mesh_in_which_all_pass_it_on_works() -> None:
    finding = found(mesh_of(SLEEP, WEB, STORE, SEARCH))
    assert (finding.status, finding.evidence) == (Status.OK, ("traces begin at Deployment shop/sleep",))


def test_one_that_drops_it_is_named_with_its_container_and_image() -> None:
    finding = found(mesh_of(SLEEP, FORGETFUL, STORE, SEARCH))
    assert (finding.status, finding.because, finding.code) == (
        Status.BROKEN,
        Because.FAULT,
        Code.CONTEXT_NOT_PASSED_ON,
    )
    assert "Deployment shop/web does not pass on traceparent and tracestate" in finding.cause
    assert "Deployment shop/web, container web (registry.example/web:1): all calls to " in finding.evidence[0]
    assert_are_lines(finding)


def test_the_share_of_its_calls_is_told() -> None:
    finding = found(mesh_of(replace(SLEEP, by_itself={"web": 2}), replace(WEB, drops={"store": 0.5}), STORE, SEARCH))
    share = int(finding.evidence[0].partition("about ")[2].partition("%")[0])
    assert 40 <= share <= 60
    assert "store.shop.svc.cluster.local" in finding.evidence[0]
    assert "search.shop" not in finding.evidence[0]


def test_several_that_drop_it_are_all_named() -> None:
    apps = (SLEEP, FORGETFUL, replace(STORE, calls={"search": 1}, drops={"search": 1}), SEARCH)
    finding = found(mesh_of(*apps))
    assert " and 1 more do not pass on " in finding.cause
    assert {line.partition(",")[0] for line in finding.evidence[:2]} == {"Deployment shop/store", "Deployment shop/web"}


def test_an_instrumentation_is_the_remedy_where_the_operator_knows_the_language() -> None:
    finding = found(mesh_of(SLEEP, FORGETFUL, STORE, SEARCH, command=["python3"]))
    assert_broken(finding, Because.FAULT, remedy="echo '{")
    assert any(line.startswith("in Python: requests.get(") for line in finding.evidence)


def test_without_the_operator_there_is_no_command() -> None:
    stack = mesh_of(SLEEP, FORGETFUL, STORE, SEARCH, command=["python3"])
    finding = found(replace(stack, deployment=stack.deployment.model_copy(update={"operators": ["tempo"]})))
    assert (finding.status, finding.remedy) == (Status.BROKEN, "")


def test_an_unknown_language_has_no_command_and_still_an_explanation() -> None:
    finding = found(mesh_of(SLEEP, FORGETFUL, STORE, SEARCH))
    assert (finding.remedy, finding.evidence[-1].partition(" ")[0]) == ("", "docs/propagation.md")


def test_several_are_instrumented_by_one_command() -> None:
    apps = (SLEEP, FORGETFUL, replace(STORE, calls={"search": 1}, drops={"search": 1}), SEARCH)
    finding = found(mesh_of(*apps, command=["node", "server.js"]))
    assert_is_command(finding.remedy)
    assert finding.remedy.count("kubectl patch deployment") == 2


def test_where_zipkin_is_the_provider_its_headers_are_named() -> None:
    config = "extensionProviders:\n- name: otel\n  zipkin: {service: zipkin.istio-system, port: 9411}\n"
    finding = found(mesh_of(SLEEP, FORGETFUL, STORE, SEARCH, config=config))
    assert "x-b3-traceid" in finding.cause
    assert "traceparent" not in finding.cause


def test_where_little_is_sampled_it_is_a_suspicion() -> None:
    finding = found(mesh_of(replace(SLEEP, by_itself={"web": 10}), FORGETFUL, STORE, SEARCH, sampled=0.01))
    assert_warns(finding, Code.CONTEXT_NOT_PASSED_ON, remedy="")


def test_a_pod_that_was_replaced_is_forgotten() -> None:
    stack = mesh_of(SLEEP, FORGETFUL, STORE, SEARCH)
    assert isinstance(stack.cluster, StubCluster)
    del stack.cluster.api.objects["/api/v1/namespaces/shop/pods/web-5d9c7b8f4d-00000"]
    assert found(stack).status is Status.OK


def calls_by_hand(parent: bool) -> list[Span]:
    """What remains of requests that reach an application past its sidecar: its calls, in traces of their own or not."""
    mesh = Mesh([replace(WEB, by_itself={"store": 0.2, "search": 0.2}), STORE, SEARCH])
    own = [span for span in mesh.spans if span.service == "web.shop"]
    return [replace(span, parent_id="00f067aa0ba902b7") for span in own] if parent else own


def test_one_that_is_sent_the_requests_and_begins_new_traces_drops_it() -> None:
    finding = found(mesh_of(WEB, spans=calls_by_hand(parent=False)), stored_seconds=None)
    assert (finding.status, finding.code) == (Status.BROKEN, Code.CONTEXT_NOT_PASSED_ON)
    assert "the requests that were sent had traceparent" in finding.evidence[0]


def test_one_that_is_sent_the_requests_and_passes_them_on_works() -> None:
    assert found(mesh_of(WEB, spans=calls_by_hand(parent=True))).status is Status.OK


@pytest.mark.parametrize(
    "followed",
    [
        {"stored_seconds": 2.0},
        {"stored_seconds": None, "answered": 0},
        {"stored_seconds": None, "address": "http://other.shop.svc:8080/"},
        {"stored_seconds": None, "address": "https://shop.example.com/"},
    ],
    ids=["a trace was stored", "nothing was answered", "another one was sent them", "they came from outside"],
)
def test_calls_beside_the_requests_are_no_fault_if(followed: Mapping[str, Any]) -> None:
    stack = mesh_of(WEB, spans=calls_by_hand(parent=False))
    seen = propagation.look(stack)
    sent = journey(**{"address": URL, **followed})
    assert propagation.judge(stack, looks(seen, replace(seen, at=NOW - 60), sent)).status is Status.OK


def test_calls_from_before_the_requests_are_no_fault() -> None:
    stack = mesh_of(WEB, spans=calls_by_hand(parent=False))
    seen = propagation.look(stack)
    assert propagation.judge(stack, looks(seen, seen, journey(address=URL, stored_seconds=None))).status is Status.OK


def test_without_a_span_it_cannot_be_told() -> None:
    finding = found(mesh_of(SLEEP, WEB, spans=[]))
    assert (finding.status, finding.code) == (Status.UNKNOWN, Code.NO_TRAFFIC)


def test_a_mesh_without_namespaces_has_no_applications() -> None:
    stack = world(deployment(mesh=part(DEPLOYMENT.mesh, namespaces=[])))
    seen = propagation.look(stack)
    assert propagation.judge(stack, looks(seen)).status is Status.ABSENT


@pytest.mark.parametrize("status", [400, 401, 404, 503])
def test_a_search_that_is_refused_is_not_taken_for_an_answer(status: int) -> None:
    cluster = healthy()
    cluster.answers["tempo-tempo-0", 3200] = lambda _: httpx.Response(status)
    finding = found(world(DEPLOYMENT, cluster))
    assert (finding.status, finding.code) == (Status.UNKNOWN, Code.NOT_READABLE)
    assert str(status) in finding.evidence[0]


def test_a_tempo_that_does_not_answer_leaves_it_open() -> None:
    cluster = healthy()
    del cluster.answers["tempo-tempo-0", 3200]
    assert found(world(DEPLOYMENT, cluster)).code is Code.NOT_READABLE


def test_a_missing_permission_is_asked_for() -> None:
    stack = mesh_of(SLEEP, WEB, STORE, SEARCH)
    assert isinstance(stack.cluster, StubCluster)
    stack.cluster.api.refused["/api/v1/namespaces/shop/pods/sleep-5d9c7b8f4d-00000"] = 403
    with pytest.raises(CannotLookError, match="not allowed") as raised:
        propagation.look(stack)
    assert raised.value.code is Code.NOT_ALLOWED


def test_a_healthy_mesh_is_asked_little() -> None:
    stack = mesh_of(SLEEP, WEB, STORE, SEARCH)
    assert isinstance(stack.cluster, StubCluster)
    tempo = stack.cluster.answers["tempo-tempo-0", 3200]
    propagation.look(stack)
    assert isinstance(tempo, Tempo)
    assert len(tempo.asked) <= 5
    assert sum("/pods/" in path and "tempo" not in path for path in stack.cluster.api.asked) == 1


def test_the_looks_of_a_mesh_of_three_hundred_services_are_bounded() -> None:
    clients = [App(f"client-{n}", by_itself={"web": 0.05}) for n in range(300)]
    stack = mesh_of(*clients, WEB, STORE, SEARCH)
    assert isinstance(stack.cluster, StubCluster)
    seen: Seen = propagation.look(stack)
    tempo = stack.cluster.answers["tempo-tempo-0", 3200]
    assert isinstance(tempo, Tempo)
    assert (len(tempo.asked) <= 50, len(stack.cluster.api.asked) <= 80, seen.found.unseen > 0) == (True, True, True)
