"""The whole report as one HTML file, without scripts and external resources, for screens of any width and for paper."""

import base64
import hashlib
from collections.abc import Iterable, Iterator, Sequence

from verify.findings import Finding
from verify.output.report import MARKS, Report, Request
from verify.pictures import graph
from verify.pictures.drawing import FONTS, RULES, palette
from verify.pictures.markup import Element, element, html
from verify.pictures.namespaces import Namespace, Split
from verify.pictures.waterfall import waterfall
from verify.quantities import duration, rate, share
from verify.traffic.service_graph import WINDOW_SECONDS, Comparison

# The column of the page, and that inside of a part that can be opened, in pixels. Wider pictures scroll: if they were
# smaller, nobody could read them.
_COLUMN, _INNER_COLUMN = 1120.0, 1086.0
# Two pictures that are wider do not fit beside each other in the column.
_MAX_WIDTH_BESIDE = 550.0
_RULES = """
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--text);font:15px/1.5 %s}
main{max-width:%dpx;margin:0 auto;padding:32px 24px 48px}
h1{font-size:30px;line-height:1.2;margin:0 0 6px}h2{font-size:18px;margin:36px 0 12px}
p{margin:0 0 8px}.quiet{color:var(--quiet)}.odd{color:var(--odd)}.bad,.broken .word{color:var(--bad)}
.ok .word,.good{color:var(--line)}
.unknown .word{color:var(--odd)}.warning .word{color:var(--warn)}.absent .word{color:var(--quiet)}
header{background:var(--panel);border:1px solid var(--frame);border-left:8px solid var(--rim);border-radius:10px;
padding:22px 26px}
header.works{border-left-color:var(--line)}header.broken{border-left-color:var(--bad)}
header.cannot-tell{border-left-color:var(--odd)}header.works.warned{border-left-color:var(--warn)}
header p{margin:0;overflow-wrap:anywhere}
.card{background:var(--panel);border:1px solid var(--frame);border-radius:10px}
.scroll{overflow-x:auto;border-radius:10px}
:focus-visible{outline:3px solid var(--odd);outline-offset:2px}
table{border-collapse:collapse;width:100%%}
th,td{text-align:left;vertical-align:top;padding:10px 16px;border-top:1px solid var(--grid)}
thead th{border-top:0;color:var(--quiet);font-size:13px;font-weight:600}
tbody th{font-weight:600}.word{white-space:nowrap;font-weight:600}
td.number,th.number{text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums}
.hops table{table-layout:fixed}.hops th:nth-child(1){width:140px}.hops th:nth-child(2){width:27%%}
code,pre,.evidence{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;font-size:13px}
.evidence{margin:0;padding:0;list-style:none;color:var(--quiet);overflow-wrap:anywhere}
.cause{margin:8px 0 0}.remedy{margin:8px 0 0;padding:10px 12px;background:var(--box);border:1px solid var(--frame);
border-radius:6px;white-space:pre-wrap;overflow-wrap:anywhere;user-select:all}
.follows{margin:8px 0 0;color:var(--quiet)}
.stages{display:flex;margin:0;padding:18px 20px 8px;list-style:none}
.stages li{flex:1;position:relative;padding-top:22px}
.stages li::before{content:"";position:absolute;top:7px;left:0;right:0;height:2px;background:var(--line)}
.stages li::after{content:"";position:absolute;top:2px;left:0;width:12px;height:12px;border-radius:6px;
background:var(--line)}
.stages li:last-child::before{display:none}
.stages .never::after{background:var(--panel);border:2px solid var(--bad)}
.stages .unreached::before{background:none;border-top:2px dashed var(--rim)}
.stages b{display:block}
.request p{padding:0 20px;overflow-wrap:anywhere}.request p:last-child{padding-bottom:12px}
.pair{display:grid;gap:16px}.pair.beside{grid-template-columns:repeat(auto-fit,minmax(min(100%%,420px),1fr))}
figure{margin:0;min-width:0}figure svg{display:block;margin:0 auto}
figcaption{margin:8px auto 0;max-width:80ch;color:var(--quiet);font-size:13px;text-align:center}
details{margin:12px 0 0;background:var(--panel);border:1px solid var(--frame);border-radius:10px}
summary{padding:12px 16px;cursor:pointer;overflow-wrap:anywhere}summary b{margin-right:10px}
details>figure,details>.scroll{margin:0 16px 16px}
footer{margin-top:36px;color:var(--quiet);font-size:13px}
@media(max-width:640px){
main{padding:16px 12px 32px}header{padding:16px}h1{font-size:24px}
.hops thead{display:none}.hops tr{display:block;border-top:1px solid var(--grid);padding:10px 14px}
.hops tbody tr:first-child{border-top:0}.hops td,.hops th{display:block;border:0;padding:2px 0;width:auto!important}
.stages{flex-direction:column;gap:10px}.stages li{padding:0 0 0 24px}
.stages li::before{top:8px;bottom:-14px;left:5px;right:auto;width:2px;height:auto}
.stages .unreached::before{border-top:0;border-left:2px dashed var(--rim)}
}
@media print{
body{background:none;font-size:12px}main{max-width:none;padding:0}
.scroll{overflow:visible}figure svg{max-width:100%%;height:auto}
.pair.beside{grid-template-columns:1fr 1fr}
tr,figure,.request,header{break-inside:avoid}h2{break-after:avoid}
}
"""


def page(report: Report) -> str:
    """Return the report as HTML."""
    style = palette(":root") + RULES + _RULES % (FONTS, _COLUMN + 48)
    return html(
        element(
            "html",
            element(
                "head",
                element("meta", charset="utf-8"),
                element("meta", http_equiv="Content-Security-Policy", content=_policy(style)),
                element("meta", name="viewport", content="width=device-width,initial-scale=1"),
                element("meta", name="color-scheme", content="light dark"),
                element("title", f"{report.headline}: stack {report.stack}"),
                element("style", style),
            ),
            element("body", element("main", *_sections(report))),
            lang="en",
        )
    )


def _policy(style: str) -> str:
    """Return the policy that lets the page have this style, and neither scripts nor anything from elsewhere."""
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"


def _sections(report: Report) -> Iterator[Element]:
    yield element(
        "header",
        element("h1", report.headline),
        element("p", report.reason),
        element("p", f"Stack {report.stack}, context {report.context}, {report.moment}", class_="quiet"),
        class_=report.verdict.replace(" ", "-") + (" warned" if report.warnings else ""),
    )
    yield from _section("Hop by hop", _hops(report))
    if report.request:
        yield from _section("The request that was followed", _request(report.request))
    split = Split(report.comparison)
    if split.is_large:
        yield from _section("The service graph", _figure(graph.overview(split, room=_COLUMN)))
        yield from _section("Namespace by namespace", *map(_namespace, split.namespaces.values()))
    else:
        yield from _section("The service graph", *_graphs(report.comparison))
        if report.comparison.edges:
            yield from _section("Calls", _calls(report.comparison, "Calls"))
    if report.trace:
        yield from _section("The trace", _figure(waterfall(report.trace)))
    yield element(
        "footer", f"Made by python -m verify. Rates, errors and p95 are of the last {WINDOW_SECONDS // 60} minutes."
    )


def _section(title: str, *parts: Element) -> tuple[Element, ...]:
    return (element("h2", title), *parts)


def _hops(report: Report) -> Element:
    rows = (
        element(
            "tr",
            element("td", element("span", f"{MARKS[finding.status]} {finding.status.value}", class_="word")),
            element("th", report.title(finding.hop), scope="row"),
            element("td", *_found(finding, report)),
            class_=finding.status.name.lower(),
        )
        for finding in report.findings
    )
    return element("div", _table(("Status", "Hop", "What was found"), rows), class_="card hops")


def _found(finding: Finding, report: Report) -> Iterator[Element]:
    yield element("ul", *(element("li", line) for line in finding.evidence), class_="evidence")
    if finding.cause:
        yield element("p", element("b", "Cause: "), finding.cause, class_="cause")
    if finding.remedy:
        yield element("pre", finding.remedy, class_="remedy")
    if finding.follows_from:
        yield element("p", f"follows from: {report.title(finding.follows_from)}", class_="follows")


def _request(request: Request) -> Element:
    stages: list[tuple[str, float | None]] = [("sent", 0.0), *request.stages]
    points = []
    for number, (stage, seconds) in enumerate(stages):
        later = stages[number + 1 :][:1]
        said = "not seen" if seconds is None else f"after {duration(seconds)}" if number else "at " + _clock(request)
        kinds = ["never"] * (seconds is None) + ["unreached"] * any(following is None for _, following in later)
        text = element("span", said, class_="bad" if seconds is None else "quiet")
        points.append(element("li", element("b", stage), text, class_=" ".join(kinds)))
    notes = [element("p", request.note, class_="quiet")] if request.note else []
    name = element("p", element("code", request.name))
    return element("div", element("ol", *points, class_="stages"), name, *notes, class_="card request")


def _clock(request: Request) -> str:
    return request.sent_at.strftime("%H:%M:%S")


def _graphs(comparison: Comparison) -> Iterator[Element]:
    pictures = [graph.found(comparison, "Found", "down", _COLUMN)]
    if comparison.expected:
        pictures.append(graph.expected(comparison, "Expected", "down", _COLUMN))
    narrow = all(float(picture.get("width", "0")) <= _MAX_WIDTH_BESIDE for picture in pictures)
    yield element("div", *map(_figure, pictures), class_="pair beside" if narrow else "pair")


def _namespace(namespace: Namespace) -> Element:
    comparison = namespace.comparison
    missing, further = len(comparison.missing), len(comparison.further)
    said = f"{len(namespace.services)} services, {len(comparison.edges)} calls"
    troubles = [f"✗ {missing} missing"] * bool(missing) + [f"? {further} not expected"] * bool(further)
    return element(
        "details",
        element(
            "summary",
            element("b", namespace.name),
            element("span", said, class_="quiet"),
            *(element("span", f", {text}", class_="bad" if "missing" in text else "odd") for text in troubles),
        ),
        _figure(graph.inside(namespace, _INNER_COLUMN)),
        _calls(comparison, f"Calls of {namespace.name}"),
    )


def _figure(picture: Element) -> Element:
    """Return a picture with its description as the caption."""
    title, said = picture.findtext("title", ""), picture.findtext("desc", "")
    return element("figure", _scrolling(picture, title), element("figcaption", said))


def _scrolling(wide: Element, name: str, class_: str = "scroll") -> Element:
    """Return something wide in a region that a person without a mouse can scroll too."""
    return element("div", wide, class_=class_, tabindex="0", role="region", aria_label=f"{name}, can be scrolled")


def _calls(comparison: Comparison, name: str) -> Element:
    rows = []
    for edge in comparison.edges:
        calls = comparison.found.get(edge)
        numbers = ("", "", "", "")
        if calls:
            p95 = "unknown" if calls.p95_seconds is None else duration(calls.p95_seconds)
            numbers = (rate(calls.per_second), share(calls.failed_share), p95, str(calls.requests))
        kind = "bad" if edge in comparison.missing else "quiet" if edge in comparison.further else "good"
        word = {"bad": "✗ missing", "quiet": "? not expected", "good": "✓ found"}[kind]
        rows.append(
            element(
                "tr",
                element("td", element("span", word, class_=f"word {kind}")),
                element("td", edge.client),
                element("td", edge.server),
                *(
                    element(
                        "td", number, class_="number bad" if column == 1 and calls and calls.failed_share else "number"
                    )
                    for column, number in enumerate(numbers)
                ),
            )
        )
    headings = ("Status", "From", "To", "Rate", "Errors", "p95", "Requests")
    return _scrolling(_table(headings, rows, numbers=4), name, "card scroll")


def _table(headings: Sequence[str], rows: Iterable[Element], numbers: int = 0) -> Element:
    """Return a table whose last ``numbers`` columns are numbers."""
    first = len(headings) - numbers
    heads = (
        element("th", heading, scope="col", class_="number" if column >= first else "")
        for column, heading in enumerate(headings)
    )
    return element("table", element("thead", element("tr", *heads)), element("tbody", *rows))
