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
_WORDS = {"boolean": "true or false", "integer": "a whole number", "number": "a number", "string": "a text"}


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
) -> Iterator[Difference]:
    """Yield each field that does not exist, and each value of another type; nothing where a variable stands.

    ``named`` is the name by which the kind knows a field as it is written.
    """
    if known is None or value is None or (isinstance(value, str) and is_unknown(value)):
        return
    wanted = known.get(_TYPE)
    if wanted == "list":
        yield from _in_list(value, known, path, named)
    elif wanted is not None:
        if not _is(value, wanted):
            yield Difference(path, _WORDS[wanted] if isinstance(wanted, str) else f"one of {', '.join(wanted)}")
    elif not isinstance(value, Mapping):
        yield Difference(path, "a map")
    else:
        for key, content in value.items():
            if not isinstance(key, str) or is_unknown(key):
                continue
            name = named(key)
            if name in known or _ANY in known:
                yield from differences(content, known.get(name, known.get(_ANY)), (*path, key), named)
            else:
                yield Difference((*path, key), "")


def _in_list(value: object, known: Fields, path: Path, named: Callable[[str], str]) -> Iterator[Difference]:
    if not isinstance(value, list | tuple):
        yield Difference(path, "a list")
        return
    for index, item in enumerate(value):
        yield from differences(item, known[_ITEMS], (*path, index), named)


def _is(value: object, wanted: str | list[str]) -> bool:
    """Whether the API server takes a value for one of this type: a whole number may be written as 1.0."""
    if isinstance(wanted, list):
        return value in wanted
    if wanted == "integer":
        return isinstance(value, int | float) and not isinstance(value, bool) and value == value // 1
    types: dict[str, Any] = {"boolean": bool, "number": int | float, "string": str}
    return isinstance(value, types[wanted]) and (wanted == "boolean" or not isinstance(value, bool))


@cache
def _versions(kind: str) -> Fields:
    found: Fields = json.loads((resources.files("lint.crd_fields") / f"{kind}.json").read_text(encoding="utf-8"))
    return found
