"""What is said of each hop of a span's way, and which broken hop is the cause of another's trouble."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum


class Status(StrEnum):
    """``ABSENT``: the stack has no such part."""

    OK = "ok"
    BROKEN = "broken"
    UNKNOWN = "cannot tell"
    ABSENT = "absent"


class Because(StrEnum):
    """Why a hop is broken, as it sees it itself.

    ``FAULT``: something is wrong with the hop itself. ``STARVED``: it works, and nothing reaches it. ``BLOCKED``: what
    it sends on is not taken.
    """

    FAULT = "fault"
    STARVED = "starved"
    BLOCKED = "blocked"


@dataclass(frozen=True)
class Finding:
    """One hop's verdict.

    ``evidence`` are single lines: a metric, a log line, a field of an object. ``remedy`` is one command for a shell,
    or empty. ``follows_from`` names the hop whose fault explains this one's trouble; such a finding has no remedy.
    """

    hop: str
    status: Status
    evidence: tuple[str, ...] = ()
    cause: str = ""
    remedy: str = ""
    because: Because = Because.FAULT
    follows_from: str | None = None


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
