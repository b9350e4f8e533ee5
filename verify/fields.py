"""Fields of objects and configurations, which may be missing, or not what they should be, at any level."""

from collections.abc import Iterable, Mapping
from typing import Any


def value_at(found: Any, path: Iterable[str]) -> Any:
    """The value at ``path``; None if there is none."""
    for key in path:
        found = found.get(key) if isinstance(found, Mapping) else None
    return found
