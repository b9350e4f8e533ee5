"""Compares what lint says of the labelled files with their labels.

What lint says is what ``python -m lint --json`` prints. It is a report for each check and object: however often a check
speaks of one object, the person looks there once. A report is right if a fault is labelled with that code and object.
"""

import contextlib
import datetime
import io
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lint import reference
from lint.__main__ import main
from tests.corpus.labels import UNREADABLE, Fault, Label, Labels


@dataclass(frozen=True)
class Report:
    """What a check says of one object."""

    code: str
    object: str
    severity: str

    def is_about(self, fault: Fault) -> bool:
        return self.code in fault.codes and (self.object in fault.objects or not fault.objects)


@dataclass(frozen=True)
class Verdict:
    """One file's label, and what lint says of it."""

    label: Label
    reports: tuple[Report, ...]

    @property
    def false_alarms(self) -> list[Report]:
        return [report for report in self.reports if not self.faults_of(report)]

    def faults_of(self, report: Report) -> list[Fault]:
        return [fault for fault in self.label.faults if report.is_about(fault)]

    def reports_of(self, fault: Fault) -> list[Report]:
        return [report for report in self.reports if report.is_about(fault)]


@dataclass(frozen=True)
class Count:
    """How many reports are right, and how many faults are found; of nothing, everything is right."""

    reports: int
    right: int
    faults: int
    found: int

    @property
    def precision(self) -> float:
        return self.right / self.reports if self.reports else 1.0

    @property
    def recall(self) -> float:
        return self.found / self.faults if self.faults else 1.0


def judge(labels: Labels, root: Path) -> list[Verdict]:
    """Run lint on every labelled file that is there with the files that belong to it."""
    files = {label: [label.folder(root) / path for path in label.paths] for label in labels.files}
    return [
        Verdict(label, look(names, labels.day))
        for label, names in files.items()
        if all(name.is_file() for name in names)
    ]


def look(files: Sequence[Path], day: datetime.date) -> tuple[Report, ...]:
    """Return the reports of lint on files that are checked together."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(io.StringIO()):
        main([*map(str, files), "--json", "--allow-empty", "--as-of", day.isoformat()])
    said = json.loads(printed.getvalue())
    reports = [Report(one["code"], _object(one), one["severity"]) for one in said["findings"]]
    if said["unreadable"]:
        reports.append(Report(UNREADABLE, "", "error"))
    # Of the same code and object, the first one stays: errors are printed first.
    return tuple({(report.code, report.object): report for report in reversed(reports)}.values())


def known_codes() -> frozenset[str]:
    return frozenset({*reference.codes(), UNREADABLE})


def is_known(fault: Fault, codes: Collection[str]) -> bool:
    """Say whether lint has a check for this kind of fault."""
    return any(code in codes for code in fault.codes)


def count(verdicts: Sequence[Verdict], codes: Collection[str] | None = None) -> Count:
    """Count all reports and faults, or those with one of ``codes``."""
    reports = [(one, report) for one in verdicts for report in one.reports if codes is None or report.code in codes]
    faults = [(one, fault) for one in verdicts for fault in one.label.faults if codes is None or is_known(fault, codes)]
    return Count(
        reports=len(reports),
        right=sum(bool(one.faults_of(report)) for one, report in reports),
        faults=len(faults),
        found=sum(bool(one.reports_of(fault)) for one, fault in faults),
    )


def _object(finding: Mapping[str, Any]) -> str:
    """Return ``Kind namespace/name``, or ``?`` for a document without a kind."""
    if not finding["kind"]:
        return "?"
    name = finding["name"] or "?"
    return f"{finding['kind']} {finding['namespace']}/{name}" if finding["namespace"] else f"{finding['kind']} {name}"
