"""Custom resources wait until OLM has installed the operators, as the real API server and provider see it.

No OLM runs here: the test writes the status that OLM would write.
"""

import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from embedded import Host, Project, eventually

PROGRAMS = Path(__file__).parent / "programs"

CONFIG = {
    "mesh-tracing:platform": "openshift",
    "mesh-tracing:operators": {"source": "olm"},
    "mesh-tracing:mesh": {"installer": "sail"},
}
NAMESPACES = {
    "servicemeshoperator3": "openshift-operators",
    "tempo-product": "openshift-tempo-operator",
    "opentelemetry-product": "openshift-opentelemetry-operator",
}


class Olm:
    """What OLM makes of a Subscription: an Operator that lists the parts of the installation."""

    def __init__(self, host: Host) -> None:
        self._host = host

    def write(self, package: str, phase: str) -> None:
        """The ClusterServiceVersion is in ``phase``; OLM shows it as a condition that is always true."""
        name = f"{package}.{NAMESPACES[package]}"
        condition = {"type": phase, "status": "True", "reason": "Test", "message": "", "lastTransitionTime": None}
        refs = [
            {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "name": "tests.example.com"},
            {
                "apiVersion": "operators.coreos.com/v1alpha1",
                "kind": "ClusterServiceVersion",
                "name": f"{package}.v1.0.0",
                "namespace": NAMESPACES[package],
                "conditions": [condition | {"lastTransitionTime": "2026-01-01T00:00:00Z"}],
            },
        ]
        selector = {"matchLabels": {f"operators.coreos.com/{name}": ""}}
        status = {"status": {"components": {"labelSelector": selector, "refs": refs}}}
        self._host.kubectl(
            "patch", "operators.operators.coreos.com", name, "--subresource=status", "--type=merge",
            "--patch", json.dumps(status),
        )  # fmt: skip

    def seen(self) -> set[str]:
        found = self._host.objects("operators.operators.coreos.com")
        return {operator["metadata"]["name"].partition(".")[0] for operator in found}


@pytest.fixture(scope="module")
def project(cluster: Host, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    project = Project.copy(
        cluster, tmp_path_factory.mktemp("operators") / "project", "operators", PROGRAMS / "operators.py"
    )
    project.configure(CONFIG)
    cluster.kubectl("create", "namespace", "openshift-operators")
    yield project
    project.pulumi("destroy", "--yes", "--skip-preview")
    cluster.kubectl("delete", "operators.operators.coreos.com", "--all")
    cluster.kubectl("delete", "namespace", "openshift-operators")


def test_up_ends_only_when_every_cluster_service_version_has_succeeded(project: Project, cluster: Host) -> None:
    olm = Olm(cluster)
    outcome: list[int] = []
    up = threading.Thread(target=lambda: outcome.append(project.attempt("up", "--yes", "--skip-preview").returncode))
    up.start()
    try:
        assert eventually(olm.seen, lambda seen: seen >= NAMESPACES.keys(), 120) >= NAMESPACES.keys()
        for package in NAMESPACES:
            olm.write(package, "Installing")
        olm.write("servicemeshoperator3", "Succeeded")
        olm.write("tempo-product", "Succeeded")
        up.join(5)
        assert outcome == []
    finally:
        olm.write("opentelemetry-product", "Succeeded")
        up.join(120)
    assert outcome == [0]
