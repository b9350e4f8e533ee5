"""What a rule reports: a fault, which becomes a finding with the code of the rule."""

from dataclasses import dataclass
from enum import StrEnum

from lint.objects import Place, printable


class Severity(StrEnum):
    """An error breaks tracing; a warning may break it, or is unwise."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True)
class Fault:
    """``why`` is what happens there, ``remedy`` what to do; each is a part of one sentence."""

    severity: Severity
    place: Place
    why: str
    remedy: str


@dataclass(frozen=True)
class Finding:
    """A fault with the code under which docs/checks.md explains it; its texts are printable."""

    code: str
    severity: Severity
    place: Place
    why: str
    remedy: str

    @property
    def where(self) -> str:
        """The place in words: ``file: Kind namespace/name: field.path``."""
        return printable(str(self.place))

    def __str__(self) -> str:
        return f"{self.severity} {self.code} {self.where}: {self.why}; {self.remedy}"


def error(place: Place, why: str, remedy: str) -> Fault:
    return Fault(Severity.ERROR, place, why, remedy)


def warning(place: Place, why: str, remedy: str) -> Fault:
    return Fault(Severity.WARNING, place, why, remedy)
