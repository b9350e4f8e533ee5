"""What a check reports: a fault, which becomes a finding with the code of the check."""

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """An error breaks tracing; a warning may break it, or is unwise."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True)
class Fault:
    """``where`` is ``Kind namespace/name: field.path``."""

    severity: Severity
    where: str
    why: str
    remedy: str


@dataclass(frozen=True)
class Finding:
    """A fault with the code under which docs/checks.md explains it."""

    code: str
    severity: Severity
    where: str
    why: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.severity} {self.code} {self.where}: {self.why}; {self.remedy}"


def error(where: str, why: str, remedy: str) -> Fault:
    return Fault(Severity.ERROR, where, why, remedy)


def warning(where: str, why: str, remedy: str) -> Fault:
    return Fault(Severity.WARNING, where, why, remedy)
