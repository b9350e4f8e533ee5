"""The values that charts read: the JSON files here, one for each chart, with what each of its minor versions reads.

``extract.py`` writes them from the charts' repositories. Their form is that of ``lint.tempo_keys``; a key that some
versions do not read, or read otherwise, has the first and the last one that does behind it, as in ``minio@0.7-2.9``.
Below a key with ``&`` are the values of another chart.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from lint.tempo_keys import Keys
from lint.views.versions import Minor, minor

CHARTS = (
    "alloy",
    "tempo",
    "tempo-distributed",
    "grafana",
    "grafana-agent",
    "istiod",
    "kube-prometheus-stack",
    "lgtm-distributed",
    "loki-stack",
    "opentelemetry-collector",
    "opentelemetry-demo",
    "opentelemetry-kube-stack",
    "opentelemetry-operator",
    "prometheus",
)
# What charts take as Kubernetes has it, and so do not spell out (kubernetes: the API of a Pod).
_OF_KUBERNETES = {
    "resources": ("claims", "limits", "requests"),
    "affinity": ("nodeAffinity", "podAffinity", "podAntiAffinity"),
    "securityContext": ("fsGroup", "runAsGroup", "runAsNonRoot", "runAsUser"),
}
_VERSIONS = "@"
_OF_CHART = "&"


@dataclass(frozen=True)
class _Recorded:
    versions: frozenset[Minor]
    keys: Mapping[str, Any]


def keys(chart: str, version: Minor | None = None) -> Keys:
    """What ``version`` of ``chart`` reads; what any version reads if it is None, or is not recorded."""
    return _keys(chart, version if is_recorded(chart, version) else None)


def is_recorded(chart: str, version: Minor | None) -> bool:
    """Whether it is known what this version reads."""
    return version in _recorded(chart).versions


def newest(chart: str) -> Minor:
    """The newest version of which it is known what it reads."""
    return max(_recorded(chart).versions)


@cache
def inner_names(chart: str) -> frozenset[str]:
    """The keys of ``chart`` that are not at the top."""
    return frozenset(name for below in keys(chart).values() if below is not None for name in _names(below))


@cache
def names_of_others(chart: str) -> frozenset[str]:
    """Every key of the other charts."""
    return frozenset(name for other in CHARTS if other != chart for name in _names(keys(other)))


def places_of(name: str) -> frozenset[str]:
    """The keys right below which charts have ``name``, or Kubernetes has it."""
    return _places().get(name, frozenset()) | {around for around, names in _OF_KUBERNETES.items() if name in names}


@cache
def _places() -> Mapping[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for chart in CHARTS:
        for around, name in _pairs(keys(chart)):
            found.setdefault(name, set()).add(around)
    return {name: frozenset(around) for name, around in found.items()}


@cache
def _keys(chart: str, version: Minor | None) -> Keys:
    return _read_by(_recorded(chart).keys, version)


@cache
def _recorded(chart: str) -> _Recorded:
    found = json.loads((resources.files("lint.chart_values") / f"{chart}.json").read_text("utf-8"))
    return _Recorded(frozenset(filter(None, map(minor, found["versions"]))), found["keys"])


def _read_by(recorded: Mapping[str, Any], version: Minor | None) -> Keys:
    found: dict[str, Any] = {}
    for written, content in recorded.items():
        name, _, versions = written.partition(_VERSIONS)
        if name == _OF_CHART or not _has(versions, version):
            continue
        below = None if content is None else _read_by(content, version)
        found[name] = _merged(found[name], below) if name in found else below
    chart = recorded.get(_OF_CHART)
    # Which version of it comes with this chart is not recorded.
    return found if chart is None else _merged(found, keys(chart)) or {}


def _has(versions: str, version: Minor | None) -> bool:
    first, _, last = versions.partition("-")
    return version is None or not versions or (minor(first) or version) <= version <= (minor(last) or version)


def _merged(one: Keys | None, other: Keys | None) -> Keys | None:
    """The keys of both; what one of them does not tell apart is not told apart."""
    if one is None or other is None:
        return None
    shared = {name: _merged(one[name], other[name]) for name in one.keys() & other.keys()}
    return {**one, **other, **shared}


def _names(known: Keys) -> Iterator[str]:
    for name, below in known.items():
        yield name
        yield from _names(below or {})


def _pairs(known: Keys) -> Iterator[tuple[str, str]]:
    for around, below in known.items():
        yield from ((around, name) for name in below or ())
        yield from _pairs(below or {})
