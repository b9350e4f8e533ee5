"""For a person in a terminal."""

import re

from lint.findings import Finding, Severity
from lint.objects import printable
from lint.output.result import Result

_WIDTH = 80
_INDENT = "    "
_COLOURS = {Severity.ERROR: "\033[31m", Severity.WARNING: "\033[33m", Severity.ADVICE: "\033[36m"}
_PLAIN = "\033[0m"
_KINDS_SHOWN = 6


def _line_of(width: int) -> re.Pattern[str]:
    """As many words as fit, or one that does not."""
    return re.compile(rf"(.{{0,{width - 1}}}\S|\S+)(?: +|\Z)")


_FIRST_LINE, _FURTHER_LINE = _line_of(_WIDTH), _line_of(_WIDTH - len(_INDENT))


def written(result: Result, *, in_colour: bool = False) -> str:
    paragraphs = [_paragraph(finding, in_colour) + "\n" for finding in result.findings]
    notes = [f"not read: {line}" for line in result.left_out]
    return "\n".join([*paragraphs, *notes, _summary(result)]) + "\n"


def _paragraph(finding: Finding, in_colour: bool) -> str:
    filled = _filled(str(finding))
    if not in_colour:
        return filled
    word = str(finding.severity)
    return f"{_COLOURS[finding.severity]}{word}{_PLAIN}{filled.removeprefix(word)}"


def _filled(text: str) -> str:
    """Break a text into lines. ``textwrap`` does the same and takes several times as long."""
    first = _FIRST_LINE.match(text)
    return f"\n{_INDENT}".join([first[1], *_FURTHER_LINE.findall(text, first.end())]) if first else text


def _summary(result: Result) -> str:
    counts = [_count(result.count(Severity.ERROR), "error"), _count(result.count(Severity.WARNING), "warning")]
    if advice := result.count(Severity.ADVICE):
        counts.append(f"{advice} advice")
    if result.suppressed:
        counts.append(f"{len(result.suppressed)} accepted")
    parts = f"{_count(result.objects, 'object')} of {_count(result.sources, 'file')}"
    if result.deployments > 1:
        parts += f" ({result.deployments} deployments)"
    return f"{', '.join(counts)} in {parts}, {result.read} read by a check{_unread(result)}"


def _unread(result: Result) -> str:
    kinds = result.unread_kinds.most_common()
    if not kinds:
        return ""
    shown = ", ".join(f"{number} {printable(kind)}" for kind, number in kinds[:_KINDS_SHOWN])
    rest = sum(number for _, number in kinds[_KINDS_SHOWN:])
    return f"; not read: {shown}{f' and {rest} of other kinds' if rest else ''}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
