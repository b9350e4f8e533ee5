"""Workloads move to a new version or revision while requests are answered; the old revision is removed last."""

import json
from typing import Any

from embedded import SHOP, Host
from upgrade import BOOKINFO, MESH, NEXT_TAG, REVISION, TRACING, RevisionUpgrade, Upgrade, identities, lasting, up


def revisions(listed: list[dict[str, Any]]) -> set[str]:
    """The revisions of the control planes that injected the pods."""
    return {
        json.loads(pod["metadata"]["annotations"]["sidecar.istio.io/status"])["revision"] for pod in lasting(listed)
    }


def istiods(upgrade: Upgrade) -> list[dict[str, Any]]:
    """The control plane's pods after it."""
    return [pod for pod in lasting(upgrade.after[MESH]) if pod["metadata"]["labels"].get("app") == "istiod"]


def images(pod: dict[str, Any], container: str) -> list[str]:
    """The images of the pod's containers of this name, wherever in the pod they are."""
    spec = pod["spec"]
    return [one["image"] for one in spec["containers"] + spec.get("initContainers", []) if one["name"] == container]


def assert_only_the_injected_restarted(upgrade: Upgrade) -> None:
    """Each in a namespace of its own: everything in Bookinfo's is injected, and nothing else is."""
    for namespace in (MESH, TRACING):
        kept = {
            moment: {pod for pod in identities(listed[namespace]) if not pod.startswith("istiod")}
            for moment, listed in (("before", upgrade.before), ("after", upgrade.after))
        }
        assert kept["before"] == kept["after"]
    assert not identities(upgrade.before[BOOKINFO]) & identities(upgrade.after[BOOKINFO])


def assert_requests_were_answered(upgrade: Upgrade) -> None:
    assert len(upgrade.answers) > 50
    # With a single replica, a request may still reach a pod at the moment it stops.
    failed = [answer for answer in upgrade.answers if answer != 200]
    assert len(failed) <= len(upgrade.answers) / 100, failed


def test_an_upgrade_in_place_ends_with_one_istiod_of_the_new_version(upgraded_in_place: Upgrade) -> None:
    assert [images(pod, "discovery") for pod in istiods(upgraded_in_place)] == [[f"localhost/istio/pilot:{NEXT_TAG}"]]


def test_an_upgrade_in_place_replaces_istiod(upgraded_in_place: Upgrade) -> None:
    before, after = (
        {pod for pod in identities(listed[MESH]) if pod.startswith("istiod")}
        for listed in (upgraded_in_place.before, upgraded_in_place.after)
    )
    assert len(before) == len(after) == 1
    assert before != after


def test_an_upgrade_in_place_replaces_workloads_once_the_new_istiod_is_ready(upgraded_in_place: Upgrade) -> None:
    (istiod,) = istiods(upgraded_in_place)
    ready = next(entry for entry in istiod["status"]["conditions"] if entry["type"] == "Ready")
    created = [pod["metadata"]["creationTimestamp"] for pod in lasting(upgraded_in_place.after[BOOKINFO])]
    # Timestamps of the API server, whose text sorts by time.
    assert ready["lastTransitionTime"] <= min(created)


def test_an_upgrade_in_place_brings_every_sidecar_of_the_new_version(upgraded_in_place: Upgrade) -> None:
    proxies = [images(pod, "istio-proxy") for pod in lasting(upgraded_in_place.after[BOOKINFO])]
    assert proxies
    assert all(proxy == [f"localhost/istio/proxyv2:{NEXT_TAG}"] for proxy in proxies)


def test_an_upgrade_in_place_restarts_exactly_the_injected_workloads(upgraded_in_place: Upgrade) -> None:
    assert_only_the_injected_restarted(upgraded_in_place)


def test_requests_were_answered_all_through_an_upgrade_in_place(upgraded_in_place: Upgrade) -> None:
    assert_requests_were_answered(upgraded_in_place)


def test_a_second_run_after_an_upgrade_in_place_has_nothing_to_do(cluster: Host, upgraded_in_place: Upgrade) -> None:
    up(cluster, upgraded_in_place.config_file, "--expect-no-changes")


def test_every_sidecar_belongs_to_the_new_revision(upgraded: Upgrade) -> None:
    assert revisions(upgraded.after[BOOKINFO]) == {REVISION}


def test_a_deployment_of_others_restarted_with_a_sidecar(upgraded: Upgrade) -> None:
    assert not identities(upgraded.before[SHOP]) & identities(upgraded.after[SHOP])
    assert revisions(upgraded.after[SHOP]) == {REVISION}


def test_exactly_the_injected_workloads_restarted(upgraded: Upgrade) -> None:
    assert_only_the_injected_restarted(upgraded)


def test_the_old_control_plane_is_gone(upgraded: Upgrade) -> None:
    names = [pod["metadata"]["name"] for pod in istiods(upgraded)]
    assert names
    assert all(name.startswith(f"istiod-{REVISION}") for name in names)


def test_requests_were_answered_all_the_time(upgraded: Upgrade) -> None:
    assert_requests_were_answered(upgraded)


def test_istiod_joins_the_providers_of_its_own_and_of_a_shared_mesh_configuration(upgraded: RevisionUpgrade) -> None:
    # This is how our provider joins an existing mesh without a change of its owner's list.
    assert [provider["name"] for provider in upgraded.mesh_config["extensionProviders"]][-3:] == [
        "shared",
        "otel",
        "of-the-owner",
    ]


def test_destroy_leaves_the_namespace_of_others_as_it_was(left_of_shop: dict[str, Any]) -> None:
    assert set(left_of_shop["namespace"]["metadata"]["labels"]) == {"kubernetes.io/metadata.name"}
    assert "annotations" not in left_of_shop["deployment"]["spec"]["template"]["metadata"]
