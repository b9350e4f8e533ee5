"""The package ``verify`` and all that it imports, for the Python of a root filesystem: what its image consists of."""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

from local.build import scratch
from local.build.tools import cache_folder
from local.errors import LocalError
from local.progress import Progress

PACKAGE = Path(__file__).parents[2] / "verify"
_REQUIREMENTS = "requirements.txt"
_INTERPRETER = re.compile(r"(?:\./)?usr/bin/python(3\.\d+)")


def ensure(root: Path, progress: Progress, logs: Path) -> Path:
    """Return a folder for ``PYTHONPATH``; make it when the cache does not hold it.

    ``root`` is the tar of the root filesystem. Raises ``LocalError`` when that has no Python, or when the package index
    does not answer or serves other files than the pinned ones.
    """
    version = python_version(root)
    place = cache_folder() / "verify" / _key(version)
    if place.is_dir():
        return place
    with scratch.own_folder(place.parent, progress) as folder:
        if not place.is_dir():
            with progress.step("put verify and what it imports together"):
                _install(folder / "out", version, logs)
                for file in _files():
                    copy = folder / "out" / PACKAGE.name / file.relative_to(PACKAGE)
                    copy.parent.mkdir(parents=True, exist_ok=True)
                    shutil.copyfile(file, copy)
                (folder / "out").rename(place)
    return place


def python_version(root: Path) -> str:
    """Return major and minor of the Python in the tar of a root filesystem."""
    with tarfile.open(root) as archive:
        for member in archive:
            found = _INTERPRETER.fullmatch(member.name)
            if found:
                return found[1]
    raise LocalError(f"{root} has no Python: remove it, so that it is made again")


def _key(version: str) -> str:
    digest = hashlib.sha256(version.encode())
    for file in (*_files(), PACKAGE / _REQUIREMENTS):
        digest.update(f"\n{file.relative_to(PACKAGE)}\n".encode() + file.read_bytes())
    return digest.hexdigest()[:16]


def _files() -> Iterator[Path]:
    """The package's modules, and the data beside them."""
    yield from sorted(path for path in PACKAGE.rglob("*") if path.suffix in {".py", ".json"})


def _install(folder: Path, version: str, logs: Path) -> None:
    # Compiled by this Python, the files would be of no use to another one.
    command = [sys.executable, "-m", "pip", "install", "--require-hashes", "--only-binary=:all:", "--no-compile"]
    command += ["--disable-pip-version-check", "--progress-bar=off", "--python-version", version]
    command += ["--target", str(folder), "--requirement", str(PACKAGE / _REQUIREMENTS)]
    done = subprocess.run(command, check=False, env=os.environ | {"PIP_NO_INPUT": "1"}, capture_output=True, text=True)
    log = logs / "verify-image.log"
    logs.mkdir(parents=True, exist_ok=True)
    log.write_text(done.stdout + done.stderr)
    if done.returncode != 0:
        said = done.stderr.strip().splitlines() or ["no output"]
        raise LocalError(f"pip did not get what verify imports ({said[-1]}): check the package index, and see {log}")
