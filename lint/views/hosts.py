"""Hosts and URLs, as names of Services."""

from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import urlsplit

_DEFAULT_PORTS = {"http": 80, "https": 443}
_NAMES_BEFORE_SVC = 2
# As the host of an endpoint to listen on.
LOCALHOST = frozenset({"localhost", "127.0.0.1", "[::1]"})


@dataclass(frozen=True, order=True)
class ServiceName:
    """A Service of the cluster."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


@dataclass(frozen=True)
class Endpoint:
    """The host and port of a URL, without its credentials and path, so that no message can show them."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


def endpoint(url: str) -> Endpoint | None:
    """Return the host and port of ``url``, or None if it is not a URL with both."""
    try:
        parts = urlsplit(url)
        port = parts.port or _DEFAULT_PORTS.get(parts.scheme)
    except ValueError:
        return None
    if not parts.hostname or port is None:
        return None
    return Endpoint(parts.hostname, port)


# Many things of one installation name the same host.
@lru_cache(maxsize=1024)
def service_of(host: str, *, cluster_domain: str, own_namespace: str = "") -> ServiceName | None:
    """Return the Service that a resolver in ``own_namespace`` finds for ``host``."""
    names = host.rstrip(".").split(".")
    if not all(names):
        return None
    if len(names) == 1:
        return ServiceName(own_namespace, names[0]) if own_namespace else None
    domain = ".".join(names[_NAMES_BEFORE_SVC + 1 :])
    in_cluster = len(names) == _NAMES_BEFORE_SVC or (
        names[_NAMES_BEFORE_SVC] == "svc" and domain in {"", cluster_domain}
    )
    return ServiceName(names[1], names[0]) if in_cluster else None
