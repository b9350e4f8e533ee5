"""The graph, a trace and the whole report as self-contained SVG and HTML."""

from pathlib import Path

from verify.pictures import graph, page
from verify.pictures.markup import xml
from verify.report import Report


def write(report: Report, folder: Path) -> None:
    """Write ``report.html`` and ``graph.svg`` to ``folder``, which is created if it does not exist."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "report.html").write_text(page.page(report), encoding="utf-8")
    (folder / "graph.svg").write_text(xml(graph.found(report.comparison)), encoding="utf-8")
