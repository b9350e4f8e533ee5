"""The stages of an upgrade: in place, then by revision, then what destroy leaves of a namespace of others."""

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
    """The stack has moved to another revision, and to a namespace of others."""
    return upgrade_by_revision(cluster, tmp_path_factory.mktemp("revision"), upgraded_in_place)


@pytest.fixture(scope="session")
def left_of_shop(cluster: Host, upgraded: Upgrade) -> dict[str, Any]:
    """What the stack left of a namespace of others, which then goes too."""
    cluster.local("destroy")
    left = {
        "namespace": json.loads(cluster.kubectl("get", "namespace", SHOP, "-o", "json")),
        "deployment": json.loads(cluster.kubectl("get", "deployment", "-n", SHOP, "cart", "-o", "json")),
    }
    cluster.kubectl("delete", "namespace", SHOP)
    return left
