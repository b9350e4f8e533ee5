"""The service graph is read from Prometheus' answers, and drawn as trees of who calls whom."""

from collections.abc import Callable

import httpx
import pytest

from verify.traffic.service_graph import Calls, Comparison, Edge, bookinfo_edges, branches, draw, read

A_TO_B = Edge("a", "b")


def calls(requests: int = 1, failed: int = 0) -> Calls:
    return Calls(requests=requests, failed=failed, mean_seconds=0.0125)


def test_bookinfo_has_five_edges_in_its_own_namespace() -> None:
    edges = bookinfo_edges("shop")
    assert len(edges) == 5
    assert Edge("reviews.shop", "ratings.shop") in edges


def test_without_traffic_bookinfo_has_no_edge_of_the_traffic_clients() -> None:
    dropped = bookinfo_edges("shop") - bookinfo_edges("shop", traffic=False)
    assert {edge.client for edge in dropped} == {"sleep.shop", "spiffe-test-productpage.shop"}


def test_a_gateway_leads_to_the_product_page() -> None:
    added = bookinfo_edges("shop", gateway="door") - bookinfo_edges("shop")
    assert added == {Edge("door.shop", "productpage.shop")}


def test_an_expected_edge_that_was_not_found_is_missing() -> None:
    assert Comparison({A_TO_B: calls()}, frozenset({A_TO_B, Edge("b", "c")})).missing == {Edge("b", "c")}


def test_an_edge_that_was_found_and_not_expected_is_a_further_one() -> None:
    assert Comparison({A_TO_B: calls(), Edge("x", "b"): calls()}, frozenset({A_TO_B})).further == {Edge("x", "b")}


def test_where_nothing_is_expected_nothing_is_unexpected() -> None:
    assert not Comparison({A_TO_B: calls()}, frozenset()).further


def test_a_chain_is_drawn_from_the_service_that_nobody_calls() -> None:
    graph = {Edge("b", "c"): calls(), A_TO_B: calls()}
    names = [line.replace("└─", "").split()[0] for line in draw(graph).splitlines()]
    assert names == ["a", "b", "c"]


def test_a_service_with_two_callers_is_drawn_below_each_and_its_calls_once() -> None:
    graph = {Edge("a", "x"): calls(), Edge("b", "x"): calls(), Edge("x", "y"): calls()}
    drawn = draw(graph)
    assert drawn.count(" y ") == 1
    assert drawn.count("x ") == 2
    assert "see above" in drawn


def test_a_cycle_is_drawn_to_its_end() -> None:
    assert len(draw({A_TO_B: calls(), Edge("b", "a"): calls()}).splitlines()) == 3


def test_a_cycle_beside_a_tree_is_drawn_too() -> None:
    edges = [A_TO_B, Edge("x", "y"), Edge("y", "x")]
    assert {branch.edge for branch in branches(edges)} == {None, *edges}


def test_a_service_that_calls_itself_is_drawn_below_itself() -> None:
    assert [branch.service for branch in branches([Edge("a", "a")])] == ["a", "a"]


def test_failed_calls_are_shown_where_there_are_any() -> None:
    assert "3 failed" in draw({A_TO_B: calls(7, failed=3)})
    assert "failed" not in draw({A_TO_B: calls(7)})


def test_an_empty_graph_is_an_empty_drawing() -> None:
    assert draw({}) == ""


def prometheus(value: Callable[[str], str], labels: dict[str, str] | None = None) -> httpx.Client:
    """A Prometheus that answers every query with one series, in Prometheus' own format."""

    def answer(request: httpx.Request) -> httpx.Response:
        series = {
            "metric": {"client": "a", "server": "b"} if labels is None else labels,
            "value": [1763848800.1, value(request.url.params["query"])],
        }
        return httpx.Response(200, json={"status": "success", "data": {"resultType": "vector", "result": [series]}})

    return httpx.Client(base_url="http://prometheus", transport=httpx.MockTransport(answer))


def plausible(query: str) -> str:
    if "histogram_quantile" in query:
        return "0.9"
    if "rate(" in query:
        return "0.5" if "failed" in query else "2"
    return "0.25" if "seconds" in query else "3" if "failed" in query else "40"


def test_the_answers_of_all_queries_are_joined_by_edge() -> None:
    assert read(prometheus(plausible)) == {
        A_TO_B: Calls(requests=40, failed=3, mean_seconds=0.25, per_second=2, failed_share=0.25, p95_seconds=0.9)
    }


def test_rates_are_of_the_window_that_was_asked_for() -> None:
    queries = []
    read(prometheus(lambda query: queries.append(query) or "1"), window_seconds=90)
    rates = [query for query in queries if "rate(" in query]
    assert len(rates) == 3
    assert all("[90s]" in query for query in rates)


@pytest.mark.parametrize("value", ["NaN", "+Inf", "-Inf"])
def test_a_value_that_cannot_be_computed_is_unknown(value: str) -> None:
    graph = read(prometheus(lambda query: "40" if "rate" not in query and "seconds" not in query else value))
    assert graph[A_TO_B] == Calls(requests=40, failed=40, mean_seconds=0, per_second=0, failed_share=0)


def test_a_request_count_that_is_no_number_is_no_edge() -> None:
    assert read(prometheus(lambda _: "NaN")) == {}


def test_without_requests_in_the_window_no_share_of_them_has_failed() -> None:
    assert read(prometheus(lambda query: "0" if "rate(" in query else "1"))[A_TO_B].failed_share == 0


def test_not_more_than_all_requests_have_failed() -> None:
    graph = read(prometheus(lambda query: "3" if "rate(traces_service_graph_request_failed" in query else "2"))
    assert graph[A_TO_B].failed_share == 1


def test_a_series_without_a_client_is_no_edge() -> None:
    assert read(prometheus(plausible, labels={"server": "b"})) == {}


def test_a_prometheus_that_does_not_answer_is_an_http_error() -> None:
    with httpx.Client(base_url="http://127.0.0.1:1") as client, pytest.raises(httpx.HTTPError):
        read(client)


@pytest.mark.parametrize("body", ["<html>", '{"status": "success"}', "[]"])
def test_an_answer_in_another_format_than_prometheus_is_an_http_error(body: str) -> None:
    transport = httpx.MockTransport(lambda _: httpx.Response(200, text=body))
    with httpx.Client(base_url="http://x", transport=transport) as client, pytest.raises(httpx.HTTPError):
        read(client)
