"""Two nodes are connected by one link, however often it is laid and whatever became of an earlier one."""

import os
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from local.run.blueprint import Node
from local.run.machine import Machine
from local.state import State

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="namespaces need root")

Place = Callable[[], int]


@pytest.fixture
def place() -> Iterator[Place]:
    """Makes network namespaces, each with a process in it, whose id it returns."""
    started: list[subprocess.Popen[bytes]] = []

    def make() -> int:
        # It waits for input, and says first that it is there.
        process = subprocess.Popen(
            ["unshare", "--net", "sh", "-c", "ip link set lo up && echo && exec cat"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        started.append(process)
        assert process.stdout is not None
        process.stdout.readline()
        return process.pid

    yield make
    for process in started:
        process.kill()
        process.communicate()


class Placed(Machine):
    """A node that is only a network namespace."""

    def __init__(self, number: int, process: int) -> None:
        super().__init__(State(Path("/nowhere")), Node(number))
        self.process = process

    def init_process(self) -> int:
        return self.process


def links(machine: Placed) -> list[str]:
    """The devices of a node but its loopback, as the system's own tool names them."""
    command = ["nsenter", f"--net=/proc/{machine.process}/ns/net", "ip", "-oneline", "link"]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    return [line.split()[1].partition("@")[0].rstrip(":") for line in lines if " lo:" not in line]


def is_reached(machine: Placed, other: Placed) -> bool:
    """Whether the address of another node is on the other end of a link: something there refuses a connection."""
    connect = f"import socket; socket.create_connection(('{other.node.address}', 9), 5)"
    command = ["nsenter", f"--net=/proc/{machine.process}/ns/net", "python3", "-c", connect]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return "ConnectionRefusedError" in done.stderr


def test_each_of_two_nodes_reaches_the_other(place: Place) -> None:
    one, other = Placed(1, place()), Placed(2, place())
    one.connect(other)
    assert (is_reached(one, other), is_reached(other, one)) == (True, True)


def test_a_link_that_is_there_stays_the_only_one(place: Place) -> None:
    one, other = Placed(1, place()), Placed(2, place())
    for _ in range(2):
        one.connect(other)
    other.connect(one)
    assert (links(one), links(other)) == (["node2"], ["node1"])


def test_a_node_that_has_started_again_is_reached_though_its_old_link_is_still_there(place: Place) -> None:
    one, other = Placed(1, place()), Placed(2, place())
    one.connect(other)
    other.process = place()
    one.connect(other)
    assert (is_reached(one, other), links(one)) == (True, ["node2"])


def test_the_hosts_own_devices_stay_as_they_are(place: Place) -> None:
    before = socket.if_nameindex()
    Placed(1, place()).connect(Placed(2, place()))
    assert socket.if_nameindex() == before
