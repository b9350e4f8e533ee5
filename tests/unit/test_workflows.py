"""What the workflows of `.github/` may do: pinned actions, least rights, no secrets for a fork, one run per stack."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

GITHUB = Path(__file__).parents[2] / ".github"
WORKFLOWS = sorted(GITHUB.glob("workflows/*.yml"))
FILES = [*WORKFLOWS, *sorted(GITHUB.glob("actions/*/action.yml"))]
# The only right beside reading the sources: to write the preview's comment.
WRITES = {("preview.yml", "preview"): {"contents": "read", "pull-requests": "write"}}
READS = {"contents": "read"}


def jobs() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for file in WORKFLOWS:
        for name, job in yaml.safe_load(file.read_text())["jobs"].items():
            yield file.name, name, job


JOBS = [pytest.param(file, job, id=f"{file}:{name}") for file, name, job in jobs()]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_every_action_of_others_is_pinned_by_its_commit_and_names_its_version(file: Path) -> None:
    used = [line.split("uses:")[1].strip() for line in file.read_text().splitlines() if "uses:" in line]
    assert used
    for action in used:
        assert action.startswith("./") or re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", action), action


def test_an_action_has_the_same_commit_everywhere() -> None:
    used = {match for file in FILES for match in re.findall(r"uses: ([\w-]+/[\w-]+)@(\w+)", file.read_text())}
    assert len(used) == len({action for action, _ in used})


def test_a_job_has_no_rights_but_those_that_it_names() -> None:
    for file in WORKFLOWS:
        assert yaml.safe_load(file.read_text())["permissions"] == {}
    for file, name, job in jobs():
        assert job["permissions"] == WRITES.get((file, name), READS), (file, name)


@pytest.mark.parametrize(("file", "job"), JOBS)
def test_the_token_is_not_left_to_what_a_step_runs(file: str, job: dict[str, Any]) -> None:
    (checkout,) = (step for step in job["steps"] if step.get("uses", "").startswith("actions/checkout@"))
    assert checkout["with"]["persist-credentials"] is False


@pytest.mark.parametrize(("file", "job"), JOBS)
def test_secrets_are_those_of_a_stack_s_environment_and_never_for_a_fork(file: str, job: dict[str, Any]) -> None:
    if "secrets." not in yaml.safe_dump(job):
        return
    assert "matrix.stack" in job["environment"]
    if file == "preview.yml":
        assert "github.event.pull_request.head.repo.full_name == github.repository" in job["if"]


def test_a_pull_request_runs_with_the_rights_of_its_own_repository() -> None:
    # YAML 1.1 reads `on` as true.
    assert yaml.safe_load((GITHUB / "workflows" / "preview.yml").read_text())[True] == "pull_request"


def test_a_stack_has_one_run_at_a_time_and_none_that_waits_is_cancelled() -> None:
    groups = [job["concurrency"] for _, _, job in jobs() if "matrix.stack" in str(job.get("environment"))]
    assert len(groups) == 2
    for group in groups:
        assert group == {"group": "stack-${{ matrix.stack }}", "queue": "max"}


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_no_expression_is_pasted_into_a_script(file: Path) -> None:
    content = yaml.safe_load(file.read_text())
    scripts = [step["run"] for step in all_steps(content) if "run" in step]
    assert scripts
    assert [script for script in scripts if "${{" in script] == []


def all_steps(content: dict[str, Any]) -> list[dict[str, Any]]:
    steps: list[dict[str, Any]] = content.get("runs", {}).get("steps", [])
    for job in content.get("jobs", {}).values():
        steps = [*steps, *job["steps"]]
    return steps


def test_the_pulumi_of_the_workflows_is_the_one_that_everything_is_tested_with() -> None:
    toolchain = (GITHUB.parent / "local" / "toolchain" / "toolchain.toml").read_text()
    (tested,) = re.findall(r"common/version\.Version=v([\d.]+)", toolchain)
    installed = re.findall(r"pulumi-version: ([\d.]+)", "".join(file.read_text() for file in FILES))
    assert set(installed) == {tested}
