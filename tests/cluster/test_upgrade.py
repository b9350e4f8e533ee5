"""A new revision takes the workloads over while requests flow, and the old control plane goes last."""

import json
from typing import Any

from embedded import SHOP
from upgrade import REVISION, Upgrade, identities, lasting


def revisions(listed: list[dict[str, Any]]) -> set[str]:
    """Those of the control planes that injected the pods."""
    return {
        json.loads(pod["metadata"]["annotations"]["sidecar.istio.io/status"])["revision"] for pod in lasting(listed)
    }


def test_every_sidecar_belongs_to_the_new_revision(upgraded: Upgrade) -> None:
    assert revisions(upgraded.after["bookinfo"]) == {REVISION}


def test_a_deployment_of_others_restarted_with_a_sidecar(upgraded: Upgrade) -> None:
    assert not identities(upgraded.before[SHOP]) & identities(upgraded.after[SHOP])
    assert revisions(upgraded.after[SHOP]) == {REVISION}


def test_exactly_the_injected_workloads_restarted(upgraded: Upgrade) -> None:
    for namespace in ("istio-system", "tracing-system"):
        kept = {
            moment: {pod for pod in identities(listed[namespace]) if not pod.startswith("istiod")}
            for moment, listed in (("before", upgraded.before), ("after", upgraded.after))
        }
        assert kept["before"] == kept["after"]
    assert not identities(upgraded.before["bookinfo"]) & identities(upgraded.after["bookinfo"])


def test_the_old_control_plane_is_gone(upgraded: Upgrade) -> None:
    istiods = [
        pod["metadata"]["name"]
        for pod in lasting(upgraded.after["istio-system"])
        if "istiod" in pod["metadata"]["name"]
    ]
    assert istiods
    assert all(name.startswith(f"istiod-{REVISION}") for name in istiods)


def test_requests_were_answered_all_the_time(upgraded: Upgrade) -> None:
    assert len(upgraded.answers) > 50
    # With single pods, one may still be asked at the moment in which it goes.
    failed = [answer for answer in upgraded.answers if answer != 200]
    assert len(failed) <= len(upgraded.answers) / 100, failed


def test_istiod_joins_the_providers_of_its_own_and_of_a_shared_mesh_configuration(upgraded: Upgrade) -> None:
    # What lets a provider of ours into a mesh of others, without a word in their list.
    assert [provider["name"] for provider in upgraded.mesh_config["extensionProviders"]][-3:] == [
        "shared",
        "otel",
        "of-the-owner",
    ]


def test_destroy_leaves_the_namespace_of_others_as_it_was(left_of_shop: dict[str, Any]) -> None:
    assert set(left_of_shop["namespace"]["metadata"]["labels"]) == {"kubernetes.io/metadata.name"}
    assert "annotations" not in left_of_shop["deployment"]["spec"]["template"]["metadata"]
