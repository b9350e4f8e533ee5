"""What the doctor asks Tempo for, and what it makes of the answers."""

from dataclasses import replace

import httpx
import pytest
from simulated_mesh import NAMESPACE, NOW, App, Mesh, Tempo

from verify.propagation import proxy_spans
from verify.propagation.proxy_spans import Pod, ProxySpan

SLEEP = App("sleep", by_itself={"web": 1})
WEB = App("web", calls={"store": 1})
STORE = App("store")


def client(tempo: Tempo) -> httpx.Client:
    return httpx.Client(base_url="http://tempo", transport=httpx.MockTransport(tempo))


def test_time_is_tempos() -> None:
    with client(Tempo([])) as tempo:
        assert proxy_spans.now(tempo) == NOW


def test_only_calls_without_a_parent_begin_a_trace() -> None:
    with client(Tempo(Mesh([SLEEP, WEB, STORE]).spans)) as tempo:
        found = proxy_spans.beginnings(tempo, [NAMESPACE], NOW)
    assert {(span.service, span.kind) for span in found} == {("sleep.shop", "client")}


def test_a_gateway_is_no_application() -> None:
    gateway = replace(SLEEP, name="gateway", node="router")
    with client(Tempo(Mesh([gateway, WEB, STORE]).spans)) as tempo:
        assert proxy_spans.beginnings(tempo, [NAMESPACE], NOW) == []


def test_applications_of_other_namespaces_are_left_alone() -> None:
    with client(Tempo(Mesh([replace(SLEEP, namespace="shop-test"), WEB, STORE]).spans)) as tempo:
        assert proxy_spans.beginnings(tempo, [NAMESPACE, "test"], NOW) == []


def test_one_that_begins_few_traces_is_found_behind_one_that_begins_many() -> None:
    mesh = Mesh(
        [replace(SLEEP, by_itself={"web": 5}), replace(SLEEP, name="rare", by_itself={"store": 0.02}), WEB, STORE]
    )
    first = sorted(mesh.spans, key=lambda span: span.service == "rare.shop")
    for number, span in enumerate(span for span in first if span.service == "rare.shop"):
        # The oldest of all, so that no search for the newest has them.
        first[first.index(span)] = replace(span, start_ns=(NOW - 299) * 10**9 + number)
    with client(Tempo(first)) as tempo:
        found = proxy_spans.beginnings(tempo, [NAMESPACE], NOW)
    assert {span.service for span in found} == {"sleep.shop", "rare.shop"}


def test_a_services_name_may_hold_anything() -> None:
    mesh = Mesh([replace(SLEEP, by_itself={"web": 3})])
    odd = [replace(span, service='a"b\\c.shop') for span in mesh.spans]
    tempo = Tempo(odd)
    with client(tempo) as asked:
        assert proxy_spans.beginnings(asked, [NAMESPACE], NOW)
    assert len(tempo.asked) > 1


@pytest.mark.parametrize("rate", [0.5, 5, 40])
def test_no_trace_of_a_sidecar_is_missing_in_the_time_that_is_read(rate: float) -> None:
    mesh = Mesh([replace(SLEEP, by_itself={"web": rate}), WEB, STORE])
    node = next(span.node for span in mesh.spans if span.service == "web.shop")
    with client(Tempo(mesh.spans)) as tempo:
        recent = proxy_spans.of_nodes(tempo, [node], NOW)
    oldest = (NOW - 10 - recent.seconds) * 10**9
    there = [span for span in mesh.spans if span.node == node and oldest <= span.start_ns <= (NOW - 10) * 10**9]
    assert len(recent.spans) == len(there) > 0


def test_the_fewer_traces_there_are_the_longer_is_read() -> None:
    def seconds(rate: float) -> int:
        mesh = Mesh([replace(SLEEP, by_itself={"web": rate})])
        with client(Tempo(mesh.spans)) as tempo:
            return proxy_spans.of_nodes(tempo, [mesh.spans[0].node], NOW).seconds

    assert seconds(0.2) > seconds(4) > seconds(60)


def test_the_spans_of_several_sidecars_are_read_at_once() -> None:
    mesh = Mesh([SLEEP, WEB, STORE])
    nodes = sorted({span.node for span in mesh.spans if span.service != "sleep.shop"})
    with client(Tempo(mesh.spans)) as tempo:
        recent = proxy_spans.of_nodes(tempo, nodes, NOW)
    assert {span.service for span in recent.spans} == {"web.shop", "store.shop"}


@pytest.mark.parametrize(
    ("node", "pod"),
    [
        ("sidecar~10.0.0.7~web-7d-x2.shop~shop.svc.cluster.local", Pod("shop", "web-7d-x2")),
        ("sidecar~10.0.0.7~web.v1-0.shop~shop.svc.cluster.local", Pod("shop", "web.v1-0")),
        ("router~10.0.0.7~gateway-1.shop~shop.svc.cluster.local", None),
        ("somebody", None),
        ("", None),
    ],
)
def test_the_pod_of_a_sidecar_is_in_its_name(node: str, pod: Pod | None) -> None:
    assert ProxySpan("1", node, "web.shop", "client", "", 0, 0, begins_trace=True).pod == pod


def test_whether_there_are_spans_at_all_is_told() -> None:
    with client(Tempo(Mesh([SLEEP, WEB]).spans)) as some, client(Tempo([])) as none:
        assert proxy_spans.any_of(some, [NAMESPACE], NOW)
        assert not proxy_spans.any_of(none, [NAMESPACE], NOW)
