"""How long a span takes to be found by a TraceQL search, and a call to be an edge in Prometheus."""

import json
import secrets
import time
from collections.abc import Callable
from typing import Any

import httpx

from bench.stack import Stack

_LIMIT_SECONDS = 60.0
_POLL_SECONDS = 0.1
_OTLP = "/api/v1/namespaces/istio-system/services/otel-collector:4318/proxy/v1/traces"


def measure(stack: Stack) -> tuple[float, float]:
    """Send one call between two services that nobody else has; return the seconds until each of the two."""
    name = f"bench-{secrets.token_hex(4)}"
    stack.kubectl("create", "--raw", _OTLP, "-f", "-", text=json.dumps(_call(name)))
    sent = time.monotonic()
    tempo, prometheus = stack.address("tempo"), stack.address("prometheus")

    def is_found() -> bool:
        query = {"q": f'{{resource.service.name="{name}-client"}}'}
        return bool(_get(f"{tempo}/api/search", query).get("traces"))

    def is_an_edge() -> bool:
        query = {"query": f'traces_service_graph_request_total{{client="{name}-client"}}'}
        return bool(_get(f"{prometheus}/api/v1/query", query)["data"]["result"])

    return _seconds_until(is_found, sent), _seconds_until(is_an_edge, sent)


def _seconds_until(happened: Callable[[], bool], since: float) -> float:
    while not happened():
        if time.monotonic() - since > _LIMIT_SECONDS:
            raise SystemExit(f"after {_LIMIT_SECONDS:.0f} s a span is not there: python -m verify says why")
        time.sleep(_POLL_SECONDS)
    return time.monotonic() - since


def _get(address: str, query: dict[str, str]) -> dict[str, Any]:
    answer: dict[str, Any] = httpx.get(address, params=query, trust_env=False, timeout=10).raise_for_status().json()
    return answer


def _call(name: str) -> dict[str, Any]:
    """One call as OTLP: the client's span, and the server's below it."""
    trace, client, server = secrets.token_hex(16), secrets.token_hex(8), secrets.token_hex(8)
    now = time.time_ns()

    def spans(service: str, kind: int, span: str, parent: str) -> dict[str, Any]:
        return {
            "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": service}}]},
            "scopeSpans": [
                {
                    "spans": [
                        {
                            "traceId": trace,
                            "spanId": span,
                            "parentSpanId": parent,
                            "name": "call",
                            "kind": kind,
                            "startTimeUnixNano": str(now - 10_000_000),
                            "endTimeUnixNano": str(now),
                        }
                    ]
                }
            ],
        }

    client_kind, server_kind = 3, 2  # opentelemetry-proto: trace.proto, SpanKind
    return {
        "resourceSpans": [
            spans(f"{name}-client", client_kind, client, ""),
            spans(f"{name}-server", server_kind, server, client),
        ]
    }
