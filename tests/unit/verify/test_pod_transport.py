"""HTTP over connections that come from a function."""

import datetime
import gzip
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpcore
import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from verify.access.pod_transport import PodTransport


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: "_Server"

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        if self.path == "/cut":
            self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf of")
            self.close_connection = True
            return
        if self.path == "/garbage":
            self.wfile.write(b"this is no HTTP\r\n\r\n")
            self.close_connection = True
            return
        if self.path == "/silent":
            self.server.released.wait(5)
            self.close_connection = True
            return
        body = b"x" * 300_000 if self.path == "/large" else self.path.encode()
        zipped = "gzip" in self.headers.get("Accept-Encoding", "") and self.path == "/zipped"
        body = gzip.compress(body) if zipped else body
        self.send_response(404 if self.path == "/missing" else 200)
        self.send_header("Content-Length", str(len(body)))
        if zipped:
            self.send_header("Content-Encoding", "gzip")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.asked: list[str] = []
        self.released = threading.Event()


@dataclass
class Pod:
    """A server, and the connections that were made to it."""

    server: _Server
    connections: list[httpcore.NetworkStream] = field(default_factory=list)

    def connect(self) -> httpcore.NetworkStream:
        host, port = self.server.server_address[:2]
        made = httpcore.SyncBackend().connect_tcp(str(host), int(port), timeout=5)
        self.connections.append(made)
        return made

    def client(self, timeout: float = 5, url: str = "http://localhost:8888/below") -> httpx.Client:
        return httpx.Client(base_url=url, transport=PodTransport(self.connect), timeout=timeout, trust_env=False)


@pytest.fixture
def pod() -> Iterator[Pod]:
    server = _Server()
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield Pod(server)
    server.released.set()
    server.shutdown()
    server.server_close()
    thread.join()


def test_an_answer_comes_through(pod: Pod) -> None:
    with pod.client() as client:
        assert client.get("metrics").text == "/below/metrics"


def test_a_query_comes_through_as_it_is(pod: Pod) -> None:
    with pod.client() as client:
        client.get("api/search", params={"q": '{name=~".*"}'})
    assert pod.server.asked == ["/below/api/search?q=%7Bname%3D~%22.%2A%22%7D"]


def test_several_requests_go_over_one_connection(pod: Pod) -> None:
    with pod.client() as client:
        assert [client.get(str(number)).text for number in range(3)] == ["/below/0", "/below/1", "/below/2"]
    assert len(pod.connections) == 1


def test_a_status_that_is_no_success_is_an_answer(pod: Pod) -> None:
    with pod.client(url="http://localhost") as client:
        assert client.get("/missing").status_code == 404


def test_a_large_answer_comes_through_whole(pod: Pod) -> None:
    with pod.client(url="http://localhost") as client:
        assert len(client.get("/large").content) == 300_000


def test_a_packed_answer_is_unpacked(pod: Pod) -> None:
    with pod.client(url="http://localhost") as client:
        answer = client.get("/zipped")
    assert (answer.headers["Content-Encoding"], answer.text) == ("gzip", "/zipped")


def test_closing_a_client_closes_its_connections(pod: Pod) -> None:
    with pod.client() as client:
        client.get("/")
    assert pod.connections[0].get_extra_info("socket").fileno() == -1


@pytest.mark.parametrize("path", ["/cut", "/garbage"])
def test_an_answer_that_breaks_off_or_makes_no_sense_is_an_error_of_the_transport(pod: Pod, path: str) -> None:
    with pod.client(url="http://localhost") as client, pytest.raises(httpx.TransportError) as caught:
        client.get(path)
    assert str(caught.value)


def test_after_a_connection_that_broke_another_one_is_made(pod: Pod) -> None:
    with pod.client(url="http://localhost") as client:
        with pytest.raises(httpx.TransportError):
            client.get("/cut")
        assert client.get("/again").text == "/again"


def test_a_pod_that_never_answers_is_a_timeout(pod: Pod) -> None:
    with pod.client(timeout=0.05, url="http://localhost") as client, pytest.raises(httpx.TimeoutException) as caught:
        client.get("/silent")
    assert str(caught.value)


@pytest.fixture
def encrypted_pod(pod: Pod, tmp_path: Path) -> Pod:
    """The same server behind TLS, with a self-signed certificate for another name."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "kiali.istio-system.svc")])
    now = datetime.datetime.now(tz=datetime.UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    signed = builder.not_valid_before(now).not_valid_after(now + datetime.timedelta(hours=1)).sign(key, hashes.SHA256())
    plain = (Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    file = tmp_path / "server.pem"
    file.write_bytes(key.private_bytes(*plain) + signed.public_bytes(Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    pod.server.socket = context.wrap_socket(pod.server.socket, server_side=True)
    return pod


def test_a_port_that_is_encrypted_is_asked_whatever_its_certificate_says(encrypted_pod: Pod) -> None:
    with encrypted_pod.client(url="https://localhost") as client:
        assert client.get("/status").text == "/status"


def test_a_port_that_is_not_encrypted_is_an_error_of_the_transport_to_https(pod: Pod) -> None:
    with pod.client(url="https://localhost") as client, pytest.raises(httpx.TransportError):
        client.get("/")


def test_a_failed_connection_says_why() -> None:
    def connect() -> httpcore.NetworkStream:
        raise httpx.ConnectError("no port-forward to Pod shop/cart-1: Not Found")

    with (
        httpx.Client(base_url="http://localhost", transport=PodTransport(connect)) as client,
        pytest.raises(httpx.ConnectError, match="no port-forward to Pod shop/cart-1"),
    ):
        client.get("/")
