"""Compares what a test finds with a committed file.

``MESH_TRACING_GOLDEN=write python -m pytest <the test>`` rewrites the file.
"""

import difflib
import os

import pytest
from recording import ROOT

GOLDEN = ROOT / "tests" / "unit" / "program" / "golden"
_WRITE = os.environ.get("MESH_TRACING_GOLDEN") == "write"


def compare(name: str, found: str, remedy: str) -> None:
    """Fail with the lines that differ when ``found`` is not what the golden file ``name`` holds."""
    path = GOLDEN / name
    if _WRITE:
        path.write_text(found)
    known = path.read_text() if path.exists() else ""
    if known != found:
        lines = difflib.unified_diff(
            known.splitlines(), found.splitlines(), f"golden/{name}", "the program", lineterm="", n=2
        )
        pytest.fail("\n".join([*lines, remedy]))
