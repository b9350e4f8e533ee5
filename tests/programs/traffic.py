"""Requests through a mesh of three applications, as the spans that its proxies send, and what their clients count."""

import random
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx

_CLIENT, _SERVER, _ERROR = 3, 2, 2
_BATCH = 200
_MILLISECOND = 1_000_000


@dataclass(frozen=True)
class Request:
    """A request of a client: through ``path``, an application after the other, each ``application.namespace``."""

    trace_id: str
    path: tuple[str, ...]
    milliseconds: float
    fails: bool
    # By a ``traceparent`` of its own: then no proxy's span is the first one.
    is_begun_by_client: bool = False
    trace_state: str = ""

    @property
    def spans(self) -> int:
        return 2 * len(self.path) - 1


@dataclass
class Clients:
    """What clients have counted: requests and errors of each edge, and the requests that were slow."""

    requests: Counter[tuple[str, str]] = field(default_factory=Counter)
    errors: Counter[tuple[str, str]] = field(default_factory=Counter)
    seconds: dict[tuple[str, str], list[float]] = field(default_factory=dict)

    def count(self, request: Request) -> None:
        for edge in zip(request.path, request.path[1:], strict=False):
            self.requests[edge] += 1
            self.errors[edge] += request.fails
            self.seconds.setdefault(edge, []).append(request.milliseconds / 1000)


def requests(  # noqa: PLR0913  what requests can be like
    number: int,
    path: Sequence[str],
    *,
    seed: int,
    failing: float = 0.02,
    slow: float = 0.01,
    is_begun_by_client: bool = False,
) -> Iterator[Request]:
    """So many requests, of which these shares fail and take two seconds."""
    chance = random.Random(seed)  # noqa: S311  no secret
    for _ in range(number):
        yield Request(
            trace_id=f"{chance.getrandbits(128) | 1:032x}",
            path=tuple(path),
            milliseconds=2000 if chance.random() < slow else chance.uniform(1, 200),
            fails=chance.random() < failing,
            is_begun_by_client=is_begun_by_client,
        )


def send(collector: str, sent: Sequence[Request]) -> None:
    """Send the spans of requests that have just ended, by OTLP over HTTP."""
    with httpx.Client(base_url=collector, trust_env=False, timeout=60) as client:
        for begin in range(0, len(sent), _BATCH):
            batch = sent[begin : begin + _BATCH]
            spans = [one for request in batch for one in _resource_spans(request, time.time_ns())]
            client.post("/v1/traces", json={"resourceSpans": spans}).raise_for_status()


def _resource_spans(request: Request, now: int) -> Iterator[dict[str, Any]]:
    """The spans of a request as each proxy sends them: a server's for each application, and a client's before it."""
    chance = random.Random(request.trace_id)  # noqa: S311  no secret
    parent = f"{chance.getrandbits(64) | 1:016x}" if request.is_begun_by_client else ""
    for place, application in enumerate(request.path):
        server = f"{chance.getrandbits(64) | 1:016x}"
        found = [_span(request, now, server, parent, _SERVER)]
        if place + 1 < len(request.path):
            client = f"{chance.getrandbits(64) | 1:016x}"
            found.append(_span(request, now, client, server, _CLIENT))
            parent = client
        yield {
            "resource": {"attributes": [_text("service.name", application)]},
            "scopeSpans": [
                {"spans": [{**span, "attributes": [*span["attributes"], *_of_place(application)]} for span in found]}
            ],
        }


def _of_place(application: str) -> Sequence[Mapping[str, Any]]:
    return [_text("istio.namespace", application.rpartition(".")[2])]


def _span(request: Request, now: int, own: str, parent: str, kind: int) -> dict[str, Any]:
    return {
        "traceId": request.trace_id,
        "spanId": own,
        "parentSpanId": parent,
        "traceState": request.trace_state,
        "name": "call",
        "kind": kind,
        "startTimeUnixNano": str(now - round(request.milliseconds * _MILLISECOND)),
        "endTimeUnixNano": str(now),
        "status": {"code": _ERROR} if request.fails else {},
        "attributes": [_text("component", "proxy")],
    }


def _text(key: str, value: str) -> dict[str, Any]:
    return {"key": key, "value": {"stringValue": value}}
