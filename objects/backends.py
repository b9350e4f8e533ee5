"""Further backends of the collector: an exporter for each, and a pipeline of its own for every exporter.

An exporter whose queue is full refuses spans. In a pipeline with others its error would reach the sender, although the
others have taken the spans, and whoever sends again, as another collector and an application do, would have them there
twice. So where there are several, each stands behind a processor that takes spans at once and answers for itself.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from model import STORE, Backends, Collector, Destination
from model.parts import SecretKey
from model.scalars import amount

# Of the collector's memory limit, for all spans that wait, and what a span is taken to need there.
_SHARE_OF_MEMORY, _BYTES_A_SPAN = 0.3, 2_000
# The processor `batch` hands on in a goroutine of its own what it has taken, and logs an error instead of returning it.
# Exporters make the batches, so here it waits for nothing.
_APART: Mapping[str, Any] = {"batch/apart": {"timeout": "0s"}}
_TRACES = "traces"
# What a Secret of type `kubernetes.io/tls` has.
_CERTIFICATE, _KEY = "tls.crt", "tls.key"


def exporter_name(name: str | None, to: Destination, *, older: bool) -> str:
    """The exporter to a backend, or without a name to the store; collectors before 0.144 have other types."""
    kinds = {"grpc": "otlp", "http": "otlphttp"} if older else {"grpc": "otlp_grpc", "http": "otlp_http"}
    return "/".join(filter(None, (kinds[to.protocol], name)))


def build_exporter(name: str, to: Destination, delivery: Mapping[str, Any]) -> dict[str, Any]:
    """The exporter; ``delivery`` is what becomes of spans that it cannot send at once."""
    headers = dict(to.headers)
    headers |= {header: f"${{env:{_variable(name, _header(header))}}}" for header in to.secret_headers}
    if to.bearer_token is not None:
        headers["Authorization"] = f"Bearer ${{env:{_variable(name, 'bearer')}}}"
    tls = _tls(name, to)
    return {
        "endpoint": to.endpoint,
        **({"tls": tls} if tls else {}),
        **({"headers": headers} if headers else {}),
        "compression": to.compression,
        **delivery,
    }


def variables(backends: Backends, store: Destination | None) -> dict[str, SecretKey]:
    """The variables of the collector's pods for all that is secret to the backends, and to an existing store."""
    destinations: dict[str, Destination] = {**backends, **({} if store is None else {STORE: store})}
    return {variable: source for name, to in destinations.items() for variable, source in _secrets(name, to)}


def queued_spans(wanted: int, collector: Collector, queues: int) -> int:
    """How many spans may wait in one of so many queues: as many as wanted, if all of them fit into the memory.

    A queue that filled the memory would make the collector refuse the spans of all.
    """
    limit = float(amount(collector.resources.limits["memory"]))
    return min(wanted, int(limit * _SHARE_OF_MEMORY / _BYTES_A_SPAN / queues))


def set_apart(exporters: Sequence[str], connector: str) -> dict[str, Any]:
    """The configuration by which what ``connector`` gets goes to each of the exporters, in a pipeline of its own."""
    return {
        "connectors": {connector: {}},
        "processors": dict(_APART),
        "service": {
            "pipelines": {
                f"{_TRACES}/{exporter}": {
                    "receivers": [connector],
                    "processors": list(_APART),
                    "exporters": [exporter],
                }
                for exporter in exporters
            }
        },
    }


def _tls(name: str, to: Destination) -> dict[str, Any]:
    tls = to.tls
    if tls.insecure:
        return {"insecure": True}
    fields: dict[str, Any] = {}
    if tls.ca is not None:
        fields["ca_pem"] = tls.ca
    if tls.ca_secret is not None:
        fields["ca_pem"] = f"${{env:{_variable(name, 'ca')}}}"
    if tls.client_certificate is not None:
        fields["cert_pem"] = f"${{env:{_variable(name, 'certificate')}}}"
        fields["key_pem"] = f"${{env:{_variable(name, 'key')}}}"
    if tls.server_name is not None:
        fields["server_name_override"] = tls.server_name
    return fields


def _secrets(name: str, to: Destination) -> list[tuple[str, SecretKey]]:
    found = {_header(header): source for header, source in to.secret_headers.items()}
    if to.bearer_token is not None:
        found["bearer"] = to.bearer_token
    if to.tls.ca_secret is not None:
        found["ca"] = to.tls.ca_secret
    if to.tls.client_certificate is not None:
        found["certificate"] = SecretKey(secret=to.tls.client_certificate, key=_CERTIFICATE)
        found["key"] = SecretKey(secret=to.tls.client_certificate, key=_KEY)
    return [(_variable(name, of), source) for of, source in found.items()]


def _header(header: str) -> str:
    return f"header-{header}"


def _variable(name: str, of: str) -> str:
    """Two underscores, which no name has, keep apart what is called alike in two backends."""
    return "__".join(("EXPORTER", *(part.upper().replace("-", "_") for part in (name, of))))
