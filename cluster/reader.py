"""Reads many API paths of one cluster at the same time."""

import json
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import urllib3

from cluster.access import Access
from cluster.connection import configuration_of, get

# A preview waits for the slowest answer.
_SECONDS = 5.0
_AT_A_TIME = 10
# Of the answer with all groups and kinds, the one that is preferred first.
_FORMS = ("v2", "v2beta1")
_FOUND, _UNAUTHORIZED, _FORBIDDEN, _NOT_FOUND = 200, 401, 403, 404

Object = Mapping[str, Any]


class UnreachableError(Exception):
    """The API server does not answer, or does not accept the credentials; the message says which."""


class NotReadError(Exception):
    """One path cannot be read; the message says why."""


def read(access: Access, paths: Iterable[str]) -> dict[str, Object | NotReadError | None]:
    """What is at each path: an object, None if there is none, or why it cannot be read.

    Raises ``UnreachableError``.
    """
    from kubernetes.client import ApiClient  # noqa: PLC0415

    try:
        configuration = configuration_of(access)
    except Exception:
        # Its message may quote the kubeconfig, which holds credentials.
        raise UnreachableError(
            f"the credentials of context {access.context!r} cannot be loaded: log in again"
        ) from None
    # A server that cannot be reached is reported at once, instead of after retries.
    configuration.retries = False
    configuration.connection_pool_maxsize = _AT_A_TIME
    client = ApiClient(configuration)

    def read_one(path: str) -> Object | NotReadError | None:
        try:
            status, body = get(client, path, seconds=_SECONDS, accept=_accept(path))
        except (urllib3.exceptions.HTTPError, OSError):
            raise UnreachableError(f"the API server {access.server} does not answer") from None
        if status == _UNAUTHORIZED:
            raise UnreachableError(
                f"the API server {access.server} does not accept the credentials of context {access.context!r}: "
                "they have expired, or belong to another cluster; log in again"
            )
        if status == _NOT_FOUND:
            return None
        if status == _FORBIDDEN:
            return NotReadError(f"not allowed: GET {path}")
        if status != _FOUND:
            return NotReadError(f"GET {path}: the API server answered {status}")
        found: Object = json.loads(body)
        return found

    wanted = list(paths)
    with ThreadPoolExecutor(_AT_A_TIME) as pool:
        return dict(zip(wanted, pool.map(read_one, wanted), strict=True))


def _accept(path: str) -> str:
    """All groups and kinds in one answer, where the API server can: since Kubernetes 1.27."""
    if path != "/apis":
        return "application/json"
    forms = [f"application/json;g=apidiscovery.k8s.io;v={version};as=APIGroupDiscoveryList" for version in _FORMS]
    return ",".join([*forms, "application/json"])
