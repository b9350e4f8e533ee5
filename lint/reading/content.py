"""From a text to the objects in it."""

import codecs
from collections.abc import Iterable, Iterator, Sequence
from pathlib import PurePath

import yaml

from lint import templates
from lint.documents import NOT_YAML, Documents, load_all, load_json
from lint.objects import Object, Path, Source, mapping, printable

_JSON = frozenset({".json", ".jsonl", ".ndjson"})
_NOT_OF_VALUES = frozenset({"apiVersion", "kind", "receivers", "exporters", "datasources"})
_BOM = "\ufeff"
_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


class UnreadableError(ValueError):
    """What cannot be checked; the message is one line with its name and the reason."""


def decoded(name: str, content: bytes) -> str:
    """The text of a file; raises ``UnreadableError``."""
    encoding = "utf-16" if content.startswith(_UTF_16) else "utf-8"
    try:
        # An editor may have put a mark at the beginning, and a tool may have joined such files.
        return content.decode(encoding).replace(_BOM, "")
    except UnicodeDecodeError as error:
        raise UnreadableError(f"{printable(name)}: not UTF-8") from error


# With the line on which it begins, from 0.
Document = tuple[int, object]


def objects_in(source: Source, documents: Iterable[Document], default_namespace: str = "") -> Iterator[Object]:
    """Yield the objects of a text; a List is replaced by its items. What is no map is an object without a kind."""
    for line, document in documents:
        if document is not None:
            for item, base in _unpacked(document):
                yield Object(item, source, line, base, default_namespace)


def parse(name: str, text: str, *, is_rendered: bool = False) -> tuple[Source, Sequence[Document]]:
    """The documents, and the text that was read: with holes, if only that can be parsed. Raises ``UnreadableError``."""
    try:
        documents = _documents(name, text)
    except UnreadableError:
        if not _is_values(text):
            if not templates.has_actions(text):
                raise
            # An action chooses between two lines, so both are there.
            text = templates.with_holes(text)
        documents = _documents(name, text, strict=False)
    return Source(name, text, is_rendered, documents.marks), documents.contents


def _is_values(text: str) -> bool:
    """Whether it can be values of a chart: Helm takes the last one of a key that is there twice."""
    try:
        documents = [mapping(document) for _, document in load_all(text, strict=False).contents]
    except NOT_YAML:
        return False
    # An object of Kubernetes, or a configuration of a collector, has these at the top.
    return all(_NOT_OF_VALUES.isdisjoint(document) for document in documents)


def _documents(name: str, text: str, *, strict: bool = True) -> Documents:
    try:
        if PurePath(name).suffix in _JSON or text.lstrip().startswith("{"):
            try:
                return load_json(text)
            except ValueError:
                # YAML's flow style looks like JSON.
                if PurePath(name).suffix in _JSON:
                    raise
        return load_all(text, strict=strict)
    except yaml.MarkedYAMLError as error:
        place = f":{error.problem_mark.line + 1}:{error.problem_mark.column + 1}" if error.problem_mark else ""
        reason = " ".join((error.problem or "cannot be parsed").split())
        raise UnreadableError(f"{printable(name)}{place}: not YAML: {printable(reason)}") from error
    except RecursionError as error:
        raise UnreadableError(f"{printable(name)}: nested too deeply") from error
    except NOT_YAML as error:
        form = "JSON" if PurePath(name).suffix in _JSON else "YAML"
        reason = printable(" ".join(str(error).split()))
        raise UnreadableError(f"{printable(name)}: not {form}: {reason}") from error


def _unpacked(document: object) -> Iterator[tuple[object, Path]]:
    waiting: list[tuple[object, Path]] = [(document, ())]
    seen: set[int] = set()
    while waiting:
        item, base = waiting.pop()
        kind, items = mapping(item).get("kind"), mapping(item).get("items")
        if not (isinstance(kind, str) and kind.endswith("List") and isinstance(items, list)):
            yield item, base
        elif id(item) not in seen:
            # An alias can make a List an item of its own.
            seen.add(id(item))
            waiting.extend((child, (*base, "items", index)) for index, child in reversed([*enumerate(items)]))
