"""Lint as other repositories get it, from pip or pre-commit: a package of its own."""

import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

import lint

ROOT = Path(__file__).parents[3]
HOOK = "mesh-tracing-lint"
# With what pydantic brings.
DEPENDENCIES = {"PyYAML", "pydantic", "pydantic_core", "annotated-types", "typing_extensions", "typing-inspection"}
# Runs the command of the package that lies in the first argument, and says which modules it needed.
COMMAND = f"""
import sys
from importlib import metadata
before, folder = set(sys.modules), sys.argv.pop(1)
sys.path.insert(0, folder)
try:
    sys.exit(metadata.entry_points(group="console_scripts", name="{HOOK}")["{HOOK}"].load()())
except SystemExit as ended:
    code = ended.code
assert sys.modules["lint"].__file__.startswith(folder)
of_packages = metadata.packages_distributions()
needed = {{name.partition(".")[0] for name in set(sys.modules) - before}} & set(of_packages)
print("needed:", *(of_packages[name][0] for name in needed), file=sys.stderr)
sys.exit(code)
"""
WRONG = next(rule.example for rule in lint.RULES if rule.level == "error" and rule.facts == lint.Facts())

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the installed package, built without a network from what is in the checkout."""
    folder = tmp_path_factory.mktemp("installed")
    source = folder / "source"
    shutil.copytree(ROOT / "lint", source / "lint", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "LICENSE"):
        shutil.copy(ROOT / name, source)
    build = (sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--no-index")
    subprocess.run([*build, "--wheel-dir", str(folder), str(source)], check=True)
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as content:
        content.extractall(folder / "packages")
    return folder / "packages"


@pytest.fixture
def run(installed: Path, tmp_path: Path) -> Run:
    """The command, in a folder of somebody else."""

    def command(*arguments: str) -> subprocess.CompletedProcess[str]:
        isolated = [sys.executable, "-I", "-c", COMMAND, str(installed), *arguments]
        return subprocess.run(isolated, check=False, cwd=tmp_path, capture_output=True, text=True)

    return command


def test_the_package_has_what_lint_is_made_of_and_nothing_else(installed: Path) -> None:
    def files(folder: Path) -> set[str]:
        found = {path.relative_to(folder) for path in folder.rglob("*") if path.suffix in {".py", ".yaml", ".json"}}
        return {str(path) for path in found}

    assert files(installed) == {f"lint/{name}" for name in files(ROOT / "lint")}


def test_the_command_lists_the_checks(run: Run) -> None:
    done = run("--list")
    assert (done.returncode, done.stdout.splitlines()[0].split()[0]) == (0, "N1"), done.stderr


def test_the_command_reports_a_fault(run: Run, tmp_path: Path) -> None:
    (tmp_path / "wrong.yaml").write_text(WRONG)
    done = run("wrong.yaml")
    assert done.returncode == 1, done.stderr
    assert "wrong.yaml:" in done.stdout


def test_the_command_needs_what_the_package_depends_on_and_nothing_else(run: Run, tmp_path: Path) -> None:
    (tmp_path / "wrong.yaml").write_text(WRONG)
    (needed,) = re.findall(r"^needed: (.*)", run("wrong.yaml").stderr, re.MULTILINE)
    assert set(needed.split()) - {"mesh-tracing"} <= DEPENDENCIES


def test_the_hook_runs_the_command_on_manifests(run: Run, tmp_path: Path) -> None:
    (hook,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    command, *arguments = hook["entry"].split()
    assert (hook["id"], command, hook["language"]) == (HOOK, HOOK, "python")
    names = ("a/b.yaml", "b.yml", "c.json", "d.yaml.md", "eyaml")
    assert [name for name in names if re.search(hook["files"], name)] == ["a/b.yaml", "b.yml", "c.json"]
    (tmp_path / "nothing.yaml").write_text("a: 1\n")
    assert run(*arguments, "nothing.yaml").returncode == 0


def test_the_documentation_has_every_option_and_no_other(run: Run) -> None:
    def options(text: str) -> set[str]:
        return set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", text))

    documented = (ROOT / "docs" / "lint.md").read_text()
    of_other_commands = {"--requirement", "--policy-pack", "--policy-pack-config"}
    assert options(documented) - of_other_commands == options(run("--help").stdout) - {"--help"}
