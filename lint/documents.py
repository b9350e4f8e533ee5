"""YAML and JSON as Kubernetes' own tools read them, by libyaml.

Their parser (sigs.k8s.io/yaml) takes days, times and ``=`` as the texts that they are, knows no numbers of base 60, and
refuses a key that is there twice.
"""

import json
import re
from collections.abc import Iterator
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
_MERGE = f"{_PREFIX}merge"
# Beyond this Python itself refuses to read a number, and no field holds one.
_MAX_DIGITS = 4000
_DEEPEST = 2000


class Loader(yaml.CSafeLoader):
    """A loader for one text; ``strict`` refuses a key that is there twice."""

    strict = True

    def construct_document(self, node: yaml.Node) -> Any:
        if self.strict:
            _refuse_doubled_keys(node)
        return super().construct_document(node)

    def construct_yaml_int(self, node: yaml.ScalarNode) -> Any:
        if len(node.value) > _MAX_DIGITS:
            return node.value
        # The constructor of YAML 1.1 takes octal numbers without the letter.
        node.value = re.sub(r"^([-+]?0)o", r"\1", node.value)
        return super().construct_yaml_int(node)


def _refuse_doubled_keys(document: yaml.Node) -> None:
    """Before the constructor puts merged keys beside a mapping's own."""
    waiting, seen = [document], set()
    while waiting:
        node = waiting.pop()
        if not isinstance(node, yaml.CollectionNode) or id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, yaml.SequenceNode):
            waiting.extend(node.value)
            continue
        names = set()
        for key, value in node.value:
            waiting.append(value)
            if isinstance(key, yaml.ScalarNode):
                if key.value in names and key.tag != _MERGE:
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


Loader.yaml_implicit_resolvers = _resolvers()
Loader.add_constructor(f"{_PREFIX}int", Loader.construct_yaml_int)
_Lenient.add_constructor(f"{_PREFIX}int", _Lenient.construct_yaml_int)


def load(text: str) -> Any:
    """Return the content of one document; raises one of ``NOT_YAML``."""
    _refuse_depth(text)
    return yaml.load(text, _Lenient)  # noqa: S506  a safe loader of our own


def load_all(text: str, *, strict: bool = True) -> Iterator[tuple[int, Any]]:
    """Yield the content of each document, with the line on which it begins, from 0; raises one of ``NOT_YAML``."""
    _refuse_depth(text)
    loader = (Loader if strict else _Lenient)(text)
    try:
        while loader.check_node():
            node: Any = loader.get_node()
            yield node.start_mark.line, loader.construct_document(node)
    finally:
        loader.dispose()


def load_json(text: str) -> Iterator[tuple[int, Any]]:
    """Yield each value of a text of JSON, of which several may follow each other, with its line from 0.

    Raises ``ValueError``.
    """
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


def first_node(text: str) -> yaml.Node | None:
    """Return the first document as a node, which knows its place; raises one of ``NOT_YAML``."""
    loader = Loader(text)
    try:
        return loader.get_node() if loader.check_node() else None
    finally:
        loader.dispose()


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
