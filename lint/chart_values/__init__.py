"""The values that charts read: the JSON files here, one for each chart, with what any of its versions reads.

``extract.py`` writes them from the charts' repositories. Their form is that of ``lint.tempo_keys``.
"""

import json
from collections.abc import Iterator
from functools import cache
from importlib import resources

from lint.tempo_keys import Keys

CHARTS = ("tempo", "tempo-distributed", "grafana", "opentelemetry-collector")


@cache
def keys(chart: str) -> Keys:
    """What some version of ``chart`` reads."""
    found: Keys = json.loads((resources.files("lint.chart_values") / f"{chart}.json").read_text("utf-8"))
    return found


@cache
def inner_names(chart: str) -> frozenset[str]:
    """The keys of ``chart`` that are not at the top."""
    return frozenset(name for below in keys(chart).values() if below is not None for name in _names(below))


def _names(known: Keys) -> Iterator[str]:
    for name, below in known.items():
        yield name
        yield from _names(below or {})
