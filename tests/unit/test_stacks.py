"""Which stacks a change touches: those whose deployment it may change, and no others."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

import stacks

PROJECT = Path(__file__).parents[2]
# Runs the program's own imports, and prints every file of the project that is a module then.
LOADED = """
import sys, pathlib
import components, program, settings
here = pathlib.Path.cwd()
files = (pathlib.Path(m.__file__) for m in list(sys.modules.values()) if getattr(m, "__file__", None))
print("\\n".join(str(f.relative_to(here)) for f in files if f.is_relative_to(here) and ".venv" not in f.parts))
"""


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ([], []),
        (["Pulumi.prod.yaml"], ["prod"]),
        (["facts/dev.json", "Pulumi.prod.yaml"], ["dev", "prod"]),
        (["Pulumi.local.yaml"], []),
        (["Pulumi.gone.yaml"], []),
        (["docs/verify.md", "README.md", "tests/unit/conftest.py", "local/state.py", "policy/pack.py"], []),
        (["README.md", "model/mesh.py"], ["dev", "prod"]),
        (["Pulumi.yaml"], ["dev", "prod"]),
        (["requirements.txt"], ["dev", "prod"]),
        (["manifests/minio.yaml"], ["dev", "prod"]),
        (["a-new-package/of-the-program.py"], ["dev", "prod"]),
    ],
)
def test_a_stack_is_touched_by_its_own_files_and_by_what_the_program_may_be_made_of(
    changed: list[str], expected: list[str]
) -> None:
    assert stacks.touched(changed, ["dev", "prod"]) == expected


def test_every_module_that_the_program_imports_touches_every_stack() -> None:
    loaded = subprocess.run([sys.executable, "-c", LOADED], cwd=PROJECT, capture_output=True, text=True, check=True)
    files = {"__main__.py", *loaded.stdout.split()}
    assert "objects/namespaces.py" in files
    assert [file for file in sorted(files) if stacks.touched([file], ["dev"]) != ["dev"]] == []


def test_the_stacks_of_a_cluster_on_one_s_own_machine_are_nobody_else_s(tmp_path: Path) -> None:
    for name in ("local", "kind", "prod", "dev"):
        (tmp_path / f"Pulumi.{name}.yaml").touch()
    (tmp_path / "Pulumi.yaml").touch()
    assert stacks.committed(tmp_path) == ["dev", "prod"]


@pytest.fixture
def branch(tmp_path: Path) -> Path:
    """A project of two stacks, on a branch that changed the settings of one, while its base went on."""

    def git(*arguments: str) -> None:
        identity = ["-c", "user.name=test", "-c", "user.email=test@example.com"]
        subprocess.run(["git", *identity, *arguments], cwd=tmp_path, check=True, capture_output=True)

    def commit(file: str) -> None:
        with (tmp_path / file).open("a") as content:
            content.write("changed\n")
        git("add", ".")
        git("commit", "--message", file)

    (tmp_path / "stacks.py").write_text((PROJECT / "stacks.py").read_text())
    git("init", "--initial-branch", "main")
    commit("Pulumi.dev.yaml")
    commit("Pulumi.prod.yaml")
    git("checkout", "-b", "branch")
    git("mv", "Pulumi.dev.yaml", "Pulumi.test.yaml")
    commit("notes.md")
    git("checkout", "main")
    commit("Pulumi.prod.yaml")
    commit("__main__.py")
    git("checkout", "branch")
    return tmp_path


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "stacks.py", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_what_the_base_changed_meanwhile_does_not_count(branch: Path) -> None:
    assert json.loads(run(branch, "--since", "main").stdout) == ["test"]


def test_without_a_commit_to_compare_with_it_is_every_committed_stack(branch: Path) -> None:
    assert json.loads(run(branch).stdout) == ["prod", "test"]


def test_a_commit_that_is_not_there_is_said_in_one_line(branch: Path) -> None:
    done = run(branch, "--since", "0" * 40)
    assert (done.returncode, done.stdout) == (1, "")
    assert "fetch the whole history" in done.stderr
    assert len(done.stderr.splitlines()) == 1
