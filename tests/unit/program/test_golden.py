"""The identity of every resource of every stack: what is called otherwise is deleted and made anew."""

import difflib
import os

import pytest
from recording import ROOT, STACKS, Deployed, run_program, stack_config

GOLDEN = ROOT / "tests" / "unit" / "program" / "golden"
# `MESH_TRACING_GOLDEN=write python -m pytest tests/unit/program/test_golden.py` writes the lists anew.
_WRITE = os.environ.get("MESH_TRACING_GOLDEN") == "write"
_REMEDY = (
    "A resource that got another name, type or parent needs an alias (pulumi.Alias), or an update deletes it and what "
    "it holds; if it is new, or meant to go, run the test with MESH_TRACING_GOLDEN=write and commit the list."
)


def identities(deployed: Deployed) -> list[str]:
    """Type and name of every resource, the types of its parents before its own: what a URN is made of."""
    return sorted("::".join(resource.urn.split("::")[2:]) for resource in deployed)


@pytest.mark.parametrize("stack", STACKS)
def test_no_resource_changes_its_identity_unnoticed(stack: str) -> None:
    path = GOLDEN / f"{stack}.txt"
    found = identities(run_program(stack_config(stack), preview=False))
    if _WRITE:
        path.write_text("".join(f"{identity}\n" for identity in found))
    known = path.read_text().splitlines() if path.exists() else []
    difference = difflib.unified_diff(known, found, f"golden/{path.name}", "the program", lineterm="", n=0)
    assert known == found, "\n".join([*difference, _REMEDY])


def test_every_list_belongs_to_a_stack() -> None:
    assert {path.stem for path in GOLDEN.glob("*.txt")} == set(STACKS)
