"""A start of several nodes that is killed, at whatever point, leaves nothing that `down` does not find."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from embedded import CHECKOUT, Host, eventually, host_traces
from nodes import NODES, ready_nodes

from local.run.cluster import EmbeddedCluster
from local.state import State

SECONDS = 300
Reached = Callable[[Path, str], bool]


def says(step: str) -> Reached:
    return lambda _, printed: f"… {step}" in printed


def has_begun(node: str) -> Reached:
    return lambda state, _: (state / "cluster" / "nodes" / node / "node.json").exists()


STAGES: dict[str, Reached] = {
    "the images are brought in": says("bring in the images"),
    "the first node starts": says("start the cluster"),
    "the second node starts": has_begun("node2"),
    "the third node starts": has_begun("node3"),
    "DNS is installed": says("install DNS"),
    "the nodes become ready": says("wait until it is ready"),
}


def kill_up(host: Host, reached: Reached) -> None:
    """Start three nodes, and kill the command, with no chance to tidy up, at the stage."""
    output = host.state / "killed.log"
    command = [sys.executable, "-m", "local", "up", "--nodes", str(len(NODES))]
    with output.open("w") as file:
        process = subprocess.Popen(command, cwd=CHECKOUT, env=host.environment(), stdout=file, stderr=file)
    deadline = time.monotonic() + SECONDS
    while not reached(host.state, output.read_text()) and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    process.kill()
    assert process.wait() == -signal.SIGKILL, output.read_text()


@pytest.mark.parametrize("stage", STAGES)
def test_down_leaves_the_host_as_it_was_after_a_start_that_was_killed_while(
    host: Host, host_before: dict[str, list[str]], stage: str
) -> None:
    kill_up(host, STAGES[stage])
    host.local("down")
    # The host's own init may take a moment to reap what was ended.
    assert eventually(host_traces, lambda now: now == host_before, 20) == host_before


def test_a_start_that_was_killed_goes_on_and_with_one_node_killed_and_one_stopped_down_leaves_nothing(
    host: Host, host_before: dict[str, list[str]]
) -> None:
    kill_up(host, STAGES["the third node starts"])
    host.local("up")
    assert ready_nodes(host) == list(NODES)

    host.local("node", "stop", "node2")
    first = EmbeddedCluster(State(host.state)).init_process()
    assert first is not None
    os.kill(first, signal.SIGKILL)
    host.local("down")
    assert eventually(host_traces, lambda now: now == host_before, 20) == host_before
