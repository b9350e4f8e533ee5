"""Runs the unit tests in copies of the tree, each with one mutant, in forked processes.

Pulumi takes seconds to import, so it is imported once, before the forks; the project's own modules are imported in
each copy anew.
"""

import ast
import enum
import os
import re
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

# Pulumi's client library would otherwise report each fork, and nothing here uses it after one.
os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")

from tests.mutation import mutants
from tests.mutation.mutants import Mutant

_SOURCES = ("components", "docs", "lint", "manifests", "model", "tests/unit/lint", "tests/unit/program")
_TOP = ("*.py", "Pulumi*.yaml", "pyproject.toml")
_SECONDS = 300
# How a test asks what must be there before a resource: a method of `recording.Deployed`.
_LOOKS_AT_EDGES = ".before("
# They look at something else than edges, waits and options, or cost more than they could tell here.
_NOT_RUN = {"test_golden.py", "test_schemas.py", "test_settings_property.py"}


class Outcome(enum.Enum):
    """What the tests said of a mutant."""

    NOTICED = "noticed"
    SURVIVED = "survived"
    BROKEN = "broken"


@dataclass(frozen=True)
class Result:
    """``detail`` is the first test that failed, or what went wrong."""

    mutant: Mutant
    outcome: Outcome
    detail: str
    seconds: float


def files(root: Path) -> list[str]:
    """The sources that are mutated."""
    parts = sorted(path.relative_to(root).as_posix() for path in (root / "components").glob("*.py"))
    return ["__main__.py", "settings.py", *parts, "lint/registry.py"]


def tests_of(root: Path, mutant: Mutant) -> list[str]:
    """The test files that can notice ``mutant``, the likeliest first."""
    if mutant.file.startswith("lint/"):
        return ["tests/unit/lint"]
    program = root / "tests" / "unit" / "program"
    stem = Path(mutant.file).stem
    imports = re.compile(rf"components(\.|.*import.*\b){stem}\b")
    # A module that a component keeps for itself is tested through that component.
    users = [path.stem for path in (root / "components").glob("*.py") if imports.search(path.read_text())]
    subjects = {name.strip("_") for name in (stem, *users)}

    def rank(path: Path) -> int | None:
        subject = path.stem.removeprefix("test_")
        if subject in subjects or subject in mutant.name.rpartition(": ")[2]:
            return 0
        if subject in {"program", "options"}:
            return 1
        return 2 if stem == "__main__" or imports.search(path.read_text()) else None

    ranks = {path: rank(path) for path in sorted(program.glob("test_*.py")) if path.name not in _NOT_RUN}
    wanted = sorted((number, path) for path, number in ranks.items() if number is not None)
    if stem == "__main__":
        # Only edges are left out there, and only some tests look at them.
        return [f"{path.relative_to(root)}::{test}" for _, path in wanted for test in _tests_of_edges(path)]
    return [path.relative_to(root).as_posix() for _, path in wanted]


def _tests_of_edges(path: Path) -> list[str]:
    """The tests in ``path`` that ask what comes before a resource, themselves or through another function."""
    text = path.read_text()
    functions = {node.name: node for node in ast.parse(text).body if isinstance(node, ast.FunctionDef)}
    sources = {name: ast.get_source_segment(text, node) or "" for name, node in functions.items()}
    found = {name for name, source in sources.items() if _LOOKS_AT_EDGES in source}
    found |= {name for name, source in sources.items() if any(f"{helper}(" in source for helper in found)}
    return [name for name in functions if name in found and name.startswith("test_")]


def run(root: Path, chosen: Sequence[Mutant], noticed_by: Mapping[str, str], *, jobs: int) -> list[Result]:
    """The outcome of every mutant.

    The test that ``noticed_by`` has for a mutant is asked first, and all others only if that one does not notice.
    Raises ``SystemExit`` when the tests fail without any mutant.
    """
    results: list[Result] = []
    with tempfile.TemporaryDirectory(prefix="mutation-") as folder:
        pristine = Path(folder, "pristine")
        _copy(root, pristine)
        _warm_up(pristine)
        asked = sorted({noticed_by[mutant.name] for mutant in chosen if mutant.name in noticed_by})
        unasked = {name for mutant in chosen if mutant.name not in noticed_by for name in tests_of(root, mutant)}
        # A test that fails anyway would notice everything.
        clean = _finish({_start(pristine, [[*asked, *sorted(unasked)]]): (None, time.monotonic(), pristine)})
        if clean.outcome is not Outcome.SURVIVED:
            raise SystemExit(f"the tests fail without any mutant: {clean.detail}")
        waiting, running = list(chosen), {}
        while waiting or running:
            while waiting and len(running) < jobs:
                mutant = waiting.pop(0)
                place = Path(folder, f"mutant-{len(results) + len(running)}-{len(waiting)}")
                shutil.copytree(pristine, place)
                (place / mutant.file).write_text(mutants.source(pristine, mutant))
                known = [[noticed_by[mutant.name]]] if mutant.name in noticed_by else []
                child = _start(place, [*known, tests_of(root, mutant)])
                running[child] = (mutant, time.monotonic(), place)
            result = _finish(running)
            results.append(result)
            print(f"{result.outcome.value:9}{result.seconds:6.1f} s  {result.mutant.name}  {result.detail}", flush=True)
    return results


def _copy(root: Path, place: Path) -> None:
    ignore = shutil.ignore_patterns("__pycache__", "golden")
    for name in _SOURCES:
        if (root / name).is_dir():
            shutil.copytree(root / name, place / name, ignore=ignore)
    for pattern in _TOP:
        for path in root.glob(pattern):
            shutil.copy2(path, place)


def _warm_up(pristine: Path) -> None:
    """Run the program once, so that all of Pulumi is imported, and forget the project's own modules."""
    sys.dont_write_bytecode = True
    with _inside(pristine):
        import recording  # noqa: PLC0415  from the copy

        for stack in recording.STACKS:
            recording.run_program(recording.stack_config(stack), preview=False)
    for name, module in list(sys.modules.items()):
        if str(pristine) in (getattr(module, "__file__", None) or ""):
            del sys.modules[name]


@contextmanager
def _inside(place: Path) -> Iterator[None]:
    before, path = Path.cwd(), list(sys.path)
    os.chdir(place)
    # The checkout itself is on the path too, and must not answer for what a copy has.
    own = {"", str(before)}
    sys.path[:] = [str(place), str(place / "tests/unit/program"), *(entry for entry in path if entry not in own)]
    try:
        yield
    finally:
        os.chdir(before)
        sys.path[:] = path


def _start(place: Path, attempts: Sequence[Sequence[str]]) -> int:
    """Fork a process that makes one attempt after the other until a test fails; return its id."""
    child = os.fork()
    if child:
        return child
    status = 99
    try:
        os.setpgrp()
        log = os.open(place / "log", os.O_WRONLY | os.O_CREAT)
        os.dup2(log, 1)
        os.dup2(log, 2)
        with _inside(place):
            arguments = ["-x", "-q", "--tb=line", "-p", "no:cacheprovider", "-p", "no:logging", f"--rootdir={place}"]
            for tests in attempts:
                status = pytest.main([*arguments, f"--config-file={place / 'pyproject.toml'}", *tests])
                if status == pytest.ExitCode.TESTS_FAILED:
                    break
    except BaseException:  # the copy of this process must not go on with the parent's work
        status = 99
    os._exit(int(status))


def _finish(running: dict[int, tuple[Mutant | None, float, Path]]) -> Result:
    """Wait for one of ``running``, and take it out; only mutants have a limit of time."""
    child, status = 0, 0
    while not child:
        child, status = os.waitpid(-1, os.WNOHANG)
        if not child:
            for pid, (mutant, began, _) in running.items():
                if mutant is not None and time.monotonic() - began > _SECONDS:
                    os.killpg(pid, signal.SIGKILL)
            time.sleep(0.05)
    ended, began, place = running.pop(child)
    said = (place / "log").read_text(errors="replace") if (place / "log").exists() else ""
    if ended is not None:
        shutil.rmtree(place)
    return _result(ended or Mutant("", 0, "none"), status, said, time.monotonic() - began)


def _result(mutant: Mutant, status: int, said: str, seconds: float) -> Result:
    failed = re.search(r"^(?:FAILED|ERROR) (.+?)(?: - .*)?$", said, re.MULTILINE)
    if os.WIFSIGNALED(status):
        return Result(mutant, Outcome.BROKEN, f"no end within {_SECONDS} s", seconds)
    code = os.waitstatus_to_exitcode(status)
    if code == pytest.ExitCode.OK:
        return Result(mutant, Outcome.SURVIVED, "", seconds)
    # A test that failed, or a test file that could not be read.
    if failed and code in {pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.INTERRUPTED}:
        return Result(mutant, Outcome.NOTICED, failed[1], seconds)
    return Result(mutant, Outcome.BROKEN, said[-300:], seconds)
