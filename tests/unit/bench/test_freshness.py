"""The call that is sent is one that Tempo's generator takes for an edge."""

from bench import freshness
from verify.traffic import trace
from verify.traffic.service_graph import Edge


def test_the_two_spans_make_one_edge() -> None:
    sent = trace.parse(freshness.call("bench", now_ns=1_000_000_000))

    assert trace.edges(sent) == {Edge("bench-client", "bench-server")}
    assert {span.duration_ns for span in sent.spans} == {10_000_000}
