"""A TempoStack whose operator knows no metrics generator: the collector makes the graph, and nobody asked for it."""

import json
import shlex
import sys
from collections.abc import Iterator

import pytest
from embedded import Host, Project, eventually, prometheus_query
from faults import MESH, PATIENCE, patch, report, run_remedy
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


def test_spans_that_are_not_counted_are_the_metrics_generator_s_fault_and_its_remedy_repairs_it(
    parts: Project, cluster: Host
) -> None:
    # The spans of an edge are counted no more, and those of each service are.
    pipelines = {"traces": {"exporters": ["otlp_grpc", "spanmetrics"]}, "metrics/graph": {"receivers": ["spanmetrics"]}}
    patch(cluster, MESH, "opentelemetrycollector/otel", {"spec": {"config": {"service": {"pipelines": pipelines}}}})
    cluster.kubectl("wait", "-n", MESH, "deployment/otel-collector", "--for=condition=Progressing", "--timeout=60s")
    cluster.kubectl("rollout", "status", "-n", MESH, "deployment/otel-collector", "--timeout=120s")
    found = report(cluster, "--stack", parts.stack)
    (fault,) = [hop for hop in found["hops"] if hop["status"] == "broken" and not hop["follows_from"]]
    assert (fault["hop"], fault["code"]) == ("generator", "processor-off")
    in_its_folder = f"cd {shlex.quote(str(parts.folder))} && {fault['remedy']}"
    run_remedy(cluster, in_its_folder)
    assert report(cluster, "--stack", parts.stack, *PATIENCE)["exit"] == 0
