"""All that one run of ``verify`` found: what its drawings, its page and its JSON are made of."""

import datetime
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from verify.findings import Finding, Status
from verify.service_graph import Comparison, Edge, Graph
from verify.trace import Trace

Verdict = Literal["works", "broken", "cannot tell"]


@dataclass(frozen=True)
class Request:
    """The request that was followed; seconds are since it was sent, None for what did not come about.

    ``stored``: Tempo returns the trace by its id. ``searchable``: a search finds it. ``graphed``: the graph counts it.
    """

    trace_id: str
    address: str
    sent_at: datetime.datetime
    stored_seconds: float | None
    searchable_seconds: float | None
    graphed_seconds: float | None
    note: str

    @property
    def stages(self) -> tuple[tuple[str, float | None], ...]:
        """What happened to it, in words, and when."""
        return (
            ("sent", 0.0),
            ("stored", self.stored_seconds),
            ("searchable", self.searchable_seconds),
            ("in the graph", self.graphed_seconds),
        )


@dataclass(frozen=True)
class Report:
    """``titles`` has a hop's name for people; ``context`` is the kubeconfig's."""

    stack: str
    context: str
    at: datetime.datetime
    findings: tuple[Finding, ...]
    titles: Mapping[str, str]
    request: Request | None
    graph: Graph
    expected: frozenset[Edge]
    trace: Trace | None

    @property
    def verdict(self) -> Verdict:
        found = {finding.status for finding in self.findings}
        if Status.BROKEN in found:
            return "broken"
        return "cannot tell" if Status.UNKNOWN in found else "works"

    @property
    def comparison(self) -> Comparison:
        return Comparison(self.graph, self.expected)

    def title(self, hop: str) -> str:
        return self.titles.get(hop, hop)

    def to_json(self) -> dict[str, Any]:
        """Return the report in JSON's types; keys are only ever added."""
        comparison = self.comparison
        return {
            "stack": self.stack,
            "context": self.context,
            "at": self.at.isoformat(),
            "verdict": self.verdict,
            "hops": [
                {
                    "hop": finding.hop,
                    "title": self.title(finding.hop),
                    "status": finding.status.value,
                    "evidence": list(finding.evidence),
                    "cause": finding.cause,
                    "remedy": finding.remedy,
                    "because": finding.because.value if finding.status is Status.BROKEN else None,
                    "follows_from": finding.follows_from,
                }
                for finding in self.findings
            ],
            "request": asdict(self.request) | {"sent_at": self.request.sent_at.isoformat()} if self.request else None,
            "graph": [
                asdict(edge) | asdict(self.graph[edge]) | {"expected": edge not in comparison.further}
                for edge in sorted(self.graph)
            ],
            "missing": [asdict(edge) for edge in sorted(comparison.missing)],
        }
