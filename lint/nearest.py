"""The name that somebody may have meant, for a remedy."""

import difflib
from collections.abc import Iterable
from functools import lru_cache

# What difflib takes for a good match: the share of letters that two names have in common.
_ALIKE = 0.6


def nearest(name: str, known: Iterable[str], alike: float = _ALIKE) -> str | None:
    """Return which of ``known`` is written most like ``name``; None if at least ``alike``, of 1, is none of them."""
    return _nearest(name, tuple(known), alike)


# A fleet has the same mistake in each of its parts, and to compare a name with all others takes long.
@lru_cache(maxsize=256)
def _nearest(name: str, known: tuple[str, ...], alike: float) -> str | None:
    return next(iter(difflib.get_close_matches(name, known, 1, alike)), None)
