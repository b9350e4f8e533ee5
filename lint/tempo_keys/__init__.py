"""The keys that releases of Tempo know in their configuration: the JSON files here, one for each release.

``extract.go`` writes them. ``None`` is a value whose keys are not checked; any key may stand where there is only ``*``.
A list has the keys of its items.
"""

import json
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import resources
from itertools import takewhile
from typing import Any

from lint.objects import Path, mapping
from lint.templates import is_unknown
from lint.views.versions import Minor, minor

Keys = Mapping[str, Any]

_ANY = "*"
_OF_BOTH_FORMATS = frozenset(
    {
        "defaults",
        "enable_legacy_overrides",
        "per_tenant_override_config",
        "per_tenant_override_period",
        "user_configurable_overrides",
    }
)


@cache
def releases() -> Mapping[Minor, Keys]:
    """The keys of each release that is recorded here, the oldest first."""
    found: dict[Minor, Keys] = {}
    for file in resources.files("lint.tempo_keys").iterdir():
        release = minor(file.name) if file.name.endswith(".json") else None
        if release is not None:
            found[release] = json.loads(file.read_text(encoding="utf-8"))
    return dict(sorted(found.items()))


@cache
def older_overrides() -> frozenset[str]:
    """The flat keys of the older format of overrides."""
    keys = (key for known in releases().values() for key in below(known, ("overrides",)) or ())
    return frozenset(keys) - _OF_BOTH_FORMATS


def below(keys: Keys | None, path: Path) -> Keys | None:
    """What is known below ``path``; None if its keys are not checked, or if a key on the way is not known."""
    for key in path:
        if isinstance(key, str) and keys is not None:
            keys = keys.get(key, keys.get(_ANY))
    return keys


def knows(keys: Keys, path: Path) -> bool:
    """Whether ``path`` may be written."""
    known: Keys | None = keys
    for key in path:
        if isinstance(key, str) and known is not None:
            if key not in known and _ANY not in known:
                return False
            known = known.get(key, known.get(_ANY))
    return True


def unknown(config: object, keys: Keys | None, path: Path = ()) -> Iterator[Path]:
    """Yield the path of each key in ``config`` that is not known, but nothing below it."""
    if keys is None:
        return
    if isinstance(config, list | tuple):
        for index, item in enumerate(config):
            if isinstance(item, Mapping):
                yield from unknown(item, keys, (*path, index))
    for key, value in mapping(config).items():
        if not isinstance(key, str):
            continue
        if key in keys:
            yield from unknown(value, keys[key], (*path, key))
        elif is_unknown(key):
            continue
        elif _ANY in keys:
            yield from unknown(value, keys[_ANY], (*path, key))
        else:
            yield (*path, key)


def places(keys: Keys, name: str, path: Path = ()) -> Iterator[Path]:
    """Yield every path that ends in ``name``."""
    for key, known in keys.items():
        if key == name:
            yield (*path, key)
        if known is not None and key != _ANY:
            yield from places(known, name, (*path, key))


def nearest_place(keys: Keys, path: Path) -> Path | None:
    """The one place where the last key of ``path`` belongs.

    That is where the keys above it are the same, or else where most of the path from the top is.
    """
    wanted = tuple(key for key in path if isinstance(key, str))
    found = {place: (_shared(place[::-1], wanted[::-1]), _shared(place, wanted)) for place in places(keys, wanted[-1])}
    best = [place for place, shared in found.items() if shared == max(found.values())]
    return best[0] if len(best) == 1 else None


def _shared(one: Path, other: Path) -> int:
    """How many keys are the same from the first on."""
    return len(list(takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False))))
