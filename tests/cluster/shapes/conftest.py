"""The cluster of this suite has three nodes."""

import pytest
from embedded import Host
from nodes import NODES


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run what starts and ends clusters of its own before the one that the other tests share."""
    items.sort(key=lambda item: "cluster" in getattr(item, "fixturenames", []))


@pytest.fixture(scope="session")
def extras() -> list[str]:
    return ["--nodes", str(len(NODES)), "--with", "kiali"]


@pytest.fixture(scope="session")
def deployed(cluster: Host) -> str:
    """What was printed while the stack was deployed, its volumes on nodes that can be stopped."""
    cluster.kubectl("cordon", "node1")
    printed = cluster.local("deploy").stdout
    cluster.kubectl("uncordon", "node1")
    return printed
