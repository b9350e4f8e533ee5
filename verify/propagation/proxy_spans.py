"""The spans of sidecars, as TraceQL searches find them.

Envoy's name is in every span of its own, as ``node_id``: for a sidecar
``sidecar~10.0.0.7~<pod>.<namespace>~<namespace>.svc.cluster.local`` (envoy: source/common/tracing/tracer_impl.cc;
istio: pkg/model/proxy.go).
"""

import email.utils
import json
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx

# A search returns at most so many traces, and so many spans of each: Tempo's own limit for these is 100.
_MAX_TRACES = 500
_MAX_SPANS = 100
# Each search for calls that begin traces leaves out the services that the earlier ones have found.
_MAX_ROUNDS = 4
# How many seconds are looked back at most; of a sidecar, so many at first, and fewer if these have too many traces.
_LONGEST, _FIRST, _SHORTER = 300, 30, (4, 1)
# Until a sidecar has sent its spans, and a search finds them. Younger traces would be there in part.
_SETTLED = 10


@dataclass(frozen=True)
class Pod:
    """The pod of a sidecar."""

    namespace: str
    name: str


@dataclass(frozen=True)
class ProxySpan:
    """A request that a sidecar let in (``kind`` is "server"), or a call that it let out ("client").

    ``name`` is the address and path that Istio gives a call's span, as in ``details.shop.svc.cluster.local:9080/*``.
    ``begins_trace``: it has no parent, because the request came without trace headers. Times are Unix time in
    nanoseconds, by the clock of the sidecar.
    """

    trace_id: str
    node: str
    service: str
    kind: str
    name: str
    start_ns: int
    end_ns: int
    begins_trace: bool

    @property
    def pod(self) -> Pod | None:
        """None if ``node`` is not the name of a sidecar."""
        parts = self.node.split("~")
        if len(parts) != len(("kind", "address", "pod", "domain")) or parts[0] != "sidecar":
            return None
        name, _, namespace = parts[2].rpartition(".")
        return Pod(namespace, name)


@dataclass(frozen=True)
class Recent:
    """Spans of some sidecars, of the last ``seconds``."""

    spans: tuple[ProxySpan, ...]
    seconds: int


def now(tempo: httpx.Client) -> int:
    """Unix time in seconds by Tempo's clock: that of this machine may be wrong. Raises ``httpx.HTTPError``."""
    told = tempo.get("/api/echo").headers.get("Date")
    return int(email.utils.parsedate_to_datetime(told).timestamp() if told else time.time())


def beginnings(tempo: httpx.Client, namespaces: Iterable[str], until: int) -> list[ProxySpan]:
    """Calls that began traces in the minutes before ``until``, by sidecars in ``namespaces``: some of each service.

    Raises ``httpx.HTTPError``.
    """
    query = f"kind = client && nestedSetParent < 0 && {_inside(namespaces)}"
    found: list[ProxySpan] = []
    for _ in range(_MAX_ROUNDS):
        known = sorted({span.service for span in found})
        others = "".join(f" && resource.service.name != {_text(service)}" for service in known)
        spans, count = _search(tempo, f"{{ {query}{others} }}", until, _LONGEST)
        found += [span for span in spans if span.kind == "client" and span.begins_trace]
        if count < _MAX_TRACES or not spans:
            break
    return found


def of_nodes(tempo: httpx.Client, nodes: Sequence[str], until: int) -> Recent:
    """All spans of the sidecars named ``nodes``, of as long a time before ``until`` as a search can return.

    Raises ``httpx.HTTPError``.
    """
    query = " || ".join(f"span.node_id = {_text(node)}" for node in nodes)

    def read(seconds: int) -> tuple[Recent, int, bool]:
        spans, count = _search(tempo, f"{{ {query} }}", until - _SETTLED, seconds)
        return Recent(spans, seconds), count, count < _MAX_TRACES

    recent, count, is_whole = read(_FIRST)
    if is_whole:
        # Half of what would fit, as there may have been more requests before.
        longer = min(_LONGEST, _FIRST * _MAX_TRACES // (2 * max(count, 1)))
        if longer > _FIRST:
            more, _, is_whole = read(longer)
            return more if is_whole else recent
        return recent
    for seconds in _SHORTER:
        recent, _, is_whole = read(seconds)
        if is_whole:
            break
    return recent


def any_of(tempo: httpx.Client, namespaces: Iterable[str], until: int) -> bool:
    """Whether sidecars in ``namespaces`` have sent spans in the minutes before ``until``.

    Raises ``httpx.HTTPError``.
    """
    return bool(_search(tempo, f"{{ {_inside(namespaces)} }}", until, _LONGEST, most=1)[1])


def _inside(namespaces: Iterable[str]) -> str:
    names = "|".join(namespaces)
    return f"span.node_id =~ {_text(f'sidecar~.*[.]({names})~.*')}"


def _search(
    tempo: httpx.Client, spanset: str, until: int, seconds: int, most: int = _MAX_TRACES
) -> tuple[tuple[ProxySpan, ...], int]:
    """The spans that a TraceQL spanset matches in ``most`` traces, and the number of these."""
    question = {
        "q": f"{spanset} | select(kind, nestedSetParent, name, span.node_id, resource.service.name)",
        "start": str(until - seconds),
        "end": str(until),
        "limit": str(most),
        "spss": str(_MAX_SPANS),
    }
    traces = tempo.get("/api/search", params=question).raise_for_status().json().get("traces") or []
    return tuple(span for one in traces for span in _spans(one)), len(traces)


def _spans(found: Mapping[str, Any]) -> Iterator[ProxySpan]:
    for matched in found.get("spanSets") or [found.get("spanSet") or {}]:
        for raw in matched.get("spans") or []:
            values = {one["key"]: _value(one.get("value") or {}) for one in raw.get("attributes") or []}
            start = int(raw.get("startTimeUnixNano") or 0)
            yield ProxySpan(
                trace_id=found["traceID"],
                node=values.get("node_id", ""),
                service=values.get("service.name", ""),
                kind=values.get("kind", ""),
                name=raw.get("name") or "",
                start_ns=start,
                end_ns=start + int(raw.get("durationNanos") or 0),
                # Tempo numbers the spans of a trace as a tree; a root's parent has this number.
                begins_trace=values.get("nestedSetParent") == "-1",
            )


def _value(value: Mapping[str, Any]) -> str:
    return str(next(iter(value.values()), ""))


def _text(text: str) -> str:
    """A string of TraceQL; names in spans may hold anything."""
    return json.dumps(text, ensure_ascii=False)
