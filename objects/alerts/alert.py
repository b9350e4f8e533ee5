"""What an alert is: a rule of Prometheus, and what a person has to know who gets it."""

import string
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from objects.alerts.watched import Home, Watched

PAGE = "docs/alerts.md"
# Who is told: somebody who is woken up, or whoever works through tickets.
Severity = Literal["page", "ticket"]


@dataclass(frozen=True, kw_only=True)
class Alert:
    """One alert.

    ``expr`` is PromQL, in which ``$name`` stands for a word of ``Watched.words``. ``summary`` is one line, in templates
    of Prometheus: what, and where. ``lasts`` is how long it has to be true, a word of ``Watched.words`` too.
    """

    name: str
    severity: Severity
    home: Home
    expr: str
    summary: str
    cause: str
    remedy: str
    lasts: str = "0s"
    applies: Callable[[Watched], bool] = lambda _: True


def rule(alert: Alert, watched: Watched) -> dict[str, Any]:
    """The rule of ``alert`` for what is watched."""
    return alerting(alert, filled(alert.expr, watched), watched, lasts=filled(alert.lasts, watched))


def alerting(
    alert: Alert, expr: str, watched: Watched, *, lasts: str = "0s", labels: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """The rule that fires ``alert`` where ``expr`` has been true for so long."""
    return {
        "alert": alert.name,
        "expr": expr,
        **({} if lasts == "0s" else {"for": lasts}),
        "labels": {"severity": alert.severity, **(labels or {})},
        "annotations": {
            # Of what is left there, Prometheus' own templates are made.
            "summary": string.Template(alert.summary).safe_substitute(watched.words),
            "description": f"{alert.cause} {alert.remedy}",
            "runbook_url": _runbook(alert, watched),
        },
    }


def filled(text: str, watched: Watched) -> str:
    """``text`` with the words of what is watched."""
    return string.Template(text).substitute(watched.words)


def _runbook(alert: Alert, watched: Watched) -> str:
    page = watched.alerts.runbooks or PAGE
    # As GitHub and others make anchors of headings.
    return f"{page}#{alert.name.lower()}"
