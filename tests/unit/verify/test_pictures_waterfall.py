"""The picture of a trace has a row for each span, in the order in which they call each other."""

from xml.etree import ElementTree as ET

import pytest

from verify.pictures.markup import xml
from verify.pictures.waterfall import MAX_ROWS, waterfall
from verify.traffic.trace import Span, Trace

SVG = "{http://www.w3.org/2000/svg}"
MS = 1_000_000


def span(identity: str, parent: str = "", start_ms: int = 0, took_ms: int = 10, *, failed: bool = False) -> Span:
    return Span(identity, parent, f"{identity}.shop", "GET", "server", start_ms * MS, took_ms * MS, failed)


def drawn(*spans: Span) -> ET.Element:
    ordered = sorted(spans, key=lambda one: one.start_ns)
    return ET.fromstring(xml(waterfall(Trace("4bf92f", tuple(ordered)))))  # noqa: S314  it is our own


def rows(svg: ET.Element) -> list[ET.Element]:
    return svg.findall(f".//{SVG}g[@class='span']")


def name(row: ET.Element) -> str:
    return row.findtext(f".//{SVG}tspan[@class='name']") or ""


def indent(row: ET.Element) -> float:
    return float(row.find(f"{SVG}rect").get("x"))


def bar(row: ET.Element) -> tuple[float, float]:
    """Where the bar begins, and how wide it is."""
    found = row.findall(f"{SVG}rect")[1]
    return float(found.get("x")), float(found.get("width"))


TREE = (span("a", took_ms=100), span("c", "a", 50, 20), span("b", "a", 10, 30), span("d", "b", 60, 5))


def test_each_span_is_below_its_parent_before_the_next_sibling() -> None:
    assert [name(row) for row in rows(drawn(*TREE))] == ["a", "b", "d", "c"]


def test_each_span_is_indented_further_than_its_parent() -> None:
    depth = {name(row): indent(row) for row in rows(drawn(*TREE))}
    assert depth["a"] < depth["b"] == depth["c"] < depth["d"]


def test_a_bar_begins_and_is_as_wide_as_its_span_in_the_trace() -> None:
    bars = {name(row): bar(row) for row in rows(drawn(*TREE))}
    start, width = bars["a"]
    assert bars["b"] == pytest.approx((start + width * 0.1, width * 0.3), abs=0.2)


def test_a_span_whose_parent_is_not_there_is_a_root() -> None:
    assert len({indent(row) for row in rows(drawn(span("a"), span("orphan", "elsewhere")))}) == 1


def test_spans_that_are_each_others_parents_are_drawn() -> None:
    assert sorted(name(row) for row in rows(drawn(span("a", "b"), span("b", "a"), span("c", "c")))) == ["a", "b", "c"]


def test_spans_without_ids_are_drawn() -> None:
    assert len(rows(drawn(span(""), span("")))) == 2


def test_bars_have_the_colour_of_their_service() -> None:
    svg = drawn(span("a"), span("b"), span("a", "b", 5))
    hues = [(name(row), row.findall(f"{SVG}rect")[1].get("fill")) for row in rows(svg)]
    assert len(set(hues)) == 2
    assert len({hue for _, hue in hues}) == 2


def test_a_span_that_failed_says_so_and_is_red() -> None:
    row = rows(drawn(span("a", failed=True)))[0]
    assert row.findall(f"{SVG}rect")[1].get("class") == "bar failed"
    assert row.find(f"{SVG}text[@class='bad']").text == "10 ms failed"


def test_every_bar_has_its_duration() -> None:
    said = {name(row): row.findall(f"{SVG}text")[1].text for row in rows(drawn(*TREE))}
    assert said == {"a": "100 ms", "b": "30 ms", "c": "20 ms", "d": "5 ms"}


def test_the_axis_has_round_times_from_zero_on() -> None:
    ticks = [text.text for text in drawn(*TREE).iterfind(f".//{SVG}text[@class='quiet tick']")]
    assert ticks == ["0", "20 ms", "40 ms", "60 ms", "80 ms", "100 ms"]


@pytest.mark.parametrize("spans", [(), (span("a", took_ms=0),)])
def test_a_trace_that_takes_no_time_is_drawn(spans: tuple[Span, ...]) -> None:
    assert len(rows(drawn(*spans))) == len(spans)


def test_a_trace_deeper_than_pythons_stack_is_drawn_as_far_as_there_are_rows() -> None:
    chain = [span(f"s{n}", f"s{n - 1}", n) for n in range(3000)]
    svg = drawn(*chain)
    assert len(rows(svg)) == MAX_ROWS
    assert f"and {3000 - MAX_ROWS} more spans" in {text.text for text in svg.iter(f"{SVG}text")}


def test_what_is_written_ends_before_the_bars_begin() -> None:
    long = Span("a", "", f"{'very-' * 20}long.shop", "GET /" + "path/" * 40, "server", 0, MS, failed=False)
    row = rows(drawn(long))[0]
    letters = sum(len(part.text) for part in row.findall(f".//{SVG}tspan"))
    # No letter of the usual fonts is narrower on average than 5 pixels at this size.
    assert indent(row) + letters * 5 < bar(row)[0]
