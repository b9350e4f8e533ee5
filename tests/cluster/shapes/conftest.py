"""The cluster of this suite has three nodes, enforces NetworkPolicies where the kernel lets it, and has all extras."""

import pytest
from embedded import Host
from nodes import NODES


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run first what starts and ends clusters of its own, then what wants a shared one without the stack."""
    items.sort(key=lambda item: [name in getattr(item, "fixturenames", []) for name in ("cluster", "deployed")])


@pytest.fixture(scope="session")
def extras() -> list[str]:
    extras = ("istio-cni", "gateway-api", "policies", "kiali")
    return ["--nodes", str(len(NODES)), *(word for name in extras for word in ("--with", name))]


@pytest.fixture(scope="session")
def enforced(cluster: Host) -> None:
    """Skip what needs NetworkPolicies to be enforced, where the kernel does not let them be."""
    said = next(line for line in cluster.local("status").stdout.splitlines() if line.startswith("NetworkPolicies: "))
    if not said.startswith("NetworkPolicies: enforced"):
        pytest.skip(said)


@pytest.fixture(scope="session")
def deployed(cluster: Host) -> str:
    """What was printed while the stack was deployed, its volumes on nodes that can be stopped."""
    cluster.kubectl("cordon", "node1")
    printed = cluster.local("deploy").stdout
    cluster.kubectl("uncordon", "node1")
    return printed
