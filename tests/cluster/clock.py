"""Commands on a machine whose clock is wrong, by Debian's faketime; what measures durations goes on as it is."""

import shutil
import subprocess
from collections.abc import Sequence


def at(offset: str, command: Sequence[str]) -> list[str]:
    """Return ``command`` as it runs where the clock is off, such as by ``+90s``; installs what that needs."""
    if shutil.which("faketime") is None:
        for arguments in (["update"], ["install", "--yes", "--no-install-recommends", "faketime"]):
            subprocess.run(["apt-get", *arguments], check=True, capture_output=True)
    return ["env", "FAKETIME_DONT_FAKE_MONOTONIC=1", "faketime", "-f", offset, *command]
