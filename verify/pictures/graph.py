"""A service graph as a picture: who calls whom, how often, how well, and what differs from what is expected."""

import math
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from verify.pictures.drawing import MARGIN, TITLE, picture, shortened, text_width
from verify.pictures.layout import ARROW, Box, Direction, Layout, Point, Size, place
from verify.pictures.markup import Element, element, number
from verify.quantities import duration, rate, share
from verify.service_graph import Calls, Comparison, Edge

_NAME, _SMALL, _TITLE_SIZE, _REMARK = 14.0, 11.0, 16.0, 13.0
_NODE_HEIGHT, _NODE_MIN_WIDTH, _NODE_MAX_WIDTH, _NODE_PADDING = 48.0, 104.0, 260.0, 16.0
_LINE_HEIGHT, _BASELINE = 15.0, 4.0
_LEGEND_HEIGHT, _SWATCH, _BETWEEN = 22.0, 30.0, 22.0
_MIN_WIDTH = 240.0
_MEANINGS = {
    "found": "found: the wider, the more calls",
    "missing": "expected, but missing",
    "further": "found, but not expected",
    "expected": "expected",
}


@dataclass(frozen=True)
class _Line:
    """How an edge is drawn: ``kind`` is one of the legend's, ``label`` are lines of text, each with its class."""

    kind: str
    width: float
    label: tuple[tuple[str, str], ...]


def found(comparison: Comparison, title: str = "Service graph", direction: Direction = "right") -> Element:
    """Return a picture of the graph that was found, and of what is missing from it."""
    lines = _lines(comparison)
    return _draw(_place(lines, direction), lines, title, _remark(comparison))


def expected(comparison: Comparison, title: str = "Expected", direction: Direction = "right") -> Element:
    """Return a picture of the expected graph, with each service in its place in the picture of the found one."""
    places = _place(_lines(comparison), direction)
    return _draw(places, {edge: _Line("expected", 1.5, ()) for edge in sorted(comparison.expected)}, title, "")


def _remark(comparison: Comparison) -> str:
    """Return the remark beside the title: how many of the expected edges were found."""
    every, missing = len(comparison.expected), len(comparison.missing)
    if not every:
        return ""
    return f"{missing} of {every} expected calls missing" if missing else f"all {every} expected calls found"


def _lines(comparison: Comparison) -> dict[Edge, _Line]:
    return {edge: _line(edge, comparison) for edge in comparison.edges}


def _line(edge: Edge, comparison: Comparison) -> _Line:
    if edge in comparison.missing:
        return _Line("missing", 1.5, (("missing", "name bad"),))
    calls = comparison.found[edge]
    label = [(rate(calls.per_second), "name")]
    if calls.failed_share:
        label.append((f"{share(calls.failed_share)} errors", "bad"))
    if calls.p95_seconds is not None:
        label.append((f"p95 {duration(calls.p95_seconds)}", "quiet"))
    if edge in comparison.further:
        return _Line("further", _width(calls), (*label, ("not expected", "odd")))
    return _Line("found", _width(calls), tuple(label))


def _width(calls: Calls) -> float:
    """Return a line's width in pixels: from 1.5 for few calls to 5 for a thousand per second."""
    return min(1.5 + math.log10(1 + calls.per_second * 3), 5.0)


def _place(lines: Mapping[Edge, _Line], direction: Direction) -> Layout:
    names = {name for edge in lines for name in (edge.client, edge.server)}
    labels = {
        edge: Size(
            max((text_width(text, 12, bold=True) for text, _ in line.label), default=0) + 10,
            _LINE_HEIGHT * len(line.label) + 4,
        )
        for edge, line in lines.items()
    }
    return place({name: Size(_node_width(name), _NODE_HEIGHT) for name in names}, labels, direction)


def _node_width(name: str) -> float:
    service, namespace = _split(name)
    text = max(text_width(service, _NAME, bold=True), text_width(namespace, _SMALL))
    return min(max(text + 2 * _NODE_PADDING, _NODE_MIN_WIDTH), _NODE_MAX_WIDTH)


def _split(name: str) -> tuple[str, str]:
    """Return a service's own name and its namespace, which is empty when the name has none."""
    service, _, namespace = name.rpartition(".")
    return (service, namespace) if service else (name, "")


def _draw(places: Layout, lines: Mapping[Edge, _Line], title: str, remark: str) -> Element:
    kinds = [kind for kind in _MEANINGS if kind in {line.kind for line in lines.values()}]
    heading = text_width(title, _TITLE_SIZE, bold=True) + _BETWEEN + text_width(remark, _REMARK)
    width = max(places.width, heading, *map(_legend_width, kinds), _MIN_WIDTH)
    top = MARGIN + TITLE
    bottom = top + places.height + MARGIN
    legend, legend_height = _legend(kinds, width, bottom)
    seen = {name for edge, line in lines.items() if line.kind != "missing" for name in (edge.client, edge.server)}
    drawn = {name for edge in lines for name in (edge.client, edge.server)}
    graph = element(
        "g",
        *(part for edge in lines for part in _edge(edge, lines[edge], places.paths[edge])),
        *(_node(name, places.nodes[name], "box" if name in seen else "box missing") for name in sorted(drawn)),
        *(part for edge, line in lines.items() for part in _label(line, places.labels[edge])),
        transform=f"translate({number(MARGIN + (width - places.width) / 2)} {number(top)})",
    )
    said = element(
        "text",
        remark or ("" if lines else "no calls"),
        class_="bad" if "missing" in kinds else "quiet",
        x=MARGIN + width,
        y=MARGIN + 14,
        font_size=_REMARK,
        text_anchor="end",
    )
    return picture(width + 2 * MARGIN, bottom + legend_height + MARGIN / 2, title, graph, said, *legend)


def _node(name: str, box: Box, kind: str) -> Element:
    service, namespace = _split(name)
    middle = box.x + box.width / 2
    room = box.width - _NODE_PADDING
    up, down = (4.0, 15.0) if namespace else (-_BASELINE, 0.0)
    texts = [
        element(
            "text",
            shortened(service, room, _NAME, bold=True),
            class_="name",
            x=middle,
            y=box.y + box.height / 2 - up + 2,
            font_size=_NAME,
            text_anchor="middle",
        )
    ]
    if namespace:
        texts.append(
            element(
                "text",
                shortened(namespace, room, _SMALL),
                class_="quiet",
                x=middle,
                y=box.y + box.height / 2 + down,
                font_size=_SMALL,
                text_anchor="middle",
            )
        )
    rect = element("rect", class_=kind, x=box.x, y=box.y, width=box.width, height=box.height, rx=9.0)
    return element("g", element("title", name), rect, *texts, class_="node", data_service=name)


def _edge(edge: Edge, line: _Line, path: tuple[Point, ...]) -> Iterator[Element]:
    points = [f"{number(x)} {number(y)}" for x, y in path]
    yield element(
        "path",
        element("title", f"{edge.client} → {edge.server}"),
        class_=f"line {line.kind}",
        d=f"M{points[0]}C{' '.join(points[1:])}",
        stroke_width=line.width,
    )
    yield element("path", class_=f"tip {line.kind}", d=_tip(path[-2], path[-1], line.width))


def _tip(before: Point, end: Point, width: float) -> str:
    """Return an arrowhead from where the line ends to the box."""
    (x, y), away = end, math.dist(before, end) or 1.0
    dx, dy = (x - before[0]) / away, (y - before[1]) / away
    half = 3.2 + width
    corners = [
        (x + dx * ARROW, y + dy * ARROW),
        (x - dy * half - dx, y + dx * half - dy),
        (x + dy * half - dx, y - dx * half - dy),
    ]
    return f"M{'L'.join(f'{number(px)} {number(py)}' for px, py in corners)}Z"


def _label(line: _Line, box: Box) -> Iterator[Element]:
    if not line.label:
        return
    yield element("rect", class_="behind", x=box.x, y=box.y, width=box.width, height=box.height, rx=4.0)
    for row, (text, kind) in enumerate(line.label):
        yield element(
            "text",
            text,
            class_=kind,
            x=box.x + box.width / 2,
            y=box.y + 2 + _LINE_HEIGHT * (row + 1) - _BASELINE,
            text_anchor="middle",
        )


def _legend_width(kind: str) -> float:
    return _SWATCH + text_width(_MEANINGS[kind], _SMALL)


def _legend(kinds: Collection[str], width: float, top: float) -> tuple[list[Element], float]:
    """Return the legend in as many rows as it needs, and its height."""
    parts = []
    x, y = 0.0, top
    for kind in kinds:
        if x and x + _legend_width(kind) > width:
            x, y = 0.0, y + _LEGEND_HEIGHT
        at = MARGIN + x
        parts += [
            element(
                "path",
                class_=f"line {kind}",
                d=f"M{number(at)} {number(y + 8)}h{number(_SWATCH - 9)}",
                stroke_width=2.0,
            ),
            element("text", _MEANINGS[kind], class_="quiet", x=at + _SWATCH, y=y + 8 + _BASELINE, font_size=_SMALL),
        ]
        x += _legend_width(kind) + _BETWEEN
    return parts, y - top + _LEGEND_HEIGHT if kinds else 0.0
