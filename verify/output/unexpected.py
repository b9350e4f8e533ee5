"""An error that nobody has foreseen, as one line that somebody can report."""

import logging
import sys
import tomllib
import traceback
from pathlib import Path
from typing import TextIO

from verify.redaction import redacted

_PROJECT = Path(__file__).resolve().parents[2]
_LOG = logging.getLogger("verify")


def described(error: Exception) -> str:
    """What it is, where in our code it arose, and of which version that is; ``--debug`` prints its traceback."""
    _LOG.debug("%s", type(error).__name__, exc_info=error)
    what = redacted(f"{type(error).__name__}: {error}")
    python = ".".join(map(str, sys.version_info[:3]))
    return (
        f"an error in verify itself; please report this line to its maintainers: {what} at {_place(error)}"
        f" (mesh-tracing {_version()}, Python {python}; --debug shows more)"
    )


def show_tracebacks(to: TextIO) -> None:
    """From now on print the traceback of each such error, too."""
    handler = logging.StreamHandler(to)
    handler.setFormatter(_Formatter())
    _LOG.handlers = [handler]
    _LOG.setLevel(logging.DEBUG)
    _LOG.propagate = False


class _Formatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return "\n".join(
            redacted(line) if line.strip() == line else f"  {redacted(line)}"
            for line in super().format(record).splitlines()
        )


def _place(error: Exception) -> str:
    """The innermost line of the project's own code."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if _is_ours(Path(frame.filename))]
    if not frames:
        return "an unknown place"
    return f"{Path(frames[-1].filename).relative_to(_PROJECT).as_posix()}:{frames[-1].lineno}"


def _is_ours(file: Path) -> bool:
    return file.is_relative_to(_PROJECT) and ".venv" not in file.parts


def _version() -> str:
    try:
        content = tomllib.loads((_PROJECT / "pyproject.toml").read_text(encoding="utf-8"))
        return str(content["project"]["version"])
    except (OSError, ValueError, KeyError):
        return "of an unknown version"
