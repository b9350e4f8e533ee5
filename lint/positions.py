"""Where in its text a field stands. Only findings are looked up, so a text without one is not parsed again."""

import re
from dataclasses import dataclass
from functools import lru_cache

import yaml

from lint.documents import NOT_YAML, first_node
from lint.objects import Key, Path, Place, Source

_LITERAL = "|"
_NEXT_DOCUMENT = "\n---"


@dataclass(frozen=True, order=True)
class Position:
    """Both count from 1."""

    line: int
    column: int


def position_of(place: Place) -> Position | None:
    """Where the field, or what is nearest around it, begins; None if the text is not a person's."""
    source = place.owner.source
    if source is None or source.is_rendered:
        return None
    document = _document(source, place.owner.line)
    if document is None:
        return None
    found = _within(document, (*place.owner.base, *place.path), _text_of(source, place.owner.line))
    return Position(found.line + place.owner.line, found.column)


@lru_cache(maxsize=64)
def _document(source: Source, line: int) -> yaml.Node | None:
    try:
        return first_node(_text_of(source, line))
    except NOT_YAML:
        return None


@lru_cache(maxsize=64)
def _text_of(source: Source, line: int) -> str:
    """The document that begins on ``line``. JSON may be indented with tabs, where YAML may not."""
    begin = _line_starts(source)[line]
    end = source.text.find(_NEXT_DOCUMENT, begin)
    return source.text[begin : end if end >= 0 else None].replace("\t", " ")


@lru_cache(maxsize=8)
def _line_starts(source: Source) -> list[int]:
    return [0, *(match.end() for match in re.finditer("\n", source.text))]


def _within(node: yaml.Node, path: Path, text: str) -> Position:
    mark = node.start_mark
    for number, key in enumerate(path):
        if isinstance(node, yaml.ScalarNode):
            return _in_text(node, path[number:], text)
        found = _child(node, key)
        if found is None:
            break
        mark, node = found[0].start_mark, found[1]
    return Position(mark.line + 1, mark.column + 1)


def _child(node: yaml.Node, key: Key) -> tuple[yaml.Node, yaml.Node] | None:
    """The node that names the child, and the child; the last one where a key is there twice."""
    if isinstance(node, yaml.SequenceNode):
        return (node.value[key], node.value[key]) if isinstance(key, int) and key < len(node.value) else None
    if not isinstance(node, yaml.MappingNode):
        return None
    return next(((name, value) for name, value in reversed(node.value) if name.value == str(key)), None)


def _in_text(scalar: yaml.ScalarNode, path: Path, text: str) -> Position:
    """A place in a document that stands in another one; its lines can be counted in a literal text only."""
    start = Position(scalar.start_mark.line + 1, scalar.start_mark.column + 1)
    if scalar.style != _LITERAL:
        return start
    try:
        document = first_node(scalar.value)
    except NOT_YAML:
        return start
    if document is None:
        return start
    inner = _within(document, path, scalar.value)
    written = text.splitlines()[start.line :]
    indent = next((len(line) - len(line.lstrip(" ")) for line in written if line.strip()), 0)
    return Position(start.line + inner.line, indent + inner.column)
