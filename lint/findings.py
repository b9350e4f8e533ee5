"""What a check says: a fault, which the registry makes a finding by adding the check's code."""

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """An error breaks a hop of the traces; a warning may, or is unwise."""

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
    """A fault with the code under which the documentation has it."""

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
