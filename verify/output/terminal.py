"""The report for a terminal: readable without colour, in 80 columns, and with remedies that can be copied."""

import os
from collections.abc import Iterator
from typing import TextIO

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from verify.findings import Finding, Status
from verify.output.report import MARKS, Report, Request
from verify.quantities import duration, rate, share
from verify.traffic.service_graph import Comparison, Edge, branches

_STYLES = {
    Status.OK: "green",
    Status.WARNING: "yellow",
    Status.BROKEN: "bold red",
    Status.UNKNOWN: "bold yellow",
    Status.ABSENT: "dim",
}
_VERDICTS = {"works": "bold green", "broken": "bold red", "cannot tell": "bold yellow"}
_WORD = max(len(status.value) for status in Status)
_INDENT = _WORD + 3
_MAX_TITLE = 44
"""The column of evidence is not moved further right for longer titles."""


def console(file: TextIO | None = None) -> Console:
    """Return a console on ``file``, or on the standard output, that styles nothing if NO_COLOR is set."""
    # Rich itself would only leave out the colours, and keep bold and dim.
    plain = bool(os.environ.get("NO_COLOR"))
    return Console(file=file, color_system=None if plain else "auto", highlight=False, markup=False, emoji=False)


def show(report: Report, to: Console, *, verbose: bool = False) -> None:
    """Print the report; ``verbose`` adds all evidence of the hops that work."""
    to.print(Text(f"Stack {report.stack}, context {report.context}, {report.moment}\n", style="dim"))
    titles = (cell_len(report.title(finding.hop)) for finding in report.findings)
    column = _INDENT + min(max(titles, default=0), _MAX_TITLE) + 2
    for finding in report.findings:
        _hop(finding, report, to, column, verbose=verbose)
    if report.request:
        to.print()
        _request(report.request, to)
    to.print()
    _graph(report.comparison, to)
    to.print()
    _indented(Text.assemble((report.headline, _VERDICTS[report.verdict]), ". ", report.reason), to, 0)


def _hop(finding: Finding, report: Report, to: Console, column: int, *, verbose: bool) -> None:
    mark = f"{MARKS[finding.status]} {finding.status.value:<{_WORD}} "
    line = Text.assemble((mark, _STYLES[finding.status]), report.title(finding.hop))
    if finding.status in {Status.OK, Status.ABSENT} and not verbose:
        short = [said for said in finding.evidence if cell_len(said) <= to.width - max(column, line.cell_len + 2)]
        if short:
            line.pad_right(max(column - line.cell_len, 2))
            line.append(short[0], style="dim")
        to.print(line, no_wrap=True, overflow="ellipsis")
        return
    to.print(line)
    for evidence in finding.evidence:
        _indented(Text(evidence, style="dim"), to)
    if finding.cause:
        _indented(Text(f"cause: {finding.cause}"), to)
    if finding.follows_from:
        _indented(Text(f"follows from: {report.title(finding.follows_from)}"), to)
    if finding.remedy:
        _indented(Text("remedy:"), to)
        # Not wrapped, since an inserted line break would be copied with it.
        to.print(Text(finding.remedy, style="bold"), soft_wrap=True)


def _indented(text: Text, to: Console, indent: int = _INDENT) -> None:
    for line in text.wrap(to, to.width - indent):
        line.rstrip()
        to.print(Text.assemble(" " * indent, line))


def _request(request: Request, to: Console) -> None:
    stages = (
        f"not {stage}" if seconds is None else f"{stage} {duration(seconds)}" for stage, seconds in request.stages
    )
    to.print(Text(f"Request: {' → '.join(['sent', *stages])}"))
    to.print(Text(f"  {request.name}", style="dim"), soft_wrap=True)
    if request.note:
        _indented(Text(request.note, style="dim"), to, 2)


def _graph(comparison: Comparison, to: Console) -> None:
    if not comparison.edges:
        to.print(Text("Service graph: no calls"))
        return
    to.print(Text("Service graph:\n"))
    drawn = [(f"{branch.stem}{branch.service}", branch) for branch in branches(comparison.edges)]
    column = max(len(name) for name, branch in drawn if branch.edge) + 2
    for name, branch in drawn:
        line = Text(name)
        if branch.edge:
            line.pad_right(column - line.cell_len)
            line.append_text(Text("  ").join(_calls(branch.edge, comparison)))
            if branch.again:
                line.append("  (see above)", style="dim")
        to.print(line, soft_wrap=True)
    if comparison.expected:
        found = len(comparison.expected) - len(comparison.missing)
        to.print(Text(f"\n{found} of {len(comparison.expected)} expected calls found"))
    for edge in sorted(comparison.missing):
        to.print(Text(f"✗ missing: {edge.client} → {edge.server}", style="red"), soft_wrap=True)


def _calls(edge: Edge, comparison: Comparison) -> Iterator[Text]:
    if edge in comparison.missing:
        yield Text("✗ missing", style="bold red")
        return
    calls = comparison.found[edge]
    yield Text(f"{rate(calls.per_second):>8}")
    yield Text("" if calls.p95_seconds is None else f"p95 {duration(calls.p95_seconds):>7}", style="dim")
    if calls.failed_share:
        yield Text(f"{share(calls.failed_share)} errors", style="red")
    if edge in comparison.further:
        yield Text("? not expected", style="yellow")
