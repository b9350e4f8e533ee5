"""All rules, and the loop that runs them."""

import importlib
import pkgutil
from collections.abc import Collection, Iterable, Iterator, Sequence

import lint.rules
from lint.facts import Facts
from lint.findings import Finding, Severity
from lint.objects import Manifests, printable
from lint.rule import Rule
from lint.templates import is_unknown

_RANK = {severity: rank for rank, severity in enumerate(Severity)}


def _every_rule() -> Iterator[Rule]:
    """The rules of each module, in the order in which they are written there."""
    for module in pkgutil.iter_modules(lint.rules.__path__):
        for value in vars(importlib.import_module(f"lint.rules.{module.name}")).values():
            if isinstance(value, Rule):
                yield value


RULES: tuple[Rule, ...] = tuple(sorted(_every_rule(), key=lambda rule: rule.number))


def chosen_codes(select: Iterable[str] | None, ignore: Iterable[str] | None) -> frozenset[str]:
    """The codes of ``select``, or every one, without those of ``ignore``."""
    every = (rule.code for rule in RULES)
    return frozenset(select or every) - frozenset(ignore or ())


def rules_of(codes: Collection[str]) -> list[Rule]:
    return [rule for rule in RULES if rule.code in codes]


def examine(manifests: Manifests, facts: Facts, rules: Sequence[Rule] = RULES) -> list[Finding]:
    """Return what ``rules`` find among ``manifests``, each finding once: errors first, then by code and place."""
    found = (
        Finding(rule.code, fault.severity, fault.place, printable(fault.why), printable(fault.remedy))
        for rule in rules
        for fault in rule.find(manifests, facts)
        if rule.reads_variables or not _is_unknown(fault.place.value())
    )
    return in_order(found)


def in_order(findings: Iterable[Finding]) -> list[Finding]:
    """Return the findings without those that are there twice: errors first, then by code and place."""
    # Those of one object together: what is parsed to look up a place in it is kept for the next one.
    together = sorted(findings, key=lambda finding: id(finding.place.owner))
    return sorted({str(finding): finding for finding in together}.values(), key=_order)


def _is_unknown(value: object) -> bool:
    return isinstance(value, str) and is_unknown(value)


def _order(finding: Finding) -> tuple[int, int, str]:
    return _RANK[finding.severity], int(finding.code.removeprefix("N")), str(finding)
