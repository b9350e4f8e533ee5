"""The components used by another program, and as a package, with the real CLI on the embedded cluster."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from embedded import CHECKOUT, Host, Project

GOLDEN_SCHEMA = CHECKOUT / "tests" / "unit" / "program" / "golden" / "schema.json"


@pytest.fixture(scope="module")
def copied(cluster: Host, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the whole project."""
    return Project.copy(cluster, tmp_path_factory.mktemp("two-components") / "project", "copied").folder


@pytest.fixture(scope="module")
def example(cluster: Host, copied: Path) -> Iterator[Project]:
    """The example, deployed."""
    project = Project(cluster, copied / "examples" / "two_components", "example")
    project.pulumi("stack", "select", "--create", "example")
    project.pulumi("up", "--yes", "--skip-preview")
    yield project
    project.pulumi("destroy", "--yes", "--skip-preview")


def test_the_example_deploys_a_tempo_that_is_ready_and_the_data_sources_of_it(example: Project, cluster: Host) -> None:
    outputs: dict[str, Any] = json.loads(example.pulumi("stack", "output", "--json"))
    (tempo,) = cluster.objects("tempomonolithics.tempo.grafana.com", "-n", "traces")
    conditions = {condition["type"]: condition["status"] for condition in tempo["status"]["conditions"]}
    assert conditions["Ready"] == "True"
    maps = {item["metadata"]["name"]: item["data"] for item in cluster.objects("configmaps", "-n", "traces")}
    assert outputs["tempo_url"] in maps["grafana-datasources-tracing"]["datasources.yaml"]
    assert f"{outputs['dashboard_uid']}.json" in maps["grafana-dashboard-tracing"]


def test_the_example_run_again_changes_nothing(example: Project) -> None:
    example.pulumi("up", "--yes", "--skip-preview", "--expect-no-changes")


def test_the_cli_reads_the_schema_of_the_package(cluster: Host, copied: Path) -> None:
    printed = cluster.with_exports("pulumi", "package", "get-schema", str(copied / "package")).stdout
    schema, golden = json.loads(printed), json.loads(GOLDEN_SCHEMA.read_text())
    for part in ("resources", "types"):
        assert {token: set(found["properties"]) for token, found in schema[part].items()} == {
            token: set(found["properties"]) for token, found in golden[part].items()
        }
