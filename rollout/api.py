"""The cluster that ``Watch`` looks at, through the context that the guard has checked."""

import json
from collections.abc import Mapping
from typing import Any

from rollout.workloads import Object

_SECONDS = 10.0
_OK, _NOT_FOUND = 200, 404
_LOG_LINES = "40"


class Api:
    """Reads objects and logs; what cannot be had raises ``OSError`` with one line."""

    def __init__(self, kubeconfig: Mapping[str, Any] | None) -> None:
        """Without a kubeconfig nothing can be read, as in a preview, in which nothing is."""
        self._kubeconfig = kubeconfig
        self._client: Any = None

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

    def _get(self, path: str, query: dict[str, str]) -> bytes | None:
        import urllib3  # noqa: PLC0415

        client = self._connected()
        method, url, headers, *_ = client.param_serialize(
            method="GET",
            resource_path=path,
            query_params=list(query.items()),
            header_params={"Accept": "application/json, */*"},
            auth_settings=["BearerToken"],
        )
        try:
            response = client.call_api(method, url, headers, _request_timeout=_SECONDS)
            body = bytes(response.read())
        except urllib3.exceptions.HTTPError as error:
            raise OSError("the API server does not answer") from error
        if response.status == _NOT_FOUND:
            return None
        if response.status != _OK:
            raise OSError(f"the API server answers {response.status} to GET {path}")
        return body

    def _connected(self) -> Any:
        """The client, made only in an update that waits: the library takes a second to import."""
        if self._client is None:
            import kubernetes.config  # noqa: PLC0415

            self._client = kubernetes.config.new_client_from_config_dict(  # type: ignore[no-untyped-call]
                dict(self._kubeconfig or {})
            )
        return self._client
