"""One embedded cluster for all tests here, from nothing to nothing, driven by the commands that a person types.

The life of the cluster is a chain of session fixtures; a test belongs to the last one that it asks for, and tests run
in the order of the chain, whatever the order of the files.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from embedded import CHECKOUT, SHOP, Host, host_traces, inventory
from upgrade import RevisionUpgrade, Upgrade, upgrade_by_revision, upgrade_in_place

LIFE = (
    "host_before",
    "cluster",
    "inventory_before",
    "deployed",
    "upgraded_in_place",
    "upgraded",
    "left_of_shop",
    "destroyed",
    "ended",
    "crashed",
)
# The first test of a stage also waits for the stage. By signal, so that what runs is ended in an orderly way.
STAGE_TIMEOUT = pytest.mark.timeout(1500, method="signal")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the tests along the life of the cluster, after those that need none."""

    def stage(item: pytest.Item) -> int:
        asked = getattr(item, "fixturenames", [])
        return max((LIFE.index(name) for name in asked if name in LIFE), default=-1)

    items.sort(key=stage)
    for item in items:
        if stage(item) >= 0:
            item.add_marker(STAGE_TIMEOUT)


@pytest.fixture(scope="session")
def host_before() -> dict[str, list[str]]:
    """The host as it was before the first command."""
    return host_traces()


@pytest.fixture(scope="session")
def cluster(host_before: dict[str, list[str]]) -> Iterator[Host]:
    """A running cluster whose first ``up`` was killed in the middle: every test also tests that it converged."""
    host = Host(CHECKOUT / ".local" / "test")
    host.local("down")
    try:
        _kill_in_the_middle(host, "up", "bring in the images")
        host.local("up")
        yield host
    finally:
        host.local("down")


def _kill_in_the_middle(host: Host, command: str, at: str) -> None:
    """Start a command and kill it, with no chance to tidy up, when it prints ``at``."""
    with subprocess.Popen(
        [sys.executable, "-m", "local", command],
        cwd=CHECKOUT,
        env=host.environment(),
        stdout=subprocess.PIPE,
        text=True,
    ) as first:
        assert first.stdout is not None
        for line in first.stdout:
            if at in line:
                first.send_signal(signal.SIGKILL)
                break


@pytest.fixture(scope="session")
def inventory_before(cluster: Host) -> set[tuple[str, str, str]]:
    """What the cluster held before the stack was deployed."""
    return inventory(cluster)


@pytest.fixture(scope="session")
def deployed(cluster: Host, inventory_before: set[tuple[str, str, str]]) -> str:
    """What ``make up`` printed while it deployed the stack, after a run of it that was killed inside Helm."""
    _kill_in_the_middle(cluster, "deploy", "mesh-istiod creating")
    return cluster.local("deploy").stdout


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


@pytest.fixture(scope="session")
def destroyed(left_of_shop: dict[str, Any]) -> None:
    """The stack is taken away again."""


@pytest.fixture(scope="session")
def ended(cluster: Host, destroyed: None) -> str:
    """What ``down`` said."""
    return cluster.local("down").stdout


@pytest.fixture(scope="session")
def crashed(cluster: Host, ended: str) -> str:
    """What ``down`` said of a cluster whose node was killed from outside."""
    cluster.local("up")
    init = next(int(process) for process in host_traces()["processes in namespaces below this one"]
                if Path(f"/proc/{process}/cmdline").read_bytes().find(b"local.node") >= 0)  # fmt: skip
    os.kill(init, signal.SIGKILL)
    return cluster.local("down").stdout
