"""An Istio resource that somebody else owns gets our provider, and keeps everything its owner set.

No Sail operator runs here: the test writes the status that it would write.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from embedded import Host, Project, need_definitions_beside

PROGRAMS = Path(__file__).parent / "programs"

CONFIG = {
    "mesh-tracing:mesh": {"installer": "existing"},
    "mesh-tracing:namespaces": {"existing": ["istio-system"]},
}


def istio(*providers: str) -> dict[str, Any]:
    """The resource as its owner keeps it."""
    return {
        "apiVersion": "sailoperator.io/v1",
        "kind": "Istio",
        "metadata": {"name": "default"},
        "spec": {
            "version": "v1.30.0",
            "namespace": "istio-system",
            "updateStrategy": {"type": "InPlace"},
            "values": {
                "pilot": {"env": {"OWNERS": "variable"}},
                "meshConfig": {
                    "extensionProviders": [
                        {"name": name, "zipkin": {"service": f"{name}.tools.svc.cluster.local", "port": 9411}}
                        for name in providers
                    ]
                },
            },
        },
    }


class Owner:
    """The owner of the Istio resource, who applies it from a file by server-side apply, never by force."""

    def __init__(self, host: Host, folder: Path) -> None:
        self._host = host
        self._file = folder / "istio.yaml"

    def apply(self, *providers: str) -> None:
        self._file.write_text(yaml.safe_dump(istio(*providers)))
        self._host.kubectl("apply", "--server-side", "--field-manager=owner", "-f", str(self._file))

    def live(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(
            self._host.kubectl("get", "istio", "default", "-o", "json", "--show-managed-fields")
        )
        return found

    def providers(self) -> list[str]:
        return [entry["name"] for entry in self.live()["spec"]["values"]["meshConfig"]["extensionProviders"]]


@pytest.fixture(scope="module")
def owner(cluster: Host, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Owner]:
    """The owner's resource, ready, with one provider of its own."""
    need_definitions_beside()
    owner = Owner(cluster, tmp_path_factory.mktemp("owner"))
    cluster.kubectl("create", "namespace", "istio-system")
    owner.apply("theirs")
    ready = {"type": "Ready", "status": "True", "reason": "Healthy", "lastTransitionTime": "2026-01-01T00:00:00Z"}
    cluster.kubectl(
        "patch", "istio", "default", "--subresource=status", "--type=merge",
        "--patch", json.dumps({"status": {"state": "Healthy", "conditions": [ready]}}),
    )  # fmt: skip
    yield owner
    cluster.kubectl("delete", "istio", "default")
    cluster.kubectl("delete", "namespace", "istio-system")


@pytest.fixture(scope="module")
def project(owner: Owner, cluster: Host, tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = Project.copy(
        cluster, tmp_path_factory.mktemp("existing") / "project", "existing", PROGRAMS / "control_plane.py"
    )
    project.configure(CONFIG)
    return project


@pytest.fixture(scope="module")
def previewed(project: Project) -> str:
    return project.pulumi("preview", "--diff")


@pytest.fixture(scope="module")
def brought_in(project: Project, owner: Owner, previewed: str) -> None:
    """Between preview and ``up`` the owner adds a second provider."""
    owner.apply("theirs", "added")
    project.pulumi("up", "--yes", "--skip-preview")


def test_the_preview_shows_the_fields_that_it_would_set_and_none_of_the_owner_s(previewed: str) -> None:
    patch = previewed[previewed.index("IstioPatch: (create)") :]
    assert "SHARED_MESH_CONFIG" in patch
    assert "enableTracing" in patch
    assert "theirs" not in patch
    assert "otel-collector.istio-system.svc.cluster.local" in previewed


def test_the_owner_s_providers_are_all_there_and_still_the_owner_s(brought_in: None, owner: Owner) -> None:
    assert owner.providers() == ["theirs", "added"]
    holders = {
        entry["manager"]
        for entry in owner.live()["metadata"]["managedFields"]
        if "f:extensionProviders" in json.dumps(entry["fieldsV1"])
    }
    assert holders == {"owner"}


def test_our_provider_is_in_the_mesh_configuration_that_istiod_reads_beside_theirs(
    brought_in: None, owner: Owner, cluster: Host
) -> None:
    values = owner.live()["spec"]["values"]
    assert values["meshConfig"]["enableTracing"] is True
    name = values["pilot"]["env"]["SHARED_MESH_CONFIG"]
    config_map = json.loads(cluster.kubectl("get", "configmap", "-n", "istio-system", name, "-o", "json"))
    (provider,) = yaml.safe_load(config_map["data"]["mesh"])["extensionProviders"]
    assert provider["name"] == "otel"
    assert provider["opentelemetry"]["service"] == "otel-collector.istio-system.svc.cluster.local"


def test_the_owner_may_apply_again_without_a_conflict_and_does_not_lose_ours(brought_in: None, owner: Owner) -> None:
    owner.apply("theirs", "added")
    values = owner.live()["spec"]["values"]
    assert values["pilot"]["env"].keys() == {"OWNERS", "SHARED_MESH_CONFIG"}


def test_a_second_up_has_nothing_to_do(brought_in: None, project: Project) -> None:
    project.pulumi("up", "--yes", "--skip-preview", "--expect-no-changes")


def test_destroy_takes_out_exactly_what_was_brought_in(
    brought_in: None, project: Project, owner: Owner, cluster: Host
) -> None:
    project.pulumi("destroy", "--yes", "--skip-preview")
    live = owner.live()
    assert live["spec"] == istio("theirs", "added")["spec"]
    assert set(live["metadata"].get("annotations", {})) == set()
    assert {entry["metadata"]["name"] for entry in cluster.objects("configmaps", "-n", "istio-system")} == {
        "kube-root-ca.crt"
    }


def test_an_owner_with_a_shared_configuration_of_their_own_is_told_of_the_conflict(
    brought_in: None, project: Project, owner: Owner, cluster: Host
) -> None:
    theirs = istio("theirs", "added")
    theirs["spec"]["values"]["pilot"]["env"]["SHARED_MESH_CONFIG"] = "theirs"
    cluster.kubectl("patch", "istio", "default", "--type=merge", "--patch", json.dumps({"spec": theirs["spec"]}))
    done = project.attempt("up", "--yes", "--skip-preview")
    assert done.returncode != 0
    assert "conflict" in done.stdout + done.stderr
    assert owner.live()["spec"]["values"]["pilot"]["env"]["SHARED_MESH_CONFIG"] == "theirs"
    project.pulumi("destroy", "--yes", "--skip-preview")
