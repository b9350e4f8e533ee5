"""What is said of each hop of a span's way, and which broken hop is the cause of another's trouble."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from verify.redaction import redacted


class Status(StrEnum):
    """``ABSENT``: the stack has no such part."""

    OK = "ok"
    BROKEN = "broken"
    UNKNOWN = "cannot tell"
    ABSENT = "absent"


class Because(StrEnum):
    """Why a hop is broken, as it sees it itself.

    ``FAULT``: something is wrong with the hop itself. ``STARVED``: it works, and nothing reaches it. ``BLOCKED``: what
    it sends on is not taken. ``STALLED``: nothing goes through, and it cannot tell on which side that begins.
    """

    FAULT = "fault"
    STARVED = "starved"
    BLOCKED = "blocked"
    STALLED = "stalled"


@dataclass(frozen=True)
class Finding:
    """One hop's verdict.

    ``evidence`` are single lines: a metric, a log line, a field of an object; what is secret in them is left out.
    ``remedy`` is one command for a shell, or empty. ``follows_from`` names the hop whose fault explains this one's
    trouble; such a finding has no remedy.
    """

    hop: str
    status: Status
    evidence: tuple[str, ...] = ()
    cause: str = ""
    remedy: str = ""
    because: Because = Because.FAULT
    follows_from: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "evidence", tuple(filter(None, map(redacted, self.evidence))))


def ok(hop: str, *evidence: str) -> Finding:
    return Finding(hop, Status.OK, evidence)


def absent(hop: str, why: str) -> Finding:
    return Finding(hop, Status.ABSENT, (why,))


def unknown(hop: str, *evidence: str, cause: str, remedy: str = "") -> Finding:
    return Finding(hop, Status.UNKNOWN, evidence, cause, remedy)


def fault(hop: str, *evidence: str, cause: str, remedy: str) -> Finding:
    return Finding(hop, Status.BROKEN, evidence, cause, remedy)


def starved(hop: str, *evidence: str, cause: str, remedy: str) -> Finding:
    return Finding(hop, Status.BROKEN, evidence, cause, remedy, Because.STARVED)


def blocked(hop: str, *evidence: str, cause: str, remedy: str) -> Finding:
    return Finding(hop, Status.BROKEN, evidence, cause, remedy, Because.BLOCKED)


def stalled(hop: str, *evidence: str, cause: str, remedy: str) -> Finding:
    return Finding(hop, Status.BROKEN, evidence, cause, remedy, Because.STALLED)


# The way of the spans, from its end to its beginning.
_WAY = ("generator", "tempo", "collector", "proxies", "provider", "sidecars", "control-plane")
# What brings spans, samples or sidecars to a hop, the nearest first. The nearer ones may look well for a while: they
# still work off what came before.
_FED_BY: Mapping[str, Sequence[str]] = {
    "graph": ("prometheus", *_WAY),
    "kiali": _WAY[1:],
    **{hop: _WAY[number:] for number, hop in enumerate(_WAY, start=1)},
}
# What takes from a hop.
_TAKEN_BY: Mapping[str, Sequence[str]] = {
    "proxies": ("collector",),
    "collector": ("tempo",),
    "tempo": ("object-store",),
    "generator": ("prometheus",),
}


def attribute(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """The findings with their causes sorted out: one that follows from another's fault names it and has no remedy."""
    by_hop = {finding.hop: finding for finding in findings}
    attributed = []
    for finding in findings:
        root = _root(finding, by_hop)
        is_own = root in {None, finding.hop}
        attributed.append(finding if is_own else replace(finding, follows_from=root, remedy=""))
    return tuple(attributed)


def _root(finding: Finding, by_hop: Mapping[str, Finding], *, for_a_blocked_one: bool = False) -> str | None:
    """The hop that explains ``finding``'s trouble, or None when it is in no trouble that another one can explain.

    What feeds a hop does not explain why one before it is blocked; so no two hops explain each other.
    """
    if finding.status in {Status.OK, Status.ABSENT}:
        return None
    if finding.status is Status.BROKEN and finding.because is Because.FAULT:
        return finding.hop
    neighbours: list[str] = []
    if finding.because is not Because.STARVED:
        neighbours += _TAKEN_BY.get(finding.hop, ())
    if finding.because is not Because.BLOCKED and not for_a_blocked_one:
        neighbours += _FED_BY.get(finding.hop, ())
    for name in neighbours:
        other, takes = by_hop.get(name), name in _TAKEN_BY.get(finding.hop, ())
        # One that is starved itself explains nothing to the one that feeds it.
        if other is None or (takes and other.because is Because.STARVED):
            continue
        root = _root(other, by_hop, for_a_blocked_one=takes)
        if root is not None:
            return root
    return finding.hop if finding.status is Status.BROKEN else None
