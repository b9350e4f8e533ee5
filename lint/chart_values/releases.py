"""Which versions of charts were published, and which release of a product each brings: ``releases.json``.

``extract_releases.py`` writes it from the charts' repositories. By the address of a repository and by chart, it has the
patches of each minor version; by chart, the first version that brings each release of its product.
"""

import json
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any

from lint.views.versions import Version, version


def is_published(address: str, chart: str, wanted: Version, *, has_moved: bool = False) -> bool:
    """Whether the repository has this version, or may have it: it may have older ones than are recorded, and newer ones
    unless the chart ``has_moved`` to another repository."""
    known = _published(address, chart)
    if not known or wanted in known or wanted < min(known):
        return True
    return wanted > max(known) and not has_moved


def is_recorded(address: str, chart: str) -> bool:
    """Whether versions are known that the repository has of the chart."""
    return bool(_published(address, chart))


def product_version(chart: str, wanted: Version) -> str:
    """The version of its product that this version of a chart brings; empty if that is not recorded."""
    before = [brought for first, brought in _brought(chart) if first <= wanted]
    return before[-1] if before else ""


@cache
def _published(address: str, chart: str) -> frozenset[Version]:
    patches: Mapping[str, list[int]] = _recorded()["patches"].get(address, {}).get(chart, {})
    numbers = (version(f"{minor}.{patch}") for minor, several in patches.items() for patch in several)
    return frozenset(filter(None, numbers))


@cache
def _brought(chart: str) -> tuple[tuple[Version, str], ...]:
    entries = _recorded()["brings"].get(chart, [])
    return tuple((first, brought) for written, brought in entries if (first := version(written)) is not None)


@cache
def _recorded() -> Mapping[str, Any]:
    found: Mapping[str, Any] = json.loads((resources.files("lint.chart_values") / "releases.json").read_text("utf-8"))
    return found
