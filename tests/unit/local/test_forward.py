"""A forwarded port carries bytes both ways, and the end of a stream with them."""

import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[3]


@pytest.fixture
def echo() -> Iterator[int]:
    """A server that answers with what it got once its client has said all."""
    server = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                peer, _ = server.accept()
            except OSError:
                return
            with peer, peer.makefile("rb") as stream:
                peer.sendall(stream.read())

    threading.Thread(target=serve, daemon=True).start()
    yield server.getsockname()[1]
    server.close()


@pytest.fixture
def forwarded(echo: int) -> Iterator[int]:
    """A port that leads to ``echo`` through the forwarder, whose socket was opened by this process."""
    listening = socket.create_server(("127.0.0.1", 0))
    argument = f"{listening.fileno()}=127.0.0.1:{echo}"
    with subprocess.Popen(
        [sys.executable, "-m", "local.run.forward", argument],
        cwd=CHECKOUT,
        pass_fds=[listening.fileno()],
    ) as process:
        yield listening.getsockname()[1]
        process.kill()
    listening.close()


def exchange(port: int, said: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=20) as client:
        client.sendall(said)
        client.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: client.recv(65536), b""))


def test_what_is_sent_comes_back_whole(forwarded: int) -> None:
    said = bytes(range(256)) * 4096
    assert exchange(forwarded, said) == said


def test_one_connection_after_another_is_carried(forwarded: int) -> None:
    assert [exchange(forwarded, b"%d" % number) for number in range(5)] == [
        b"0", b"1", b"2", b"3", b"4",
    ]  # fmt: skip


def test_a_target_that_does_not_answer_closes_the_connection() -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        closed = unused.getsockname()[1]
    with socket.create_server(("127.0.0.1", 0)) as listening:
        argument = f"{listening.fileno()}=127.0.0.1:{closed}"
        with subprocess.Popen(
            [sys.executable, "-m", "local.run.forward", argument],
            cwd=CHECKOUT,
            pass_fds=[listening.fileno()],
        ) as process:
            assert exchange(listening.getsockname()[1], b"") == b""
            process.kill()
