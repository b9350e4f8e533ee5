"""The life of a cluster and of the stack on it, from nothing to nothing, with commands killed on the way.

It is a chain of session fixtures; a test belongs to the last one that it asks for, and tests run in the order of the
chain, whatever the order of the files.
"""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from embedded import CHECKOUT, Host, host_traces

LIFE = ("host_before", "cluster", "inventory_before", "deployed", "destroyed", "ended", "crashed")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the tests along the life of the cluster, after those that need none."""

    def stage(item: pytest.Item) -> int:
        asked = getattr(item, "fixturenames", [])
        return max((LIFE.index(name) for name in asked if name in LIFE), default=-1)

    items.sort(key=stage)


@pytest.fixture(scope="session")
def cluster(host: Host) -> Host:
    """A running cluster whose first ``up`` was killed in the middle: every test also tests that it converged."""
    _kill_in_the_middle(host, "up", "bring in the images")
    host.local("up")
    return host


@pytest.fixture(scope="session")
def deployed(cluster: Host, inventory_before: set[tuple[str, str, str]]) -> str:
    """What ``make up`` printed while it deployed the stack, after a run of it that was killed inside Helm."""
    _kill_in_the_middle(cluster, "deploy", "mesh-istiod creating")
    return cluster.local("deploy").stdout


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
def destroyed(cluster: Host, deployed: str) -> None:
    """The stack is taken away again."""
    cluster.local("destroy")


@pytest.fixture(scope="session")
def ended(cluster: Host, destroyed: None) -> str:
    """What ``down`` said."""
    return cluster.local("down").stdout


@pytest.fixture(scope="session")
def crashed(cluster: Host, ended: str) -> str:
    """What ``down`` said of a cluster whose node was killed from outside."""
    cluster.local("up")
    init = next(int(process) for process in host_traces()["processes in namespaces below this one"]
                if Path(f"/proc/{process}/cmdline").read_bytes().find(b"local.run.node") >= 0)  # fmt: skip
    os.kill(init, signal.SIGKILL)
    return cluster.local("down").stdout
