"""The graph, a trace and the whole report as SVG and HTML that need nothing from anywhere else."""

from pathlib import Path

from verify.pictures import graph, page
from verify.pictures.markup import xml
from verify.report import Report


def write(report: Report, folder: Path) -> None:
    """Write ``report.html`` and ``graph.svg`` to ``folder``, which is made if it is not there."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "report.html").write_text(page.page(report), encoding="utf-8")
    (folder / "graph.svg").write_text(xml(graph.found(report.comparison)), encoding="utf-8")
