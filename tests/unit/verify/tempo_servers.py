"""Servers on 127.0.0.1 that speak as Tempo's parts do where their operator encrypts, and a cluster with such pods."""

import datetime
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Literal, cast
from urllib.parse import parse_qs, urlsplit

import httpcore
import httpx
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from verify_world import DATA, Api, StubCluster, metrics, pod, resource, service, tempo_labels

from verify.access.pod_transport import PodTransport

# "mutual" wants a client's certificate.
Tls = Literal["none", "server", "mutual"]
TOKEN, TENANT = "the-token", "mesh"
STATUS_CONFIG = (DATA / "tempo-config.txt").read_text()
# What Go's server says to plain HTTP on a port with TLS (net/http: server.go).
_NOT_TLS = b"HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n"
_HANDSHAKE = b"\x16"


@dataclass(frozen=True)
class Asked:
    path: str
    headers: Mapping[str, str]
    query: Mapping[str, list[str]]


@dataclass(frozen=True)
class Said:
    status: int
    text: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


Answer = Callable[[Asked], Said]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        headers = {name.lower(): value for name, value in self.headers.items()}
        said = cast("_Server", self.server).answer(Asked(parts.path, headers, parse_qs(parts.query)))
        body = said.text.encode()
        self.send_response(said.status)
        for name, value in {**said.headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, answer: Answer, tls: ssl.SSLContext | None) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answer, self.tls = answer, tls

    def finish_request(self, request: Any, client_address: Any) -> None:
        if self.tls is None:
            super().finish_request(request, client_address)
            return
        if request.recv(1, socket.MSG_PEEK) != _HANDSHAKE:
            request.recv(65536)
            request.sendall(_NOT_TLS)
            return
        try:
            wrapped = self.tls.wrap_socket(request, server_side=True)
        except OSError:
            # The client has no certificate.
            return
        with closing(wrapped):
            super().finish_request(wrapped, client_address)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away is no error."""


def certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate that signs itself, and its key."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "tempo")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .sign(key, hashes.SHA256())
    )
    certificate_file, key_file = folder / "tls.crt", folder / "tls.key"
    certificate_file.write_bytes(made.public_bytes(Encoding.PEM))
    key_file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return certificate_file, key_file


class Pods(StubCluster):
    """A cluster whose pods are real servers, by pod and port."""

    def __init__(self, folder: Path, token: str | None = TOKEN) -> None:
        super().__init__(Api())
        self._files = certificate(folder)
        self._token = token
        self._servers: dict[tuple[str, int], _Server] = {}

    def listen(self, name: str, port: int, tls: Tls, answer: Answer) -> None:
        server = _Server(answer, None if tls == "none" else self._context(tls))
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        self._servers[name, port] = server

    def stop(self) -> None:
        for server in self._servers.values():
            server.shutdown()
            server.server_close()

    def bearer(self) -> str | None:
        return self._token

    def pod_client(self, pod: Mapping[str, Any], port: int, *, scheme: str = "http", path: str = "") -> httpx.Client:
        name = pod["metadata"]["name"]

        def connect() -> httpcore.NetworkStream:
            if (name, port) not in self._servers:
                raise httpx.ConnectError("Connection refused")
            host, number = self._servers[name, port].server_address[:2]
            return httpcore.SyncBackend().connect_tcp(str(host), int(number), timeout=5)

        return httpx.Client(
            base_url=f"{scheme}://localhost:{port}{path}", transport=PodTransport(connect), timeout=5, trust_env=False
        )

    def _context(self, tls: Tls) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*self._files)
        if tls == "mutual":
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(self._files[0])
        return context


# What the programs answer.

_COUNTED = metrics(tempo_distributor_spans_received_total=3, tempo_metrics_generator_spans_received_total=2)


def internal_server(asked: Asked) -> Said:
    """Tempo's second server, which has only these pages (tempo: cmd/tempo/app/app.go)."""
    return {"/ready": Said(200, "ready\n"), "/metrics": Said(200, _COUNTED)}.get(asked.path, Said(404))


def api(asked: Asked) -> Said:
    if asked.path == "/status/config":
        return Said(200, STATUS_CONFIG)
    if asked.path == "/api/search":
        return Said(200, '{"traces": [{"traceID": "1"}, {"traceID": "2"}]}')
    return internal_server(asked)


def api_with_tenants(asked: Asked) -> Said:
    """As ``api``; it wants to know the tenant (dskit: middleware/http_auth.go)."""
    if asked.path == "/api/search" and not asked.headers.get("x-scope-orgid"):
        return Said(401, "no org id\n")
    return api(asked)


def gateway(asked: Asked) -> Said:
    """The gateway of the tenants: who has no token is sent to the login, another's is refused, others may not read."""
    below = f"/api/traces/v1/{TENANT}/tempo"
    if not asked.path.startswith(below):
        return Said(404)
    authorization = asked.headers.get("authorization")
    if authorization is None:
        return Said(302, headers={"Location": f"/openshift/{TENANT}/login"})
    if authorization == "Bearer of-a-reader-of-nothing":
        return Said(403, "You don't have permission to access this tenant\n")
    if authorization != f"Bearer {TOKEN}":
        return Said(401, "failed to find user\n")
    return api(Asked(asked.path.removeprefix(below), asked.headers, asked.query))


# How its operator lays Tempo out.


@contextmanager
def laid_out(folder: Path, layout: Callable[[Pods], None], token: str | None = TOKEN) -> Iterator[Pods]:
    cluster = Pods(folder, token)
    layout(cluster)
    try:
        yield cluster
    finally:
        cluster.stop()


def put_monolithic(cluster: Pods, *services: str, **spec: Any) -> None:
    api_server, labels = cluster.api, tempo_labels("tempo", "tempo-monolithic")
    api_server.put(
        "/apis/tempo.grafana.com/v1alpha1/tempomonolithics", resource("tempo", "tracing-system", ready="True", **spec)
    )
    api_server.put("/api/v1/pods", pod("tempo-tempo-0", "tracing-system", labels=labels, containers=CONTAINERS))
    for name in services:
        api_server.put("/api/v1/services", service(name, "tracing-system", labels, *PORTS[name]))
    _put_config(cluster, "tempo-tempo-config")


def put_stack(cluster: Pods, *parts: str, **spec: Any) -> None:
    cluster.api.put(
        "/apis/tempo.grafana.com/v1alpha1/tempostacks", resource("tempo", "tracing-system", ready="True", **spec)
    )
    for part in parts:
        labels, name = tempo_labels(part), f"tempo-tempo-{part}"
        containers = CONTAINERS[1:] if part == "gateway" else CONTAINERS[:1]
        cluster.api.put("/api/v1/pods", pod(f"{part}-0", "tracing-system", labels=labels, containers=containers))
        ports = GATEWAY_PORTS if part == "gateway" else API_PORTS
        cluster.api.put("/api/v1/services", service(name, "tracing-system", labels, *ports))
    _put_config(cluster, "tempo-tempo")


def _put_config(cluster: Pods, name: str) -> None:
    written = STATUS_CONFIG.partition("---\n")[2]
    config = {"metadata": {"name": name, "namespace": "tracing-system"}, "data": {"tempo.yaml": written}}
    cluster.api.put("/api/v1/configmaps", config)


API_PORTS = ({"name": "http", "port": 3200, "targetPort": "http"},)
GATEWAY_PORTS = (
    {"name": "public", "port": 8080, "targetPort": "public"},
    {"name": "grpc-public", "port": 8090, "targetPort": "grpc-public"},
)
MONOLITHIC_GATEWAY_PORTS = (
    {"name": "public", "port": 8080, "targetPort": "public"},
    {"name": "otlp-grpc", "port": 4317, "targetPort": "grpc-public"},
)
PORTS: Mapping[str, tuple[Mapping[str, Any], ...]] = {
    "tempo-tempo": API_PORTS,
    "tempo-tempo-gateway": MONOLITHIC_GATEWAY_PORTS,
}
CONTAINERS = [
    {"name": "tempo", "ports": [{"name": "http", "containerPort": 3200}]},
    {
        "name": "tempo-gateway",
        "ports": [{"name": "public", "containerPort": 8080}, {"name": "grpc-public", "containerPort": 8090}],
    },
]
PARTS = ("compactor", "distributor", "ingester", "metrics-generator", "querier", "query-frontend")
TENANTS = {"mode": "openshift", "authentication": [{"tenantName": TENANT, "tenantId": "1610b0c3"}]}


def plain_monolithic(cluster: Pods) -> None:
    put_monolithic(cluster, "tempo-tempo")
    cluster.listen("tempo-tempo-0", 3200, "none", api)
    cluster.listen("tempo-tempo-0", 3101, "none", internal_server)


def monolithic_with_gateway(cluster: Pods) -> None:
    put_monolithic(cluster, "tempo-tempo-gateway", multitenancy={"enabled": True, **TENANTS})
    cluster.listen("tempo-tempo-0", 3200, "mutual", api_with_tenants)
    cluster.listen("tempo-tempo-0", 3101, "none", internal_server)
    cluster.listen("tempo-tempo-0", 8080, "server", gateway)


def monolithic_with_tenants(cluster: Pods) -> None:
    """Without authentication there is no gateway."""
    put_monolithic(cluster, "tempo-tempo", multitenancy={"enabled": True})
    cluster.listen("tempo-tempo-0", 3200, "none", api_with_tenants)


def plain_stack(cluster: Pods) -> None:
    """With the feature gates off."""
    put_stack(cluster, *PARTS)
    for part in PARTS:
        cluster.listen(f"{part}-0", 3200, "none", api)


def encrypted_stack(cluster: Pods) -> None:
    """With the operator's defaults: only the query-frontend is open."""
    put_stack(cluster, *PARTS)
    for part in PARTS:
        _listen_encrypted(cluster, part)
    cluster.listen("query-frontend-0", 3200, "none", api)


def stack_with_gateway(cluster: Pods) -> None:
    put_stack(cluster, *PARTS, "gateway", tenants=TENANTS, template={"gateway": {"enabled": True}})
    for part in PARTS:
        _listen_encrypted(cluster, part)
    cluster.listen("gateway-0", 8080, "server", gateway)


def _listen_encrypted(cluster: Pods, part: str) -> None:
    cluster.listen(f"{part}-0", 3200, "mutual", api_with_tenants)
    cluster.listen(f"{part}-0", 3101, "server", internal_server)
