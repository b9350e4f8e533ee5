"""Where in its text a field stands."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import yaml

from lint.documents import Marks
from lint.objects import Key, Path, Place, Source, documents_in

_NEXT_DOCUMENT = "\n---"


@dataclass(frozen=True, order=True)
class Position:
    """Both count from 1."""

    line: int
    column: int


def position_of(place: Place) -> Position | None:
    """Where the field, or what is nearest around it, begins; None if the text is not a person's."""
    owner, source = place.owner, place.owner.source
    if source is None or source.is_rendered:
        return None
    if id(owner.raw) in source.marks:
        return _within(owner.raw, place.path, source.marks, _lines(source.text))
    # JSON is also YAML, and nobody has asked for marks yet.
    text = _document_on(source, owner.line)
    read = documents_in(text)
    if read is None or not read.contents:
        return None
    found = _within(read.contents[0][1], (*owner.base, *place.path), read.marks, _lines(text))
    return found and Position(found.line + owner.line, found.column)


@lru_cache(maxsize=64)
def _document_on(source: Source, line: int) -> str:
    """The document that begins on ``line``. JSON may be indented with tabs, where YAML may not."""
    begin = _line_starts(source)[line]
    end = source.text.find(_NEXT_DOCUMENT, begin)
    return source.text[begin : end if end >= 0 else None].replace("\t", " ")


@lru_cache(maxsize=8)
def _line_starts(source: Source) -> list[int]:
    return [0, *(match.end() for match in re.finditer("\n", source.text))]


@lru_cache(maxsize=64)
def _lines(text: str) -> list[str]:
    return text.splitlines()


def _within(value: Any, path: Path, marks: Mapping[int, Marks], lines: Sequence[str]) -> Position | None:
    """Where ``path`` leads to, from ``value`` on; None for a value without marks."""
    if id(value) not in marks:
        return None
    mark = beginning = marks[id(value)][0]
    for number, key in enumerate(path):
        found = marks.get(id(value))
        if found is None:
            # It leads into a scalar.
            return _position(beginning)
        if isinstance(value, str):
            return _in_text(value, path[number:], beginning, lines)
        below = _of_child(found[1], key)
        if below is None:
            break
        mark, beginning = below
        value = value.get(key) if isinstance(value, dict) else value[key]
    return _position(mark)


def _of_child(
    marks: Mapping[str, tuple[yaml.Mark, yaml.Mark]] | Sequence[yaml.Mark], key: Key
) -> tuple[yaml.Mark, yaml.Mark] | None:
    if isinstance(marks, Mapping):
        return marks.get(str(key))
    return (marks[key], marks[key]) if isinstance(key, int) and key < len(marks) else None


def _in_text(text: str, path: Path, beginning: yaml.Mark, lines: Sequence[str]) -> Position:
    """A place in a document that stands in another one, as a literal text."""
    read = documents_in(text)
    inner = _within(read.contents[0][1], path, read.marks, _lines(text)) if read and read.contents else None
    if inner is None:
        return _position(beginning)
    written = (lines[number] for number in range(beginning.line + 1, len(lines)))
    indent = next((len(line) - len(line.lstrip(" ")) for line in written if line.strip()), 0)
    return Position(beginning.line + 1 + inner.line, indent + inner.column)


def _position(mark: yaml.Mark) -> Position:
    return Position(mark.line + 1, mark.column + 1)
