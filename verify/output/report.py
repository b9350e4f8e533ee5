"""The result of one check, from which the text, the pictures, the page and the JSON are made."""

import datetime
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from importlib import resources
from typing import Any, Literal

from verify.causes import Code
from verify.findings import Finding, Status
from verify.redaction import all_printable
from verify.traffic.service_graph import Comparison, Edge, Graph
from verify.traffic.trace import Trace

# Another number when a key of the JSON goes, or changes its meaning.
SCHEMA = "mesh-tracing.verify/1"

Verdict = Literal["works", "broken", "cannot tell"]

HEADLINES: Mapping[Verdict, str] = {
    "works": "✓ Tracing works",
    "broken": "✗ Tracing is broken",
    "cannot tell": "? Cannot tell whether tracing works",
}
MARKS: Mapping[Status, str] = {
    Status.OK: "✓",
    Status.WARNING: "!",
    Status.BROKEN: "✗",
    Status.UNKNOWN: "?",
    Status.ABSENT: "○",
}


@dataclass(frozen=True)
class Request:
    """The request that was followed; seconds count from when it was sent, None for what did not happen.

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
    def name(self) -> str:
        """The trace, if there is one, and the address of the request."""
        return f"trace {self.trace_id} of {self.address}" if self.trace_id else self.address

    @property
    def stages(self) -> tuple[tuple[str, float | None], ...]:
        """The stages that it should reach, each with the seconds that it took."""
        return (
            ("stored", self.stored_seconds),
            ("searchable", self.searchable_seconds),
            ("in the graph", self.graphed_seconds),
        )


@dataclass(frozen=True)
class Report:
    """``titles`` are the titles of the hops, by name; ``context`` is the kubeconfig's.

    Whatever is made of it can be shown: no text in it has control characters.
    """

    stack: str
    context: str
    at: datetime.datetime
    findings: tuple[Finding, ...]
    titles: Mapping[str, str]
    request: Request | None
    graph: Graph
    expected: frozenset[Edge]
    trace: Trace | None

    def __post_init__(self) -> None:
        for field in fields(self):
            object.__setattr__(self, field.name, all_printable(getattr(self, field.name)))

    @property
    def verdict(self) -> Verdict:
        found = {finding.status for finding in self.findings}
        if Status.BROKEN in found:
            return "broken"
        return "cannot tell" if Status.UNKNOWN in found else "works"

    @property
    def comparison(self) -> Comparison:
        return Comparison(self.graph, self.expected)

    @property
    def warnings(self) -> int:
        return sum(finding.status is Status.WARNING for finding in self.findings)

    @property
    def headline(self) -> str:
        if self.verdict != "works" or not self.warnings:
            return HEADLINES[self.verdict]
        return f"{HEADLINES['works']}, with {self.warnings} {'warning' if self.warnings == 1 else 'warnings'}"

    @property
    def reason(self) -> str:
        """What the verdict is based on, in one line."""
        counts = [f"{sum(one.status is status for one in self.findings)} {status.value}" for status in Status]
        causes = [
            self.title(one.hop) for one in self.findings if one.status is Status.BROKEN and one.follows_from is None
        ]
        hops = f"Hops: {', '.join(count for count in counts if not count.startswith('0 ')) or 'none'}."
        return f"Look first at: {'; '.join(causes)}. {hops}" if causes else hops

    @property
    def moment(self) -> str:
        return self.at.strftime("%Y-%m-%d %H:%M:%S %Z").strip()

    def title(self, hop: str) -> str:
        return self.titles.get(hop, hop)

    def to_json(self) -> dict[str, Any]:
        """Return the report as JSON types, as ``schema.json`` describes them.

        Others read it: keys are added, and never renamed or removed.
        """
        comparison = self.comparison
        return {
            "schema": SCHEMA,
            "stack": self.stack,
            "context": self.context,
            "at": self.at.isoformat(),
            "verdict": self.verdict,
            "warnings": self.warnings,
            "hops": [
                {
                    "hop": finding.hop,
                    "title": self.title(finding.hop),
                    "status": finding.status.value,
                    "code": finding.code,
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
            "error": None,
        }


def schema() -> str:
    """Return the JSON Schema of what ``to_json`` and ``failure`` return."""
    return resources.files("verify").joinpath("schema.json").read_text(encoding="utf-8").rstrip()


def failure(stack: str | None, at: datetime.datetime, code: Code, message: str, remedy: str) -> dict[str, Any]:
    """Return what stands for a report that could not be made, with the same keys."""
    return {
        "schema": SCHEMA,
        "stack": stack,
        "context": None,
        "at": at.isoformat(),
        "verdict": "cannot tell",
        "warnings": 0,
        "hops": [],
        "request": None,
        "graph": [],
        "missing": [],
        "error": {"code": code, "message": message, "remedy": remedy},
    }
