"""The store of unpacked images leaves nothing running."""

import os
from pathlib import Path

import pytest

from local.build import image_store

_OURS = str(os.getpid())


@pytest.mark.skipif(os.geteuid() != 0, reason="namespaces need root")
def test_the_containerd_that_fills_a_store_has_ended_with_all_that_it_started(tmp_path: Path) -> None:
    socket, program = tmp_path / "socket", tmp_path / "containerd"
    program.write_text(f"#!/bin/sh\nsleep 60 & touch {socket}\nexec sleep 60\n")
    program.chmod(0o755)

    with image_store._containerd(program, tmp_path / "config", socket, tmp_path / "log"):
        log = str(tmp_path / "log")
        # Every process that the program is, or has started, writes to its log.
        started = [path for path in Path("/proc").glob("[0-9]*") if log in _open_files(path) and path.name != _OURS]
        assert len(started) >= 3
    # Not even as one that has ended and that nobody has asked about yet.
    assert [path for path in started if path.exists()] == []


def _open_files(process: Path) -> set[str]:
    try:
        return {str(link.readlink()) for link in (process / "fd").iterdir()}
    except OSError:
        return set()
