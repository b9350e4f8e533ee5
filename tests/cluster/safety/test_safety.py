"""A stack has moved over, what is not a stack's is left alone, and each command needs no more than its role."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from embedded import CHECKOUT, CONTEXT, Host, Project
from stages import OPTIONS, STACK, uids

PYTHON = str(CHECKOUT / ".venv" / "bin" / "python")


def test_afterwards_there_is_nothing_to_do(moved: Host) -> None:
    moved.with_exports("pulumi", "preview", "--stack", STACK, "--expect-no-changes")


def test_the_state_names_no_kubeconfig_of_a_person(moved: Host) -> None:
    state = moved.with_exports("pulumi", "stack", "export", "--stack", STACK).stdout
    (provider,) = (
        resource
        for resource in json.loads(state)["deployment"]["resources"]
        if resource["type"] == "pulumi:providers:kubernetes"
    )
    uid = json.loads(moved.kubectl("get", "namespace", "kube-system", "-o", "json"))["metadata"]["uid"]
    assert provider["inputs"]["kubeconfig"] == f".kubeconfig/{uid}"
    assert "context" not in provider["inputs"]


@pytest.fixture
def elsewhere(moved: Host, tmp_path: Path) -> Project:
    """A checkout of the program on which it has never run, with the same stack."""
    project = Project.copy(moved, tmp_path / "elsewhere", STACK)
    shutil.copy(CHECKOUT / f"Pulumi.{STACK}.yaml", project.folder)
    return project


def test_a_destroy_without_the_program_stops_where_the_program_has_never_run(elsewhere: Project) -> None:
    before = uids(elsewhere.host)
    refused = elsewhere.attempt("destroy", *OPTIONS)
    assert refused.returncode != 0
    assert "unreachable" in refused.stdout
    assert uids(elsewhere.host) == before


def test_a_refresh_with_the_program_reaches_the_cluster_from_everywhere(elsewhere: Project) -> None:
    assert "unchanged" in elsewhere.pulumi("refresh", *OPTIONS, "--run-program")


def test_a_second_stack_with_the_same_names_is_refused_at_once(moved: Host, tmp_path: Path) -> None:
    project = Project.copy(moved, tmp_path / "second", "second")
    shutil.copy(CHECKOUT / f"Pulumi.{STACK}.yaml", project.folder / "Pulumi.second.yaml")
    refused = project.attempt("preview")
    assert refused.returncode != 0
    for namespace in ("istio-system", "tracing-system", "bookinfo"):
        assert f"Namespace {namespace} exists and belongs to stack mesh-tracing/{STACK}" in refused.stdout


def test_a_namespace_of_somebody_else_is_refused_before_anything_is_made(moved: Host, tmp_path: Path) -> None:
    project = Project.copy(moved, tmp_path / "mine", "mine")
    moved.kubectl("create", "namespace", "monitoring")
    project.configure({"mesh-tracing:tempo": {"namespace": "monitoring"}, "mesh-tracing:mesh": {"namespace": "mesh"}})
    refused = project.attempt("up", "--yes", "--stack", "mine")
    assert refused.returncode != 0
    assert "Namespace monitoring exists and is somebody else's: add monitoring to namespaces.existing" in refused.stdout
    assert moved.objects("namespaces", "--field-selector", "metadata.name=mesh") == []


def test_the_context_is_the_persons_own_choice(moved: Host, tmp_path: Path) -> None:
    mine = yaml.safe_load((moved.state / "kubeconfig").read_text())
    text = yaml.safe_dump(mine).replace(CONTEXT, "somebody/else:6443/mesh")
    (tmp_path / "kubeconfig").write_text(text)
    project = Project.copy(moved, tmp_path / "theirs", STACK)
    content = yaml.safe_load((CHECKOUT / f"Pulumi.{STACK}.yaml").read_text())
    del content["config"]["mesh-tracing:cluster"]
    (project.folder / f"Pulumi.{STACK}.yaml").write_text(yaml.safe_dump(content))
    command = ("pulumi", "--cwd", str(project.folder), "preview", "--stack", STACK, "--expect-no-changes")
    done = moved.with_exports("env", f"KUBECONFIG={tmp_path / 'kubeconfig'}", *command, check=False)
    assert done.returncode == 0, done.stdout


@pytest.fixture(scope="session")
def accounts(moved: Host, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Path]]:
    """For each command the kubeconfig of an account that has exactly its role."""
    folder = tmp_path_factory.mktemp("accounts")
    roles = moved.with_exports(
        str(CHECKOUT / ".venv/bin/python"), "-m", "mesh_tracing", "roles", "--stack", STACK
    ).stdout
    (folder / "roles.yaml").write_text(roles)
    moved.kubectl("apply", "-f", str(folder / "roles.yaml"))
    own = yaml.safe_load((moved.state / "kubeconfig").read_text())
    made = {}
    for command in ("preview", "up", "destroy", "verify"):
        account = f"ci-{command}"
        role = f"mesh-tracing-{STACK}-{command}"
        moved.kubectl("create", "serviceaccount", account, "-n", "default")
        moved.kubectl(
            "create", "clusterrolebinding", account, "--clusterrole", role, f"--serviceaccount=default:{account}"
        )
        token = moved.kubectl("create", "token", account, "-n", "default", "--duration", "1h").strip()
        made[command] = folder / command
        made[command].write_text(
            yaml.safe_dump({**own, "users": [{"name": own["users"][0]["name"], "user": {"token": token}}]})
        )
    yield made
    for command in made:
        moved.kubectl("delete", "clusterrolebinding", f"ci-{command}")


class TestWithExactlyItsRole:
    def run(self, moved: Host, kubeconfig: Path, *command: str) -> subprocess.CompletedProcess[str]:
        return moved.with_exports("env", f"KUBECONFIG={kubeconfig}", *command, check=False)

    def test_a_preview_of_a_change_succeeds(self, moved: Host, accounts: dict[str, Path]) -> None:
        done = self.run(moved, accounts["preview"], "pulumi", "preview", "--stack", STACK, "--expect-no-changes")
        assert done.returncode == 0, done.stdout
        assert "not checked" not in done.stdout

    def test_the_account_of_a_preview_can_change_nothing(self, moved: Host, accounts: dict[str, Path]) -> None:
        listed = self.run(moved, accounts["preview"], "kubectl", "auth", "can-i", "--list", "--no-headers").stdout
        verbs = {verb for line in listed.splitlines() for verb in line[line.rindex("[") + 1 : -1].split()}
        # To ask for one's own rights is to create a review, which is stored nowhere.
        reviews = ("selfsubject",)
        changing = [line for line in listed.splitlines() if "[create]" in line and not line.startswith(reviews)]
        assert verbs <= {"get", "list", "create"}
        assert changing == []

    def test_verify_succeeds(self, moved: Host, accounts: dict[str, Path]) -> None:
        command = (PYTHON, "-m", "mesh_tracing", "verify", "--stack", STACK, "--no-report", "--wait", "60s")
        done = self.run(moved, accounts["verify"], *command)
        assert done.returncode == 0, done.stdout

    def test_destroy_and_up_succeed_one_after_the_other(self, moved: Host, accounts: dict[str, Path]) -> None:
        done = self.run(moved, accounts["destroy"], "pulumi", "destroy", *OPTIONS, "--run-program")
        assert done.returncode == 0, done.stdout
        assert uids(moved) == {}
        done = self.run(moved, accounts["up"], "pulumi", "up", *OPTIONS)
        assert done.returncode == 0, done.stdout
