"""Requests to an API server, and the connections through it: every one by the same way and with the same headers."""

import base64
import secrets
from collections.abc import Generator, Mapping
from contextlib import closing
from dataclasses import dataclass

import httpcore
import httpx

from verify.access.deadline import Deadline
from verify.access.kubeconfig import KubeconfigError, Login

API_SECONDS = 10.0
_SWITCHING_PROTOCOLS = 101
_UNAUTHORIZED = 401


@dataclass(frozen=True)
class Answer:
    """``date`` is the header that says when it was written, if there is one."""

    status: int
    body: bytes
    date: str | None = None


class RefusedError(Exception):
    """The API server answers ``status`` instead of opening a connection; the message is what it says."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class ApiServer:
    """Every method raises ``httpx.TransportError`` if no answer comes, ``TimeOverError`` and ``KubeconfigError``."""

    def __init__(self, login: Login, deadline: Deadline) -> None:
        self.login = login
        self._deadline = deadline
        try:
            self._client = httpx.Client(
                base_url=login.server,
                verify=login.trust,
                proxy=login.proxy,
                auth=_Login(login),
                # The environment's proxies are in the login already, and its .netrc is for other hosts.
                trust_env=False,
                # Each port-forward keeps one open.
                limits=httpx.Limits(max_connections=None),
            )
        except (ImportError, ValueError, httpx.InvalidURL) as error:
            raise KubeconfigError(f"its proxy cannot be used: {error}") from None

    def get(self, path: str, query: Mapping[str, str]) -> Answer:
        return self._answer(self._request("GET", path, query, {"Accept": "application/json, */*"}))

    def write(self, method: str, path: str, kind: str, body: bytes) -> Answer:
        headers = {"Accept": "application/json", "Content-Type": kind}
        return self._answer(self._request(method, path, {}, headers, body))

    def connect(self, path: str, query: Mapping[str, str], protocol: str) -> httpcore.NetworkStream:
        """A connection that speaks WebSocket (RFC 6455), with the subprotocol ``protocol``.

        Raises ``RefusedError`` if the server answers something else.
        """
        headers = {
            "Connection": "Upgrade",
            "Upgrade": "websocket",
            "Sec-WebSocket-Key": base64.b64encode(secrets.token_bytes(16)).decode(),
            "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Protocol": protocol,
        }
        answer = self._send(self._request("GET", path, query, headers))
        if answer.status_code == _SWITCHING_PROTOCOLS:
            stream: httpcore.NetworkStream = answer.extensions["network_stream"]
            return stream
        said = self._body(answer).decode(errors="replace").strip()
        raise RefusedError(answer.status_code, f"{answer.status_code} {answer.reason_phrase} {said}".strip())

    def _request(
        self,
        method: str,
        path: str,
        query: Mapping[str, str],
        headers: Mapping[str, str],
        body: bytes | None = None,
    ) -> httpx.Request:
        # A header may stand there several times, once for each group.
        every = [*headers.items(), *self.login.impersonation]
        request = self._client.build_request(
            method,
            path,
            params=query,
            content=body,
            headers=[(name.encode(), value.encode()) for name, value in every],
            timeout=self._deadline.at_most(API_SECONDS),
        )
        if self.login.server_name:
            request.extensions["sni_hostname"] = self.login.server_name
        return request

    def _send(self, request: httpx.Request) -> httpx.Response:
        try:
            return self._client.send(request, stream=True)
        except httpx.TimeoutException:
            # Raises another error if the time for everything is over.
            self._deadline.at_most(None)
            raise

    def _answer(self, request: httpx.Request) -> Answer:
        answer = self._send(request)
        return Answer(answer.status_code, self._body(answer), answer.headers.get("Date"))

    def _body(self, answer: httpx.Response) -> bytes:
        """The whole body, which has to have come before the deadline."""
        body = b""
        with closing(answer):
            for part in answer.iter_bytes():
                self._deadline.at_most(None)
                body += part
        return body


class _Login(httpx.Auth):
    def __init__(self, login: Login) -> None:
        self._login = login

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        first = self._login.authorization(False)
        if first:
            request.headers["Authorization"] = first
        answer = yield request
        if answer.status_code != _UNAUTHORIZED:
            return
        renewed = self._login.authorization(True)
        if renewed and renewed != first:
            request.headers["Authorization"] = renewed
            yield request
