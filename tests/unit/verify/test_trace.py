"""A trace is read in every form in which Tempo returns one."""

import base64
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verify.traffic.service_graph import Edge
from verify.traffic.trace import edges, parse

TRACE_ID = "0af7651916cd43dd8448eb211c80319c"


def in_base64(identity: str) -> str:
    return base64.b64encode(bytes.fromhex(identity)).decode()


def span(identity: str, parent: str = "", kind: str = "SPAN_KIND_SERVER", **others: Any) -> dict[str, Any]:
    """A span with ids in hex; it starts at 1000 ns and takes 500."""
    times = {"startTimeUnixNano": "1000", "endTimeUnixNano": "1500"}
    return (
        {"traceId": TRACE_ID, "spanId": identity, "parentSpanId": parent, "kind": kind, "name": "GET"} | times | others
    )


def batch(service: str, *spans: dict[str, Any]) -> dict[str, Any]:
    attributes = [
        {"key": "telemetry.sdk.language", "value": {"stringValue": "cpp"}},
        {"key": "service.name", "value": {"stringValue": service}},
    ]
    return {"resource": {"attributes": attributes}, "scopeSpans": [{"scope": {}, "spans": list(spans)}]}


PARENT, CHILD = "00000000000000a1", "b7ad6b7169203331"
CALL = [batch("a.shop", span(PARENT, kind="SPAN_KIND_CLIENT")), batch("b.shop", span(CHILD, PARENT))]


@pytest.mark.parametrize("answer", [{"batches": CALL}, {"trace": {"resourceSpans": CALL}}, {"resourceSpans": CALL}])
def test_a_trace_is_read_in_both_versions_of_the_answer(answer: dict[str, Any]) -> None:
    trace = parse(answer)
    assert trace.trace_id == TRACE_ID
    assert [(one.service, one.span_id) for one in trace.spans] == [("a.shop", PARENT), ("b.shop", CHILD)]


def test_ids_in_base64_become_hex() -> None:
    raw = span(in_base64(CHILD), in_base64(PARENT), traceId=in_base64(TRACE_ID))
    trace = parse({"batches": [batch("a", raw)]})
    assert (trace.trace_id, trace.spans[0].span_id, trace.spans[0].parent_id) == (TRACE_ID, CHILD, PARENT)


def test_ids_in_capitals_are_the_same_ids() -> None:
    assert parse({"batches": [batch("a", span(CHILD.upper()))]}).spans[0].span_id == CHILD


@pytest.mark.parametrize("parent", ["", "0000000000000000", "AAAAAAAAAAA=", None])
def test_a_parent_of_nothing_but_zeros_is_no_parent(parent: str | None) -> None:
    assert parse({"batches": [batch("a", span(CHILD, parent))]}).spans[0].parent_id == ""


@pytest.mark.parametrize("code", ["STATUS_CODE_ERROR", 2])
def test_a_span_with_the_status_of_an_error_has_failed(code: str | int) -> None:
    assert parse({"batches": [batch("a", span(CHILD, status={"code": code}))]}).spans[0].failed


@pytest.mark.parametrize("status", [{}, {"code": "STATUS_CODE_OK"}, {"code": 1}, None])
def test_a_span_with_another_status_has_not_failed(status: dict[str, Any] | None) -> None:
    assert not parse({"batches": [batch("a", span(CHILD, status=status))]}).spans[0].failed


@pytest.mark.parametrize(
    ("raw", "kind"), [("SPAN_KIND_CLIENT", "client"), (3, "client"), (2, "server"), (None, "unspecified")]
)
def test_a_kind_is_read_as_a_name_and_as_a_number(raw: str | int | None, kind: str) -> None:
    assert parse({"batches": [batch("a", span(CHILD) | {"kind": raw})]}).spans[0].kind == kind


def test_a_span_takes_from_its_start_to_its_end() -> None:
    found = parse({"batches": [batch("a", span(CHILD))]}).spans[0]
    assert (found.start_ns, found.duration_ns) == (1000, 500)


def test_a_span_that_ends_before_its_start_takes_no_time() -> None:
    assert parse({"batches": [batch("a", span(CHILD, endTimeUnixNano="900"))]}).spans[0].duration_ns == 0


def test_spans_are_in_the_order_of_their_start() -> None:
    late, early = span(CHILD, startTimeUnixNano="90"), span(PARENT, startTimeUnixNano="9")
    assert [one.span_id for one in parse({"batches": [batch("a", late), batch("b", early)]}).spans] == [PARENT, CHILD]


def test_a_client_span_that_is_the_parent_of_a_server_span_is_an_edge() -> None:
    assert edges(parse({"batches": CALL})) == {Edge("a.shop", "b.shop")}


def test_a_message_that_is_produced_and_consumed_is_an_edge() -> None:
    batches = [
        batch("a", span(PARENT, kind="SPAN_KIND_PRODUCER")),
        batch("b", span(CHILD, PARENT, "SPAN_KIND_CONSUMER")),
    ]
    assert edges(parse({"batches": batches})) == {Edge("a", "b")}


def test_a_server_span_below_another_server_span_is_no_edge() -> None:
    batches = [batch("a", span(PARENT)), batch("b", span(CHILD, PARENT))]
    assert edges(parse({"batches": batches})) == frozenset()


def test_a_server_span_whose_parent_is_not_there_is_no_edge() -> None:
    assert edges(parse({"batches": [CALL[1]]})) == frozenset()


def test_spans_of_a_service_without_a_name_make_no_edge() -> None:
    assert edges(parse({"batches": [batch("", *CALL[0]["scopeSpans"][0]["spans"]), CALL[1]]})) == frozenset()


ids = st.sampled_from([None, "", "=", "A=", "zz", PARENT, CHILD, in_base64(CHILD)])
spans = st.fixed_dictionaries(
    {},
    optional={
        "traceId": ids,
        "spanId": ids,
        "parentSpanId": ids,
        "name": st.sampled_from([None, "", "GET"]),
        "kind": st.integers() | st.sampled_from(["SPAN_KIND_CLIENT", "SPAN_KIND_SERVER", ""]) | st.none(),
        "startTimeUnixNano": st.integers(0).map(str) | st.integers(0) | st.none(),
        "endTimeUnixNano": st.integers(0).map(str) | st.none(),
        "status": st.none() | st.just({}),
    },
)


@given(st.lists(spans, max_size=4))
def test_a_span_that_lacks_anything_is_read(raw: list[dict[str, Any]]) -> None:
    assert len(parse({"batches": [batch("a", *raw)]}).spans) == len(raw)


@pytest.mark.parametrize(
    "answer",
    [{}, {"trace": None}, {"trace": {}}, {"batches": None}, {"batches": [{}]}, {"batches": [{"resource": {}}]}],
)
def test_an_answer_without_spans_is_a_trace_without_spans(answer: dict[str, Any]) -> None:
    assert parse(answer).spans == ()
