"""A mesh whose applications pass the trace context on or not, the spans that its sidecars make, and a Tempo with them.

What each application does is decided here, so that it is known without looking at a span.
"""

import itertools
import json
import random
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from wsgiref.handlers import format_date_time

import httpx

NAMESPACE = "shop"
NOW = 1_800_000_000
SECONDS = 300
_NS = 1_000_000_000


@dataclass(frozen=True)
class App:
    """One workload. ``service`` is what it is called by, ``calls`` whom it calls for a request, and how often.

    ``drops`` is the share of the calls to a service that it makes without the trace context, from 0 to 1.
    ``by_itself`` is how many calls a second it makes to a service for no request. ``busy`` is for how many seconds it
    works on a request beside its calls. ``node`` "router" is a gateway.
    """

    name: str
    service: str = ""
    calls: Mapping[str, float] = field(default_factory=dict)
    drops: Mapping[str, float] = field(default_factory=dict)
    by_itself: Mapping[str, float] = field(default_factory=dict)
    busy: float = 0.005
    pods: int = 1
    sidecar: bool = True
    node: str = "sidecar"
    retries: float = 0.0
    namespace: str = NAMESPACE

    @property
    def called(self) -> str:
        return self.service or self.name

    def pod(self, number: int) -> str:
        return f"{self.name}-5d9c7b8f4d-{number:05d}"


@dataclass(frozen=True)
class Span:
    """One span, as a sidecar reports it."""

    trace_id: str
    span_id: str
    parent_id: str
    node: str
    service: str
    kind: str
    name: str
    start_ns: int
    duration_ns: int


@dataclass(frozen=True)
class Context:
    """What ``traceparent`` says."""

    trace_id: str
    span_id: str
    sampled: bool


NOT_SAMPLED = Context("", "", sampled=False)


@dataclass
class Mesh:
    """The spans of ``apps``, of the last ``SECONDS`` before ``NOW``; ``sampled`` is a share, from 0 to 1."""

    apps: Sequence[App]
    sampled: float = 1.0
    spans: list[Span] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._random = random.Random(1)  # noqa: S311  the same mesh each time
        self._numbers = itertools.count(1)
        self._versions: dict[str, list[App]] = {}
        for app in self.apps:
            self._versions.setdefault(app.called, []).append(app)
        for app in self.apps:
            for service, rate in app.by_itself.items():
                for at in self._moments(rate):
                    self.call(app, app.pod(self._random.randrange(app.pods)), service, None, at)

    def _moments(self, rate: float) -> Iterator[float]:
        at = self._random.expovariate(rate)
        while at < SECONDS - 5:
            yield NOW - SECONDS + at
            at += self._random.expovariate(rate)

    def call(self, app: App, pod: str, service: str, context: Context | None, at: float) -> float:
        """Make one call at ``at``, in Unix time; return when it ends."""
        for _ in range(2):
            ended, failed = self._try(app, pod, service, context, at)
            if not failed:
                break
            at = ended + 0.002
        return ended

    def _try(self, app: App, pod: str, service: str, context: Context | None, at: float) -> tuple[float, bool]:
        own = self._begin(context) if app.sidecar else context
        versions = self._versions.get(service)
        if versions:
            ended = self.receive(versions[int(self._random.random() * len(versions))], own, at + 0.0005)
        else:
            ended = at + 0.004
        ended += 0.0005
        if app.sidecar and own is not None and own.sampled:
            where = f"{service}.{NAMESPACE}.svc.cluster.local:9080/*"
            self._report(app, pod, own, context, "client", where, at, ended)
        return ended, self._random.random() < app.retries

    def receive(self, app: App, context: Context | None, at: float) -> float:
        """Let ``app`` answer a request; return when it has."""
        pod = app.pod(int(self._random.random() * app.pods))
        own = self._begin(context) if app.sidecar else context
        now = at + (0.2 + 0.6 * self._random.random()) * app.busy
        for service, share in app.calls.items():
            if self._random.random() < share:
                forgets = self._random.random() < app.drops.get(service, 0.0)
                now = self.call(app, pod, service, None if forgets else own, now + 0.0005)
        ended = now + (0.2 + 0.6 * self._random.random()) * app.busy
        if app.sidecar and own is not None and own.sampled:
            self._report(app, pod, own, context, "server", f"{app.called}.{app.namespace}:9080/*", at, ended)
        return ended

    def _begin(self, context: Context | None) -> Context:
        if context is None:
            is_sampled = self._random.random() < self.sampled
            return (
                Context(f"{next(self._numbers):032x}", f"{next(self._numbers):016x}", sampled=True)
                if is_sampled
                else NOT_SAMPLED
            )
        return replace(context, span_id=f"{next(self._numbers):016x}") if context.sampled else context

    def _report(  # noqa: PLR0913, PLR0917  each is one property of a span
        self, app: App, pod: str, own: Context, parent: Context | None, kind: str, name: str, start: float, end: float
    ) -> None:
        node = f"{app.node}~10.0.0.1~{pod}.{app.namespace}~{app.namespace}.svc.cluster.local"
        parent_id = parent.span_id if parent else ""
        service = f"{app.called}.{app.namespace}"
        began, took = int(start * _NS), int((end - start) * _NS)
        self.spans.append(Span(own.trace_id, own.span_id, parent_id, node, service, kind, name, began, took))

    def pods(self) -> list[dict[str, Any]]:
        """The objects of its pods."""
        return [pod(app, number) for app in self.apps for number in range(app.pods)]


def pod(app: App, number: int, **container: Any) -> dict[str, Any]:
    """One pod of ``app``, which belongs to a Deployment."""
    return {
        "metadata": {
            "name": app.pod(number),
            "namespace": app.namespace,
            "labels": {"app": app.called, "pod-template-hash": "5d9c7b8f4d"},
            "ownerReferences": [{"kind": "ReplicaSet", "name": f"{app.name}-5d9c7b8f4d", "controller": True}],
        },
        "spec": {
            "containers": [
                {"name": "istio-proxy", "image": "proxyv2"},
                {"name": app.name, "image": f"registry.example/{app.name}:1", **container},
            ]
        },
    }


@dataclass
class Tempo:
    """The answers of a Tempo that has ``spans``, to the searches of the doctor."""

    spans: Sequence[Span]
    asked: list[httpx.URL] = field(default_factory=list)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request.url)
        headers = {"Date": format_date_time(NOW)}
        if request.url.path == "/api/echo":
            return httpx.Response(200, text="echo", headers=headers)
        assert request.url.path == "/api/search", request.url
        return httpx.Response(200, json={"traces": self._search(dict(request.url.params))}, headers=headers)

    def _search(self, question: Mapping[str, str]) -> list[dict[str, Any]]:
        start, end = int(question["start"]) * _NS, int(question["end"]) * _NS
        selected, traces = selection(question["q"]), dict[str, list[Span]]()
        for span in self.spans:
            if start <= span.start_ns <= end and selected(span):
                traces.setdefault(span.trace_id, []).append(span)
        newest = sorted(traces.items(), key=lambda item: -item[1][0].start_ns)[: int(question["limit"])]
        spss = int(question["spss"])
        return [
            {"traceID": trace_id, "spanSets": [{"spans": [_answer(span) for span in spans[:spss]]}]}
            for trace_id, spans in newest
        ]


_VALUES: Mapping[str, Callable[[Span], Any]] = {
    "kind": lambda span: span.kind,
    "nestedSetParent": lambda span: 0 if span.parent_id else -1,
    "span.node_id": lambda span: span.node,
    "resource.service.name": lambda span: span.service,
}
_OPERATORS: Mapping[str, Callable[[Any, str], bool]] = {
    "=": lambda found, wanted: bool(found == wanted),
    "!=": lambda found, wanted: bool(found != wanted),
    "<": lambda found, wanted: bool(found < int(wanted)),
    "=~": lambda found, wanted: re.fullmatch(wanted, found) is not None,
}


def selection(query: str) -> Callable[[Span], bool]:
    """What a TraceQL query of the doctor's kind selects: comparisons with all ``&&`` or all ``||``."""
    spanset = re.fullmatch(r"\{ (.*) \} \| select\([^)]*\)", query)
    assert spanset, query
    comparisons = []
    for comparison in re.split(r" (?:&&|\|\|) ", spanset[1]):
        left, operator, right = comparison.split(" ", 2)
        wanted = json.loads(right) if right.startswith('"') else right
        comparisons.append((_VALUES[left], _OPERATORS[operator], wanted))
    whole = any if " || " in spanset[1] else all
    return lambda span: whole(holds(value(span), wanted) for value, holds, wanted in comparisons)


def _answer(span: Span) -> dict[str, Any]:
    attributes = {
        "kind": {"stringValue": span.kind},
        "nestedSetParent": {"intValue": "5" if span.parent_id else "-1"},
        "node_id": {"stringValue": span.node},
        "service.name": {"stringValue": span.service},
    }
    return {
        "spanID": span.span_id,
        "name": span.name,
        "startTimeUnixNano": str(span.start_ns),
        "durationNanos": str(span.duration_ns),
        "attributes": [{"key": key, "value": value} for key, value in attributes.items()],
    }
