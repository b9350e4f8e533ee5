"""How soon what happens in the mesh can be seen: a span by TraceQL, a call in the service graph."""

import secrets
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import httpx

from local.run.api import Api

OTLP_HTTP_PORT = 4318
_POLL_SECONDS = 0.1
_LIMIT_SECONDS = 120.0
_CLIENT, _SERVER = 3, 2  # kinds of spans in OTLP


@dataclass(frozen=True)
class Freshness:
    """Seconds from the moment a call's two spans are sent to the collector."""

    searchable: float
    graphed: float


def measure(api: Api, collector: str, tempo: httpx.Client, prometheus: httpx.Client) -> Freshness:
    """Send a call between two services that nobody has heard of, and wait until it can be seen.

    ``collector`` is the host name of the collector's Service. Raises ``TimeoutError`` after two minutes.
    """
    name = f"bench-{secrets.token_hex(4)}"
    service, namespace = collector.split(".")[:2]
    sent_at = time.time()
    began = time.monotonic()
    path = f"/api/v1/namespaces/{namespace}/services/{service}:{OTLP_HTTP_PORT}/proxy/v1/traces"
    api.post(path, call(name, time.time_ns()))

    def is_searchable() -> bool:
        query = {"q": f'{{resource.service.name="{name}-client"}}', "start": str(int(sent_at) - 60)}
        found = tempo.get("/api/search", params=query | {"end": str(int(time.time()) + 1)})
        return bool(found.raise_for_status().json().get("traces"))

    def is_graphed() -> bool:
        query = {"query": f'traces_service_graph_request_total{{client="{name}-client"}}'}
        found = prometheus.get("/api/v1/query", params=query)
        return bool(found.raise_for_status().json()["data"]["result"])

    return Freshness(_until(is_searchable, began), _until(is_graphed, began))


def call(name: str, now_ns: int) -> dict[str, Any]:
    """Return the two spans of a call of 10 ms that has just ended, as OTLP's JSON."""
    trace, outer, inner = secrets.token_hex(16), secrets.token_hex(8), secrets.token_hex(8)

    def spans(service: str, span: Mapping[str, Any]) -> dict[str, Any]:
        times = {"startTimeUnixNano": str(now_ns - 10_000_000), "endTimeUnixNano": str(now_ns)}
        return {
            "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": service}}]},
            "scopeSpans": [{"spans": [{"traceId": trace, "name": "call", **times, **span}]}],
        }

    return {
        "resourceSpans": [
            spans(f"{name}-client", {"spanId": outer, "kind": _CLIENT}),
            spans(f"{name}-server", {"spanId": inner, "parentSpanId": outer, "kind": _SERVER}),
        ]
    }


def _until(seen: Callable[[], bool], began: float) -> float:
    while time.monotonic() - began < _LIMIT_SECONDS:
        with suppress(httpx.HTTPError):
            if seen():
                return time.monotonic() - began
        time.sleep(_POLL_SECONDS)
    raise TimeoutError(f"not seen after {_LIMIT_SECONDS:.0f} s")
