"""What selects: Kubernetes' label selectors, and Istio's patterns of hosts."""

from collections.abc import Mapping
from typing import Any

from verify.access.cluster import Object


def selects(selector: Mapping[str, Any] | None, labels: Mapping[str, str]) -> bool:
    """Whether a selector of ``matchLabels`` and ``matchExpressions`` selects; an empty one selects everything."""
    wanted = selector or {}
    return all(labels.get(key) == value for key, value in (wanted.get("matchLabels") or {}).items()) and all(
        _holds(expression, labels) for expression in wanted.get("matchExpressions") or []
    )


def covers(pattern: str, host: str) -> bool:
    """Whether a host, or a pattern such as ``*.local``, is or covers ``host``."""
    return host.endswith(pattern.removeprefix("*")) if pattern.startswith("*") else host == pattern


def labels_of(obj: Object | None) -> Mapping[str, str]:
    labels: Mapping[str, str] = (obj or {}).get("metadata", {}).get("labels") or {}
    return labels


def labels_for(selector: Mapping[str, Any]) -> Mapping[str, str] | None:
    """Labels that a selector selects, to be added to those that are there; None where a label would have to go."""
    labels = dict(selector.get("matchLabels") or {})
    for expression in selector.get("matchExpressions") or []:
        if expression["operator"] not in {"In", "Exists"}:
            return None
        values = expression.get("values") or ["true"]
        labels[expression["key"]] = values[0]
    return labels


def _holds(expression: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    key, values = expression["key"], expression.get("values") or []
    answers = {
        "In": labels.get(key) in values,
        "NotIn": labels.get(key) not in values,
        "Exists": key in labels,
        "DoesNotExist": key not in labels,
    }
    return answers.get(expression["operator"], False)
