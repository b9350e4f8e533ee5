"""Everything that a run has to say."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from lint.findings import Finding, Severity
from lint.objects import Object
from lint.suppression import Suppressed


@dataclass(frozen=True)
class Result:
    """``unread`` are the objects that no rule looks at; ``unreadable`` and ``left_out`` are one line each.

    ``sources`` counts files and what was rendered; ``deployments`` how many of them were told apart.
    """

    findings: Sequence[Finding]
    suppressed: Sequence[Suppressed]
    objects: int
    sources: int
    deployments: int
    unread: Sequence[Object]
    unreadable: Sequence[str]
    left_out: Sequence[str]

    def count(self, severity: Severity) -> int:
        return sum(finding.severity is severity for finding in self.findings)

    @property
    def read(self) -> int:
        return self.objects - len(self.unread)

    @property
    def unread_kinds(self) -> Counter[str]:
        """How many objects of each kind no rule looks at."""
        return Counter(obj.kind or "document" for obj in self.unread)
