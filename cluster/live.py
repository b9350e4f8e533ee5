"""The cluster as it is while an update waits: objects and logs, one after the other."""

import json
from typing import TYPE_CHECKING

import urllib3

from cluster.access import Access
from cluster.connection import configuration_of, dry_run, get
from cluster.paths import path_of
from cluster.reader import Object

if TYPE_CHECKING:
    from kubernetes.client import ApiClient

_SECONDS = 10.0
_OK, _NOT_FOUND = 200, 404
_LOG_LINES = "40"


class Live:
    """Reads objects and logs; what cannot be had raises ``OSError`` with one line."""

    def __init__(self, access: Access | None) -> None:
        """Without access nothing can be read, as in a preview, in which nothing is."""
        self._access = access
        self._client: ApiClient | None = None

    def read(self, path: str) -> Object | None:
        body = self._get(path, {})
        return None if body is None else json.loads(body)

    def items(self, path: str) -> list[Object]:
        body = self._get(path, {})
        return [] if body is None else json.loads(body)["items"]

    def log(self, namespace: str, pod: str, container: str, *, previous: bool) -> list[str]:
        path = f"/api/v1/namespaces/{namespace}/pods/{pod}/log"
        query = {"container": container, "tailLines": _LOG_LINES, "previous": str(previous).lower()}
        lines = (self._get(path, query) or b"").decode(errors="replace").splitlines()
        # The kubelet says so in place of a log that was removed.
        return [line for line in lines if not line.startswith("unable to retrieve container logs")]

    def try_out(self, obj: Object) -> tuple[int, str]:
        """Status and message of the API server's answer to an object, which it does not keep."""
        try:
            status, body = dry_run(self._connected(), path_of(dict(obj)), obj, seconds=_SECONDS)
        except urllib3.exceptions.HTTPError as error:
            raise OSError("the API server does not answer") from error
        return status, str(json.loads(body).get("message", "")) if body.startswith(b"{") else ""

    def _get(self, path: str, query: dict[str, str]) -> bytes | None:
        try:
            status, body = get(self._connected(), path, seconds=_SECONDS, accept="application/json, */*", query=query)
        except urllib3.exceptions.HTTPError as error:
            raise OSError("the API server does not answer") from error
        if status == _NOT_FOUND:
            return None
        if status != _OK:
            raise OSError(f"the API server answers {status} to GET {path}")
        return body

    def _connected(self) -> "ApiClient":
        """The client, made only in an update that waits."""
        if self._access is None:
            raise OSError("there is no kubeconfig")
        if self._client is None:
            from kubernetes.client import ApiClient  # noqa: PLC0415

            self._client = ApiClient(configuration_of(self._access))
        return self._client
