"""Runs the unit tests in copies of the tree, each with one mutant, in forked processes.

Pulumi takes seconds to import, so it is imported once, before the forks; the project's own modules are imported in
each copy anew.
"""

import ast
import enum
import json
import os
import re
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from functools import cache, partial
from pathlib import Path

import pytest

# Pulumi's client library would otherwise report each fork, and nothing here uses it after one.
os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")

from tests.mutation import mutants
from tests.mutation.mutants import Mutant

_SOURCES = (
    "cluster",
    "components",
    "docs",
    "lint",
    "local",
    "manifests",
    "model",
    "objects",
    "program",
    "rollout",
    "tests/unit/program",
    "verify",
)
# Whose modules are mutated, besides single files.
_MUTATED = ("components", "objects", "program")
_FILES = ("*.py", "Pulumi*.yaml", "pyproject.toml", "tests/unit/conftest.py")
_SECONDS = 300
_NO_ANSWER = 99
# The program as it is.
_NONE = Mutant("", 0, "none")
# How a test asks what must be there before a resource: a method of `recording.Deployed`.
_LOOKS_AT_EDGES = ".before("
# How a mutant without an edge of the program itself is called.
_IS_AN_EDGE = " not after "
# They test something other than edges, waits and options, or take too long for what they would find.
_NOT_RUN = {
    "test_examples.py",
    "test_golden.py",
    "test_package.py",
    "test_schemas.py",
    "test_settings_property.py",
    "test_verify_roles.py",
}


# What a process does; it exits with one of pytest's codes.
Work = Callable[[], int]
Effects = Mapping[str, str]


class Outcome(enum.Enum):
    """What the tests said of a mutant."""

    NOTICED = "noticed"
    SURVIVED = "survived"
    BROKEN = "broken"


@dataclass(frozen=True)
class _Child:
    """A process that works on a mutant in the copy at ``place``."""

    mutant: Mutant
    place: Path
    began: float


@dataclass(frozen=True)
class Result:
    """``detail`` is the first test that failed, or what went wrong."""

    mutant: Mutant
    outcome: Outcome
    detail: str
    seconds: float


def files(root: Path) -> list[str]:
    """The sources that are mutated."""
    parts = [path.relative_to(root).as_posix() for folder in _MUTATED for path in sorted((root / folder).glob("*.py"))]
    return ["__main__.py", "settings.py", *parts]


def tests_of(root: Path, mutant: Mutant) -> list[str]:
    """The test files that can notice ``mutant``, the likeliest first."""
    program = root / "tests" / "unit" / "program"
    stem = Path(mutant.file).stem
    # What a component is made of is tested through that component.
    subjects = {name.strip("_") for name in _users(stem, root)}

    def rank(path: Path) -> int:
        subject = path.stem.removeprefix("test_")
        if subject in subjects or subject in mutant.name.rpartition(": ")[2]:
            return 0
        if subject in {"program", "options", "outputs", "restart"}:
            return 1
        return 2 if path in _importing(stem, program) else 3

    wanted = sorted(
        (path for path in program.glob("test_*.py") if path.name not in _NOT_RUN), key=lambda p: (rank(p), p)
    )
    if stem == "__main__" and _IS_AN_EDGE in mutant.name:
        # Most are of these, and only some tests look at edges.
        return [f"{path.relative_to(root)}::{test}" for path in wanted for test in _tests_of_edges(path)]
    return [path.relative_to(root).as_posix() for path in wanted]


@cache
def _users(module: str, root: Path) -> frozenset[str]:
    """A module and all that import it, directly or not."""
    found, waiting = {module}, [module]
    while waiting:
        name = waiting.pop()
        direct = {path.stem for folder in _MUTATED for path in _importing(name, root / folder)}
        waiting.extend(direct - found)
        found |= direct
    return frozenset(found - {"__init__"})


@cache
def _importing(module: str, folder: Path) -> list[Path]:
    """The files in ``folder`` that import a module of this name."""
    imports = re.compile(rf"^(from|import) ({'|'.join(_MUTATED)})(\.|.*import.*\b){module}\b", re.MULTILINE)
    return [path for path in sorted(folder.glob("*.py")) if imports.search(path.read_text())]


@cache
def _tests_of_edges(path: Path) -> list[str]:
    """The tests in ``path`` that ask what comes before a resource, themselves or through another function."""
    functions = {node.name: node for node in ast.parse(path.read_text()).body if isinstance(node, ast.FunctionDef)}
    sources = {name: ast.unparse(node) for name, node in functions.items()}
    found = {name for name, source in sources.items() if _LOOKS_AT_EDGES in source}
    found |= {name for name, source in sources.items() if any(f"{helper}(" in source for helper in found)}
    return [name for name in functions if name in found and name.startswith("test_")]


def run(
    root: Path, chosen: Sequence[Mutant], noticed_by: Mapping[str, str], harmless: Collection[str], *, jobs: int
) -> Iterator[Result]:
    """The outcome of every mutant, as it comes.

    The test that ``noticed_by`` names for a mutant runs first, and all others only if it passes. No test runs for
    ``harmless`` mutants: they survive if the program asks the engine for the same.

    Raises ``SystemExit`` when the tests fail without any mutant.
    """
    with tempfile.TemporaryDirectory(prefix="mutation-") as folder:
        pristine = Path(folder, "pristine")
        _copy(root, pristine)
        unchanged = _warm_up(pristine)

        def work_on(mutant: Mutant, place: Path) -> Work:
            if mutant.name in harmless:
                return partial(_compare, unchanged)
            known = [[noticed_by[mutant.name]]] if mutant.name in noticed_by else []
            return partial(_test, place, [*known, tests_of(root, mutant)])

        running: dict[int, _Child] = {}
        # A test that fails anyway would notice everything.
        asked = _asked(root, [mutant for mutant in chosen if mutant.name not in harmless], noticed_by)
        waiting = [*([_NONE] if asked else []), *chosen]
        try:
            while waiting or running:
                while waiting and len(running) < jobs:
                    mutant = waiting.pop(0)
                    place = Path(folder, f"copy-{len(waiting)}")
                    shutil.copytree(pristine, place)
                    if mutant is not _NONE:
                        (place / mutant.file).write_text(mutants.source(pristine, mutant))
                    work = partial(_test, place, [asked]) if mutant is _NONE else work_on(mutant, place)
                    running[_start(place, work)] = _Child(mutant, place, time.monotonic())
                result = _finish(running)
                if result.mutant is not _NONE:
                    yield result
                elif result.outcome is not Outcome.SURVIVED:
                    raise SystemExit(f"the tests fail without any mutant: {result.detail}")
        finally:
            for child in running:
                os.killpg(child, signal.SIGKILL)
                os.waitpid(child, 0)


def _asked(root: Path, tested: Sequence[Mutant], noticed_by: Mapping[str, str]) -> list[str]:
    """The tests that are asked first about one of ``tested``, each once."""
    known = {noticed_by[mutant.name] for mutant in tested if mutant.name in noticed_by}
    others = {name for mutant in tested if mutant.name not in noticed_by for name in tests_of(root, mutant)}
    return sorted(known | others)


def _copy(root: Path, place: Path) -> None:
    ignore = shutil.ignore_patterns("__pycache__", "golden")
    for name in _SOURCES:
        if (root / name).is_dir():
            shutil.copytree(root / name, place / name, ignore=ignore)
    for pattern in _FILES:
        for path in root.glob(pattern):
            shutil.copy2(path, place / path.relative_to(root))


def _warm_up(pristine: Path) -> Effects:
    """Run the program, so that all of Pulumi is imported, and forget the project's own modules."""
    sys.dont_write_bytecode = True
    with _inside(pristine):
        effects = _effects()
    for name, module in list(sys.modules.items()):
        if str(pristine) in (getattr(module, "__file__", None) or ""):
            del sys.modules[name]
    return effects


def _effects() -> Effects:
    """What the engine is asked for, by stack and resource.

    Not single edges, but everything that exists before a resource: an edge that other edges imply changes nothing.
    """
    import recording  # noqa: PLC0415  from the copy

    configs = {
        **{stack: recording.stack_config(stack) for stack in recording.STACKS},
        "with one key": recording.minimal_config(),
        "with every part": recording.full_config(),
    }
    effects = {}
    for stack, config in configs.items():
        deployed = recording.run_program(config, preview=False)
        children = {resource.urn for resource in deployed.children}
        for resource in deployed.children:
            asked = replace(resource, dependencies=deployed.before(resource.urn) & children, parent="")
            effects[f"{resource.kind} {resource.name}, stack {stack}"] = json.dumps(asdict(asked), default=sorted)
        effects[f"outputs, stack {stack}"] = json.dumps(deployed.exports)
    return effects


@contextmanager
def _inside(place: Path) -> Iterator[None]:
    before, path = Path.cwd(), list(sys.path)
    os.chdir(place)
    # The checkout is on the path too, and no module of it may be imported instead of the copy's.
    own = {"", str(before)}
    sys.path[:] = [str(place), str(place / "tests/unit/program"), *(entry for entry in path if entry not in own)]
    try:
        yield
    finally:
        os.chdir(before)
        sys.path[:] = path


def _test(place: Path, attempts: Sequence[Sequence[str]]) -> int:
    """Run one attempt after another until a test fails."""
    arguments = ["-x", "-q", "--tb=line", "-p", "no:cacheprovider", "-p", "no:logging", f"--rootdir={place}"]
    status = 0
    for tests in attempts:
        status = int(pytest.main([*arguments, f"--config-file={place / 'pyproject.toml'}", *tests]))
        if status == pytest.ExitCode.TESTS_FAILED:
            break
    return status


def _compare(unchanged: Effects) -> int:
    """Compare the mutant's effects with the unchanged program's; return pytest's exit code for passed or failed."""
    changed = _effects()
    different = sorted(name for name in unchanged.keys() | changed.keys() if unchanged.get(name) != changed.get(name))
    for name in different:
        print("FAILED", name)
    return pytest.ExitCode.TESTS_FAILED if different else pytest.ExitCode.OK


def _start(place: Path, work: Work) -> int:
    """Fork a process that does ``work`` in the copy at ``place``; return its id."""
    child = os.fork()
    if child:
        # A group of its own, with all that its tests start.
        os.setpgid(child, child)
        return child
    status = _NO_ANSWER
    try:
        log = os.open(place / "log", os.O_WRONLY | os.O_CREAT)
        os.dup2(log, 1)
        os.dup2(log, 2)
        with _inside(place):
            status = int(work())
        sys.stdout.flush()
    except BaseException:  # the copy of this process must not go on with the parent's work
        traceback.print_exc()
        status = _NO_ANSWER
    os._exit(status)


def _finish(running: dict[int, _Child]) -> Result:
    """Wait for one of ``running``, and take it out; only mutants have a limit of time."""
    process, status = 0, 0
    while not process:
        process, status = os.waitpid(-1, os.WNOHANG)
        if not process:
            for pid, child in running.items():
                if child.mutant is not _NONE and time.monotonic() - child.began > _SECONDS:
                    os.killpg(pid, signal.SIGKILL)
            time.sleep(0.05)
    ended = running.pop(process)
    log = ended.place / "log"
    said = log.read_text(errors="replace") if log.exists() else ""
    shutil.rmtree(ended.place)
    return _result(ended.mutant, status, said, time.monotonic() - ended.began)


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
