"""The stages: an upgrade in place, one by revision, then destroy with a namespace that the program did not create."""

import json
from typing import Any

import pytest
from embedded import SHOP, Host
from upgrade import RevisionUpgrade, Upgrade, upgrade_by_revision, upgrade_in_place


@pytest.fixture(scope="session")
def upgraded_in_place(cluster: Host, deployed: str, tmp_path_factory: pytest.TempPathFactory) -> Upgrade:
    """The stack has moved to the next images of Istio."""
    return upgrade_in_place(cluster, tmp_path_factory.mktemp("in-place"))


@pytest.fixture(scope="session")
def upgraded(cluster: Host, upgraded_in_place: Upgrade, tmp_path_factory: pytest.TempPathFactory) -> RevisionUpgrade:
    """The stack has moved to another revision, together with a namespace that it did not create."""
    return upgrade_by_revision(cluster, tmp_path_factory.mktemp("revision"), upgraded_in_place)


@pytest.fixture(scope="session")
def left_of_shop(cluster: Host, upgraded: Upgrade) -> dict[str, Any]:
    """What destroy leaves of the namespace that the stack did not create; the test then deletes it."""
    cluster.local("destroy")
    left = {
        "namespace": json.loads(cluster.kubectl("get", "namespace", SHOP, "-o", "json")),
        "deployment": json.loads(cluster.kubectl("get", "deployment", "-n", SHOP, "cart", "-o", "json")),
    }
    cluster.kubectl("delete", "namespace", SHOP)
    return left
