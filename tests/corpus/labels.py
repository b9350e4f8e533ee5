"""What is in labels.yaml: which public files there are, and what is wrong with each."""

import datetime
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import yaml

LABELS = Path(__file__).with_name("labels.yaml")

# The code of a file that is not YAML: lint says so instead of checking it.
UNREADABLE = "unreadable"


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong: ``codes`` are the checks that are about it, ``objects`` where it may be reported."""

    fault: str
    severity: Literal["error", "warning"]
    reason: str
    objects: tuple[str, ...] = ()
    field: str = ""
    codes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Label:
    """One file at one commit; ``together`` are the files of the repository that are checked with it."""

    repository: str
    commit: str
    path: str
    subject: str
    faults: tuple[Fault, ...] = ()
    together: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.repository} {self.path}"

    @property
    def paths(self) -> tuple[str, ...]:
        return (self.path, *self.together)

    def folder(self, root: Path) -> Path:
        """Return where its repository's files at its commit lie below ``root``."""
        return root / self.repository.replace("/", "+") / self.commit


@dataclass(frozen=True)
class Labels:
    """All labels, and the day for which they are right: images and releases end."""

    day: datetime.date
    files: tuple[Label, ...]


def read(path: Path = LABELS) -> Labels:
    content = yaml.safe_load(path.read_text())
    return Labels(content["day"], tuple(_label(entry) for entry in content["files"]))


def _label(entry: Mapping[str, Any]) -> Label:
    faults = tuple(_fault(fault) for fault in entry.get("faults", ()))
    if (entry["verdict"] == "right") == bool(faults):
        raise ValueError(f"{entry['repository']} {entry['path']}: a file is wrong if it has faults, and else right")
    return Label(
        repository=entry["repository"],
        commit=entry["commit"],
        path=entry["path"],
        subject=entry["subject"],
        faults=faults,
        together=tuple(entry.get("with", ())),
    )


def _fault(entry: Mapping[str, Any]) -> Fault:
    return Fault(
        fault=entry["fault"],
        severity=entry["severity"],
        reason=entry["reason"],
        objects=tuple(entry.get("objects", ())),
        field=entry.get("field", ""),
        codes=tuple(entry.get("codes", ())),
    )
