"""One trace, as Tempo returns it."""

import base64
import binascii
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from verify.traffic.service_graph import Edge

# By number and by name: OTLP's own JSON has the numbers, Tempo's the names.
_KINDS = dict(enumerate(("unspecified", "internal", "server", "client", "producer", "consumer")))
_CALLING = {"client", "producer"}
_CALLED = {"server", "consumer"}
_ERROR = ("STATUS_CODE_ERROR", 2)


@dataclass(frozen=True)
class Span:
    """``start_ns`` is Unix time in nanoseconds; ``parent_id`` is empty for a root; ids are lower-case hex.

    ``kind`` is "server", "client", "producer", "consumer", "internal" or "unspecified".
    """

    span_id: str
    parent_id: str
    service: str
    name: str
    kind: str
    start_ns: int
    duration_ns: int
    failed: bool

    @property
    def is_call(self) -> bool:
        """Whether it is the caller's side of a call."""
        return self.kind in _CALLING


@dataclass(frozen=True)
class Trace:
    """``spans`` are in the order of their start."""

    trace_id: str
    spans: tuple[Span, ...]


def of_namespaces(namespaces: Iterable[str]) -> str:
    """The TraceQL query for traces with a service in one of ``namespaces``; Istio names it ``<app>.<namespace>``."""
    services = "|".join(rf".*\\.{name}" for name in namespaces)
    return f'{{resource.service.name=~"{services}"}}'


def of_service(service: str) -> str:
    """The TraceQL query for traces with a span of one service."""
    return f"{{resource.service.name={json.dumps(service)}}}"


def parse(answer: Mapping[str, Any]) -> Trace:
    """Return the trace in an answer to ``GET /api/traces/<id>`` or ``/api/v2/traces/<id>``; fields may be missing."""
    body = answer.get("trace") or answer
    raw = [
        (_service(batch), span)
        for batch in body.get("batches") or body.get("resourceSpans") or []
        for scope in batch.get("scopeSpans") or []
        for span in scope.get("spans") or []
    ]
    spans = sorted((_span(service, span) for service, span in raw), key=lambda span: (span.start_ns, span.span_id))
    return Trace(next((_hex(span.get("traceId")) for _, span in raw), ""), tuple(spans))


def edges(trace: Trace) -> frozenset[Edge]:
    """Return the edges of the service graph that a trace makes, by the rule of Tempo's generator.

    A client span that is the parent of a server span is a call from the first span's service to the second's.
    """
    callers = {span.span_id: span.service for span in trace.spans if span.is_call and span.service}
    return frozenset(
        Edge(callers[span.parent_id], span.service)
        for span in trace.spans
        if span.kind in _CALLED and span.service and span.parent_id in callers
    )


def _service(batch: Mapping[str, Any]) -> str:
    attributes: Iterable[Mapping[str, Any]] = (batch.get("resource") or {}).get("attributes") or []
    found = (one.get("value") or {} for one in attributes if one.get("key") == "service.name")
    return str(next(found, {}).get("stringValue") or "")


def _span(service: str, raw: Mapping[str, Any]) -> Span:
    start, end = (int(raw.get(key) or 0) for key in ("startTimeUnixNano", "endTimeUnixNano"))
    kind = raw.get("kind") or 0
    return Span(
        span_id=_hex(raw.get("spanId")),
        parent_id=_hex(raw.get("parentSpanId")),
        service=service,
        name=raw.get("name") or "",
        kind=_KINDS.get(kind) or str(kind).removeprefix("SPAN_KIND_").lower(),
        start_ns=start,
        # The end is missing in an unfinished span, and before the start if the clock was set back.
        duration_ns=max(end - start, 0),
        failed=(raw.get("status") or {}).get("code") in _ERROR,
    )


def _hex(identity: str | None) -> str:
    """Return an id of 8 or 16 bytes as hex; base64 is recognised by its padding, and an id of zeros is empty."""
    text = identity or ""
    if text.endswith("="):
        try:
            text = base64.b64decode(text).hex()
        except binascii.Error:
            return text
    return text.lower() if text.strip("0") else ""
