"""A rule: the function that looks for one kind of fault, and what a person needs to know about that fault."""

import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from lint.facts import Facts
from lint.findings import Fault, Severity
from lint.objects import Manifests

Find = Callable[[Manifests, Facts], Iterator[Fault]]

_NOTHING_KNOWN = Facts()


@dataclass(frozen=True)
class Rule:
    """``code`` is that of its findings, and may be that of other rules too.

    ``why`` and ``remedy`` are Markdown, one paragraph each; ``levels`` are the severities that a finding may have;
    ``source`` is where the facts were read: a file of a project, or a page. ``example`` is a manifest with this fault
    and no other, found where ``facts`` are known of the cluster. What a rule finds where a variable stands is not known
    to be so, unless the rule ``reads_variables``.
    """

    find: Find
    code: str
    title: str
    levels: tuple[Severity, ...]
    why: str
    remedy: str
    example: str
    source: str
    facts: Facts
    reads_variables: bool

    @property
    def name(self) -> str:
        return self.find.__name__

    @property
    def number(self) -> int:
        return int(self.code.removeprefix("N"))

    @property
    def level(self) -> str:
        return " or ".join(self.levels)


def rule(  # noqa: PLR0913  one parameter for each part of the explanation
    *,
    code: str,
    title: str,
    levels: tuple[Severity, ...],
    why: str,
    remedy: str,
    example: str,
    source: str,
    facts: Facts = _NOTHING_KNOWN,
    reads_variables: bool = False,
) -> Callable[[Find], Rule]:
    """Make a rule of a function; ``example`` may be indented."""

    def explained(find: Find) -> Rule:
        dedented = textwrap.dedent(example).strip("\n") + "\n"
        return Rule(find, code, title, levels, why, remedy, dedented, source, facts, reads_variables)

    return explained
