"""Every step of the workflows in `.github/` runs against the embedded cluster, as GitHub would run it.

`stack` is `local` here, and the secrets are the cluster's. What only prepares a runner (checkout, the installation of
programs) is left out, and so are the commands with which `make test` itself begins.
"""

import json
import re
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from embedded import CHECKOUT, Host

GITHUB = CHECKOUT / ".github"
EXPRESSION = re.compile(r"\$\{\{ (.+?) \}\}")
# Run by `make test` before any cluster.
ALREADY_RUN = {"make lint", "make unit"}
# The tests run in an environment that has it.
INSTALLS = {"make .venv/installed"}
# GitHub's shells: without a name, and for `shell: bash`.
SHELLS = {None: ["bash", "-e"], "bash": ["bash", "--noprofile", "--norc", "-eo", "pipefail"]}
PULUMI = "pulumi/actions@"


class Runner:
    """A machine of GitHub's: it runs steps one after the other, and keeps what they write for the next ones."""

    def __init__(self, host: Host, folder: Path, values: Mapping[str, str]) -> None:
        self._host = host
        self._folder = folder
        self._values = values
        self._variables = {"RUNNER_TEMP": str(folder)}
        for file in ("GITHUB_ENV", "GITHUB_OUTPUT"):
            self._variables[file] = str(folder / file)
            (folder / file).touch()

    def run(self, steps: list[dict[str, Any]], variables: Mapping[str, str]) -> Iterator[tuple[str, str]]:
        """Run ``steps``, and give each command with what it printed; one that fails fails the test."""
        for step in steps:
            given = {name: self._value(text) for name, text in step.get("with", {}).items()}
            if step.get("uses", "").startswith("./"):
                action = yaml.safe_load((CHECKOUT / step["uses"] / "action.yml").read_text())
                inside = {f"inputs.{name}": value for name, value in given.items()}
                yield from self._with(inside).run(action["runs"]["steps"], variables)
            elif "run" in step and step["run"] not in ALREADY_RUN | INSTALLS:
                yield step["run"], self._command(step["run"], step.get("shell"), {**variables, **step.get("env", {})})
            elif step.get("uses", "").startswith(PULUMI) and "command" in given:
                line = f"pulumi {given['command']} --stack {given['stack-name']} --diff --non-interactive"
                yield line, self._command(line, "bash", variables)

    def written(self, file: str) -> dict[str, str]:
        """What steps have written into one of GitHub's files."""
        lines = (self._folder / file).read_text().splitlines()
        return {name: value for name, _, value in (line.partition("=") for line in lines)}

    def _with(self, values: Mapping[str, str]) -> "Runner":
        return Runner(self._host, self._folder, {**self._values, **values})

    def _value(self, text: object) -> str:
        return EXPRESSION.sub(lambda found: self._values[found[1]], str(text))

    def _command(self, text: str, shell: str | None, variables: Mapping[str, str]) -> str:
        script = self._folder / "script"
        script.write_text(text)
        evaluated = {name: self._value(value) for name, value in variables.items()}
        # An empty value is a secret or a variable that the repository does not have.
        own = {name: value for name, value in evaluated.items() if value}
        pairs = [f"{name}={value}" for name, value in {**self._variables, **own, **self.written("GITHUB_ENV")}.items()]
        return self._host.with_exports("env", *pairs, *SHELLS[shell], str(script)).stdout


def secrets(cluster: Host) -> dict[str, str]:
    return {
        "secrets.KUBECONFIG": (cluster.state / "kubeconfig").read_text(),
        "secrets.PULUMI_ACCESS_TOKEN": "",
        "secrets.PULUMI_CONFIG_PASSPHRASE": "",
        "vars.PULUMI_BACKEND_URL": "",
    }


def run(
    cluster: Host, folder: Path, workflow: str, job: str, values: Mapping[str, str]
) -> tuple[dict[str, str], Runner]:
    """What each command of a job printed, and the machine that ran it."""
    described = yaml.safe_load((GITHUB / "workflows" / workflow).read_text())["jobs"][job]
    runner = Runner(cluster, folder, values)
    return dict(runner.run(described["steps"], described.get("env", {}))), runner


def head() -> str:
    return subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=CHECKOUT, check=True, capture_output=True, text=True
    ).stdout.strip()


@pytest.mark.parametrize(
    ("workflow", "expected"), [("preview.yml", []), ("up.yml", ["dev", "prod"])], ids=["preview", "up"]
)
def test_the_stacks_of_a_run_are_found(cluster: Host, tmp_path: Path, workflow: str, expected: list[str]) -> None:
    # Nothing has changed since this commit.
    _, runner = run(cluster, tmp_path, workflow, "stacks", {"github.event.pull_request.base.sha": head()})
    assert json.loads(runner.written("GITHUB_OUTPUT")["stacks"]) == expected


def test_a_pull_request_s_stack_is_previewed(cluster: Host, deployed: str, tmp_path: Path) -> None:
    printed, runner = run(cluster, tmp_path, "preview.yml", "preview", {"matrix.stack": "local", **secrets(cluster)})
    (previewed,) = (text for command, text in printed.items() if command.startswith("pulumi preview"))
    assert "unchanged" in previewed
    # What was previewed is the cluster of the secret, and nobody else can read that file.
    kubeconfig = Path(runner.written("GITHUB_ENV")["KUBECONFIG"])
    assert kubeconfig.is_relative_to(tmp_path)
    assert kubeconfig.stat().st_mode & 0o077 == 0


def test_a_push_to_main_deploys_has_nothing_left_to_change_and_is_verified(
    cluster: Host, deployed: str, tmp_path: Path
) -> None:
    printed, _ = run(cluster, tmp_path, "up.yml", "up", {"matrix.stack": "local", **secrets(cluster)})
    commands = [command for command in printed if command.startswith(("pulumi", ".venv"))]
    assert [command.split()[1] for command in commands] == ["up", "preview", "-m"]


def test_a_check_s_commands_are_those_of_make_test() -> None:
    steps = yaml.safe_load((GITHUB / "workflows" / "preview.yml").read_text())["jobs"]["check"]["steps"]
    assert {step["run"] for step in steps if "run" in step} == ALREADY_RUN


def test_a_fork_s_pull_request_is_previewed_without_secrets(cluster: Host, tmp_path: Path) -> None:
    printed, _ = run(cluster, tmp_path, "preview.yml", "preview-of-a-fork", {"matrix.stack": "dev"})
    (previewed,) = printed.values()
    assert "to create" in previewed
