"""Applications that trace themselves with the OpenTelemetry SDK, beside proxies that trace them too."""

import secrets
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import requests
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind, Tracer
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

Headers = dict[str, str]

_CLIENT, _SERVER = 3, 2
_PROPAGATOR = TraceContextTextMapPropagator()


@dataclass
class Application:
    """An application whose SDK sends to a collector; ``proxied`` is the name that its sidecar has in traces.

    ``names_peers``: it says whom it calls in ``peer.service`` too, as some agents do.
    """

    name: str
    tracer: Tracer
    provider: TracerProvider
    proxied: str | None
    names_peers: bool

    @contextmanager
    def serves(self, headers: Headers) -> Iterator[None]:
        """Within a request that came with these headers."""
        with self.tracer.start_as_current_span("GET", _PROPAGATOR.extract(headers), SpanKind.SERVER):
            yield

    @contextmanager
    def calls(self, peer: str) -> Iterator[Headers]:
        """Within a request to ``peer``, with the headers that it sends."""
        attributes = {
            "http.request.method": "GET",
            "url.full": f"http://{peer}:8080/",
            "server.address": peer,
            **({"peer.service": peer} if self.names_peers else {}),
        }
        with self.tracer.start_as_current_span("GET", None, SpanKind.CLIENT, attributes):
            headers: Headers = {}
            _PROPAGATOR.inject(headers)
            yield headers

    def queries(self, database: str) -> None:
        """Ask a database, to which no proxy sees more than bytes."""
        attributes = {"db.system": "postgresql", "db.name": database}
        with self.tracer.start_as_current_span("SELECT", None, SpanKind.CLIENT, attributes):
            pass


@contextmanager
def application(
    collector: str, name: str, *, proxied: str | None = None, names_peers: bool = False
) -> Iterator[Application]:
    """The application ``name``, which has sent all that it has to send at the end."""
    session = requests.Session()
    session.trust_env = False
    provider = TracerProvider(resource=Resource({"service.name": name}), shutdown_on_exit=False)
    exporter = OTLPSpanExporter(f"{collector}/v1/traces", session=session)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    try:
        yield Application(name, provider.get_tracer("test"), provider, proxied, names_peers)
    finally:
        provider.shutdown()


class Proxies:
    """The sidecars: each span is the child of what its request came with, and the request goes on as its child."""

    def __init__(self) -> None:
        self._spans: list[dict[str, Any]] = []

    @contextmanager
    def inbound(self, service: str | None, headers: Headers) -> Iterator[Headers]:
        """What a request to ``service`` goes on with to its application; one without a proxy gets it as it is."""
        with self._hop(service, _SERVER, headers) as onward:
            yield onward

    @contextmanager
    def outbound(self, service: str | None, headers: Headers) -> Iterator[Headers]:
        """The same of a request that an application of ``service`` sends."""
        with self._hop(service, _CLIENT, headers) as onward:
            yield onward

    def send(self, collector: str) -> None:
        """Send what they have seen, by OTLP over HTTP."""
        answer = httpx.post(f"{collector}/v1/traces", json={"resourceSpans": self._spans}, trust_env=False, timeout=60)
        answer.raise_for_status()
        self._spans = []

    @contextmanager
    def _hop(self, service: str | None, kind: int, headers: Headers) -> Iterator[Headers]:
        if service is None:
            yield headers
            return
        _, trace_id, parent, _ = headers.get("traceparent", f"00-{secrets.token_hex(16)}--01").split("-")
        own, begin = secrets.token_hex(8), time.time_ns()
        yield {"traceparent": f"00-{trace_id}-{own}-01"}
        span = {
            "traceId": trace_id,
            "spanId": own,
            "parentSpanId": parent,
            "name": service,
            "kind": kind,
            "startTimeUnixNano": str(begin),
            "endTimeUnixNano": str(time.time_ns()),
            "attributes": [_text("component", "proxy"), _text("http.url", "http://api:8080/")],
        }
        resource = {"attributes": [_text("service.name", service)]}
        self._spans.append({"resource": resource, "scopeSpans": [{"spans": [span]}]})


def call(proxies: Proxies, path: Sequence[Application], database: str) -> str:
    """A request from the first application through all others, the last of which asks a database; its trace id."""
    first, *others = path
    with proxies.inbound(first.proxied, {}) as headers, first.serves(headers):
        trace_id = f"{trace.get_current_span().get_span_context().trace_id:032x}"
        _further(proxies, first, others, database)
    return trace_id


def _further(proxies: Proxies, caller: Application, others: Sequence[Application], database: str) -> None:
    if not others:
        caller.queries(database)
        return
    called, *rest = others
    with (
        caller.calls(called.name) as sent,
        proxies.outbound(caller.proxied, sent) as between,
        proxies.inbound(called.proxied, between) as headers,
        called.serves(headers),
    ):
        _further(proxies, called, rest, database)


def _text(key: str, value: str) -> Mapping[str, Any]:
    return {"key": key, "value": {"stringValue": value}}
