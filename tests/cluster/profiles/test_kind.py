"""`Pulumi.kind.yaml` on the embedded cluster: no container engine is here, so its objects are tried without kind.

Of the committed settings these differ: the context; Istio's charts, images and the switches of the upstream Envoy are
those of the stack `local`; and the operators are the cluster's own, since their release manifests are on a public host.
"""

import pytest
from embedded import Host, Project
from faults import PATIENCE, report
from openshift import OPTIONS, lasting, timed_up
from recording import stack_config
from sail import MESH

from objects.merge import merge

STACK = "kind"


@pytest.fixture(scope="module")
def before(cluster: Host) -> set[tuple[str, str, str]]:
    """What there was before the stack."""
    return lasting(cluster)


@pytest.fixture(scope="module")
def kind(cluster: Host, before: set[tuple[str, str, str]], tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The stack, deployed."""
    assert before
    project = Project.copy(cluster, tmp_path_factory.mktemp(STACK) / "project", STACK)
    config = stack_config(STACK)
    # What the stack says itself is kept over what the embedded cluster needs.
    mesh = merge(MESH, config["mesh-tracing:mesh"]) | {"keepCrds": False}
    project.configure({**config, "mesh-tracing:operators": {"source": "existing"}, "mesh-tracing:mesh": mesh})
    print(f"pulumi up -s {STACK}: {timed_up(project):.0f} s")
    return project


def test_a_request_is_traced_through_every_hop_into_the_graph(cluster: Host, kind: Project) -> None:
    found = report(cluster, "--stack", kind.stack, *PATIENCE)
    assert found["exit"] == 0, found["hops"]


def test_a_second_update_changes_nothing(kind: Project) -> None:
    kind.pulumi("up", *OPTIONS, "--expect-no-changes")


def test_destroy_leaves_exactly_what_was_there(cluster: Host, kind: Project, before: set[tuple[str, str, str]]) -> None:
    kind.pulumi("destroy", *OPTIONS)
    assert lasting(cluster) == before
