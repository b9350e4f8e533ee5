"""What is not a stack's is left alone, and each command needs no more than its role."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from embedded import CHECKOUT, CONTEXT, OPTIONS, STACK, Host, Project, uids

PYTHON = str(CHECKOUT / ".venv" / "bin" / "python")


@pytest.fixture(scope="session")
def stack(cluster: Host, deployed: str) -> Host:
    """A cluster with the stack."""
    assert deployed
    return cluster


@pytest.fixture
def elsewhere(stack: Host, tmp_path: Path) -> Project:
    """A checkout of the program on which it has never run, with the same stack."""
    project = Project.copy(stack, tmp_path / "elsewhere", STACK)
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


def test_a_second_stack_with_the_same_names_is_refused_at_once(stack: Host, tmp_path: Path) -> None:
    project = Project.copy(stack, tmp_path / "second", "second")
    shutil.copy(CHECKOUT / f"Pulumi.{STACK}.yaml", project.folder / "Pulumi.second.yaml")
    refused = project.attempt("preview")
    assert refused.returncode != 0
    for namespace in ("istio-system", "tracing-system", "bookinfo"):
        assert f"Namespace {namespace} exists and belongs to stack mesh-tracing/{STACK}" in refused.stdout


def test_a_namespace_of_somebody_else_is_refused_before_anything_is_made(stack: Host, tmp_path: Path) -> None:
    project = Project.copy(stack, tmp_path / "mine", "mine")
    stack.kubectl("create", "namespace", "monitoring")
    project.configure({"mesh-tracing:tempo": {"namespace": "monitoring"}, "mesh-tracing:mesh": {"namespace": "mesh"}})
    refused = project.attempt("up", "--yes", "--stack", "mine")
    assert refused.returncode != 0
    assert "Namespace monitoring exists and is somebody else's: add monitoring to namespaces.existing" in refused.stdout
    assert stack.objects("namespaces", "--field-selector", "metadata.name=mesh") == []


def test_the_context_is_the_persons_own_choice(stack: Host, tmp_path: Path) -> None:
    mine = yaml.safe_load((stack.state / "kubeconfig").read_text())
    text = yaml.safe_dump(mine).replace(CONTEXT, "somebody/else:6443/mesh")
    (tmp_path / "kubeconfig").write_text(text)
    project = Project.copy(stack, tmp_path / "theirs", STACK)
    content = yaml.safe_load((CHECKOUT / f"Pulumi.{STACK}.yaml").read_text())
    del content["config"]["mesh-tracing:cluster"]
    (project.folder / f"Pulumi.{STACK}.yaml").write_text(yaml.safe_dump(content))
    command = ("pulumi", "--cwd", str(project.folder), "preview", "--stack", STACK, "--expect-no-changes")
    done = stack.with_exports("env", f"KUBECONFIG={tmp_path / 'kubeconfig'}", *command, check=False)
    assert done.returncode == 0, done.stdout


@pytest.fixture(scope="session")
def accounts(stack: Host, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Path]]:
    """For each command the kubeconfig of an account that has exactly its role."""
    folder = tmp_path_factory.mktemp("accounts")
    roles = stack.with_exports(
        str(CHECKOUT / ".venv/bin/python"), "-m", "mesh_tracing", "roles", "--stack", STACK
    ).stdout
    (folder / "roles.yaml").write_text(roles)
    stack.kubectl("apply", "-f", str(folder / "roles.yaml"))
    own = yaml.safe_load((stack.state / "kubeconfig").read_text())
    made = {}
    for command in ("preview", "up", "destroy", "verify"):
        account = f"ci-{command}"
        role = f"mesh-tracing-{STACK}-{command}"
        stack.kubectl("create", "serviceaccount", account, "-n", "default")
        stack.kubectl(
            "create", "clusterrolebinding", account, "--clusterrole", role, f"--serviceaccount=default:{account}"
        )
        token = stack.kubectl("create", "token", account, "-n", "default", "--duration", "1h").strip()
        made[command] = folder / command
        made[command].write_text(
            yaml.safe_dump({**own, "users": [{"name": own["users"][0]["name"], "user": {"token": token}}]})
        )
    yield made
    for command in made:
        stack.kubectl("delete", "clusterrolebinding", f"ci-{command}")


class TestWithExactlyItsRole:
    def run(self, stack: Host, kubeconfig: Path, *command: str) -> subprocess.CompletedProcess[str]:
        return stack.with_exports("env", f"KUBECONFIG={kubeconfig}", *command, check=False)

    def test_a_preview_of_a_change_succeeds(self, stack: Host, accounts: dict[str, Path]) -> None:
        done = self.run(stack, accounts["preview"], "pulumi", "preview", "--stack", STACK, "--expect-no-changes")
        assert done.returncode == 0, done.stdout
        assert "not checked" not in done.stdout

    def test_the_account_of_a_preview_can_change_nothing(self, stack: Host, accounts: dict[str, Path]) -> None:
        listed = self.run(stack, accounts["preview"], "kubectl", "auth", "can-i", "--list", "--no-headers").stdout
        verbs = {verb for line in listed.splitlines() for verb in line[line.rindex("[") + 1 : -1].split()}
        # To ask for one's own rights is to create a review, which is stored nowhere.
        reviews = ("selfsubject",)
        changing = [line for line in listed.splitlines() if "[create]" in line and not line.startswith(reviews)]
        assert verbs <= {"get", "list", "create"}
        assert changing == []

    def test_verify_succeeds(self, stack: Host, accounts: dict[str, Path]) -> None:
        command = (PYTHON, "-m", "mesh_tracing", "verify", "--stack", STACK, "--no-report", "--wait", "60s")
        done = self.run(stack, accounts["verify"], *command)
        assert done.returncode == 0, done.stdout

    def test_destroy_and_up_succeed_one_after_the_other(self, stack: Host, accounts: dict[str, Path]) -> None:
        done = self.run(stack, accounts["destroy"], "pulumi", "destroy", *OPTIONS, "--run-program")
        assert done.returncode == 0, done.stdout
        assert uids(stack) == {}
        done = self.run(stack, accounts["up"], "pulumi", "up", *OPTIONS)
        assert done.returncode == 0, done.stdout
