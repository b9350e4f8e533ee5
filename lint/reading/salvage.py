"""What can be checked of a file that is not right as a whole: kubectl, too, takes document by document."""

import re
from collections.abc import Iterator

from lint.documents import NOT_YAML, Documents, Marks, load_all
from lint.objects import Source
from lint.reading.content import Document, UnreadableError, parse

_SEPARATOR = re.compile(r"(?m)^---(?=\s|\Z)")


def salvage(name: str, text: str) -> tuple[list[str], Source, list[Document]]:
    """What is wrong with each document that cannot be read, and all that can be.

    Of a key that is there twice, the last one counts, as for most programs.
    """
    unreadable: list[str] = []
    documents: list[Document] = []
    marks: dict[int, Marks] = {}
    for part in _parts(text):
        try:
            source, contents = parse(name, part)
            found = Documents(contents, source.marks)
        except UnreadableError as error:
            unreadable.append(str(error))
            found = _lenient(part)
        documents.extend(found.contents)
        marks.update(found.marks)
    return unreadable, Source(name, text, marks=marks), documents


def _parts(text: str) -> Iterator[str]:
    """Yield each document, behind as many lines as are before it: its lines are those of the file then."""
    starts = [0, *(found.start() for found in _SEPARATOR.finditer(text))]
    for start, end in zip(starts, [*starts[1:], len(text)], strict=True):
        yield "\n" * text.count("\n", 0, start) + text[start:end]


def _lenient(text: str) -> Documents:
    try:
        return load_all(text, strict=False)
    except NOT_YAML:
        return Documents([])
