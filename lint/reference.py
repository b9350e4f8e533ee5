"""Writes what every check looks for, from the checks themselves: ``python -m lint.reference > docs/checks.md``."""

import dataclasses
import sys
import textwrap
from collections.abc import Iterator

from lint.facts import Facts
from lint.registry import RULES
from lint.rule import Rule

_WIDTH = 80
_HEAD = """# Checks

What `python -m lint` and `pulumi preview` look for. Written from the checks by
`python -m mesh_tracing checks > docs/checks.md`; do not edit.

An error breaks tracing. A warning may break it, or is unwise. `python -m lint --explain N1` prints what is below.

Some checks apply only if something is known about the cluster, such as its platform; their examples say what.
`python -m lint` is told by its options, such as `--platform openshift`; the program knows it from its settings.

| code | level | fault |
| --- | --- | --- |
"""


def page() -> str:
    """The page, as Markdown."""
    rows = (f"| [{check.code}](#{check.code.lower()}) | {check.level} | {check.title} |\n" for check in RULES)
    sections = (f"\n## {code}\n{''.join(map(_section, checks))}" for code, checks in _by_code().items())
    return _HEAD + "".join(rows) + "".join(sections)


def codes() -> list[str]:
    """Every code once, in order."""
    return list(_by_code())


def overview() -> str:
    """One line for each check, for a terminal."""
    return "".join(f"{check.code:<4}{check.level:<18}{check.title}\n" for check in RULES)


def explanation(code: str) -> str:
    """What the checks with ``code`` look for, for a terminal; raises ``KeyError`` for an unknown code."""
    return "\n".join(_paragraphs(check) for check in _by_code()[code])


def _by_code() -> dict[str, list[Rule]]:
    found: dict[str, list[Rule]] = {}
    for check in RULES:
        found.setdefault(check.code, []).append(check)
    return found


def _section(rule: Rule) -> str:
    return (
        f"\n### {rule.title}\n\nLevel: {rule.level}. {rule.why}\n\nRemedy: {rule.remedy}\n\n"
        f"Example{_condition(rule.facts, '`')}:\n\n```yaml\n{rule.example}```\n"
    )


def _paragraphs(rule: Rule) -> str:
    return "\n\n".join(
        (
            _filled(f"{rule.code} {rule.level}: {rule.title}"),
            _filled(rule.why),
            _filled(f"Remedy: {rule.remedy}"),
            f"Example{_condition(rule.facts)}:",
            textwrap.indent(rule.example, "    "),
        )
    )


def _filled(text: str) -> str:
    return textwrap.fill(text, _WIDTH, break_long_words=False, break_on_hyphens=False)


def _condition(facts: Facts, quote: str = "") -> str:
    """What the example's fault depends on."""
    known = list(_known(facts))
    return f", where {' and '.join(f'{quote}{fact}{quote}' for fact in known)}" if known else ""


def _known(facts: Facts) -> Iterator[str]:
    for field in dataclasses.fields(facts):
        value = getattr(facts, field.name)
        if value != field.default:
            yield f"{field.name} = {value}"


if __name__ == "__main__":
    sys.stdout.write(page())
