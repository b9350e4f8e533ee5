"""Writes what every check looks for, from the checks themselves: ``python -m lint.reference docs``."""

import argparse
import dataclasses
import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path

from lint import suppression
from lint.facts import Facts
from lint.registry import RULES
from lint.rule import Rule

_WIDTH = 80
_HEAD = """# Checks

What `python -m lint` and `pulumi preview` look for. Written from the checks by `python -m mesh_tracing checks docs`; do
not edit. Each code has a page: what, why, an example, the remedy and where the facts were read.
`python -m lint --explain N1` prints it.

An error breaks tracing. A warning may break it, or is unwise. Advice makes it more robust, and is shown with
`--severity advice`.

Some checks apply only if something is known about the cluster, such as its platform; their examples say what.
`python -m lint` is told by its options, such as `--platform openshift`; the program knows it from its settings.

| code | level | fault |
| --- | --- | --- |
"""
_OF_ANNOTATIONS = f"""# {suppression.CODE}

## An annotation that accepts findings is wrong

Level: warning. Somebody who has looked at a finding and accepts it writes its code and the reason on the object. An
entry without a code or a reason, and one that accepts nothing any more, are reported, so that none outlives its reason.

Remedy: Write the code, a colon and the reason; take out what is not needed any more.

Example:

```yaml
metadata:
  annotations:
    {suppression.ANNOTATION}: "N3: the Service is made by another repository"
```
"""


def pages() -> Mapping[str, str]:
    """Every page by its path below the folder of the documentation, as Markdown."""
    rows = "".join(f"| [{rule.code}](checks/{rule.code}.md) | {rule.level} | {rule.title} |\n" for rule in RULES)
    own = suppression.CODE
    accepting = f"| [{own}](checks/{own}.md) | warning | An annotation that accepts findings is wrong |\n"
    return {
        "checks.md": _HEAD + rows + accepting,
        f"checks/{suppression.CODE}.md": _OF_ANNOTATIONS,
        **{f"checks/{code}.md": f"# {code}\n{''.join(map(_section, rules))}" for code, rules in _by_code().items()},
    }


def codes() -> list[str]:
    """Every code once, in order."""
    return list(_by_code())


def overview() -> str:
    """One line for each check, for a terminal."""
    return "".join(f"{rule.code:<4}{rule.level:<18}{rule.title}\n" for rule in RULES)


def explanation(code: str) -> str:
    """What the checks with ``code`` look for, for a terminal; raises ``KeyError`` for an unknown code."""
    return "\n".join(_paragraphs(rule) for rule in _by_code()[code])


def _by_code() -> dict[str, list[Rule]]:
    found: dict[str, list[Rule]] = {}
    for rule in RULES:
        found.setdefault(rule.code, []).append(rule)
    return found


def _section(rule: Rule) -> str:
    return (
        f"\n## {rule.title}\n\nLevel: {rule.level}. {rule.why}\n\nRemedy: {rule.remedy}\n\n"
        f"Example{_condition(rule.facts, '`')}:\n\n```yaml\n{rule.example}```\n\nSource: {rule.source}.\n"
    )


def _paragraphs(rule: Rule) -> str:
    return "\n\n".join(
        (
            _filled(f"{rule.code} {rule.level}: {rule.title}"),
            _filled(rule.why),
            _filled(f"Remedy: {rule.remedy}"),
            f"Example{_condition(rule.facts)}:",
            textwrap.indent(rule.example, "    ") + f"\n{_filled(f'Source: {rule.source}.')}\n",
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


def main() -> None:
    """Write every page, and delete those of codes that are no more."""
    parser = argparse.ArgumentParser(description="Write the pages of all checks.")
    parser.add_argument("folder", type=Path, help="the folder of the documentation")
    folder: Path = parser.parse_args().folder
    written = pages()
    (folder / "checks").mkdir(parents=True, exist_ok=True)
    for name, content in written.items():
        (folder / name).write_text(content, encoding="utf-8")
    for file in (folder / "checks").glob("*.md"):
        if f"checks/{file.name}" not in written:
            file.unlink()


if __name__ == "__main__":
    main()
