"""YAML and JSON as Kubernetes' own tools read them, by libyaml.

Their parser (sigs.k8s.io/yaml) takes days, times and ``=`` as the texts that they are, knows no numbers of base 60, and
refuses a key that is there twice.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import yaml

# What parsing raises: the parser's own errors, and those that its constructors let through, as for `!!int ""`.
NOT_YAML = (yaml.YAMLError, ValueError, LookupError, AttributeError, TypeError, ArithmeticError, RecursionError)

_INT = re.compile(r"[-+]?(?:0b[01_]+|0o?[0-7_]+|0x[0-9a-fA-F_]+|0|[1-9][0-9_]*)\Z")
_FLOAT = re.compile(
    r"[-+]?(?:[0-9][0-9_]*\.[0-9_]*(?:[eE][-+]?[0-9]+)?|\.[0-9]+(?:[eE][-+]?[0-9]+)?|[0-9]+[eE][-+]?[0-9]+|\.(?:inf|Inf|INF))\Z|\.(?:nan|NaN|NAN)\Z"
)
_BRACKETS = re.compile(r"[][{}]")
_NO_SPACE = re.compile(r"\S|\Z")
_PREFIX = "tag:yaml.org,2002:"
_MERGE, _TEXT, _MAP, _LIST = (f"{_PREFIX}{name}" for name in ("merge", "str", "map", "seq"))
# Beyond this Python itself refuses to read a number, and no field holds one.
_MAX_DIGITS = 4000
_DEEPEST = 2000


# Where a map begins, with the names and the values of its fields; or a list, with its items; or a literal text, whose
# lines are those of the file.
Marks = tuple[yaml.Mark, Mapping[str, tuple[yaml.Mark, yaml.Mark]] | Sequence[yaml.Mark]]
_LITERAL = "|"


@dataclass(frozen=True)
class Documents:
    """The content of each document of a text, with the line on which it begins, from 0; and the marks in it, by ``id``.

    They are right for as long as the content is not changed.
    """

    contents: Sequence[tuple[int, Any]]
    marks: Mapping[int, Marks] = field(default_factory=dict)


class Loader(yaml.CSafeLoader):
    """A loader for one text; ``strict`` refuses a key that is there twice.

    Nearly all that there is are texts, maps and lists: these are made here, without a general constructor's detours.
    """

    strict = True

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.marks: dict[int, Marks] = {}
        self._flat: set[yaml.Node] = set()

    def resolve(self, kind: type[yaml.Node], value: str, implicit: tuple[bool, bool]) -> str:
        """Return the tag of a node that is written without one; a plain scalar has ``implicit[0]``."""
        if kind is yaml.ScalarNode:
            return _tag_of(value) if implicit[0] else _TEXT
        return _MAP if kind is yaml.MappingNode else _LIST

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        if isinstance(node, yaml.ScalarNode):
            if node.style == _LITERAL:
                self.marks[id(node.value)] = (node.start_mark, ())
            return node.value if node.tag == _TEXT else super().construct_object(node, deep)
        if node in self.constructed_objects:
            return self.constructed_objects[node]
        if isinstance(node, yaml.MappingNode) and node.tag == _MAP:
            return self._filled_later({}, node, self._fill_map)
        if isinstance(node, yaml.SequenceNode) and node.tag == _LIST:
            return self._filled_later([], node, self._fill_list)
        return super().construct_object(node, deep)

    def _filled_later(self, made: Any, node: yaml.Node, fill: Callable[[Any, Any], Any]) -> Any:
        """It may lie as deep as it wants then, and contain itself."""
        self.constructed_objects[node] = made
        self.state_generators.append(fill(made, node))
        return made

    def _fill_map(self, made: dict[Any, Any], node: yaml.MappingNode) -> Iterator[None]:
        fields = {
            name.value: (name.start_mark, value.start_mark)
            for name, value in node.value
            if isinstance(name, yaml.ScalarNode)
        }
        self.marks[id(made)] = (node.start_mark, fields)
        if any(name.tag != _TEXT for name, _ in node.value):
            made.update(self.construct_mapping(node))
        else:
            for name, value in node.value:
                made[name.value] = self.construct_object(value)
            if self.strict and len(made) < len(node.value):
                _refuse_doubled_keys(node)
        yield

    def _fill_list(self, made: list[Any], node: yaml.SequenceNode) -> Iterator[None]:
        self.marks[id(made)] = (node.start_mark, [item.start_mark for item in node.value])
        made.extend(map(self.construct_object, node.value))
        yield

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        """Put the keys that a merge brings beside a map's own, once, as they may be the same."""
        if node in self._flat:
            return
        self._flat.add(node)
        if self.strict:
            _refuse_doubled_keys(node)
        if any(name.tag == _MERGE for name, _ in node.value):
            super().flatten_mapping(node)

    def construct_yaml_int(self, node: yaml.ScalarNode) -> Any:
        if len(node.value) > _MAX_DIGITS:
            return node.value
        # The constructor of YAML 1.1 takes octal numbers without the letter.
        node.value = re.sub(r"^([-+]?0)o", r"\1", node.value)
        return super().construct_yaml_int(node)


def _refuse_doubled_keys(node: yaml.MappingNode) -> None:
    names: set[str] = set()
    for key, _ in node.value:
        if isinstance(key, yaml.ScalarNode) and key.tag != _MERGE:
            if key.value in names:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key.value!r} is there twice", key.start_mark
                )
            names.add(key.value)


class _Lenient(Loader):
    strict = False


def _resolvers() -> dict[str, list[tuple[str, re.Pattern[str]]]]:
    replaced = {f"{_PREFIX}int": _INT, f"{_PREFIX}float": _FLOAT}
    left_out = {f"{_PREFIX}timestamp", f"{_PREFIX}value"}
    return {
        first: [(tag, replaced.get(tag, pattern)) for tag, pattern in entries if tag not in left_out]
        for first, entries in yaml.CSafeLoader.yaml_implicit_resolvers.items()
    }


_RESOLVERS = _resolvers()
Loader.add_constructor(f"{_PREFIX}int", Loader.construct_yaml_int)


@lru_cache(maxsize=4096)
def _tag_of(plain: str) -> str:
    return next((tag for tag, pattern in _RESOLVERS.get(plain[:1], ()) if pattern.match(plain)), _TEXT)


def load(text: str) -> Any:
    """Return the content of one document; raises one of ``NOT_YAML``."""
    _refuse_depth(text)
    return yaml.load(text, _Lenient)  # noqa: S506  a safe loader of our own


def load_all(text: str, *, strict: bool = True) -> Documents:
    """Return the documents of a text; raises one of ``NOT_YAML``."""
    _refuse_depth(text)
    loader = (Loader if strict else _Lenient)(text)
    contents = []
    try:
        while loader.check_node():
            node: Any = loader.get_node()
            contents.append((node.start_mark.line, loader.construct_document(node)))
    finally:
        loader.dispose()
    return Documents(contents, loader.marks)


def load_json(text: str) -> Documents:
    """Return the values of a text of JSON, of which several may follow each other, without marks.

    Raises ``ValueError``.
    """
    return Documents([*_values(text)])


def _values(text: str) -> Iterator[tuple[int, Any]]:
    decoder = json.JSONDecoder(object_pairs_hook=_unique, parse_int=_integer)
    place, line = 0, 0
    while True:
        match = _NO_SPACE.search(text, place)
        begin = match.start() if match else len(text)
        line += text.count("\n", place, begin)
        if begin == len(text):
            return
        value, place = decoder.raw_decode(text, begin)
        yield line, value
        line += text.count("\n", begin, place)


def _refuse_depth(text: str) -> None:
    """Raise ``RecursionError`` where libyaml would end the process: it calls itself for each level."""
    if _brackets(text) < _DEEPEST and "- " * _DEEPEST not in text and " " * _DEEPEST not in text:
        return
    depth = 0
    for event in yaml.parse(text, yaml.CSafeLoader):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > _DEEPEST:
            raise RecursionError


def _brackets(text: str) -> int:
    """How deep the brackets of ``text`` lie in one another at most, also if some stand in quotes."""
    deepest = depth = 0
    for bracket in _BRACKETS.findall(text):
        depth += 1 if bracket in "[{" else -1
        deepest = max(deepest, depth)
    return deepest


def _integer(digits: str) -> int | str:
    return digits if len(digits) > _MAX_DIGITS else int(digits)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f"the key {key!r} is there twice")
        found[key] = value
    return found
