"""``python -m mesh_tracing`` runs what the packages run by themselves."""

import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
WRONG = "{apiVersion: sailoperator.io/v1, kind: IstioCNI, metadata: {name: cni}, spec: {version: v1.30.4}}"


def run(*arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, *arguments]
    return subprocess.run(command, cwd=PROJECT, input=stdin, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("command", "module", "arguments", "status"),
    [
        ("lint", "lint", ["-", "--json"], 1),
        ("lint", "lint", ["--mistyped"], 2),
        ("verify", "verify", ["--wait", "never"], 2),
        ("checks", "lint.reference", [], 2),
        ("settings", "model", [], 0),
        ("stacks", "stacks", [], 0),
    ],
)
def test_a_command_says_and_returns_what_its_module_does(
    command: str, module: str, arguments: list[str], status: int
) -> None:
    through = run("-m", "mesh_tracing", command, *arguments, stdin=WRONG)
    alone = run("-m", module, *arguments, stdin=WRONG)
    assert through.returncode == status
    assert (through.returncode, through.stdout, through.stderr) == (alone.returncode, alone.stdout, alone.stderr)


def test_the_help_names_every_command() -> None:
    done = run("-m", "mesh_tracing", "--help")
    listed = [line.split()[0] for line in done.stdout.splitlines() if line.startswith("  ") and "--" not in line]
    assert (done.returncode, listed) == (
        0,
        ["lint", "verify", "facts", "preview", "roles", "images", "settings", "alerts", "checks", "stacks"],
    )


@pytest.mark.parametrize("arguments", [[], ["mistyped"]])
def test_without_a_command_that_exists_it_says_so_and_exits_2(arguments: list[str]) -> None:
    done = run("-m", "mesh_tracing", *arguments)
    assert done.returncode == 2
    assert "mesh_tracing: error: " in done.stderr


def test_lint_is_run_without_importing_what_the_other_commands_need() -> None:
    done = run("-X", "importtime", "-m", "mesh_tracing", "lint", "--list")
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "lint.registry" in imported
    assert not imported & {"typer", "kubernetes", "pulumi"}
