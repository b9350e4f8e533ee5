"""A TempoStack whose operator knows no metrics generator: the collector makes the graph, and nobody asked for it."""

import json
import sys
from collections.abc import Iterator

import pytest
from embedded import Host, Project, eventually, prometheus_query
from faults import Fault, Stack, prove
from faults_of_parts import FAULTS
from recording import stack_config, with_settings

STACK = "parts"
CHANGES = {
    "tempo.mode": "stack",
    # The operator divides it among the parts.
    "tempo.resources": {"requests": {"cpu": "100m", "memory": "512Mi"}, "limits": {"memory": "4Gi"}},
}


@pytest.fixture(scope="module")
def parts(cluster: Host, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """The stack of the embedded cluster, with a TempoStack."""
    project = Project.copy(cluster, tmp_path_factory.mktemp(STACK) / "project", STACK)
    project.configure(with_settings(stack_config("local"), CHANGES))
    project.pulumi("up", "--yes", "--skip-preview")
    yield project
    project.pulumi("destroy", "--yes", "--skip-preview")


def test_the_outputs_say_that_the_collector_makes_the_graph(parts: Project) -> None:
    assert json.loads(parts.pulumi("stack", "output", "--json"))["graph_source"] == "collector"


def test_no_tempo_stands_beside_the_stack(parts: Project, cluster: Host) -> None:
    assert parts.stack == STACK
    kinds = ("tempostacks.tempo.grafana.com", "tempomonolithics.tempo.grafana.com")
    found = {kind: cluster.objects(kind, "-n", "tracing-system") for kind in kinds}
    assert [[item["metadata"]["name"] for item in items] for items in found.values()] == [["tempo"], []]


def test_a_request_is_found_in_the_stack_and_in_the_graph(parts: Project, cluster: Host) -> None:
    checked = cluster.with_exports(sys.executable, "-m", "verify", "--stack", parts.stack, "--wait", "120s")
    assert "5 of 5 expected calls found" in checked.stdout
    assert "Tracing works." in checked.stdout


def test_its_operator_has_tls_between_the_parts(parts: Project, cluster: Host) -> None:
    assert parts.stack == STACK
    (config,) = cluster.objects("configmaps", "-n", "tracing-system", "--field-selector", "metadata.name=tempo-tempo")
    assert "client_auth_type: RequireAndVerifyClientCert" in config["data"]["tempo.yaml"]


@pytest.mark.parametrize("job", ["tempo-distributor", "tempo-query-frontend", "service-graph", "otel-collector"])
def test_prometheus_scrapes_every_hop(parts: Project, cluster: Host, job: str) -> None:
    assert parts.stack == STACK
    up = eventually(lambda: prometheus_query(cluster.address("prometheus"), f'up{{job="{job}"}} == 1'), bool, 60)
    assert up


def test_a_second_update_changes_nothing(parts: Project) -> None:
    parts.pulumi("up", "--yes", "--skip-preview", "--expect-no-changes")


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_the_cause_is_named_and_its_remedy_repairs_it_when(parts: Project, cluster: Host, fault: Fault) -> None:
    prove(cluster, fault, Stack(STACK, parts.folder))
