"""Work that can be interrupted at any time: folders for one process, commands that end with it."""

import fcntl
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from local.progress import Progress

# As a prefix of a command, these make the kernel end it together with this process.
ENDS_WITH_US = ("setpriv", "--pdeathsig", "KILL")


@contextmanager
def own_folder(parent: Path, progress: Progress) -> Iterator[Path]:
    """Yield an empty folder in ``parent``, made if need be, that no other process gets meanwhile.

    Waits while another process has it, and removes what an interrupted one left there. What was
    looked up before is worth looking up again inside: the other process may have made it.
    """
    parent.mkdir(parents=True, exist_ok=True)
    folder = parent / ".scratch"
    with (parent / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            progress.say(f"  … waiting for another process that works in {parent}")
            fcntl.flock(lock, fcntl.LOCK_EX)
        _remove(folder)
        folder.mkdir()
        try:
            yield folder
        finally:
            _remove(folder)


def _remove(folder: Path) -> None:
    if folder.exists():
        shutil.rmtree(folder)
