"""What is where in the picture of a graph, read from the SVG."""

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from xml.etree import ElementTree as ET

from verify.pictures.markup import xml
from verify.traffic.service_graph import Edge

SVG = "{http://www.w3.org/2000/svg}"


@dataclass(frozen=True)
class Area:
    """A rectangle, and the names that belong to it."""

    names: frozenset[str]
    x: float
    y: float
    width: float
    height: float

    def meets(self, other: "Area") -> bool:
        return (
            self.x < other.x + other.width
            and other.x < self.x + self.width
            and self.y < other.y + other.height
            and other.y < self.y + self.height
        )

    def has(self, x: float, y: float) -> bool:
        """Whether a point is inside, and not at the border: coordinates are rounded."""
        return 0.2 < x - self.x < self.width - 0.2 and 0.2 < y - self.y < self.height - 0.2


def parsed(picture: ET.Element) -> ET.Element:
    return ET.fromstring(xml(picture))  # noqa: S314  it is our own


def area(rect: ET.Element, *names: str) -> Area:
    return Area(frozenset(names), *(float(rect.get(key, "")) for key in ("x", "y", "width", "height")))


def nodes(svg: ET.Element) -> list[Area]:
    groups = svg.iterfind(f".//{SVG}g[@class='node']")
    return [area(group.find(f"{SVG}rect"), group.findtext(f"{SVG}title")) for group in groups]


def labels(svg: ET.Element) -> list[Area]:
    return [area(rect) for rect in svg.iterfind(f".//{SVG}rect[@class='behind']")]


def lines(svg: ET.Element) -> dict[Edge, list[tuple[float, float]]]:
    """Thirty points of each Bézier curve of each line, by its edge."""
    found_lines = {}
    for path in svg.iterfind(f".//{SVG}path"):
        title = path.findtext(f"{SVG}title")
        if title:
            numbers = [float(number) for number in re.findall(r"-?[\d.]+", path.get("d", ""))]
            points = list(zip(numbers[::2], numbers[1::2], strict=True))
            curves = zip(points[:-1:3], points[1::3], points[2::3], points[3::3], strict=True)
            found_lines[Edge(*title.split(" → "))] = [point for curve in curves for point in along(*curve)]
    return found_lines


def along(*curve: tuple[float, float]) -> Iterator[tuple[float, float]]:
    a, b, c, d = curve
    for step in range(31):
        t = step / 30
        weights = ((1 - t) ** 3, 3 * (1 - t) ** 2 * t, 3 * (1 - t) * t**2, t**3)
        yield tuple(sum(w * p[axis] for w, p in zip(weights, (a, b, c, d), strict=True)) for axis in (0, 1))


def texts(svg: ET.Element) -> list[str]:
    return [text.text or "" for text in svg.iter(f"{SVG}text")]


def assert_nothing_is_covered(svg: ET.Element) -> None:
    boxes, words = nodes(svg), labels(svg)
    for one, other in itertools.combinations([*boxes, *words], 2):
        assert not one.meets(other), (one, other)
    for edge, points in lines(svg).items():
        assert not [box for box in boxes if any(box.has(*point) for point in points)], edge
        # Each line goes through the label that is its own.
        assert len([label for label in words if any(label.has(*point) for point in points)]) <= 1, edge
