"""CRDs of release manifests stay when the manifests go, as the real engine and provider see it.

Small manifests stand for the operators': a definition of a kind, and an object that has to go.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from embedded import Host, Project

PROGRAMS = Path(__file__).parent / "programs"
OPERATORS = ("tempo", "opentelemetry")

DEFINITION = """
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {{name: things.{operator}.example.com}}
spec:
  group: {operator}.example.com
  scope: Cluster
  names: {{kind: Thing, plural: things}}
  versions:
    - name: v1
      served: true
      storage: true
      schema: {{openAPIV3Schema: {{type: object}}}}
---
"""
OPERATOR = """
apiVersion: v1
kind: ConfigMap
metadata: {{name: {operator}-operator, namespace: default}}
"""
THING = "apiVersion: tempo.example.com/v1\nkind: Thing\nmetadata: {name: somebody-elses}\n"


class Releases:
    """A folder of release manifests."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for operator in OPERATORS:
            self.write(operator, DEFINITION + OPERATOR)

    def write(self, operator: str, manifest: str) -> None:
        (self.folder / f"{operator}-operator.yaml").write_text(manifest.format(operator=operator))


@pytest.fixture
def releases(tmp_path: Path) -> Releases:
    return Releases(tmp_path)


@pytest.fixture
def project(cluster: Host, releases: Releases, tmp_path: Path) -> Iterator[Project]:
    """The operators, deployed from the manifests by a program that did not keep CRDs, and then by this one."""
    project = Project.copy(cluster, tmp_path / "project", "releases", PROGRAMS / "operators.py")
    operators = {"source": "manifests", "manifestFolder": str(releases.folder)}
    for settings in ({**operators, "keepCrds": False}, operators):
        project.configure({"mesh-tracing:operators": settings})
        project.pulumi("up", "--yes", "--skip-preview")
    thing = releases.folder / "thing.yaml"
    thing.write_text(THING)
    cluster.kubectl("apply", "-f", str(thing))
    yield project
    project.pulumi("destroy", "--yes", "--skip-preview")
    cluster.kubectl(
        "delete", "crd", "--ignore-not-found", *(f"things.{operator}.example.com" for operator in OPERATORS)
    )


def things(cluster: Host) -> list[str]:
    """The objects of a kind that only the manifest for Tempo defines; an error if nothing defines it."""
    return [thing["metadata"]["name"] for thing in cluster.objects("things.tempo.example.com")]


def deployed(cluster: Host) -> set[str]:
    """What the manifests have beside definitions, and is there."""
    found = {config_map["metadata"]["name"] for config_map in cluster.objects("configmaps", "-n", "default")}
    return found & {f"{operator}-operator" for operator in OPERATORS}


def test_what_a_release_has_no_more_goes_without_its_definitions(
    project: Project, releases: Releases, cluster: Host
) -> None:
    releases.write("tempo", "")
    project.pulumi("up", "--yes", "--skip-preview")
    assert deployed(cluster) == {"opentelemetry-operator"}
    assert things(cluster) == ["somebody-elses"]


def test_destroy_leaves_the_definitions_and_every_object_of_their_kinds(project: Project, cluster: Host) -> None:
    project.pulumi("destroy", "--yes", "--skip-preview")
    assert deployed(cluster) == set()
    assert things(cluster) == ["somebody-elses"]
