"""A real TempoStack, by an operator that knows no metrics generator, and the Tempo that makes its service graph."""

import json
import sys
from collections.abc import Iterator

import pytest
from embedded import Host, Project, eventually
from recording import stack_config, with_settings

STACK = "parts"
CHANGES = {
    "graph.source": "tempo",
    "tempo.mode": "stack",
    # The operator divides it among the parts.
    "tempo.resources": {"requests": {"cpu": "100m", "memory": "512Mi"}, "limits": {"memory": "4Gi"}},
}
# More than the settings of the embedded cluster ask for.
SIZE = "12Gi"
DEFINITION = "tempostacks.tempo.grafana.com"


@pytest.fixture(scope="module")
def parts(cluster: Host, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """The stack of the embedded cluster, with a TempoStack."""
    project = Project.copy(cluster, tmp_path_factory.mktemp(STACK) / "project", STACK)
    project.configure(with_settings(stack_config("local"), CHANGES))
    project.pulumi("up", "--yes", "--skip-preview")
    yield project
    project.pulumi("destroy", "--yes", "--skip-preview")


def test_what_is_deployed_is_a_tempo_stack_and_the_tempo_that_makes_its_graph(parts: Project, cluster: Host) -> None:
    assert parts.stack == STACK
    kinds = ("tempostacks.tempo.grafana.com", "tempomonolithics.tempo.grafana.com")
    found = {kind: cluster.objects(kind, "-n", "tracing-system") for kind in kinds}
    assert [[item["metadata"]["name"] for item in items] for items in found.values()] == [["tempo"], ["graph"]]


def test_a_request_is_found_in_the_stack_and_in_the_graph(parts: Project, cluster: Host) -> None:
    checked = cluster.with_exports(sys.executable, "-m", "verify", "--stack", parts.stack, "--wait", "120s")
    assert "5 of 5 expected calls found" in checked.stdout
    assert "Tracing works." in checked.stdout


def test_a_second_update_changes_nothing(parts: Project) -> None:
    parts.pulumi("up", "--yes", "--skip-preview", "--expect-no-changes")


def test_an_operator_that_has_a_generator_takes_over(parts: Project, cluster: Host) -> None:
    """The field is enough: nobody sets a version."""
    path = "/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties/template/properties/metricsGenerator"
    field = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}

    def patch(operation: str) -> None:
        change = {"op": operation, "path": path, "value": field}
        cluster.kubectl("patch", "crd", DEFINITION, "--type=json", "--patch", json.dumps([change]))

    def is_published() -> bool:
        return "metricsGenerator" in cluster.kubectl("get", "--raw", "/openapi/v3/apis/tempo.grafana.com/v1alpha1")

    patch("add")
    try:
        # The API server publishes a changed definition a moment later.
        assert eventually(is_published, bool, 30)
        steps = json.loads(parts.pulumi("preview", "--json"))["steps"]
    finally:
        patch("remove")
    changes = {step["urn"].rpartition("::")[2]: step["op"] for step in steps if step["op"] != "same"}
    assert changes["tempo-graph"] == "delete"
    assert changes["tempo-stack"] == "update"


def test_a_volume_grows_in_one_update_once_its_class_lets_it(parts: Project, cluster: Host) -> None:
    parts.configure(with_settings(stack_config("local"), {**CHANGES, "tempo.storage.size": SIZE}))
    refused = parts.attempt("preview")
    assert "class standard does not let it grow" in refused.stdout
    cluster.kubectl("patch", "storageclass", "standard", "--patch", '{"allowVolumeExpansion": true}')
    try:
        parts.pulumi("up", "--yes", "--skip-preview")
        name = "metadata.name=data-tempo-tempo-ingester-0"
        (claim,) = cluster.objects("persistentvolumeclaims", "-n", "tracing-system", "--field-selector", name)
        assert claim["spec"]["resources"]["requests"]["storage"] == SIZE
        parts.pulumi("up", "--yes", "--skip-preview", "--expect-no-changes")
    finally:
        cluster.kubectl("patch", "storageclass", "standard", "--patch", '{"allowVolumeExpansion": false}')
