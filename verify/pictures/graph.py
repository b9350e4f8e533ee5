"""Service graphs as pictures: who calls whom, how often, how well, and what differs from what is expected."""

import math
from collections.abc import Collection, Mapping

from verify.pictures.diagram import Diagram, Kind, Line, Node, arranged
from verify.pictures.layout import Direction, Side
from verify.pictures.markup import Element
from verify.pictures.namespaces import Namespace, Split, home, parts
from verify.quantities import duration, rate, share
from verify.traffic.service_graph import WINDOW_SECONDS, Comparison, Edge

_SOURCE = "as the metrics generator counted it in Prometheus"
_WINDOW = f"Rates, errors and p95 are of the last {WINDOW_SECONDS // 60} minutes."
# Boxes of namespaces beside each other that a page is wide enough for.
_MAX_AROUND = 7
_LEFT_OUT = "Only what is wrong is written at the lines; all numbers are in what follows."


def found(
    comparison: Comparison, title: str = "Service graph", direction: Direction = "right", room: float = math.inf
) -> Element:
    """Return a picture of the graph that was found, and of what is missing from it, at most ``room`` wide if it can."""
    diagram = _flat(comparison, direction, room)
    said = f"Which of {_count(len(diagram.nodes), 'service')} call which, {_SOURCE}. {_numbers(diagram)}"
    return diagram.draw(title, said, _remark(comparison))


def expected(
    comparison: Comparison, title: str = "Expected", direction: Direction = "right", room: float = math.inf
) -> Element:
    """Return a picture of the expected graph, with each service in its place in the picture of the found one."""
    places = _flat(comparison, direction, room).places
    lines = {edge: Line("expected", 1.5, ()) for edge in sorted(comparison.expected)}
    names = sorted({name for edge in lines for name in (edge.client, edge.server)})
    said = (
        "The calls that should be there: those that are known, those of recent traces in Tempo, and those that the "
        "command line names. Every service stands where it stands in the picture of what was found."
    )
    return Diagram({name: _service(name) for name in names}, lines, places).draw(title, said)


def overview(split: Split, title: str = "Namespaces", room: float = math.inf) -> Element:
    """Return a picture with a box for each namespace, and one line for all calls from one to another."""
    bundles: dict[Edge, list[Edge]] = {}
    for edge in split.comparison.edges:
        ends = Edge(home(edge.client), home(edge.server))
        if ends.client != ends.server:
            bundles.setdefault(ends, []).append(edge)
    nodes = {name: _namespace(namespace) for name, namespace in split.namespaces.items()}
    diagram = arranged(nodes, _lines(bundles, split.comparison), "down", room)
    said = (
        f"Which of {len(nodes)} namespaces call which, {_SOURCE}: each line stands for all calls from the "
        f"{_count(len(split.services), 'service')} of one to those of another. {_numbers(diagram)}"
    )
    return diagram.draw(title, said, _remark(split.comparison))


def inside(namespace: Namespace, room: float = math.inf) -> Element:
    """Return a picture of the services of one namespace in a frame, between the namespaces around it."""
    own, comparison = namespace.services, namespace.comparison
    seen = _seen(comparison)
    clients = {edge: edge.client for edge in comparison.edges if edge.client not in own}
    servers = {edge: edge.server for edge in comparison.edges if edge.server not in own}
    callers, callees = _around("before", clients, comparison), _around("after", servers, comparison)
    nodes = {name: Node(name, parts(name)[0], ghost=name not in seen) for name in sorted(own)}
    nodes |= {node.whole: node for node in [*callers.values(), *callees.values()]}
    bundles: dict[Edge, list[Edge]] = {}
    for edge in comparison.edges:
        client = callers[edge].whole if edge in callers else edge.client
        server = callees[edge].whole if edge in callees else edge.server
        bundles.setdefault(Edge(client, server), []).append(edge)
    diagram = arranged(nodes, _lines(bundles, comparison), "down", room)
    said = f"The {_count(len(own), 'service')} of {namespace.name} and who calls whom, {_SOURCE}."
    if len(nodes) > len(own):
        said += " Outside the frame are the namespaces that call them, and those that they call."
    return diagram.draw(namespace.name, f"{said} {_numbers(diagram)}", _remark(comparison))


def _around(side: Side, services: Mapping[Edge, str], comparison: Comparison) -> dict[Edge, Node]:
    """Return for each edge the box of the namespace of the service at its outer end.

    Of very many namespaces those with the most calls have a box each, and the others have one for all.
    """
    calls = dict.fromkeys(sorted(map(home, services.values())), 0.0)
    for edge, service in services.items():
        calls[home(service)] += comparison.found[edge].per_second if edge in comparison.found else 0.0
    named = sorted(calls, key=lambda name: -calls[name])
    if len(named) > _MAX_AROUND:
        named = named[: _MAX_AROUND - 1]
    does = "calls" if side == "before" else "is called"
    others = Node(f"others ({does})", f"{len(calls) - len(named)} others", "namespaces", outside=side)
    boxes = {name: Node(f"{name} ({does})", name, "namespace", outside=side) for name in named}
    return {edge: boxes.get(home(service), others) for edge, service in services.items()}


def _flat(comparison: Comparison, direction: Direction, room: float) -> Diagram:
    seen = _seen(comparison)
    names = sorted({name for edge in comparison.edges for name in (edge.client, edge.server)})
    nodes = {name: _service(name, ghost=name not in seen) for name in names}
    return arranged(nodes, _lines({edge: [edge] for edge in comparison.edges}, comparison), direction, room)


def _service(name: str, *, ghost: bool = False) -> Node:
    return Node(name, *parts(name), ghost=ghost)


def _namespace(namespace: Namespace) -> Node:
    missing = len(namespace.inner & namespace.comparison.missing)
    note = _count(len(namespace.services), "service") + (f", {missing} missing" if missing else "")
    ghost = not namespace.services & _seen(namespace.comparison)
    return Node(namespace.name, namespace.name, note, trouble=bool(missing), ghost=ghost)


def _seen(comparison: Comparison) -> set[str]:
    return {name for edge in comparison.found for name in (edge.client, edge.server)}


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _numbers(diagram: Diagram) -> str:
    return _WINDOW if diagram.whole else _LEFT_OUT


def _remark(comparison: Comparison) -> tuple[str, str]:
    """Return the remark beside the title, with its class: how many of the expected edges were found."""
    every, missing = len(comparison.expected), len(comparison.missing)
    if missing:
        return f"{missing} of {every} expected calls missing", "bad"
    return (f"all {every} expected calls found" if every else "" if comparison.found else "no calls"), "quiet"


def _lines(bundles: Mapping[Edge, Collection[Edge]], comparison: Comparison) -> dict[Edge, Line]:
    """Return a line for each bundle of edges; most bundles are of one edge."""
    further = comparison.further
    return {ends: _line(ends, edges, comparison, further) for ends, edges in sorted(bundles.items())}


def _line(ends: Edge, edges: Collection[Edge], comparison: Comparison, all_further: Collection[Edge]) -> Line:
    seen = [edge for edge in edges if edge in comparison.found]
    calls = [comparison.found[edge] for edge in seen]
    per_second = sum(one.per_second for one in calls)
    failed = sum(one.per_second * one.failed_share for one in calls)
    missing, further = len(edges) - len(seen), sum(edge in all_further for edge in edges)
    label = []
    if calls:
        label.append((rate(per_second), "name"))
    if failed:
        label.append((f"{share(failed / per_second)} errors", "bad"))
    # The p95 of several services does not follow from theirs.
    p95 = comparison.found[ends].p95_seconds if ends in comparison.found else None
    if p95 is not None:
        label.append((f"p95 {duration(p95)}", "quiet"))
    if missing:
        label.append(("missing" if len(edges) == 1 else f"{missing} missing", "name bad"))
    if further:
        label.append(("not expected" if len(edges) == 1 else f"{further} not expected", "odd"))
    kind: Kind = "found"
    if not calls:
        kind = "missing"
    elif not per_second:
        kind = "idle"
    elif further == len(edges):
        kind = "further"
    return Line(kind, _width(per_second), tuple(label))


def _width(per_second: float) -> float:
    """Return a line's width in pixels: from 1.5 for few calls to 5 for a thousand per second."""
    return min(1.5 + math.log10(1 + per_second * 3), 5.0)
