"""Boxes and the lines between them as a picture that fits the room it gets, with a legend."""

import itertools
import math
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from verify.pictures.drawing import MARGIN, SMALLEST_TEXT, TITLE, picture, shortened, text_width
from verify.pictures.layout import ARROW, Box, Direction, Layout, Point, Side, Size, place
from verify.pictures.markup import Element, element, number
from verify.traffic.service_graph import WINDOW_SECONDS, Edge

Kind = Literal["found", "missing", "further", "idle", "expected"]

_NAME, _SMALL, _TITLE_SIZE, _REMARK = 14.0, SMALLEST_TEXT, 16.0, 13.0
_NODE_HEIGHT, _NODE_MIN_WIDTH, _NODE_MAX_WIDTH, _NODE_PADDING = 48.0, 104.0, 260.0, 16.0
_CORNER = 9.0
_LINE_HEIGHT, _BASELINE = 15.0, 4.0
_LEGEND_HEIGHT, _SWATCH, _BETWEEN = 22.0, 30.0, 22.0
_MIN_WIDTH = 240.0
_MEANINGS: Mapping[Kind, str] = {
    "found": "found: the wider, the more calls",
    "missing": "expected, but missing",
    "further": "found, but not expected",
    "idle": f"found, but at 0/s in the last {WINDOW_SECONDS // 60} minutes",
    "expected": "expected",
}


@dataclass(frozen=True)
class Node:
    """A box: ``name`` and, below it, ``note`` are written in it; ``whole`` is its name in full.

    ``trouble``: the note speaks of something that is wrong. ``ghost``: it is expected, and was not seen.
    ``outside``: it stands before or after the frame around all others.
    """

    whole: str
    name: str
    note: str = ""
    trouble: bool = False
    ghost: bool = False
    outside: Side | None = None


@dataclass(frozen=True)
class Line:
    """How an edge is drawn; ``label`` are lines of text, each with its class."""

    kind: Kind
    width: float
    label: tuple[tuple[str, str], ...]

    @property
    def brief(self) -> "Line":
        """The line with what is wrong with it alone."""
        return replace(self, label=tuple((text, kind) for text, kind in self.label if "bad" in kind or "odd" in kind))


@dataclass(frozen=True)
class Diagram:
    """Nodes by their keys, lines by the keys of their ends, and where all of them are.

    ``whole``: every line has its whole label. Otherwise the room was too small for that, and what is left out has to
    be said elsewhere.
    """

    nodes: Mapping[str, Node]
    lines: Mapping[Edge, Line]
    places: Layout
    whole: bool = True

    def draw(self, title: str, said: str, remark: tuple[str, str] = ("", "quiet")) -> Element:
        """Return the picture; ``said`` describes it in words, and the text ``remark`` stands beside its title."""
        return _draw(self, title, said, remark)


def arranged(nodes: Mapping[str, Node], lines: Mapping[Edge, Line], direction: Direction, room: float) -> Diagram:
    """Arrange a picture at most ``room`` wide if there is a way.

    The best is one with all labels in the given direction, then the other direction, then only the labels that speak of
    something wrong. If none fits, the narrowest is taken.
    """
    turned: Direction = "right" if direction == "down" else "down"
    brief = {edge: line.brief for edge, line in lines.items()}
    tried: list[Diagram] = []
    for some, way in itertools.product((lines, brief), (direction, turned)):
        tried.append(Diagram(nodes, some, _place(nodes, some, way, room), whole=some is lines))
        if tried[-1].places.width + 2 * MARGIN <= room:
            return tried[-1]
    return min(tried, key=lambda one: one.places.width)


def _place(nodes: Mapping[str, Node], lines: Mapping[Edge, Line], direction: Direction, room: float) -> Layout:
    sizes = {key: Size(_node_width(node), _NODE_HEIGHT) for key, node in nodes.items()}
    outside = {key: node.outside for key, node in nodes.items() if node.outside}
    return place(
        sizes, {edge: _label_size(line) for edge, line in lines.items()}, direction, outside, room - 2 * MARGIN
    )


def _label_size(line: Line) -> Size:
    if not line.label:
        return Size(0, 0)
    widest = max(text_width(text, _SMALL, bold="name" in kind) for text, kind in line.label)
    return Size(widest + 10, _LINE_HEIGHT * len(line.label) + 4)


def _node_width(node: Node) -> float:
    text = max(text_width(node.name, _NAME, bold=True), text_width(node.note, _SMALL))
    return min(max(text + 2 * _NODE_PADDING, _NODE_MIN_WIDTH), _NODE_MAX_WIDTH)


def _draw(diagram: Diagram, title: str, said: str, remark: tuple[str, str]) -> Element:
    places, lines = diagram.places, diagram.lines
    kinds = [kind for kind in _MEANINGS if kind in {line.kind for line in lines.values()}]
    heading = text_width(title, _TITLE_SIZE, bold=True) + _BETWEEN + text_width(remark[0], _REMARK)
    width = max(places.width, heading, *map(_legend_width, kinds), _MIN_WIDTH)
    top = MARGIN + TITLE
    bottom = top + places.height + MARGIN
    legend, legend_height = _legend(kinds, width, bottom)
    graph = element(
        "g",
        *(_frame(box) for box in [places.frame] if box),
        *(part for edge in lines for part in _edge(edge, diagram)),
        *(_node(node, places.nodes[key]) for key, node in sorted(diagram.nodes.items())),
        *(part for edge, line in lines.items() for part in _label(line, places.labels[edge])),
        transform=f"translate({number(MARGIN + (width - places.width) / 2)} {number(top)})",
    )
    beside = element(
        "text",
        remark[0],
        class_=remark[1],
        x=MARGIN + width,
        y=MARGIN + 14,
        font_size=_REMARK,
        text_anchor="end",
    )
    return picture(width + 2 * MARGIN, bottom + legend_height + MARGIN / 2, title, said, graph, beside, *legend)


def _frame(box: Box) -> Element:
    return element("rect", class_="around", x=box.x, y=box.y, width=box.width, height=box.height, rx=12.0)


def _node(node: Node, box: Box) -> Element:
    middle = box.x + box.width / 2
    room = box.width - _NODE_PADDING
    up, down = (4.0, 15.0) if node.note else (-_BASELINE, 0.0)
    texts = [
        element(
            "text",
            shortened(node.name, room, _NAME, bold=True),
            class_="name",
            x=middle,
            y=box.y + box.height / 2 - up + 2,
            font_size=_NAME,
            text_anchor="middle",
        )
    ]
    if node.note:
        texts.append(
            element(
                "text",
                shortened(node.note, room, _SMALL),
                class_="bad" if node.trouble else "quiet",
                x=middle,
                y=box.y + box.height / 2 + down,
                font_size=_SMALL,
                text_anchor="middle",
            )
        )
    rect = element(
        "rect",
        class_="box missing" if node.ghost else "box outside" if node.outside else "box",
        x=box.x,
        y=box.y,
        width=box.width,
        height=box.height,
        rx=box.height / 2 if node.outside else _CORNER,
    )
    return element("g", element("title", node.whole), rect, *texts, class_="node", data_service=node.whole)


def _edge(edge: Edge, diagram: Diagram) -> Iterator[Element]:
    line, path = diagram.lines[edge], diagram.places.paths[edge]
    points = [f"{number(x)} {number(y)}" for x, y in path]
    yield element(
        "path",
        element("title", f"{diagram.nodes[edge.client].whole} → {diagram.nodes[edge.server].whole}"),
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


def _label(line: Line, box: Box) -> Iterator[Element]:
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


def _legend_width(kind: Kind) -> float:
    return _SWATCH + text_width(_MEANINGS[kind], _SMALL)


def _legend(kinds: Collection[Kind], width: float, top: float) -> tuple[list[Element], float]:
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
