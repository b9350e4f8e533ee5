"""The edges that are learnt from the traces of the last minutes."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from verify_world import DEPLOYMENT, TRACE_ID, deployment, healthy, part, world

from verify.access.clock import Clock
from verify.traffic.learning import learnt_edges
from verify.traffic.service_graph import Edge
from verify.world import World

NOW = 1_800_000_000.0


class Fixed(Clock):
    """A cluster whose time stands still."""

    def now(self) -> float:
        return NOW


def span(number: int, parent: int, kind: str) -> dict[str, Any]:
    ids = {"spanId": f"{number:016x}", "traceId": TRACE_ID, "startTimeUnixNano": "1", "endTimeUnixNano": "2"}
    return ids | {"kind": f"SPAN_KIND_{kind}", "parentSpanId": f"{parent:016x}" if parent else ""}


def batch(service: str, *spans: dict[str, Any]) -> dict[str, Any]:
    name = {"key": "service.name", "value": {"stringValue": service}}
    return {"resource": {"attributes": [name]}, "scopeSpans": [{"spans": list(spans)}]}


def calls(client: str, server: str) -> list[dict[str, Any]]:
    return [batch(client, span(1, 0, "CLIENT")), batch(server, span(2, 1, "SERVER"))]


def learning(answer: Callable[[httpx.Request], httpx.Response], *namespaces: str) -> World:
    cluster = healthy(Fixed())
    cluster.answers["tempo-tempo-0", 3200] = answer
    mesh = part(DEPLOYMENT.mesh, namespaces=[*namespaces])
    return world(deployment(mesh=mesh), cluster)


def having(batches: list[dict[str, Any]]) -> Callable[[httpx.Request], httpx.Response]:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/api/search":
            return httpx.Response(200, json={"traces": [{"traceID": TRACE_ID}]})
        return httpx.Response(200, json={"batches": batches})

    return answer


def test_the_calls_of_other_applications_are_learnt_from_their_traces() -> None:
    stack = learning(having(calls("cart.shop", "web.shop")), "bookinfo", "shop")
    assert learnt_edges(stack) == {Edge("cart.shop", "web.shop")}


@pytest.mark.parametrize("client", ["gateway.istio-system", "sleep.bookinfo"])
def test_calls_from_elsewhere_are_not_learnt(client: str) -> None:
    assert learnt_edges(learning(having(calls(client, "web.shop")), "bookinfo", "shop")) == frozenset()


def test_bookinfos_own_edges_are_known_and_not_learnt() -> None:
    def answer(_: httpx.Request) -> httpx.Response:
        raise AssertionError("Tempo was asked")

    assert learnt_edges(learning(answer, "bookinfo")) == frozenset()


def searches(*namespaces: str) -> list[httpx.QueryParams]:
    asked: list[httpx.QueryParams] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.params)
        return httpx.Response(200, json={})

    learnt_edges(learning(answer, *namespaces))
    return asked


def test_traces_of_the_other_namespaces_are_searched() -> None:
    assert {one["q"] for one in searches("bookinfo", "shop", "bank") if "q" in one} == {
        r'{resource.service.name=~".*\\.shop|.*\\.bank"}'
    }


def test_the_last_minutes_are_searched_piece_by_piece() -> None:
    """One busy minute would fill the answer to a single search, which has the newest traces first."""
    pieces = [(int(one["start"]), int(one["end"])) for one in searches("shop") if "q" in one]
    assert len(pieces) > 2
    assert [start for start, _ in pieces[1:]] == [end for _, end in pieces[:-1]]
    assert NOW - 900 < pieces[0][0] < NOW - 300


def test_traces_that_the_graph_need_not_have_yet_are_not_searched() -> None:
    assert max(int(one["end"]) for one in searches("shop")) <= NOW - 75


def test_an_edge_of_a_busy_service_does_not_hide_that_of_another() -> None:
    """The rare call is in an earlier piece than the newest traces."""

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/api/search":
            rare = int(request.url.params["start"]) < NOW - 400
            return httpx.Response(200, json={"traces": [{"traceID": "a" if rare else "b"}]})
        client = "rare.shop" if request.url.path.endswith("/a") else "busy.shop"
        return httpx.Response(200, json={"batches": calls(client, "web.shop")})

    assert {edge.client for edge in learnt_edges(learning(answer, "shop"))} == {"rare.shop", "busy.shop"}


def test_a_busy_client_does_not_hide_one_that_calls_the_same_service_now_and_then() -> None:
    """Each piece of the time is filled by the busy client's traces."""

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/api/v2/search/tag/resource.service.name/values":
            services = ["busy.shop", "rare.shop", "web.shop", "other.elsewhere"]
            return httpx.Response(200, json={"tagValues": [{"type": "string", "value": one} for one in services]})
        if request.url.path == "/api/search":
            rare = request.url.params["q"] == '{resource.service.name="rare.shop"}'
            return httpx.Response(200, json={"traces": [{"traceID": "a" if rare else "b"}]})
        client = "rare.shop" if request.url.path.endswith("/a") else "busy.shop"
        return httpx.Response(200, json={"batches": calls(client, "web.shop")})

    assert {edge.client for edge in learnt_edges(learning(answer, "shop"))} == {"rare.shop", "busy.shop"}


def test_a_trace_that_has_been_deleted_since_does_not_end_it() -> None:
    found = having(calls("cart.shop", "web.shop"))
    numbers = iter(range(100))

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/api/search":
            return httpx.Response(200, json={"traces": [{"traceID": f"{next(numbers)}"}]})
        return httpx.Response(404) if request.url.path.endswith("/0") else found(request)

    assert learnt_edges(learning(answer, "shop")) == {Edge("cart.shop", "web.shop")}


@pytest.mark.parametrize(
    "answer", [httpx.Response(500), httpx.Response(200, text="<html>"), httpx.Response(200, json=[])]
)
def test_no_edges_are_learnt_from_a_tempo_that_does_not_answer(answer: httpx.Response) -> None:
    assert learnt_edges(learning(lambda _: answer, "shop")) == frozenset()
