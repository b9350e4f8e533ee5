"""Further backends of the collector: an exporter for each, and a pipeline of its own for every exporter.

An exporter whose queue is full refuses spans. In a pipeline with others its error would reach the sender, although the
others have taken the spans, and whoever sends again, as another collector and an application do, would have them there
twice. So where there are several, each stands behind a processor that takes spans at once and answers for itself.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from model import Backend, Backends, Collector
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


def exporter_name(name: str, backend: Backend, *, older: bool) -> str:
    """The exporter of a backend; its types had other names in collectors before 0.144."""
    kinds = {"grpc": "otlp", "http": "otlphttp"} if older else {"grpc": "otlp_grpc", "http": "otlp_http"}
    return f"{kinds[backend.protocol]}/{name}"


def build_exporter(name: str, backend: Backend, delivery: Mapping[str, Any]) -> dict[str, Any]:
    """The exporter; ``delivery`` is what becomes of spans that it cannot send at once."""
    headers = dict(backend.headers)
    headers |= {header: f"${{env:{_variable(name, _header(header))}}}" for header in backend.secret_headers}
    if backend.bearer_token is not None:
        headers["Authorization"] = f"Bearer ${{env:{_variable(name, 'bearer')}}}"
    tls = _tls(name, backend)
    return {
        "endpoint": backend.endpoint,
        **({"tls": tls} if tls else {}),
        **({"headers": headers} if headers else {}),
        "compression": backend.compression,
        **delivery,
    }


def variables(backends: Backends) -> dict[str, SecretKey]:
    """The variables of the collector's pods for all that is secret."""
    return {variable: source for name, backend in backends.items() for variable, source in _secrets(name, backend)}


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


def _tls(name: str, backend: Backend) -> dict[str, Any]:
    tls = backend.tls
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


def _secrets(name: str, backend: Backend) -> list[tuple[str, SecretKey]]:
    found = {_header(header): source for header, source in backend.secret_headers.items()}
    if backend.bearer_token is not None:
        found["bearer"] = backend.bearer_token
    if backend.tls.ca_secret is not None:
        found["ca"] = backend.tls.ca_secret
    if backend.tls.client_certificate is not None:
        found["certificate"] = SecretKey(secret=backend.tls.client_certificate, key=_CERTIFICATE)
        found["key"] = SecretKey(secret=backend.tls.client_certificate, key=_KEY)
    return [(_variable(name, of), source) for of, source in found.items()]


def _header(header: str) -> str:
    return f"header-{header}"


def _variable(name: str, of: str) -> str:
    """Two underscores, which no name has, keep apart what is called alike in two backends."""
    return "__".join(("EXPORTER", *(part.upper().replace("-", "_") for part in (name, of))))
