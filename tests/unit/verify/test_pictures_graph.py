"""The picture of a service graph has every service once, and nothing in it overlaps."""

import os
import re
import subprocess
import sys

import pytest
from drawn_graph import SVG, Area, area, assert_nothing_is_covered, labels, lines, nodes, parsed, texts
from hypothesis import given, settings
from hypothesis import strategies as st

from verify.pictures.graph import expected, found
from verify.pictures.layout import Direction
from verify.pictures.markup import xml
from verify.traffic.service_graph import Calls, Comparison, Edge, Graph, bookinfo_edges

BOOKINFO = bookinfo_edges("bookinfo")
FINE = Calls(requests=400, failed=0, mean_seconds=0.01, per_second=2.25, p95_seconds=0.0123)
FAILING = Calls(requests=400, failed=50, mean_seconds=0.01, per_second=2.25, failed_share=0.125, p95_seconds=0.0123)
SHOP: Graph = {
    Edge(f"{client}.shop", f"{server}.shop"): FAILING
    for client, servers in {
        "load": ["frontend"],
        "frontend": ["cart", "checkout", "currency", "recommendation", "catalog", "ad", "shipping", "images", "flags"],
        "checkout": ["cart", "payment", "currency", "shipping", "email", "catalog", "queue"],
        "queue": ["accounting", "fraud-detection"],
        "shipping": ["quote"],
        "cart": ["store"],
        "recommendation": ["catalog", "a-server-of-models-for-recommendations", "flags"],
        "catalog": ["database", "flags"],
        "accounting": ["database"],
        "payment": ["flags", "checkout"],
    }.items()
    for server in servers
}
directions = pytest.mark.parametrize("direction", ["right", "down"])


@directions
def test_nothing_covers_anything_in_the_graph_of_bookinfo(direction: Direction) -> None:
    assert_nothing_is_covered(parsed(found(Comparison(dict.fromkeys(BOOKINFO, FINE), BOOKINFO), direction=direction)))


@directions
def test_nothing_covers_anything_in_a_graph_of_twenty_services(direction: Direction) -> None:
    svg = parsed(found(Comparison(SHOP, frozenset()), direction=direction))
    assert len(nodes(svg)) == 20
    assert_nothing_is_covered(svg)


@directions
def test_every_line_ends_at_its_services(direction: Direction) -> None:
    svg = parsed(found(Comparison(SHOP, frozenset()), direction=direction))
    at = {next(iter(node.names)): node for node in nodes(svg)}
    for edge, points in lines(svg).items():
        for name, (x, y) in ((edge.client, points[0]), (edge.server, points[-1])):
            node = at[name]
            near = Area(node.names, node.x - 11, node.y - 11, node.width + 22, node.height + 22)
            assert near.has(x, y), edge


@directions
def test_all_is_inside_the_panel(direction: Direction) -> None:
    svg = parsed(found(Comparison(SHOP, frozenset()), direction=direction))
    dx, dy = map(float, re.findall(r"[\d.]+", svg.find(f"{SVG}g").get("transform", "")))
    panel = area(svg.find(f"{SVG}rect[@class='panel']"))
    corners = [(one.x + dx, one.y + dy) for one in [*nodes(svg), *labels(svg)]]
    corners += [(one.x + one.width + dx, one.y + one.height + dy) for one in [*nodes(svg), *labels(svg)]]
    assert all(panel.has(*corner) for corner in corners)


def test_an_edge_says_how_often_how_fast_and_how_badly() -> None:
    said = texts(parsed(found(Comparison({Edge("a", "b"): FAILING}, frozenset()))))
    assert {"2.2/s", "p95 12 ms", "12 % errors"} <= set(said)


def test_an_edge_without_errors_says_nothing_of_errors() -> None:
    assert not any("errors" in text for text in texts(parsed(found(Comparison({Edge("a", "b"): FINE}, frozenset())))))


def test_an_unknown_p95_is_left_out() -> None:
    assert not any(
        "p95" in text for text in texts(parsed(found(Comparison({Edge("a", "b"): Calls(1, 0, 0)}, frozenset()))))
    )


def test_the_more_calls_the_wider_the_line() -> None:
    calls = {Edge("a", "b"): Calls(1, 0, 0, per_second=0.5), Edge("b", "c"): Calls(1, 0, 0, per_second=50)}
    paths = parsed(found(Comparison(calls, frozenset()))).iterfind(f".//{SVG}path[@class='line found']")
    widths = {path.findtext(f"{SVG}title"): float(path.get("stroke-width", "")) for path in paths}
    assert widths["a → b"] < widths["b → c"]


def test_a_missing_edge_and_its_service_are_drawn_and_said_to_be_missing() -> None:
    svg = parsed(found(Comparison({Edge("a", "b"): FINE}, frozenset({Edge("a", "b"), Edge("b", "c")}))))
    missing = svg.find(f".//{SVG}path[@class='line missing']")
    assert missing.findtext(f"{SVG}title") == "b → c"
    assert "missing" in texts(svg)
    ghosts = [
        node for node in svg.iterfind(f".//{SVG}g[@class='node']") if "missing" in node.find(f"{SVG}rect").get("class")
    ]
    assert [node.findtext(f"{SVG}title") for node in ghosts] == ["c"]


def test_an_edge_that_was_not_expected_says_so() -> None:
    svg = parsed(found(Comparison({Edge("a", "b"): FINE, Edge("x", "b"): FINE}, frozenset({Edge("a", "b")}))))
    assert svg.find(f".//{SVG}path[@class='line further']").findtext(f"{SVG}title") == "x → b"
    assert texts(svg).count("not expected") == 1


def test_an_edge_at_no_rate_is_drawn_apart_and_says_so() -> None:
    svg = parsed(found(Comparison({Edge("a", "b"): FINE, Edge("b", "c"): Calls(7, 0, 0)}, frozenset())))
    assert svg.find(f".//{SVG}path[@class='line idle']").findtext(f"{SVG}title") == "b → c"
    assert {"0/s", "found, but at 0/s in the last 5 minutes"} <= set(texts(svg))


def test_it_is_described_in_words() -> None:
    said = parsed(found(Comparison(dict.fromkeys(BOOKINFO, FINE), BOOKINFO))).findtext(f"{SVG}desc")
    assert "6 services" in said
    assert "the metrics generator" in said


def test_in_a_room_that_is_too_small_for_all_numbers_only_those_of_what_is_wrong_are_left() -> None:
    # As many branches beside each other as are too wide for the other direction.
    graph = {Edge(f"{one}{n}", f"{other}{n}"): FINE for one, other in ("ab", "bc", "cd") for n in range(12)}
    graph |= {Edge("root", f"a{n}"): FAILING if n == 3 else FINE for n in range(12)}
    svg = parsed(found(Comparison(graph, frozenset()), direction="right", room=1000))
    assert float(svg.get("width")) <= 1000
    said = set(texts(svg))
    assert "12 % errors" in said
    assert not said & {"2.2/s", "p95 12 ms"}


def test_a_picture_turns_where_the_other_direction_fits_in_the_room() -> None:
    graph = {Edge("a", f"b{n}"): FINE for n in range(12)}
    svg = parsed(found(Comparison(graph, frozenset()), direction="down", room=600))
    assert float(svg.get("width")) <= 600
    assert "2.2/s" in texts(svg)


def test_a_picture_is_pressed_into_a_room_in_which_its_boxes_fit() -> None:
    comparison = Comparison(SHOP, frozenset())
    wide = float(parsed(found(comparison, direction="down")).get("width"))
    svg = parsed(found(comparison, direction="down", room=wide - 40))
    assert float(svg.get("width")) <= wide - 40
    assert_nothing_is_covered(svg)


FOUND = "found: the wider, the more calls"


@pytest.mark.parametrize(
    ("expected_edges", "meanings"),
    [
        (BOOKINFO, {FOUND}),
        (BOOKINFO | {Edge("x", "y")}, {FOUND, "expected, but missing"}),
        (BOOKINFO - {Edge("reviews.bookinfo", "ratings.bookinfo")}, {FOUND, "found, but not expected"}),
    ],
)
def test_the_legend_explains_the_lines_that_are_there(expected_edges: frozenset[Edge], meanings: set[str]) -> None:
    said = texts(parsed(found(Comparison(dict.fromkeys(BOOKINFO, FINE), expected_edges))))
    assert {text for text in said if "found:" in text or ", but" in text} == meanings


def test_the_expected_graph_has_each_service_where_the_found_one_has_it() -> None:
    comparison = Comparison({edge: FINE for edge in BOOKINFO if "ratings" not in edge.server}, BOOKINFO)
    assert nodes(parsed(found(comparison))) == nodes(parsed(expected(comparison)))


def test_the_expected_graph_has_only_what_is_expected() -> None:
    svg = parsed(expected(Comparison({Edge("x", "y"): FINE}, BOOKINFO)))
    assert set(lines(svg)) == BOOKINFO
    assert len(nodes(svg)) == 6


def test_an_empty_graph_says_that_there_are_no_calls() -> None:
    assert "no calls" in texts(parsed(found(Comparison({}, frozenset()))))


def test_a_long_name_is_shortened_and_whole_in_its_tooltip() -> None:
    name = f"{'very-' * 12}long.shop"
    svg = parsed(found(Comparison({Edge("a", name): FINE}, frozenset())))
    assert name in {title.text for title in svg.iter(f"{SVG}title")}
    assert any("…" in text for text in texts(svg))
    assert max(node.width for node in nodes(svg)) <= 260


def test_text_is_escaped() -> None:
    name = "<script>&\"'\x00"
    svg = parsed(found(Comparison({Edge("a", name): FINE}, frozenset()), title=name))
    assert svg.find(f".//{SVG}script") is None
    assert "<script>&\"'\ufffd" in texts(svg)


def test_it_loads_nothing_external() -> None:
    drawn = xml(found(Comparison(SHOP, frozenset())))
    assert re.findall(r"\w+://[^\s\"')]+", drawn) == ["http://www.w3.org/2000/svg"]
    assert not re.search(r"@import|url\(|<image|<script|href", drawn)


def test_the_same_graph_gives_the_same_bytes_in_every_process() -> None:
    script = (
        "from verify.pictures.graph import found; from verify.pictures.markup import xml;"
        "from verify.traffic.service_graph import *;"
        "names = 'abcdefghijkl';"
        "edges = {Edge(a, b): Calls(1, 0, 0.1) for a, b in zip(names * 3, names[3:] + names * 2)};"
        "print(xml(found(Comparison(edges, frozenset()))))"
    )
    made = {
        subprocess.run(
            [sys.executable, "-c", script], env=os.environ | {"PYTHONHASHSEED": seed}, capture_output=True, check=True
        ).stdout
        for seed in ("1", "2")
    }
    assert len(made) == 1


def test_the_order_of_the_edges_does_not_matter() -> None:
    backwards = dict(reversed(SHOP.items()))
    assert xml(found(Comparison(SHOP, frozenset()))) == xml(found(Comparison(backwards, frozenset())))


names = st.sampled_from(
    [f"{name}.{namespace}" for namespace in ("x", "longer-namespace") for name in "abcdefg"] + ["user"]
)
graphs = st.dictionaries(st.builds(Edge, names, names), st.sampled_from([FINE, FAILING, Calls(1, 0, 0)]), max_size=25)


@given(graphs, st.sets(st.builds(Edge, names, names), max_size=5), st.sampled_from(["right", "down"]))
@settings(max_examples=60, deadline=None)
def test_any_graph_has_every_service_once_and_covers_nothing(
    graph: Graph, wanted: set[Edge], direction: Direction
) -> None:
    svg = parsed(found(Comparison(graph, frozenset(wanted)), direction=direction))
    services = {name for edge in graph.keys() | wanted for name in (edge.client, edge.server)}
    assert sorted(name for node in nodes(svg) for name in node.names) == sorted(services)
    assert lines(svg).keys() == graph.keys() | wanted
    assert_nothing_is_covered(svg)


def test_a_graph_of_sixty_services_is_drawn() -> None:
    graph = {Edge(f"s{n}", f"s{(n * 7 + k) % 60}"): FINE for n in range(60) for k in (1, 5)}
    assert len(nodes(parsed(found(Comparison(graph, frozenset()))))) == 60
