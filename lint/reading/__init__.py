"""From files, folders, standard input and a cluster to objects."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from lint.objects import Object, Source, printable
from lint.reading.content import Document, UnreadableError, objects_in, parse
from lint.reading.files import STDIN, manifests_below, text_of
from lint.reading.rendering import render
from lint.reading.salvage import salvage

__all__ = ["STDIN", "Reading", "read"]


@dataclass
class Reading:
    """The objects, and in one line each what could not be read, and what was left out of a folder."""

    objects: list[Object] = field(default_factory=list)
    sources: int = 0
    unreadable: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)


def read(names: Iterable[str], *, default_namespace: str = "", renders: bool = True) -> Reading:
    """Read each of ``names`` once; one that cannot be read does not keep the others from being read."""
    reading = Reading()
    for name in dict.fromkeys(names):
        if name != STDIN and name and Path(name).is_dir():
            _read_folder(reading, name, default_namespace, renders)
        else:
            _read_file(reading, name, default_namespace)
    return reading


def _read_file(reading: Reading, name: str, default_namespace: str) -> None:
    if not name:
        reading.unreadable.append("a file has to be named, and one of the names is empty")
        return
    called = "stdin" if name == STDIN else name
    try:
        text = text_of(name)
    except UnreadableError as error:
        reading.unreadable.append(str(error))
        return
    try:
        source, documents = parse(called, text)
    except UnreadableError:
        unreadable, source, documents = salvage(called, text)
        reading.unreadable.extend(unreadable)
        if not documents:
            return
    reading.unreadable.extend(_no_objects(source, documents))
    _add(reading, source, documents, default_namespace)


def _no_objects(source: Source, documents: Sequence[Document]) -> Iterator[str]:
    for number, (_, document) in enumerate(documents, start=1):
        if document is not None and not isinstance(document, dict):
            yield f"{printable(source.name)}: document {number}: expected an object, found {_type_name(document)}"


def _read_folder(reading: Reading, folder: str, default_namespace: str, renders: bool) -> None:
    try:
        files = list(manifests_below(folder))
    except UnreadableError as error:
        reading.unreadable.append(str(error))
        return
    if not files:
        reading.unreadable.append(f"{printable(folder)}: a folder without manifests (*.yaml, *.yml, *.json)")
        return
    rendered = render(files) if renders else None
    if rendered is not None:
        reading.left_out.extend(rendered.left_out)
        for name, text in rendered.texts.items():
            source, documents = parse(name, text, is_rendered=True)
            _add(reading, source, documents, default_namespace)
    for name in files:
        if rendered is None or Path(name) not in rendered.covered:
            _read_found(reading, name, default_namespace)


def _read_found(reading: Reading, name: str, default_namespace: str) -> None:
    """A file that nobody has named: a template that cannot be read as it is, is left to its tool."""
    try:
        text = text_of(name)
        source, documents = parse(name, text)
    except UnreadableError as error:
        is_template = "{{" in str(error) or "templates" in Path(name).parts
        (reading.left_out if is_template else reading.unreadable).append(str(error))
        return
    _add(reading, source, documents, default_namespace)


def _add(reading: Reading, source: Source, documents: Sequence[Document], default_namespace: str) -> None:
    reading.sources += 1
    reading.objects.extend(objects_in(source, documents, default_namespace))


def _type_name(value: object) -> str:
    names = {list: "a list", str: "text", bool: "a truth value"}
    return names.get(type(value), "a number" if isinstance(value, int | float) else "a scalar")
