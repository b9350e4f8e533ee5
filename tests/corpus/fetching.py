"""Brings the labelled files: from the public host, or from copies of the repositories on this machine."""

import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterable
from pathlib import Path

from tests.corpus.labels import Label

_HOST = "https://raw.githubusercontent.com"
_SECONDS_A_FILE = 20
_BYTES_A_FILE = 1_000_000

Source = Callable[[Label, str], bytes]


class AbsentError(Exception):
    """A file that could not be had; the message is one line with the reason."""


def fetch(labels: Iterable[Label], root: Path, source: Source, *, seconds: float) -> list[str]:
    """Put every file that is not there yet below ``root``, and return a line for each that could not be had."""
    absent: list[str] = []
    end = time.monotonic() + seconds
    for label in labels:
        for path in label.paths:
            target = label.folder(root) / path
            if target.exists():
                continue
            if time.monotonic() > end:
                absent.append(f"{label.repository} {path}: no time was left")
                continue
            try:
                content = source(label, path)
            except AbsentError as error:
                absent.append(f"{label.repository} {path}: {error}")
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
    return absent


def from_host(label: Label, path: str) -> bytes:
    address = f"{_HOST}/{label.repository}/{label.commit}/{urllib.parse.quote(path)}"
    try:
        with urllib.request.urlopen(address, timeout=_SECONDS_A_FILE) as answer:  # noqa: S310 (the host is ours to name)
            content: bytes = answer.read(_BYTES_A_FILE + 1)
    except (urllib.error.URLError, TimeoutError, ConnectionError) as error:
        raise AbsentError(str(getattr(error, "reason", error))) from error
    if len(content) > _BYTES_A_FILE:
        raise AbsentError(f"more than {_BYTES_A_FILE} bytes")
    return content


def from_mirror(mirror: Path) -> Source:
    """Return a source that reads git directories below ``mirror``, called ``owner+name`` or ``owner+name/repo``."""

    def source(label: Label, path: str) -> bytes:
        folder = mirror / label.repository.replace("/", "+")
        repository = folder / "repo" if (folder / "repo").is_dir() else folder
        command = ["git", "-C", str(repository), "show", f"{label.commit}:{path}"]
        try:
            return subprocess.run(command, check=True, capture_output=True, timeout=_SECONDS_A_FILE).stdout
        except (OSError, subprocess.SubprocessError) as error:
            raise AbsentError(f"not in {repository}") from error

    return source
