"""Where the boxes, labels and lines of a graph go: in layers, each call pointing to a later one.

A label is laid out like a box of its own, in a layer between the layers of services, so that nothing
overlaps it. ``along`` is the direction in which calls point, ``across`` the other one.
"""

import itertools
import math
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import Literal

# In pure Python, and pinned, because graphviz would be a binary that everyone has to install. It has no types.
from grandalf.graphs import Edge as Link  # type: ignore[import-untyped]
from grandalf.graphs import Vertex, graph_core
from grandalf.layouts import DummyVertex, Layer, SugiyamaLayout, VertexViewer  # type: ignore[import-untyped]

from verify.traffic.service_graph import Edge

Direction = Literal["right", "down"]
Side = Literal["before", "after"]
Outside = Mapping[str, Side]
"""The nodes that stand before or after the frame around all others; none of them calls another, or itself."""
Point = tuple[float, float]

ARROW = 9.0
"""The room that is left for an arrowhead between the end of a line and its box."""
_LAYER_GAP = 36.0
_ACROSS_GAP = 22.0
_LINE_GAP = 14.0
_COMPONENT_GAP = 44.0
_PORT_GAP = 13.0
_LOOP = 26.0
# Components stand beside each other up to this width, or up to that of the widest of them.
_SHELF: Mapping[Direction, float] = {"right": 620.0, "down": 900.0}
_ORDERING_ROUNDS = 8
_SWEEPS = 100
# They end when nothing moves further than this, in pixels.
_STILL = 0.2
_STRAIGHT = 5.0
# The share of a box's side along which lines end.
_SIDE = 0.6
_FRAME_PADDING = 16.0
# What is outside has two of these tiers before, or after, all others: its boxes, and the labels of their lines.
_TIERS: Mapping[Side | None, int] = {"before": -1, None: 0, "after": 1}
_ROOT_TIER = -3


@dataclass(frozen=True)
class Size:
    width: float
    height: float


@dataclass(frozen=True)
class Box:
    """``x`` and ``y`` are those of the upper left corner."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class Layout:
    """``paths`` are cubic Bézier curves from client to server: a start, then three points for each curve.

    ``frame`` is around all that is not outside, if something is.
    """

    width: float
    height: float
    nodes: Mapping[str, Box]
    labels: Mapping[Edge, Box]
    paths: Mapping[Edge, tuple[Point, ...]]
    frame: Box | None


@dataclass(eq=False)
class _Spot:
    """A box, a label, or the place where a line crosses a layer; ``across`` and ``along`` are those of its middle.

    ``breadth`` is the room it takes across, ``depth`` that along; ``beside`` is kept free after it for a loop.
    ``band`` is the depth of its whole layer.
    """

    breadth: float = 0.0
    depth: float = 0.0
    beside: float = 0.0
    across: float = 0.0
    along: float = 0.0
    band: float = 0.0
    line: bool = False
    near: list[tuple["_Spot", float]] = field(default_factory=list)

    @property
    def before(self) -> float:
        """The room that it takes across before its middle."""
        return self.breadth / 2

    @property
    def after(self) -> float:
        return self.breadth / 2 + self.beside

    @cached_property
    def weight(self) -> float:
        return sum(weight for _, weight in self.near) or 1.0


@dataclass(frozen=True)
class _Component:
    """Services that are connected, laid out from 0 on.

    ``chains`` are each edge's spots, from the earlier layer to the later: the direction of calls that are ``forward``.
    """

    layers: Sequence[Sequence[_Spot]]
    chains: Mapping[Edge, Sequence[_Spot]]
    forward: Collection[Edge]
    breadth: float
    depth: float


def place(
    nodes: Mapping[str, Size],
    labels: Mapping[Edge, Size],
    direction: Direction,
    outside: Outside = MappingProxyType({}),
    room: float = math.inf,
) -> Layout:
    """Lay out ``nodes`` and the edges between them, which all have a label; the same input gives the same layout.

    An edge without text has a label without width and height. It is at most ``room`` wide if calls point down and the
    boxes beside each other need no more.
    """
    loops = {edge.client: labels[edge] for edge in labels if edge.client == edge.server}
    spots = {name: _node(nodes[name], loops.get(name), direction) for name in sorted(nodes)}
    edges = sorted(edge for edge in labels if edge.client != edge.server)
    limit = math.inf if direction == "right" else room - 2 * _FRAME_PADDING * bool(outside)
    # What one frame is around is laid out as one.
    wholes = [list(spots)] if outside else _connected(list(spots), edges)
    components = [
        _component(
            {name: spots[name] for name in names},
            {edge: _spot(labels[edge], direction) for edge in edges if edge.client in names},
            outside,
            limit,
        )
        for names in wholes
    ]
    breadth, depth = _shelve(components, _SHELF[direction])
    turn = _Turn(direction)
    frame = None
    if outside:
        within = [spot for name, spot in spots.items() if name not in outside]
        breadth = _widen(components, breadth)
        frame = turn.frame(within, breadth)
    paths: dict[Edge, tuple[Point, ...]] = {}
    boxes: dict[Edge, Box] = {}
    for component in components:
        paths |= {edge: turn.points(path) for edge, path in _paths(component)}
        boxes |= {edge: turn.box(_label(chain), labels[edge]) for edge, chain in component.chains.items()}
    for name, label in loops.items():
        edge, spot = Edge(name, name), spots[name]
        paths[edge] = turn.points(_loop(spot))
        across = spot.across + spot.breadth / 2 + _LOOP + turn.across(label) / 2
        boxes[edge] = turn.box(_Spot(across=across, along=spot.along), label)
    return Layout(
        *(turn.pair((depth, breadth))),
        nodes={name: turn.box(spot, nodes[name]) for name, spot in spots.items()},
        labels=boxes,
        paths=paths,
        frame=frame,
    )


@dataclass(frozen=True)
class _Turn:
    """Turns (along, across) to (x, y)."""

    direction: Direction

    def pair(self, point: Point) -> Point:
        return point if self.direction == "right" else (point[1], point[0])

    def points(self, path: Iterable[Point]) -> tuple[Point, ...]:
        return tuple(self.pair(point) for point in path)

    def across(self, size: Size) -> float:
        return size.height if self.direction == "right" else size.width

    def box(self, spot: _Spot, size: Size) -> Box:
        x, y = self.pair((spot.along, spot.across))
        return Box(x - size.width / 2, y - size.height / 2, size.width, size.height)

    def frame(self, within: Collection[_Spot], breadth: float) -> Box:
        """Return the box around the layers of what is ``within``, over all the breadth."""
        start = min(spot.along - spot.band / 2 for spot in within) - _FRAME_PADDING
        end = max(spot.along + spot.band / 2 for spot in within) + _FRAME_PADDING
        return Box(*self.pair((start, 0.0)), *self.pair((end - start, breadth)))


def _spot(size: Size, direction: Direction) -> _Spot:
    breadth, depth = (size.height, size.width) if direction == "right" else (size.width, size.height)
    return _Spot(breadth, depth)


def _node(size: Size, loop: Size | None, direction: Direction) -> _Spot:
    spot = _spot(size, direction)
    if loop:
        spot.beside = _LOOP + _spot(loop, direction).breadth
    return spot


def _connected(names: Collection[str], edges: Collection[Edge]) -> Iterator[list[str]]:
    """Yield the names that are connected, the most of them first."""
    parts = {name: {name} for name in names}
    for edge in edges:
        whole = parts[edge.client] | parts[edge.server]
        parts |= dict.fromkeys(whole, whole)
    seen: set[str] = set()
    for part in sorted(map(sorted, parts.values()), key=lambda part: (-len(part), part)):
        if not seen & set(part):
            seen.update(part)
            yield part


def _component(nodes: Mapping[str, _Spot], labels: Mapping[Edge, _Spot], outside: Outside, limit: float) -> _Component:
    forward = _without_cycles(list(nodes), list(labels))
    vertices = {spot: _vertex(spot) for spot in [*nodes.values(), *labels.values()]}
    links: dict[Edge, tuple[Link, Link]] = {}
    for edge, label in labels.items():
        first, second = (edge.client, edge.server) if edge in forward else (edge.server, edge.client)
        ends = vertices[nodes[first]], vertices[label], vertices[nodes[second]]
        links[edge] = Link(*ends[:2]), Link(*ends[1:])
    # grandalf orders only what is connected: lines from one vertex, of which none is drawn, hold the parts together.
    root = _vertex(_Spot(line=True))
    parts = list(_connected(list(nodes), list(labels)))
    joints = [Link(root, vertices[nodes[part[0]]]) for part in parts] if len(parts) > 1 else []
    every = [*vertices.values(), *([root] if joints else [])]
    # Not grandalf's Graph: it keeps edges in a set, and so in another order in every run.
    layout = SugiyamaLayout(graph_core(every, [*itertools.chain(*links.values()), *joints]))
    layout.alt_e = []
    layout.rank_all([], optimize=True)
    tiers = {root: _ROOT_TIER} | {vertices[spot]: 2 * _TIERS[outside.get(name)] for name, spot in nodes.items()}
    for edge, label in labels.items():
        tiers[vertices[label]] = _TIERS[outside.get(edge.client) or outside.get(edge.server)]
    _separate(layout, tiers)
    for link in layout.g.E():
        layout.setdummies(link)
    for layer in layout.layers:
        layer.setup(layout)
    for _ in range(_ORDERING_ROUNDS):
        for _ in layout.ordering_step():
            pass
    spots = {vertex: spot for spot, vertex in vertices.items()}
    undrawn = {root, *(vertex for joint in joints for vertex in _vertices(layout, joint)[:-1])}
    layers = [
        [_spot_at(vertex, spots) for vertex in layer if vertex not in undrawn]
        for layer in layout.layers
        if not undrawn.issuperset(layer)
    ]
    chains = {
        edge: [
            *(spots[vertex] for vertex in _vertices(layout, before)),
            *(spots[vertex] for vertex in _vertices(layout, after)[1:]),
        ]
        for edge, (before, after) in links.items()
    }
    depth = _stack(layers)
    breadth = _settle(layers, chains.values(), limit)
    return _Component(layers, chains, forward, breadth, depth)


def _separate(layout: SugiyamaLayout, tiers: Mapping[Vertex, int]) -> None:
    """Move the vertices of each tier before and after tier 0 to a layer of their own."""
    layers: dict[tuple[int, int], list[Vertex]] = {}
    for rank, layer in enumerate(layout.layers):
        for vertex in layer:
            tier = tiers[vertex]
            layers.setdefault((tier, 0 if tier else rank), []).append(vertex)
    layout.layers = [Layer(layers[key]) for key in sorted(layers)]
    for rank, layer in enumerate(layout.layers):
        for vertex in layer:
            layout.grx[vertex].rank = rank


def _vertex(spot: _Spot) -> Vertex:
    vertex = Vertex(spot)
    vertex.view = VertexViewer(spot.breadth, spot.depth)
    return vertex


def _spot_at(vertex: Vertex | DummyVertex, spots: dict[Vertex | DummyVertex, _Spot]) -> _Spot:
    """Return the spot of a vertex; grandalf's own ones, where long lines cross a layer, have none yet."""
    return spots.setdefault(vertex, _Spot(line=True))


def _vertices(layout: SugiyamaLayout, link: Link) -> list[Vertex | DummyVertex]:
    """Return what a link passes, layer by layer."""
    passed = layout.ctrls.get(link)
    return [passed[rank] for rank in sorted(passed)] if passed else list(link.v)


def _without_cycles(names: Sequence[str], edges: Sequence[Edge]) -> set[Edge]:
    """Return the edges that point forward; to turn all others makes the graph acyclic."""
    callees: dict[str, list[Edge]] = {name: [edge for edge in edges if edge.client == name] for name in names}
    called = {edge.server for edge in edges}
    forward: set[Edge] = set()
    open_, done = set[str](), set[str]()

    def visit(name: str) -> None:
        open_.add(name)
        for edge in callees[name]:
            if edge.server not in open_:
                forward.add(edge)
                if edge.server not in done:
                    visit(edge.server)
        open_.remove(name)
        done.add(name)

    for name in sorted(names, key=lambda name: (name in called, name)):
        if name not in done:
            visit(name)
    return forward


def _stack(layers: Iterable[Sequence[_Spot]]) -> float:
    """Set each spot's place along, and the depth of its layer; return the depth of all."""
    along = 0.0
    for layer in layers:
        depth = max(spot.depth for spot in layer)
        for spot in layer:
            spot.along, spot.band = along + depth / 2, depth
        along += depth + _LAYER_GAP
    return along - _LAYER_GAP


def _settle(layers: Sequence[Sequence[_Spot]], chains: Collection[Sequence[_Spot]], limit: float) -> float:
    """Set each spot's place across, in its layer's order and near to what it is linked with; return the breadth.

    That is at most ``limit`` if every layer has room in it.
    """
    for chain in chains:
        for one, other in itertools.pairwise(chain):
            weight = _STRAIGHT ** (one.line + other.line)
            one.near.append((other, weight))
            other.near.append((one, weight))
    rows = [_Row(layer, limit) for layer in layers]
    for row in rows:
        row.spread([0.0] * len(row.spots))
    for _ in range(_SWEEPS):
        moved = [row.spread([_middle(spot) for spot in row.spots]) for row in [*rows, *reversed(rows)]]
        if max(moved) < _STILL:
            break
    beside = _beside(chains)
    for row in rows:
        row.spread([beside.get(spot, spot).across for spot in row.spots])
    every = list(itertools.chain(*layers))
    lowest = min(spot.across - spot.before for spot in every)
    for spot in every:
        spot.across -= lowest
    return max(spot.across + spot.after for spot in every)


def _middle(spot: _Spot) -> float:
    return sum(other.across * weight for other, weight in spot.near) / spot.weight if spot.near else spot.across


def _beside(chains: Collection[Sequence[_Spot]]) -> dict[_Spot, _Spot]:
    """Return what each label should stand straight beside: the end of its line where no other line ends."""
    leaving, entering = Counter(chain[0] for chain in chains), Counter(chain[-1] for chain in chains)
    beside = {}
    for chain in chains:
        label = _label(chain)
        at = chain.index(label)
        if entering[chain[-1]] == 1:
            beside[label] = chain[at + 1]
        elif leaving[chain[0]] == 1:
            beside[label] = chain[at - 1]
    return beside


@dataclass(frozen=True)
class _Row:
    """The spots of a layer, which may come as far as half of ``limit`` from 0 across, if all of them have room then."""

    spots: Sequence[_Spot]
    limit: float

    @cached_property
    def _offsets(self) -> Sequence[float]:
        """How far each spot is from the first one if none moves away from the one before it."""
        offsets = [0.0]
        for one, other in itertools.pairwise(self.spots):
            gap = _ACROSS_GAP if one.breadth and other.breadth else _LINE_GAP
            offsets.append(offsets[-1] + one.after + gap + other.before)
        return offsets

    def spread(self, wanted: Sequence[float]) -> float:
        """Move the spots as near to ``wanted`` as they can come without touching; return how far one moved at most.

        Spots that would touch are moved as one, to the mean of what they want by their weights: so every call shortens
        the lines, and many calls come to rest.
        """
        groups: list[tuple[float, float, int]] = []
        for spot, want, offset in zip(self.spots, wanted, self._offsets, strict=True):
            mean, weight, count = want - offset, spot.weight, 1
            while groups and groups[-1][0] > mean:
                before, heavy, many = groups.pop()
                mean = (before * heavy + mean * weight) / (heavy + weight)
                weight, count = heavy + weight, many + count
            groups.append((mean, weight, count))
        lowest = self.spots[0].before - self.limit / 2
        highest = max(self.limit / 2 - self._offsets[-1] - self.spots[-1].after, lowest)
        means = itertools.chain(*([min(max(mean, lowest), highest)] * count for mean, _, count in groups))
        moved = 0.0
        for spot, mean, offset in zip(self.spots, means, self._offsets, strict=True):
            moved = max(moved, abs(mean + offset - spot.across))
            spot.across = mean + offset
        return moved


def _shelve(components: Iterable[_Component], shelf: float) -> Point:
    """Place the components beside each other, in as many rows as needed; return the breadth and depth of all."""
    across = along = breadth = depth = 0.0
    for component in components:
        if across and across + component.breadth > max(shelf, breadth):
            across, along = 0.0, depth + _COMPONENT_GAP
        for spot in itertools.chain(*component.layers):
            spot.across += across
            spot.along += along
        breadth = max(breadth, across + component.breadth)
        depth = max(depth, along + component.depth)
        across += component.breadth + _COMPONENT_GAP
    return breadth, depth


def _widen(components: Iterable[_Component], breadth: float) -> float:
    """Move everything so that a frame fits around it; return the breadth with the frame."""
    for component in components:
        for spot in itertools.chain(*component.layers):
            spot.across += _FRAME_PADDING
    return breadth + 2 * _FRAME_PADDING


def _label(chain: Sequence[_Spot]) -> _Spot:
    return next(spot for spot in chain[1:-1] if not spot.line)


def _paths(component: _Component) -> Iterator[tuple[Edge, tuple[Point, ...]]]:
    """Yield each edge's curve, from client to server, in (along, across)."""
    leaving = _ports((chain[0], chain[1]) for chain in component.chains.values())
    entering = _ports((chain[-1], chain[-2]) for chain in component.chains.values())
    for edge, chain in component.chains.items():
        first, last = chain[0], chain[-1]
        forward = edge in component.forward
        start = first.along + first.depth / 2 + (0 if forward else ARROW)
        end = last.along - last.depth / 2 - (ARROW if forward else 0)
        out, into = first.across + leaving[first, chain[1]], last.across + entering[last, chain[-2]]
        # Through a layer a line goes straight, so that it does not touch what else is there.
        straight = [
            (first.along + first.band / 2, out),
            *((spot.along + half, spot.across) for spot in chain[1:-1] for half in _halves(spot)),
            (last.along - last.band / 2, into),
        ]
        path = _curve([(start, out), *(point for point in straight if start < point[0] < end), (end, into)])
        yield edge, tuple(path if forward else reversed(path))


def _halves(spot: _Spot) -> tuple[float, ...]:
    """Return where a line enters and leaves the spot's layer, counted from its middle; a layer may have no depth."""
    return (-spot.band / 2, spot.band / 2) if spot.band else (0.0,)


def _ports(ends: Iterable[tuple[_Spot, _Spot]]) -> dict[tuple[_Spot, _Spot], float]:
    """Return how far from its box's middle each line ends, by the box and the next spot of the line."""
    nexts: dict[_Spot, list[_Spot]] = {}
    for box, following in ends:
        nexts.setdefault(box, []).append(following)
    ports = {}
    for box, spots in nexts.items():
        gap = min(_PORT_GAP, box.breadth * _SIDE / max(1, len(spots) - 1))
        for position, following in enumerate(sorted(spots, key=lambda spot: spot.across)):
            ports[box, following] = (position - (len(spots) - 1) / 2) * gap
    return ports


def _curve(points: Sequence[Point]) -> list[Point]:
    """Return Bézier curves through ``points``, straight at both ends, that never swing out across."""
    secants = [(b[1] - a[1]) / (b[0] - a[0]) for a, b in itertools.pairwise(points)]
    # The harmonic mean keeps a curve through rising points rising (Fritsch and Butland).
    inner = [2 * a * b / (a + b) if a * b > 0 else 0.0 for a, b in itertools.pairwise(secants)]
    slopes = [0.0, *inner, 0.0]
    path = [points[0]]
    for (a, b), (before, after) in zip(itertools.pairwise(points), itertools.pairwise(slopes), strict=True):
        third = (b[0] - a[0]) / 3
        path += [(a[0] + third, a[1] + before * third), (b[0] - third, b[1] - after * third), b]
    return path


def _loop(spot: _Spot) -> list[Point]:
    """Return the curve of a call to oneself, beside the box."""
    side, reach = spot.across + spot.breadth / 2, _LOOP * 1.3
    return [
        (spot.along - _PORT_GAP, side),
        (spot.along - _PORT_GAP, side + reach),
        (spot.along + _PORT_GAP, side + reach),
        (spot.along + _PORT_GAP, side + ARROW),
    ]
