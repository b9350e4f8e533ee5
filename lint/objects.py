"""Kubernetes objects, read without trusting their shape.

An object may have a list where a map belongs. Every reader here then returns an empty value, so that no check has to
look out for it.
"""

import base64
import binascii
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import yaml

Key = str | int
Path = tuple[Key, ...]

_PLAIN_KEY = re.compile(r"[A-Za-z0-9_-]+\Z")
_MAX_DIGITS = 18

# What the YAML parser raises: its own errors, and those that its constructors let through, as for `!!int ""`.
NOT_YAML = (yaml.YAMLError, ValueError, LookupError, AttributeError, TypeError, ArithmeticError, RecursionError)


def mapping(value: object) -> Mapping[Any, Any]:
    return value if isinstance(value, Mapping) else {}


def sequence(value: object) -> Sequence[Any]:
    return value if isinstance(value, list | tuple) else ()


def text(value: object) -> str:
    return value if isinstance(value, str) else ""


def number(value: object) -> int | None:
    """Return an integer, also one in quotes, as Kubernetes accepts for some ports."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    digits = text(value)
    return int(digits) if digits.isascii() and digits.isdecimal() and len(digits) <= _MAX_DIGITS else None


def at(value: object, *path: Key) -> Any:
    """Return what lies at ``path`` below ``value``, or None."""
    for key in path:
        if isinstance(key, int):
            items = sequence(value)
            value = items[key] if key < len(items) else None
        else:
            value = mapping(value).get(key)
    return value


def dotted(path: Path) -> str:
    written = ""
    for key in path:
        if isinstance(key, int):
            written += f"[{key}]"
        elif _PLAIN_KEY.match(key):
            written += f".{key}"
        else:
            written += f'["{key}"]'
    return written.removeprefix(".")


def strings(value: object, path: Path = ()) -> Iterator[tuple[Path, str]]:
    """Yield every string below ``value`` with its path.

    Each container is entered once: YAML's aliases can make one contain itself.
    """
    seen: set[int] = set()
    waiting: list[tuple[Path, object]] = [(path, value)]
    while waiting:
        place, item = waiting.pop()
        if isinstance(item, str):
            yield place, item
        elif isinstance(item, Mapping | list | tuple) and id(item) not in seen:
            seen.add(id(item))
            pairs = item.items() if isinstance(item, Mapping) else enumerate(item)
            waiting.extend(((*place, key if isinstance(key, str | int) else str(key)), child) for key, child in pairs)


def parsed(document: object) -> Any:
    """Return the content of YAML that an object carries as a string; None if it is not YAML."""
    return _parsed(document) if isinstance(document, str) else None


# Cached because several checks read the same document; none of them changes it.
@lru_cache(maxsize=64)
def _parsed(document: str) -> Any:
    try:
        return yaml.safe_load(document)
    except NOT_YAML:
        return None


def printable(name: str) -> str:
    """Replace line breaks and terminal control sequences by question marks."""
    return "".join(char if char.isprintable() else "?" for char in name)


@dataclass(frozen=True, eq=False)
class Place:
    """A field of an object, which need not be there: what is wrong may be that it is missing."""

    owner: "Object"
    path: Path

    def __str__(self) -> str:
        source = f"{self.owner.source}: " if self.owner.source else ""
        return f"{source}{self.owner.label}: {dotted(self.path)}"


@dataclass(frozen=True, eq=False)
class Object:
    """One object; ``source`` is the file that it comes from."""

    raw: object
    source: str = ""

    @property
    def kind(self) -> str:
        return text(at(self.raw, "kind"))

    @property
    def group(self) -> str | None:
        """The API group: empty for the core group, None for an object without an apiVersion."""
        version = at(self.raw, "apiVersion")
        if not isinstance(version, str):
            return None
        group, slash, _ = version.partition("/")
        return group if slash else ""

    @property
    def name(self) -> str:
        return text(at(self.raw, "metadata", "name"))

    @property
    def namespace(self) -> str:
        return text(at(self.raw, "metadata", "namespace"))

    @property
    def labels(self) -> Mapping[Any, Any]:
        return mapping(self.at("metadata", "labels"))

    def at(self, *path: Key) -> Any:
        return at(self.raw, *path)

    @property
    def label(self) -> str:
        """What it is called in a message: ``Kind namespace/name``."""
        name = f"{self.namespace}/{self.name or '?'}" if self.namespace else self.name or "?"
        return f"{self.kind} {name}"

    def where(self, *path: Key) -> Place:
        return Place(self, path)

    def documents(self) -> Iterator[tuple[Path, str]]:
        """Yield the texts that a ConfigMap or a Secret holds."""
        for field in ("data", "stringData"):
            for key, value in mapping(self.at(field)).items():
                if isinstance(key, str) and isinstance(value, str):
                    encoded = self.kind == "Secret" and field == "data"
                    yield (field, key), _decoded(value) if encoded else value


@dataclass(frozen=True)
class Manifests:
    """The objects that are checked together."""

    objects: tuple[Object, ...]

    def of(self, group: str, *kinds: str) -> Iterator[Object]:
        for obj in self.objects:
            if obj.kind in kinds and obj.group == group:
                yield obj


def _decoded(value: str) -> str:
    try:
        return base64.b64decode(value, validate=True).decode()
    except (binascii.Error, ValueError):
        return ""
