"""The finding for each hop on a span's path, and which broken hop explains the trouble of another one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from verify.causes import Code
from verify.redaction import redacted


class Status(StrEnum):
    """``WARNING``: spans get through, and something wants attention. ``ABSENT``: the stack has no such part."""

    OK = "ok"
    WARNING = "warning"
    BROKEN = "broken"
    UNKNOWN = "cannot tell"
    ABSENT = "absent"


class Because(StrEnum):
    """Why a hop is broken, as far as the hop alone can tell.

    ``FAULT``: something is wrong with the hop itself. ``STARVED``: it works, but receives nothing. ``BLOCKED``: the
    next hop does not accept what it sends. ``STALLED``: nothing gets through, because of what is before it or after it.
    """

    FAULT = "fault"
    STARVED = "starved"
    BLOCKED = "blocked"
    STALLED = "stalled"


@dataclass(frozen=True)
class Finding:
    """One hop's verdict.

    ``code`` says for programs what ``cause`` says for people; None if nothing is wrong.
    ``evidence`` are single lines: a metric, a log line, a field of an object; secrets in them are hidden.
    ``remedy`` is one command for a shell, or empty. ``follows_from`` names the hop whose fault explains this one's
    trouble; such a finding has no remedy.
    """

    hop: str
    status: Status
    code: Code | None = None
    evidence: tuple[str, ...] = ()
    cause: str = ""
    remedy: str = ""
    because: Because = Because.FAULT
    follows_from: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "evidence", tuple(filter(None, map(redacted, self.evidence))))


def ok(hop: str, *evidence: str) -> Finding:
    return Finding(hop, Status.OK, evidence=evidence)


def absent(hop: str, why: str) -> Finding:
    return Finding(hop, Status.ABSENT, evidence=(why,))


def unknown(hop: str, *evidence: str, code: Code, cause: str, remedy: str = "") -> Finding:
    return Finding(hop, Status.UNKNOWN, code, evidence, cause, remedy)


def warning(hop: str, *evidence: str, code: Code, cause: str, remedy: str = "") -> Finding:
    return Finding(hop, Status.WARNING, code, evidence, cause, remedy)


def fault(hop: str, *evidence: str, code: Code, cause: str, remedy: str) -> Finding:
    return Finding(hop, Status.BROKEN, code, evidence, cause, remedy)


def starved(hop: str, *evidence: str, code: Code, cause: str, remedy: str) -> Finding:
    return Finding(hop, Status.BROKEN, code, evidence, cause, remedy, Because.STARVED)


def blocked(hop: str, *evidence: str, code: Code, cause: str, remedy: str) -> Finding:
    return Finding(hop, Status.BROKEN, code, evidence, cause, remedy, Because.BLOCKED)


def stalled(hop: str, *evidence: str, code: Code, cause: str, remedy: str) -> Finding:
    return Finding(hop, Status.BROKEN, code, evidence, cause, remedy, Because.STALLED)


# The hops that a span passes, the last one first.
_SPAN_PATH = ("generator", "tempo", "collector", "proxies", "provider", "sidecars", "control-plane")
# By it each of them finds the next one.
_NAMES = "dns"
# What brings spans, samples or sidecars to a hop, the nearest first. Not the nearest alone: it may seem to work for a
# while longer, as it still processes what it has queued.
_UPSTREAM: Mapping[str, Sequence[str]] = {
    # An application that forgets the trace context of a request keeps its trace id out of the graph.
    "graph": ("prometheus", *_SPAN_PATH, _NAMES, "propagation"),
    "propagation": (*_SPAN_PATH[1:], _NAMES),
    "kiali": (*_SPAN_PATH[1:], _NAMES),
    **{hop: (*_SPAN_PATH[number:], _NAMES) for number, hop in enumerate(_SPAN_PATH, start=1)},
}
# What takes what a hop sends.
_DOWNSTREAM: Mapping[str, Sequence[str]] = {
    "proxies": ("collector", _NAMES),
    "collector": ("tempo", _NAMES),
    "tempo": ("object-store", _NAMES),
    "generator": ("prometheus", _NAMES),
}


_RESTARTED = {Code.RESTARTED, Code.PROXY_RESTARTED}


def attribute(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """The findings; a consequence of another hop's fault names that hop and has no remedy."""
    by_hop = {finding.hop: finding for finding in findings}
    attributed = []
    for finding in findings:
        root = _root(finding, by_hop)
        restarted = _restarted(finding, by_hop)
        if root not in {None, finding.hop}:
            attributed.append(replace(finding, follows_from=root, remedy=""))
        elif restarted is not None:
            attributed.append(replace(finding, status=Status.UNKNOWN, follows_from=restarted, remedy=""))
        else:
            attributed.append(finding)
    return tuple(attributed)


def _restarted(finding: Finding, by_hop: Mapping[str, Finding]) -> str | None:
    """The hop before a starved one whose pods were replaced during the check: what it was to hand on may be lost."""
    if finding.status is not Status.BROKEN or finding.because is not Because.STARVED:
        return None
    before = (by_hop.get(name) for name in _UPSTREAM.get(finding.hop, ()))
    return next((one.hop for one in before if one is not None and one.code in _RESTARTED), None)


def _root(finding: Finding, by_hop: Mapping[str, Finding], *, downstream_only: bool = False) -> str | None:
    """The hop that explains the trouble of ``finding``, or None if it has none, or none that a hop explains.

    Why a hop is blocked is searched further downstream only: what feeds a hop cannot be why the one before it is
    blocked. So no two hops explain each other.
    """
    if finding.status in {Status.OK, Status.WARNING, Status.ABSENT}:
        return None
    if finding.status is Status.BROKEN and finding.because is Because.FAULT:
        return finding.hop
    neighbours: list[str] = []
    if finding.because is not Because.STARVED:
        neighbours += _DOWNSTREAM.get(finding.hop, ())
    if finding.because is not Because.BLOCKED and not downstream_only:
        neighbours += _UPSTREAM.get(finding.hop, ())
    for name in neighbours:
        other, takes = by_hop.get(name), name in _DOWNSTREAM.get(finding.hop, ())
        # A starved downstream hop cannot be why its feeder is in trouble.
        if other is None or (takes and other.because is Because.STARVED):
            continue
        root = _root(other, by_hop, downstream_only=takes)
        if root is not None:
            return root
    return finding.hop if finding.status is Status.BROKEN else None
