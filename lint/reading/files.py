"""Manifests from files, from folders and from standard input."""

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from lint.objects import NOT_YAML, Object, printable

STDIN = "-"
_SUFFIXES = frozenset({".yaml", ".yml"})


class UnreadableError(ValueError):
    """A file that cannot be checked; the message is one line with its name and the reason."""


def expand(names: list[str]) -> list[str]:
    """Replace each folder by the manifests in it; a file that is named twice is listed once."""
    return list(dict.fromkeys(name for argument in names for name in _files(argument)))


def read(name: str) -> list[Object]:
    """Return the objects of one file; a List is replaced by its items."""
    source = "stdin" if name == STDIN else name
    objects: list[Object] = []
    for number, document in enumerate(_documents(name, source), start=1):
        if document is not None:
            objects.extend(
                Object(raw, source) for raw in _unpacked(document, f"{printable(source)}: document {number}")
            )
    return objects


def _files(argument: str) -> list[str]:
    folder = Path(argument)
    if argument == STDIN or not folder.is_dir():
        return [argument]
    try:
        files = sorted(str(path) for path in folder.iterdir() if path.suffix in _SUFFIXES and path.is_file())
    except OSError as error:
        raise UnreadableError(f"{printable(argument)}: {error.strerror or 'cannot be listed'}") from error
    if not files:
        raise UnreadableError(f"{printable(argument)}: a folder without *.yaml and *.yml files")
    return files


def _documents(name: str, source: str) -> list[Any]:
    try:
        content = sys.stdin.buffer.read() if name == STDIN else Path(name).read_bytes()
    # ValueError: a name with a null byte.
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "cannot be read"
        raise UnreadableError(f"{printable(source)}: {reason}") from error
    try:
        return list(yaml.safe_load_all(content.decode("utf-8-sig")))
    except UnicodeDecodeError as error:
        raise UnreadableError(f"{printable(source)}: not UTF-8") from error
    except yaml.MarkedYAMLError as error:
        line = f"line {error.problem_mark.line + 1}: " if error.problem_mark else ""
        reason = " ".join((error.problem or "cannot be parsed").split())
        raise UnreadableError(f"{printable(source)}: not YAML: {line}{printable(reason)}") from error
    except RecursionError as error:
        raise UnreadableError(f"{printable(source)}: nested too deeply") from error
    except NOT_YAML as error:
        reason = printable(" ".join(str(error).split()))
        raise UnreadableError(f"{printable(source)}: not YAML: {reason}") from error


def _unpacked(document: object, where: str) -> Iterator[Mapping[str, Any]]:
    waiting = [(document, where)]
    seen: set[int] = set()
    while waiting:
        item, place = waiting.pop()
        if not isinstance(item, Mapping):
            raise UnreadableError(f"{place}: expected an object, found {_type_name(item)}")
        kind, items = item.get("kind"), item.get("items")
        if not (isinstance(kind, str) and kind.endswith("List") and isinstance(items, list)):
            yield item
        elif id(item) not in seen:
            # An alias can make a List an item of its own.
            seen.add(id(item))
            numbered = list(enumerate(items, start=1))
            waiting.extend((child, f"{place}, item {number}") for number, child in reversed(numbered))


def _type_name(value: object) -> str:
    names = {list: "a list", str: "text", type(None): "nothing", bool: "a truth value"}
    return names.get(type(value), "a number" if isinstance(value, int | float) else "a scalar")
