"""The graph, a trace and the whole report as self-contained SVG and HTML."""

from pathlib import Path

from verify.output.report import Report
from verify.pictures import graph, page
from verify.pictures.drawing import standalone
from verify.pictures.markup import xml
from verify.pictures.namespaces import Split


def write(report: Report, folder: Path) -> None:
    """Write ``report.html`` and ``graph.svg`` to ``folder``, which is created if it does not exist."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "report.html").write_text(page.page(report), encoding="utf-8")
    split = Split(report.comparison)
    drawn = graph.overview(split) if split.is_large else graph.found(report.comparison)
    (folder / "graph.svg").write_text(xml(standalone(drawn)), encoding="utf-8")
