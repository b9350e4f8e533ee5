"""A graph that is too large for one picture is drawn namespace by namespace."""

import pytest
from drawn_graph import SVG, Area, area, assert_nothing_is_covered, lines, nodes, parsed, texts
from hypothesis import given, settings
from hypothesis import strategies as st

from verify.pictures.graph import inside, overview
from verify.pictures.namespaces import Split
from verify.traffic.service_graph import Calls, Comparison, Edge

FINE = Calls(requests=400, failed=0, mean_seconds=0.01, per_second=6.0, p95_seconds=0.0123)
FAILING = Calls(requests=400, failed=50, mean_seconds=0.01, per_second=2.0, failed_share=0.5, p95_seconds=0.0123)
CALLS = {
    Edge("api.shop", "cart.shop"): FINE,
    Edge("api.shop", "pay.bank"): FINE,
    Edge("cart.shop", "pay.bank"): FAILING,
    Edge("pay.bank", "ledger.bank"): FINE,
    Edge("web.front", "api.shop"): FINE,
}
SHOP = Split(Comparison(CALLS, frozenset())).namespaces["shop"]


def split(*missing: Edge) -> Split:
    return Split(Comparison(CALLS, frozenset(CALLS) | set(missing)))


def star(services: int, namespaces: int) -> Split:
    """One service that calls all others, which are spread over the namespaces."""
    graph = {Edge("s0.n0", f"s{n}.n{n % namespaces}"): FINE for n in range(1, services)}
    return Split(Comparison(graph, frozenset()))


@pytest.mark.parametrize(
    ("services", "namespaces", "large"), [(30, 3, False), (31, 3, True), (31, 1, False), (300, 20, True)]
)
def test_a_graph_is_large_if_it_has_many_services_in_several_namespaces(
    services: int, namespaces: int, large: bool
) -> None:
    assert star(services, namespaces).is_large is large


def test_a_namespace_has_its_services_and_every_call_by_them_and_of_them() -> None:
    assert SHOP.services == {"api.shop", "cart.shop"}
    assert SHOP.comparison.found.keys() == CALLS.keys() - {Edge("pay.bank", "ledger.bank")}


def test_a_service_without_a_namespace_is_listed_too() -> None:
    found = Split(Comparison({Edge("user", "api.shop"): FINE}, frozenset()))
    assert found.namespaces["(no namespace)"].services == {"user"}


def test_the_overview_has_one_box_for_each_namespace_with_the_number_of_its_services() -> None:
    svg = parsed(overview(split()))
    assert [sorted(node.names) for node in nodes(svg)] == [["bank"], ["front"], ["shop"]]
    assert {"1 service", "2 services"} <= set(texts(svg))


def test_the_overview_has_one_line_for_all_calls_from_one_namespace_to_another_with_their_sum() -> None:
    svg = parsed(overview(split()))
    assert lines(svg).keys() == {Edge("front", "shop"), Edge("shop", "bank")}
    # 6/s without errors and 2/s of which a half fails.
    assert {"8/s", "12 % errors"} <= set(texts(svg))


def test_the_overview_says_how_many_calls_between_namespaces_are_missing() -> None:
    assert "1 missing" in texts(parsed(overview(split(Edge("cart.shop", "ledger.bank")))))


def test_the_overview_says_in_the_box_how_many_calls_inside_of_it_are_missing() -> None:
    assert "2 services, 1 missing" in texts(parsed(overview(split(Edge("cart.shop", "api.shop")))))


def test_the_services_of_a_namespace_are_in_the_frame_and_the_namespaces_around_it_are_not() -> None:
    svg = parsed(inside(SHOP))
    frame = area(svg.find(f".//{SVG}rect[@class='around']"))
    where = {name: is_within(node, frame) for node in nodes(svg) for name in node.names}
    assert where == {"api.shop": True, "cart.shop": True, "front (calls)": False, "bank (is called)": False}


def test_a_frame_is_crossed_by_lines_and_by_nothing_else() -> None:
    svg = parsed(inside(SHOP))
    frame = area(svg.find(f".//{SVG}rect[@class='around']"))
    assert not [node for node in nodes(svg) if node.meets(frame) and not is_within(node, frame)]


def test_calls_of_one_service_to_another_namespace_are_one_line() -> None:
    graph = {Edge("api.shop", f"{name}.bank"): FINE for name in ("pay", "ledger")}
    svg = parsed(inside(Split(Comparison(graph, frozenset())).namespaces["shop"]))
    assert lines(svg).keys() == {Edge("api.shop", "bank (is called)")}
    assert "12/s" in texts(svg)


def test_of_many_namespaces_those_with_the_fewest_calls_share_a_box() -> None:
    graph = {Edge("api.shop", f"s.n{n}"): Calls(1, 0, 0, per_second=n) for n in range(1, 11)}
    svg = parsed(inside(Split(Comparison(graph, frozenset())).namespaces["shop"]))
    callees = {name for node in nodes(svg) for name in node.names} - {"api.shop"}
    assert callees == {f"n{n} (is called)" for n in range(5, 11)} | {"others (is called)"}
    assert "4 others" in texts(svg)


names = st.sampled_from([f"{name}.{namespace}" for namespace in "xyz" for name in "abcd"] + ["user"])
graphs = st.dictionaries(
    st.builds(Edge, names, names), st.sampled_from([FINE, FAILING, Calls(1, 0, 0)]), min_size=1, max_size=12
)


@given(graphs, st.sets(st.builds(Edge, names, names), max_size=3), st.sampled_from([300.0, 1120.0]))
@settings(max_examples=12, deadline=None)
def test_any_graph_is_drawn_by_namespaces_and_nothing_covers_anything(
    graph: dict[Edge, Calls], wanted: set[Edge], room: float
) -> None:
    found = Split(Comparison(graph, frozenset(wanted)))
    assert_nothing_is_covered(parsed(overview(found, room=room)))
    for namespace in found.namespaces.values():
        svg = parsed(inside(namespace, room))
        assert_nothing_is_covered(svg)
        assert namespace.services <= {name for node in nodes(svg) for name in node.names}


def is_within(one: Area, frame: Area) -> bool:
    return frame.has(one.x, one.y) and frame.has(one.x + one.width, one.y + one.height)
