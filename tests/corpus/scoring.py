"""Compares what lint says of the labelled files with their labels.

What lint says is what ``python -m lint --json`` prints. It is a report for each check and object, with the fields of
which the check speaks: however often it speaks of one object, the person looks there once. A report is right if a fault
is labelled with that code and object, and speaks of the same field: of what the label names, of what is around that, or
of what is in it.
"""

import contextlib
import datetime
import io
import json
import operator
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from lint import reference
from lint.__main__ import main
from tests.corpus.labels import UNREADABLE, Fault, Label, Labels

# A label has fields as a person writes them: several in one line, and words before a path inside of something.
_SEVERAL = re.compile(r",\s+|\s+and\s+")
_KEY = re.compile(r"[^][.\s\"]+")
# A text of a ConfigMap as a whole, around every field that a label names in it.
_DOCUMENT = re.compile(r"(?:data|stringData)(?:\.[\w-]+|\[\"[^\"]*\"\])")


@dataclass(frozen=True)
class Report:
    """What a check says of one object, and of which of its fields."""

    code: str
    object: str
    severity: str
    fields: tuple[str, ...] = ()

    def is_about(self, fault: Fault) -> bool:
        is_there = self.code in fault.codes and (self.object in fault.objects or not fault.objects)
        return is_there and speaks_of(self.fields, fault.field)


def speaks_of(fields: Collection[str], labelled: str) -> bool:
    """Whether one of ``fields`` is what a label names, lies around it or in it; true if one of both names none."""
    named = [_KEY.findall(path.rpartition(" ")[2]) for path in _SEVERAL.split(labelled)]
    paths = [path for path in named if path not in ([], ["?"])]
    return not (paths and fields) or any(_meet(field, path) for field in fields for path in paths)


def _meet(field: str, path: Sequence[str]) -> bool:
    """Whether one begins with the other, from any key of ``field`` on: a label leaves out what is around."""
    if not field or _DOCUMENT.fullmatch(field):
        return True
    keys = _KEY.findall(field)
    return any(all(map(operator.eq, keys[start:], path)) for start in range(len(keys)))


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
    found: dict[tuple[str, str], Report] = {}
    for one in said["findings"]:
        key = (one["code"], _object(one))
        # The severity is that of the first one: errors are printed first.
        before = found.get(key, Report(*key, one["severity"]))
        found[key] = replace(before, fields=(*before.fields, one["field"]))
    unreadable = [Report(UNREADABLE, "", "error")] if said["unreadable"] else []
    return (*found.values(), *unreadable)


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
