"""HTTP through a port-forward: an httpx transport whose connections come from a function.

No port is opened on this machine, so no other program can reach the pod through it.
"""

import ssl
from collections.abc import Callable, Iterable
from typing import Any

import httpcore  # httpx is built on it, and has no public way to supply connections
import httpx

Connect = Callable[[], httpcore.NetworkStream]

_FAILURES = {
    httpcore.ConnectError: httpx.ConnectError,
    httpcore.TimeoutException: httpx.ReadTimeout,
    httpcore.NetworkError: httpx.ReadError,
    httpcore.ProtocolError: httpx.RemoteProtocolError,
}


class PodTransport(httpx.BaseTransport):
    """``connect`` returns a new stream for each connection that is needed."""

    def __init__(self, connect: Connect) -> None:
        # The API server guarantees which pod is reached. The pod's certificate is for the name of its Service.
        unverified = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        unverified.check_hostname, unverified.verify_mode = False, ssl.CERT_NONE
        self._pool = httpcore.ConnectionPool(ssl_context=unverified, network_backend=_Backend(connect))

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request and read the whole answer; raises ``httpx.TransportError``."""
        url = request.url
        outgoing = httpcore.Request(
            method=request.method,
            url=httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
            headers=request.headers.raw,
            content=request.read(),
            extensions=request.extensions,
        )
        try:
            answer = self._pool.handle_request(outgoing)
            try:
                body = answer.read()
            finally:
                answer.close()
        except tuple(_FAILURES) as error:
            kind = next(theirs for ours, theirs in _FAILURES.items() if isinstance(error, ours))
            raise kind(str(error) or "the pod closed the connection", request=request) from error
        return httpx.Response(answer.status, headers=answer.headers, content=body, request=request)

    def close(self) -> None:
        self._pool.close()


class _Backend(httpcore.NetworkBackend):
    def __init__(self, connect: Connect) -> None:
        self._connect = connect

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        return self._connect()
