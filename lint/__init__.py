"""Checks Kubernetes objects for mistakes that break tracing and that no API server reports.

It reads plain dictionaries and nothing else: no cluster, no network, no Pulumi. ``python -m lint`` checks files.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from lint.facts import Facts
from lint.findings import Finding, Severity
from lint.objects import Manifests, Object
from lint.registry import RULES, examine
from lint.rule import Rule

__all__ = ["RULES", "Facts", "Finding", "Rule", "Severity", "check"]

_NOTHING_KNOWN = Facts()


def check(
    objects: Sequence[Mapping[str, Any]], facts: Facts = _NOTHING_KNOWN, *, rules: Sequence[Rule] = RULES
) -> list[Finding]:
    """Return the findings of ``rules`` in ``objects``, errors first, each once."""
    return examine(Manifests(tuple(Object(raw) for raw in objects)), facts, rules)
