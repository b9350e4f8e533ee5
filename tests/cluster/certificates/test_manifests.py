"""Operators from their release manifests, whose webhooks have certificates of a cert-manager that is brought too.

The operators, their webhooks and cert-manager's three programs are real. cert-manager's controller has only the issuers
that sign by themselves or by a CA of theirs; the manifests are made from the projects' modules (``release_files``).
"""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import release_files
from embedded import STACK, Host, Project, eventually, inventory
from recording import stack_config, with_settings

from local.run.addons import OPERATORS

GROUPS = ("tempo.grafana.com", "opentelemetry.io", "cert-manager.io")
TEMPO_NAMESPACE, TEMPO_CERTIFICATE = "tempo-operator-system", "webhook-server-cert"
UP = ("up", "--yes", "--skip-preview")
# As a user writes them, without what an operator's webhook adds.
TEMPO_STACK = {
    "apiVersion": "tempo.grafana.com/v1alpha1",
    "kind": "TempoStack",
    "metadata": {"name": "of-a-user", "namespace": "default"},
    "spec": {"storageSize": "1Gi", "storage": {"secret": {"name": "any", "type": "s3"}}},
}
COLLECTOR = {
    "apiVersion": "opentelemetry.io/v1beta1",
    "kind": "OpenTelemetryCollector",
    "metadata": {"name": "of-a-user", "namespace": "default"},
    "spec": {
        "config": {
            "receivers": {"otlp": {"protocols": {"grpc": {}}}},
            "exporters": {"debug": {}},
            "service": {"pipelines": {"traces": {"receivers": ["otlp"], "exporters": ["debug"]}}},
        }
    },
}


@pytest.fixture(scope="module")
def bare(cluster: Host) -> Host:
    """The cluster without the operators that an administrator installs there, and without their definitions."""
    cluster.kubectl("delete", "namespace", *(operator.namespace for operator in OPERATORS))
    for kind in ("clusterroles", "clusterrolebindings"):
        names = [found["metadata"]["name"] for found in cluster.objects(kind)]
        cluster.kubectl("delete", kind, *(name for name in names if name.startswith(tuple(o.name for o in OPERATORS))))
    cluster.kubectl("delete", "crd", *definitions(cluster))
    return cluster


@pytest.fixture(scope="module")
def before(bare: Host) -> set[tuple[str, str, str]]:
    return inventory(bare)


@pytest.fixture(scope="module")
def project(bare: Host, tmp_path_factory: pytest.TempPathFactory) -> Project:
    folder = tmp_path_factory.mktemp("manifests")
    (folder / "scratch").mkdir()
    release_files.write(bare, folder / "releases", folder / "scratch")
    project = Project.copy(bare, folder / "project", STACK)
    configure(project, folder / "releases")
    return project


def configure(project: Project, releases: Path, **operators: str) -> None:
    changes = {"source": "manifests", "manifestFolder": str(releases), "tempoVersion": "0.20.0", **operators}
    project.configure(with_settings(stack_config(STACK), {"operators": changes}))


@pytest.fixture(scope="module")
def refused(project: Project, before: set[tuple[str, str, str]]) -> str:
    """What a preview says while the cluster has no cert-manager."""
    assert before
    done = project.attempt("preview", "--stack", STACK)
    assert done.returncode != 0
    return done.stdout


@pytest.fixture(scope="module")
def installed(project: Project, refused: str) -> Project:
    """The stack after its first update, which brought cert-manager, the operators and all the rest."""
    assert refused
    configure(project, project.folder.parent / "releases", certManager="install")
    project.pulumi(*UP)
    return project


def definitions(cluster: Host) -> list[str]:
    names = [found["metadata"]["name"] for found in cluster.objects("customresourcedefinitions")]
    return [name for name in names if name.endswith(GROUPS)]


def applied(cluster: Host, obj: Mapping[str, Any], folder: Path) -> tuple[dict[str, Any] | None, str]:
    """What the API server would keep of an object, and what it says of one that it refuses."""
    file = folder / "object.json"
    file.write_text(json.dumps(obj))
    command = ("kubectl", "apply", "--dry-run=server", "--output=json", "--filename", str(file))
    done = cluster.with_exports(*command, check=False)
    return (json.loads(done.stdout), "") if done.returncode == 0 else (None, done.stderr)


def with_spec(obj: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {**obj, "spec": {**obj["spec"], **changes}}


def test_without_a_cert_manager_the_preview_is_refused_with_the_remedy(refused: str) -> None:
    (line,) = (line for line in refused.splitlines() if "cert-manager" in line)
    assert "set operators.certManager to install" in line


def test_the_first_update_brings_everything_and_the_second_changes_nothing(installed: Project) -> None:
    installed.pulumi(*UP, "--expect-no-changes")


def test_tracing_works(installed: Project, bare: Host) -> None:
    checked = bare.with_exports(
        sys.executable, "-m", "verify", "--stack", installed.stack, "--no-report", "--wait", "180s"
    )
    assert "Tracing works." in checked.stdout


@pytest.mark.parametrize(
    ("obj", "field"), [(TEMPO_STACK, "replicationFactor"), (COLLECTOR, "replicas")], ids=["tempo", "collector"]
)
def test_what_a_user_leaves_out_is_added_by_the_operator_s_webhook(
    installed: Project, tmp_path: Path, obj: dict[str, Any], field: str
) -> None:
    kept, said = applied(installed.host, obj, tmp_path)
    assert kept is not None, said
    assert kept["spec"][field] == 1


@pytest.mark.parametrize(
    ("obj", "reason"),
    [
        (
            with_spec(TEMPO_STACK, replicationFactor=3, template={"ingester": {"replicas": 1}}),
            "requires at least 2 ingester replicas",
        ),
        (
            with_spec(COLLECTOR, autoscaler={"minReplicas": 3, "maxReplicas": 2}),
            "minReplicas must not be greater than maxReplicas",
        ),
    ],
    ids=["tempo", "collector"],
)
def test_what_cannot_work_is_refused_by_the_operator_s_webhook(
    installed: Project, tmp_path: Path, obj: dict[str, Any], reason: str
) -> None:
    kept, said = applied(installed.host, obj, tmp_path)
    assert kept is None
    assert reason in said


def test_a_new_certificate_is_trusted_without_anybody_s_help(installed: Project, bare: Host, tmp_path: Path) -> None:
    assert installed

    def authority() -> str:
        secrets = bare.objects(
            "secrets", "-n", TEMPO_NAMESPACE, "--field-selector", f"metadata.name={TEMPO_CERTIFICATE}"
        )
        return secrets[0]["data"]["ca.crt"] if secrets else ""

    old = authority()
    bare.kubectl("delete", "secret", "-n", TEMPO_NAMESPACE, TEMPO_CERTIFICATE)
    assert eventually(authority, lambda seen: seen not in {"", old}, 60) not in {"", old}

    def trusted() -> set[str]:
        found = bare.objects("mutatingwebhookconfigurations,validatingwebhookconfigurations")
        asked = [webhook["clientConfig"] for one in found for webhook in one["webhooks"]]
        return {one["caBundle"] for one in asked if one.get("service", {}).get("namespace") == TEMPO_NAMESPACE}

    assert eventually(trusted, lambda seen: seen == {authority()} != {old}, 120) == {authority()}
    # The kubelet gives the operator's pod the new one within two minutes.
    kept, said = eventually(lambda: applied(bare, TEMPO_STACK, tmp_path), lambda answer: answer[0] is not None, 180)
    assert kept is not None, said


def test_a_second_cert_manager_is_refused(
    installed: Project, bare: Host, tmp_path_factory: pytest.TempPathFactory
) -> None:
    other = Project.copy(bare, tmp_path_factory.mktemp("second") / "project", "second")
    configure(other, installed.folder.parent / "releases", certManager="install")
    said = other.attempt("preview", "--stack", "second").stdout
    assert "the cluster has a cert-manager already" in said
    assert "set operators.certManager to existing" in said


@pytest.fixture(scope="module")
def destroyed(installed: Project) -> Project:
    installed.pulumi("destroy", "--yes", "--skip-preview")
    return installed


def test_destroy_leaves_the_definitions_alone(
    destroyed: Project, bare: Host, before: set[tuple[str, str, str]]
) -> None:
    assert destroyed
    left = {("CustomResourceDefinition", "", name) for name in definitions(bare)}
    assert left
    # The API server has one for each version of what is defined.
    passing = {"Pod", "PodMetrics", "EndpointSlice", "APIService"}
    assert {one for one in inventory(bare) - before if one[0] not in passing} == left


def test_a_stack_is_deployed_again_over_the_definitions_that_were_left(destroyed: Project) -> None:
    destroyed.pulumi(*UP)
