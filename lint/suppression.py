"""Findings that somebody has looked at and accepts: an annotation of the object names the code, and says why.

As ``lint.mesh-tracing/ignore: "N3: the Service is in another repository"``; between several stands a semicolon or the
end of a line.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from lint.findings import Finding, Severity
from lint.objects import Object, Place, text

ANNOTATION = "lint.mesh-tracing/ignore"
# The code of what is wrong with an annotation itself.
CODE = "N0"
_ENTRY = re.compile(r"\s*(N\d+)\s*:\s*(\S.*?)\s*\Z", re.DOTALL)


@dataclass(frozen=True)
class Suppressed:
    """A finding that is not counted, and the reason that the object gives."""

    finding: Finding
    reason: str


def apply(
    findings: Iterable[Finding], objects: Sequence[Object], chosen: frozenset[str]
) -> tuple[list[Finding], list[Suppressed]]:
    """Part the findings into those that count and those that are accepted.

    An annotation that accepts nothing, or gives no reason, is a finding of its own; codes that are not ``chosen`` were
    not looked for.
    """
    annotated = [(obj, entries) for obj in objects if (entries := list(_entries(obj)))]
    accepted = {(id(obj), code): reason for obj, entries in annotated for code, reason in entries if reason}
    kept, suppressed, used = [], [], set()
    for finding in findings:
        key = (id(finding.place.owner), finding.code)
        if key in accepted:
            used.add(key)
            suppressed.append(Suppressed(finding, accepted[key]))
        else:
            kept.append(finding)
    for obj, entries in annotated:
        unused = chosen.difference(code for code, _ in entries if (id(obj), code) in used)
        kept.extend(_wrong(obj.where("metadata", "annotations", ANNOTATION), entries, unused))
    return kept, suppressed


def _wrong(place: Place, entries: Iterable[tuple[str, str]], unused: frozenset[str]) -> Iterator[Finding]:
    """``unused`` are the codes that were looked for, and that no finding has."""
    for code, reason in entries:
        if not code:
            yield _finding(place, f"{reason!r} is no code with a reason", "write it as `N3: the reason`")
        elif not reason:
            yield _finding(place, f"{code} is ignored without a reason", f"write it as `{code}: the reason`")
        elif code in unused:
            yield _finding(place, f"nothing is wrong here that {code} would report", f"take {code} out")


def _finding(place: Place, why: str, remedy: str) -> Finding:
    return Finding(CODE, Severity.WARNING, place, why, remedy)


def _entries(obj: Object) -> Iterator[tuple[str, str]]:
    """Yield each code with its reason; without a code where there is none to see."""
    written = text(obj.at("metadata", "annotations", ANNOTATION))
    for entry in re.split(r"[;\n]", written) if written else ():
        if not entry.strip():
            continue
        match = _ENTRY.match(entry)
        bare = re.match(r"\s*(N\d+)\s*:?\s*\Z", entry)
        if match:
            yield match[1], match[2]
        elif bare:
            yield bare[1], ""
        else:
            yield "", entry.strip()
