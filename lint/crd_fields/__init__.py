"""The fields of resources: the JSON files here, one for each kind, with the versions of its API, or ``*`` for them all.

``extract.py`` writes them from the definitions that were released. A map has its fields, or ``*`` if any may be there.
``=`` is the type of everything else: that of a text, a number or a boolean, ``list`` with ``[]`` for its items, or the
texts that may be there. ``None`` is a value that is not checked.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from lint.objects import Path, mapping
from lint.templates import is_unknown

Fields = Mapping[str, Any]

_SAIL = "sailoperator.io"
KINDS = {
    "Istio": _SAIL,
    "IstioCNI": _SAIL,
    "IstioRevisionTag": _SAIL,
    "Kiali": "kiali.io",
    "OpenTelemetryCollector": "opentelemetry.io",
    "ServiceMeshControlPlane": "maistra.io",
    "Sidecar": "networking.istio.io",
    "Telemetry": "telemetry.istio.io",
    "TempoMonolithic": "tempo.grafana.com",
    "TempoStack": "tempo.grafana.com",
    "ZTunnel": _SAIL,
}
_ANY = "*"
_TYPE = "="
_ITEMS = "[]"
_WORDS = {
    None: "a map",
    "list": "a list",
    "boolean": "true or false",
    "integer": "a whole number",
    "number": "a number",
    "string": "a text",
}


@dataclass(frozen=True)
class Difference:
    """``wanted`` is what should be at ``path``, in words; it is empty if there is no such field."""

    path: Path
    wanted: str


def fields(kind: str, version: str = _ANY) -> Fields | None:
    """What may stand below ``spec``; None for a version that no release has."""
    versions = _versions(kind)
    known: Fields | None = versions.get(version, versions.get(_ANY))
    return known


def below(known: Any, path: Path) -> Any:
    """What may stand below ``path``; None if that is not checked, or if a key on the way is not known."""
    for key in path:
        around = mapping(known)
        known = around.get(_ITEMS if isinstance(key, int) else key, around.get(_ANY))
    return known


def names(known: Fields | None) -> list[str]:
    """The fields of a map."""
    return [name for name in known or () if name not in (_ANY, _TYPE, _ITEMS)]


def differences(
    value: object, known: Fields | None, path: Path = (), named: Callable[[str], str] = str
) -> list[Difference]:
    """Return each field that does not exist, and each value of another type; nothing where a variable stands.

    ``path`` leads to ``value``; ``named`` is the name by which the kind knows a field as it is written.
    """
    return list(_below(path, value, known, named))


def _found(value: object, known: Fields | None, named: Callable[[str], str]) -> list[Difference]:
    if known is None or value is None:
        return []
    wanted = known.get(_TYPE)
    if wanted is None:
        if isinstance(value, Mapping):
            return _in_map(value, known, named)
    elif wanted == "list":
        if isinstance(value, list | tuple):
            return [one for index, item in enumerate(value) for one in _below((index,), item, known[_ITEMS], named)]
    elif _is(value, wanted):
        return []
    if isinstance(value, str) and is_unknown(value):
        return []
    return [Difference((), f"one of {', '.join(wanted)}" if isinstance(wanted, list) else _WORDS[wanted])]


def _in_map(value: Mapping[Any, Any], known: Fields, named: Callable[[str], str]) -> list[Difference]:
    found: list[Difference] = []
    for key, content in value.items():
        if not isinstance(key, str):
            continue
        name = named(key)
        if name in known:
            found.extend(_below((key,), content, known[name], named))
        elif is_unknown(key):
            continue
        elif _ANY in known:
            found.extend(_below((key,), content, known[_ANY], named))
        else:
            found.append(Difference((key,), ""))
    return found


def _below(path: Path, value: object, known: Fields | None, named: Callable[[str], str]) -> Iterator[Difference]:
    """What is found in ``value``, which is at ``path``. There is seldom any, so paths are put together afterwards."""
    return (Difference((*path, *one.path), one.wanted) for one in _found(value, known, named))


def _is(value: object, wanted: str | list[str]) -> bool:
    """Whether the API server takes a value for one of this type: a whole number may be written as 1.0."""
    if isinstance(wanted, list):
        return value in wanted
    if wanted == "string":
        return isinstance(value, str)
    if wanted == "boolean":
        return isinstance(value, bool)
    if not isinstance(value, int | float) or isinstance(value, bool):
        return False
    return wanted == "number" or value == value // 1


@cache
def _versions(kind: str) -> Fields:
    found: Fields = json.loads((resources.files("lint.crd_fields") / f"{kind}.json").read_text(encoding="utf-8"))
    return found
