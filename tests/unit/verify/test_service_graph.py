"""The service graph is read as Prometheus answers it, and drawn so that a person sees who calls whom."""

import http.server
import json
import threading
from collections.abc import Iterator

import httpx
import pytest

from verify.service_graph import Calls, Edge, bookinfo_edges, draw, read


def calls(requests: int = 1, failed: int = 0) -> Calls:
    return Calls(requests=requests, failed=failed, mean_seconds=0.0125)


def test_bookinfo_has_five_edges_in_its_own_namespace() -> None:
    edges = bookinfo_edges("shop")
    assert len(edges) == 5
    assert Edge("reviews.shop", "ratings.shop") in edges


def test_a_chain_is_drawn_from_the_service_that_nobody_calls() -> None:
    graph = {Edge("b", "c"): calls(), Edge("a", "b"): calls()}
    names = [line.replace("└─", "").split()[0] for line in draw(graph).splitlines()]
    assert names == ["a", "b", "c"]


def test_a_service_with_two_callers_is_drawn_below_each_and_unfolded_once() -> None:
    graph = {Edge("a", "x"): calls(), Edge("b", "x"): calls(), Edge("x", "y"): calls()}
    drawn = draw(graph)
    assert drawn.count(" y ") == 1
    assert drawn.count("x ") == 2
    assert "see above" in drawn


def test_a_cycle_is_drawn_to_its_end() -> None:
    drawn = draw({Edge("a", "b"): calls(), Edge("b", "a"): calls()})
    assert len(drawn.splitlines()) == 3


def test_failed_calls_are_shown_where_there_are_any() -> None:
    assert "3 failed" in draw({Edge("a", "b"): calls(7, failed=3)})
    assert "failed" not in draw({Edge("a", "b"): calls(7)})


def test_an_empty_graph_is_an_empty_drawing() -> None:
    assert draw({}) == ""


@pytest.fixture
def prometheus() -> Iterator[str]:
    """A server that answers every query with one series, in Prometheus' own form."""

    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            value = "0.5" if "seconds" in self.path else "2" if "failed" in self.path else "40"
            series = {"metric": {"client": "a", "server": "b"}, "value": [1763848800.1, value]}
            body = json.dumps({"status": "success", "data": {"resultType": "vector", "result": [series]}})
            self.send_response(200)
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_: object) -> None:
            """Keep the test's output clean."""

    server = http.server.HTTPServer(("127.0.0.1", 0), Answer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_counts_failures_and_times_of_an_edge_are_joined(prometheus: str) -> None:
    assert read(prometheus) == {Edge("a", "b"): Calls(requests=40, failed=2, mean_seconds=0.5)}


def test_a_prometheus_that_does_not_answer_is_an_http_error() -> None:
    with pytest.raises(httpx.HTTPError):
        read("http://127.0.0.1:1")
