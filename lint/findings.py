"""What a rule reports: a fault, which becomes a finding with the code of the rule."""

from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from lint.objects import Place, dotted, printable
from lint.positions import Position, position_of


class Severity(StrEnum):
    """An error breaks tracing; a warning may break it; advice makes it more robust."""

    ERROR = "error"
    WARNING = "warning"
    ADVICE = "advice"


@dataclass(frozen=True)
class Fault:
    """``why`` is what happens there, ``remedy`` what to do; each is a part of one sentence."""

    severity: Severity
    place: Place
    why: str
    remedy: str


@dataclass(frozen=True)
class Finding:
    """A fault with the code of its rule; its texts are printable."""

    code: str
    severity: Severity
    place: Place
    why: str
    remedy: str

    @cached_property
    def position(self) -> Position | None:
        """The line and the column in the file, where there is one."""
        return position_of(self.place)

    @cached_property
    def field(self) -> str:
        """The field of the object, in words: ``Kind namespace/name: field.path``."""
        path = dotted(self.place.path)
        return printable(f"{self.place.owner.label}: {path}" if path else self.place.owner.label)

    @cached_property
    def where(self) -> str:
        """The place in words: ``file:line:column: Kind namespace/name: field.path``."""
        source = self.place.owner.source
        if source is None:
            return self.field
        at = f":{self.position.line}:{self.position.column}" if self.position else ""
        return f"{printable(source.name)}{at}: {self.field}"

    @property
    def message(self) -> str:
        """What happens, what to do, and where that is explained."""
        return f"{self.why}; {self.remedy} ({self.page})"

    @property
    def page(self) -> str:
        """The page that explains the code, from the project's root."""
        return f"docs/checks/{self.code}.md"

    @cached_property
    def _line(self) -> str:
        return f"{self.severity} {self.code} {self.where}: {self.message}"

    def __str__(self) -> str:
        return self._line


def error(place: Place, why: str, remedy: str) -> Fault:
    return Fault(Severity.ERROR, place, why, remedy)


def warning(place: Place, why: str, remedy: str) -> Fault:
    return Fault(Severity.WARNING, place, why, remedy)


def advice(place: Place, why: str, remedy: str) -> Fault:
    return Fault(Severity.ADVICE, place, why, remedy)
