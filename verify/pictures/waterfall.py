"""One trace as a waterfall: a row for each span, below its parent."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from verify.pictures.drawing import HUES, MARGIN, SMALLEST_TEXT, TITLE, picture, shortened, text_width
from verify.pictures.markup import Element, element
from verify.quantities import duration
from verify.traffic.trace import Span, Trace

MAX_ROWS = 200
_NS = 1e-9
_WIDTH, _NAMES, _BARS = 960.0, 352.0, 456.0
_ROW, _BAR, _AXIS = 24.0, 10.0, 26.0
_INDENT, _MAX_DEPTH = 14.0, 12
_SIZE = SMALLEST_TEXT
_TICKS = 6
_STEPS = (1, 2, 5)
_SAID = (
    "Every row is a span of the trace as Tempo returned it, below the span that caused it. "
    "Its bar begins and ends when the span did, and has the colour of its service."
)


@dataclass(frozen=True)
class _Row:
    span: Span
    depth: int


def waterfall(trace: Trace, title: str = "The trace of the request") -> Element:
    """Return the picture. Of a trace with very many spans it has the first rows, and says how many are left out."""
    every = list(_rows(trace))
    rows = every[:MAX_ROWS]
    start = min((span.start_ns for span in trace.spans), default=0)
    total = max((span.start_ns + span.duration_ns for span in trace.spans), default=start) - start
    hues = {service: HUES[n % len(HUES)] for n, service in enumerate(dict.fromkeys(row.span.service for row in every))}
    top = MARGIN + TITLE + _AXIS
    bottom = top + len(rows) * _ROW
    left_out = len(every) - len(rows)
    remark = f"{trace.trace_id}, {len(every)} spans, {duration(total * _NS)}" if every else "no spans"
    parts = [
        element("text", remark, class_="quiet", x=_WIDTH - MARGIN, y=MARGIN + 14, text_anchor="end"),
        *(_axis(total, bottom) if every else ()),
        *(_row(row, top + n * _ROW, hues[row.span.service], start, total) for n, row in enumerate(rows)),
    ]
    if left_out:
        parts.append(element("text", f"and {left_out} more spans", class_="quiet", x=MARGIN, y=bottom + 16))
        bottom += _ROW
    return picture(_WIDTH, bottom + MARGIN, title, _SAID, *parts)


def _rows(trace: Trace) -> Iterator[_Row]:
    """Yield each span once, after its parent. One without a known parent is a root, and so is the first of a cycle."""
    children: dict[str, list[Span]] = {}
    for span in trace.spans:
        children.setdefault(span.parent_id, []).append(span)
    known = {span.span_id for span in trace.spans}
    roots = [span for span in trace.spans if span.parent_id not in known]
    seen: set[int] = set()
    for root in [*roots, *trace.spans]:
        # Not by recursion: a trace may be deeper than Python's stack.
        stack = [_Row(root, 0)]
        while stack:
            row = stack.pop()
            if id(row.span) in seen:
                continue
            seen.add(id(row.span))
            yield row
            below = children.get(row.span.span_id, []) if row.span.span_id else []
            stack += [_Row(child, row.depth + 1) for child in reversed(below)]


def _row(row: _Row, top: float, hue: str, start: int, total: int) -> Element:
    span = row.span
    middle = top + _ROW / 2
    indent = _INDENT * min(row.depth, _MAX_DEPTH)
    service = shortened(span.service.partition(".")[0] or "unknown", _NAMES / 2, _SIZE, bold=True)
    room = _NAMES - indent - text_width(service, _SIZE, bold=True) - 34
    what = " ".join(filter(None, [span.kind.replace("unspecified", ""), span.name]))
    left = MARGIN + _NAMES + _BARS * _part(span.start_ns - start, total)
    width = max(_BARS * _part(span.duration_ns, total), 2.0)
    said = duration(span.duration_ns * _NS) + (" failed" if span.failed else "")
    return element(
        "g",
        element("title", f"{span.service} {what}: {said}"),
        element("rect", x=MARGIN + indent, y=middle - 5, width=3.0, height=10.0, rx=1.5, fill=hue),
        element(
            "text",
            element("tspan", service, class_="name"),
            element("tspan", shortened(what, room, _SIZE), class_="quiet", dx=7.0),
            x=MARGIN + indent + 8,
            y=middle + 4,
        ),
        element(
            "rect",
            x=left,
            y=middle - _BAR / 2,
            width=width,
            height=_BAR,
            rx=2.0,
            **{"class": "bar failed"} if span.failed else {"class": "bar", "fill": hue},
        ),
        element(
            "text",
            said,
            class_="bad" if span.failed else "quiet",
            x=left + width + 6,
            y=middle + 4,
        ),
        class_="span",
    )


def _axis(total: int, bottom: float) -> Iterator[Element]:
    for tick in _ticks(total):
        x = MARGIN + _NAMES + _BARS * _part(tick, total)
        top = MARGIN + TITLE + _AXIS
        yield element("line", class_="grid", x1=x, x2=x, y1=top - 4, y2=bottom)
        label = duration(tick * _NS) if tick else "0"
        yield element("text", label, class_="quiet tick", x=x, y=top - 10, text_anchor="middle")


def _ticks(total: int) -> Collection[int]:
    """Return round times from 0 to ``total`` nanoseconds, six or fewer."""
    power = 1
    while True:
        for step in _STEPS:
            if total < step * power * _TICKS:
                return range(0, total + 1, step * power)
        power *= 10


def _part(time: int, total: int) -> float:
    return time / total if total else 0.0
