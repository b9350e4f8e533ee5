"""Nothing waits for ever, at whatever stage a server falls silent. Each test would not end otherwise."""

import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
import yaml
from api_world import ApiServer, Channel, certificate, encoded, kubeconfig, serving
from verify_world import DEPLOYMENT, deployment, part, pod
from websocket import ABNF

from verify.access import api_server, cluster
from verify.access.cluster import CannotCheckError, Cluster
from verify.access.deadline import Deadline, TimeOverError
from verify.causes import Code
from verify.check import Wanted, check
from verify.world import World

PROJECT = Path(__file__).parents[3]
POD = pod("cart-1", "shop")
LONG = 3600.0

pytestmark = pytest.mark.timeout(60)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ApiServer]:
    made = ApiServer(None)
    with serving(made):
        yield made


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """No single wait is long."""
    monkeypatch.setattr(api_server, "API_SECONDS", 0.3)
    monkeypatch.setattr(cluster, "POD_SECONDS", 0.3)


Connect = Callable[..., Cluster]


@pytest.fixture
def connect(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Connect:
    def into(url: str, seconds: float = LONG, **entry: str) -> Cluster:
        path = tmp_path / "kubeconfig"
        path.write_text(yaml.safe_dump(kubeconfig(url, **entry)))
        monkeypatch.setenv("KUBECONFIG", str(path))
        return Cluster("test", None, Deadline(seconds))

    return into


def asked(made: Cluster, scheme: str = "http") -> str:
    """Why a pod does not answer."""
    with made.pod_client(POD, 8080, scheme=scheme) as client, pytest.raises(httpx.TransportError) as caught:
        client.get("/")
    return str(caught.value)


# The API server.


def test_an_api_server_that_never_takes_the_connection_ends_the_check(impatient: None, connect: Connect) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        address = listener.getsockname()
        # The queue is full then, and whoever comes next gets no answer to the first packet.
        with socket.create_connection(address), pytest.raises(CannotCheckError) as caught:
            connect(f"http://127.0.0.1:{address[1]}")
    assert caught.value.code is Code.NO_API_SERVER


def test_an_api_server_that_never_begins_tls_ends_the_check(impatient: None, connect: Connect, tmp_path: Path) -> None:
    trust = {"certificate-authority-data": encoded(certificate(tmp_path, "127.0.0.1").pem)}
    with socket.create_server(("127.0.0.1", 0)) as listener, pytest.raises(CannotCheckError, match="does not answer"):
        connect(f"https://127.0.0.1:{listener.getsockname()[1]}", **trust)


def test_an_api_server_that_sends_a_little_now_and_then_ends_with_the_time_for_the_check(connect: Connect) -> None:
    """No single wait is long, so that only the time for all of them can end it."""
    ended = threading.Event()

    def trickle(listener: socket.socket) -> None:
        while not ended.is_set():
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
                while not ended.wait(0.05):
                    try:
                        connection.sendall(b" ")
                    except OSError:
                        break

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=trickle, args=(listener,), daemon=True).start()
        with pytest.raises(CannotCheckError) as caught:
            connect(f"http://127.0.0.1:{listener.getsockname()[1]}", seconds=1.0)
        ended.set()
    assert caught.value.code is Code.TIME_OVER


# Port-forwards.


def silent(channel: Channel, port: int) -> None:
    """Nothing after the upgrade."""


def silent_once_open(channel: Channel, port: int) -> None:
    channel.open(port)


def half_an_answer(channel: Channel, port: int) -> None:
    channel.open(port)
    channel.receive()
    channel.send(b"\0HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")


def half_a_frame(channel: Channel, port: int) -> None:
    channel.open(port)
    channel._connection.sendall(b"\x82\x7e\x10\x00\0HTTP")


def only_pings(channel: Channel, port: int) -> None:
    channel.open(port)
    while True:
        channel.send(b"still here", ABNF.OPCODE_PING)
        time.sleep(0.05)


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize(
    "happens", [silent, silent_once_open, half_an_answer, half_a_frame, only_pings], ids=lambda one: one.__name__
)
def test_a_port_forward_that_falls_silent_ends(
    impatient: None, connect: Connect, server: ApiServer, happens: Callable[[Channel, int], None], scheme: str
) -> None:
    made = connect(server.url)
    server.pod = happens
    assert asked(made, scheme)


def test_a_port_forward_that_is_never_accepted_ends(impatient: None, connect: Connect, server: ApiServer) -> None:
    made = connect(server.url)
    server.hangs = lambda path: path.endswith("portforward")
    assert asked(made) == "the API server does not open a port-forward to Pod shop/cart-1"


def trickling(channel: Channel, port: int) -> None:
    channel.open(port)
    channel.receive()
    channel.send(b"\0HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
    while True:
        channel.send(b"\0 ")
        time.sleep(0.05)


def test_a_pod_that_sends_a_little_now_and_then_ends_with_the_time_for_the_check(
    connect: Connect, server: ApiServer
) -> None:
    made = connect(server.url)
    made.deadline = Deadline(1.0)
    server.pod = trickling
    with made.pod_client(POD, 8080) as client, pytest.raises(TimeOverError):
        client.get("/")


def test_after_the_time_for_the_check_nothing_is_asked_any_more(connect: Connect, server: ApiServer) -> None:
    made = connect(server.url)
    made.deadline._end = time.monotonic() - 1
    before = len(server.headers)
    with pytest.raises(TimeOverError, match="the time for this check is over: 3600 s"):
        made.read("/api/v1/namespaces/shop")
    with made.pod_client(POD, 80) as client, pytest.raises(TimeOverError):
        client.get("/")
    assert len(server.headers) == before


def test_a_host_outside_is_not_waited_for_either(impatient: None, connect: Connect, server: ApiServer) -> None:
    made = connect(server.url)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        stack = World(made, deployment(prometheus=part(DEPLOYMENT.prometheus, query_url=url)), "local")
        with stack.prometheus() as client, pytest.raises(httpx.TimeoutException):
            client.get("/")
        made.deadline._end = time.monotonic() - 1
        with stack.prometheus() as client, pytest.raises(TimeOverError):
            client.get("/")


# What a port-forward carries meanwhile.


def test_why_a_port_forward_has_failed_is_said(connect: Connect, server: ApiServer) -> None:
    def refuse(channel: Channel, port: int) -> None:
        channel.open(port)
        channel.send(b"\1dial tcp4 127.0.0.1:8080: connect: connection refused")

    made = connect(server.url)
    server.pod = refuse
    assert asked(made) == "the port-forward has failed: dial tcp4 127.0.0.1:8080: connect: connection refused"


def test_pings_are_answered_and_parts_are_put_together(connect: Connect, server: ApiServer) -> None:
    def talkative(channel: Channel, port: int) -> None:
        channel.send(b"?", ABNF.OPCODE_PING)
        channel.open(port)
        channel.receive()
        channel.send(b"\0HTTP/1.1 200 OK\r\nConte", final=False)
        channel.send(b"", ABNF.OPCODE_PING)
        channel.send(b"nt-Length: 70000\r\n\r\n" + b"x" * 70000, ABNF.OPCODE_CONT)

    made = connect(server.url)
    server.pod = talkative
    with made.pod_client(POD, 8080) as client:
        assert client.get("/").text == "x" * 70000


def test_a_large_request_arrives_whole(connect: Connect, server: ApiServer) -> None:
    got: list[bytes] = []

    def listen(channel: Channel, port: int) -> None:
        channel.open(port)
        while sum(map(len, got)) < 200_000:
            got.append(channel.receive())
        channel.send(b"\0HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    made = connect(server.url)
    server.pod = listen
    with made.pod_client(POD, 8080) as client:
        client.post("/", content=bytes(range(256)) * 800)
    assert b"".join(got).endswith(bytes(range(256)) * 800)


def test_a_server_that_closes_the_port_forward_is_an_error_of_the_transport(
    connect: Connect, server: ApiServer
) -> None:
    def close(channel: Channel, port: int) -> None:
        channel.open(port)
        channel.send(b"", ABNF.OPCODE_CLOSE)

    made = connect(server.url)
    server.pod = close
    assert asked(made)


def test_a_pod_is_asked_over_tls(connect: Connect, server: ApiServer, tmp_path: Path) -> None:
    """The pod is a TLS server behind the port-forward, which copies its bytes."""
    behind = ApiServer(certificate(tmp_path, "kiali.istio-system.svc"))

    def copy(channel: Channel, port: int) -> None:
        channel.open(port)
        with socket.create_connection(("127.0.0.1", behind.port)) as above:

            def back() -> None:
                while part := above.recv(65536):
                    channel.send(b"\0" + part)

            threading.Thread(target=back, daemon=True).start()
            while part := channel.receive():
                above.sendall(part)

    made = connect(server.url)
    server.pod = copy
    with serving(behind), made.pod_client(POD, 20001, scheme="https") as client:
        assert [client.get("/version").json() for _ in range(2)] == [{"gitVersion": "v1.34.0"}] * 2


# The whole.

STUCK = """\
import sys, threading
from pathlib import Path
sys.path.insert(0, {tests!r})
from verify_world import DEPLOYMENT, healthy
from verify import __main__ as command
from verify.access import deadline
deadline.GRACE_SECONDS = 0.2
command.Cluster = lambda *_: healthy()
command.outputs.of_stack = lambda *_: ("local", DEPLOYMENT)
command.check = lambda *_: threading.Event().wait()
command.app()
"""


def test_what_nothing_else_can_end_is_ended() -> None:
    code = STUCK.format(tests=str(PROJECT / "tests" / "unit" / "verify"))
    done = subprocess.run(
        [sys.executable, "-c", code, "--timeout", "0.5s", "--json", "--no-report"],
        cwd=PROJECT, capture_output=True, text=True, check=False, timeout=60, env=os.environ,
    )  # fmt: skip
    assert done.returncode == 2, done.stderr
    found = json.loads(done.stdout)
    assert (found["verdict"], found["error"]["code"]) == ("cannot tell", "time-over")
    assert done.stderr.startswith("verify: the check has not ended within 0.5s")


def test_pulumi_is_not_waited_for_either(tmp_path: Path) -> None:
    pulumi = tmp_path / "pulumi"
    pulumi.write_text("#!/bin/sh\nsleep 60 & wait\n")
    pulumi.chmod(0o755)
    done = subprocess.run(
        [sys.executable, "-m", "verify", "--timeout", "1s"],
        cwd=PROJECT, capture_output=True, text=True, check=False, timeout=60,
        env=os.environ | {"PATH": f"{tmp_path}:/usr/bin:/bin"},
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (2, "")
    assert "verify: pulumi stack does not end" in done.stderr.replace(" --show-name", "")


def test_a_check_that_the_time_ends_tells_what_it_has_found_and_what_it_has_not_seen(
    connect: Connect, server: ApiServer
) -> None:
    """Nothing that was not seen is taken for a fault."""
    made = connect(server.url, seconds=2.0)
    # Whether pods may be listed at all is asked first, before any hop is looked at.
    server.hangs = lambda path: path != "/api/v1/pods" and any(word in path for word in ("tempo", "prometheus", "pods"))
    report = check(World(made, DEPLOYMENT, "local"), Wanted(), lambda _: None)
    codes = {finding.hop: finding.code for finding in report.findings}
    assert codes["control-plane"] is Code.NO_ISTIOD
    for hop in ("sidecars", "tempo", "prometheus", "generator", "graph"):
        assert codes[hop] is Code.TIME_OVER
