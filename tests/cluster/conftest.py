"""One embedded cluster for all tests of a suite, driven by the commands that a person types.

Each folder here is a suite and runs in a process of its own: its tests share a cluster, which ends with them.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from embedded import CHECKOUT, Host, host_traces, inventory

HERE = Path(__file__).parent
# The first test of a stage also waits for the stage. By signal, so that what runs is ended in an orderly way.
STAGE_TIMEOUT = pytest.mark.timeout(1500, method="signal")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Refuse to run two suites in one process, where the second would meet what the first left in the cluster."""
    ours = [item for item in items if item.path.is_relative_to(HERE)]
    suites = sorted({item.path.relative_to(HERE).parts[0] for item in ours})
    if len(suites) > 1:
        raise pytest.UsageError(f"these tests are of the suites {', '.join(suites)}: run one of them at a time")
    for item in ours:
        item.add_marker(STAGE_TIMEOUT)


@pytest.fixture(scope="session")
def host_before() -> dict[str, list[str]]:
    """The host as it was before the first command."""
    return host_traces()


@pytest.fixture(scope="session")
def host(host_before: dict[str, list[str]]) -> Iterator[Host]:
    """The commands, on a state folder without a cluster: what an earlier run left is removed first, ours at the end."""
    host = Host(CHECKOUT / ".local" / "test")
    with host.alone():
        host.local("down")
        try:
            yield host
        finally:
            host.local("down")


@pytest.fixture(scope="session")
def extras() -> list[str]:
    """What the cluster has beside what the stack `local` needs, as arguments of ``up``."""
    return []


@pytest.fixture(scope="session")
def cluster(host: Host, extras: list[str]) -> Host:
    """A running cluster without the stack."""
    host.local("up", *extras)
    return host


@pytest.fixture(scope="session")
def inventory_before(cluster: Host) -> set[tuple[str, str, str]]:
    """What the cluster held before the stack was deployed."""
    return inventory(cluster)


@pytest.fixture(scope="session")
def deployed(cluster: Host, inventory_before: set[tuple[str, str, str]]) -> str:
    """What ``make up`` printed while it deployed the stack."""
    return cluster.local("deploy").stdout
