"""Which files belong to what a person names."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

from lint.objects import printable
from lint.reading.content import UnreadableError, decoded

STDIN = "-"
_SUFFIXES = frozenset({".yaml", ".yml", ".json", ".jsonl", ".ndjson"})
# What lies in them is fetched or built, and nobody's manifests.
_LEFT_OUT = frozenset({"node_modules", "__pycache__"})


def text_of(name: str) -> str:
    """The text of a file or of standard input; raises ``UnreadableError``."""
    try:
        if name == STDIN:
            if sys.stdin is None:
                raise UnreadableError("stdin: it is closed")
            return decoded("stdin", sys.stdin.buffer.read())
        return decoded(name, Path(name).read_bytes())
    # ValueError: a name with a null byte.
    except (OSError, ValueError) as error:
        if isinstance(error, UnreadableError):
            raise
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "cannot be read"
        raise UnreadableError(f"{printable(name)}: {reason}") from error


def manifests_below(folder: str) -> Iterator[str]:
    """Yield the manifests in a folder and in those below it, in the order of their names."""

    def refuse(error: OSError) -> None:
        raise UnreadableError(f"{printable(str(error.filename))}: {error.strerror or 'cannot be listed'}") from error

    for place, folders, files in os.walk(folder, onerror=refuse):
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name not in _LEFT_OUT)
        for name in sorted(files):
            if Path(name).suffix in _SUFFIXES:
                yield str(Path(place, name))
