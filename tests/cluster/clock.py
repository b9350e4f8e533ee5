"""Commands on a machine whose clock is wrong, by Debian's faketime; what measures durations goes on as it is."""

import shutil
import subprocess

# Python sleeps until a time of the clock that only runs forward, and faketime takes the fake offset off that, too.
_SLEEPING_FOR_A_WHILE = """
import runpy, select, sys, time
time.sleep = lambda seconds: select.select([], [], [], seconds) and None
runpy.run_module(sys.argv.pop(1), run_name="__main__", alter_sys=True)
"""


def at(offset: str, python: str, module: str, *arguments: str) -> list[str]:
    """Return ``python -m module`` as it runs where the clock is off, such as by ``+90s``; installs what that needs."""
    if shutil.which("faketime") is None:
        for words in (["update"], ["install", "--yes", "--no-install-recommends", "faketime"]):
            subprocess.run(["apt-get", *words], check=True, capture_output=True)
    fake = ["env", "FAKETIME_DONT_FAKE_MONOTONIC=1", "faketime", "-f", offset]
    return [*fake, python, "-c", _SLEEPING_FOR_A_WHILE, module, *arguments]
