"""A real API server on 127.0.0.1, with TLS, port-forwards and a proxy before it, for the tests of how it is reached."""

import base64
import datetime
import hashlib
import ipaddress
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from verify_world import Api
from websocket import ABNF
from websocket._abnf import frame_buffer

# What RFC 6455 adds to a key before it is digested.
_MAGIC = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


@dataclass
class Certificate:
    """``pem`` has the certificate alone, ``file`` the key too."""

    pem: str
    key: str
    file: Path


def certificate(folder: Path, *names: str) -> Certificate:
    """A self-signed certificate for names and addresses."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    now = datetime.datetime.now(tz=datetime.UTC)
    signed = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(minutes=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([_general(name) for name in names]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = signed.public_bytes(Encoding.PEM).decode()
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    file = folder / f"{'-'.join(names)}.pem"
    file.write_text(secret + pem)
    return Certificate(pem, secret, file)


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


class Channel:
    """The server's side of a port-forward."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._frames = frame_buffer(connection.recv, skip_utf8_validation=True)

    def send(self, content: bytes, opcode: int = ABNF.OPCODE_BINARY, *, final: bool = True) -> None:
        frame = ABNF(int(final), 0, 0, 0, opcode, 0, content)
        self._connection.sendall(frame.format())

    def open(self, port: int) -> None:
        """Name the port on both channels, as the kubelet does."""
        for number in (0, 1):
            self.send(bytes([number]) + port.to_bytes(2, "little"))

    def receive(self) -> bytes:
        """What the client sends next to the pod."""
        while True:
            frame = self._frames.recv_frame()
            self._frames.clear()
            if frame.opcode == ABNF.OPCODE_BINARY:
                assert frame.data[0] == 0
                return bytes(frame.data[1:])
            if frame.opcode == ABNF.OPCODE_CLOSE:
                return b""


def answers(channel: Channel, port: int) -> None:
    """A pod that answers each request over HTTP."""
    channel.open(port)
    while channel.receive():
        channel.send(b"\0HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\npod")


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: "ApiServer"

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        self.server.headers.append(self.headers.items())
        if self.server.hangs(parts.path):
            self.server.released.wait(10)
            self.close_connection = True
            return
        if parts.path.endswith("/portforward") and parts.path not in self.server.api.refused:
            self._forward(int(dict(parse_qsl(parts.query))["ports"]))
            return
        accepted = self.server.accepts in {None, self.headers.get("Authorization", "")}
        status, body = self.server.api.answer(parts.path, dict(parse_qsl(parts.query))) if accepted else (401, b"{}")
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _forward(self, port: int) -> None:
        self.close_connection = True
        assert self.headers["Sec-WebSocket-Protocol"] == "v4.channel.k8s.io"
        digest = hashlib.sha1(f"{self.headers['Sec-WebSocket-Key']}{_MAGIC}".encode(), usedforsecurity=False).digest()
        self.send_response(101)
        self.send_header("Upgrade", "websocket")
        self.send_header("Connection", "Upgrade")
        self.send_header("Sec-WebSocket-Accept", base64.b64encode(digest).decode())
        self.end_headers()
        with suppress(Exception):
            self.server.pod(Channel(self.connection), port)
            self.server.released.wait(10)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


class ApiServer(ThreadingHTTPServer):
    """``headers`` are those of each request; ``pod`` is what happens in a port-forward once it is open.

    ``accepts`` is the only value of `Authorization` that is accepted, if there is one.
    """

    daemon_threads = True
    block_on_close = False

    def __init__(self, certificate: Certificate | None) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.api = Api()
        self.headers: list[list[tuple[str, str]]] = []
        self.hangs: Callable[[str], bool] = lambda _: False
        self.pod: Callable[[Channel, int], None] = answers
        self.accepts: str | None = None
        self.released = threading.Event()
        self.names: list[str | None] = []
        self._context: ssl.SSLContext | None = None
        if certificate is not None:
            self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._context.load_cert_chain(certificate.file)
            self._context.sni_callback = lambda _, name, __: self.names.append(name)

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, address = super().get_request()
        if self._context is not None:
            # The handshake is made by the first read, in the thread of the request.
            connection = self._context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        return connection, address

    def handle_error(self, *_: Any) -> None:
        """A client that does not trust the certificate closes the connection."""

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    @property
    def url(self) -> str:
        return f"{'http' if self._context is None else 'https'}://127.0.0.1:{self.port}"

    def of_header(self, name: str) -> list[list[str]]:
        """The values of one header in each request."""
        return [[value for key, value in pairs if key.lower() == name.lower()] for pairs in self.headers]


@contextmanager
def serving(server: ThreadingHTTPServer) -> Iterator[None]:
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield
    finally:
        if isinstance(server, ApiServer):
            server.released.set()
        server.shutdown()
        server.server_close()
        thread.join()


class _Proxy(BaseHTTPRequestHandler):
    server: "Proxy"

    def do_CONNECT(self) -> None:
        self.server.asked.append((self.path, self.headers.get("Proxy-Authorization")))
        self.close_connection = True
        with socket.create_connection(("127.0.0.1", self.server.target), timeout=10) as above:
            self.wfile.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            back = threading.Thread(target=_copy, args=(above, self.connection), daemon=True)
            back.start()
            _copy(self.connection, above)
            back.join(10)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


class Proxy(ThreadingHTTPServer):
    """Leads every name to the port ``target`` of this machine; ``asked`` are the names, with the login for each."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, target: int) -> None:
        super().__init__(("127.0.0.1", 0), _Proxy)
        self.target = target
        self.asked: list[tuple[str, str | None]] = []

    @property
    def url(self) -> str:
        return f"127.0.0.1:{self.server_address[1]}"


def _copy(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while part := source.recv(65536):
            target.sendall(part)
    for one in (source, target):
        with suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)


def kubeconfig(server: str, user: dict[str, Any] | None = None, **cluster: Any) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "test",
        "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test"}}],
        "clusters": [{"name": "test", "cluster": {"server": server, **cluster}}],
        "users": [{"name": "test", "user": user or {}}],
    }


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
