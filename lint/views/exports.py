"""What collectors do with spans: the exporters of OTLP in their pipelines of traces, and the Tempo behind each."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Generic, TypeVar
from urllib.parse import urlsplit

from lint.facts import Facts
from lint.objects import Key, Manifests, Place, mapping, sequence, text, view
from lint.templates import is_unknown
from lint.views.collectors import Collector, Pipeline, collectors, kind_of
from lint.views.hosts import ServiceName, service_of
from lint.views.services import services
from lint.views.span_stores import Intake, Store, stores

T = TypeVar("T")

# The second name is that of newer collectors (collector: exporter/otlpexporter/metadata.yaml).
_PROTOCOLS = {"otlp": "grpc", "otlp_grpc": "grpc", "otlphttp": "http", "otlp_http": "http"}


@dataclass(frozen=True)
class Export:
    """An exporter in a pipeline of traces. ``target`` is the Service that it calls, if it is one of the cluster."""

    collector: Collector
    pipelines: tuple[Pipeline, ...]
    name: str
    protocol: str
    target: ServiceName | None
    port: int | None

    @property
    def settings(self) -> Mapping[Any, Any]:
        return mapping(self.collector.at("exporters", self.name))

    @property
    def endpoint_key(self) -> str:
        of_traces = self.protocol == "http" and self.settings.get("traces_endpoint")
        return "traces_endpoint" if of_traces else "endpoint"

    @property
    def endpoint(self) -> str:
        return text(self.settings.get(self.endpoint_key))

    @property
    def has_variable(self) -> bool:
        """Whether a part of the endpoint is put in; older collectors take variables without braces too."""
        return is_unknown(self.endpoint) or "$" in self.endpoint

    @property
    def path(self) -> str:
        """The path of an endpoint that is a URL."""
        _, slash, path = self.endpoint.partition("://")[2].partition("/")
        return slash + path

    @property
    def uses_tls(self) -> bool | None:
        """Whether it speaks TLS; None if a variable decides (collector: config/configgrpc/configgrpc.go)."""
        if self.protocol == "http":
            return {"https": True, "http": False}.get(self.endpoint.partition("://")[0])
        settings = self.settings.get("tls")
        insecure = mapping(settings).get("insecure", False)
        if not isinstance(insecure, bool) or isinstance(settings, str):
            return None
        has_ca = any(mapping(settings).get(key) for key in ("ca_file", "ca_pem"))
        return not insecure or has_ca or self.endpoint.startswith("https://")

    @property
    def authenticator(self) -> str:
        return text(mapping(self.settings.get("auth")).get("authenticator"))

    def has_header(self, wanted: str) -> bool:
        """Whether it sends the header; one that an extension sets counts."""
        headers = self.settings.get("headers")
        names = [*mapping(headers), *(mapping(entry).get("name") for entry in sequence(headers))]
        return isinstance(headers, str) or any(text(name).lower() == wanted for name in names)

    def where(self, *path: Key) -> Place:
        return self.collector.where("exporters", self.name, *path)


@dataclass(frozen=True)
class Delivery:
    """An export to a Service of a Tempo."""

    export: Export
    store: Store
    intake: Intake


@view
def exports(manifests: Manifests, facts: Facts) -> tuple[Export, ...]:
    return tuple(export for collector in collectors(manifests, facts) for export in _of_collector(collector, facts))


@view
def deliveries(manifests: Manifests, facts: Facts) -> tuple[Delivery, ...]:
    pairs = [(store, intake) for store in stores(manifests, facts) for intake in store.intakes]
    known = _Named([(intake.service, (store, intake)) for store, intake in pairs])
    return tuple(
        Delivery(export, store, intake)
        for export in exports(manifests, facts)
        if export.target is not None
        for store, intake in known.at(export.target)
    )


def open_deliveries(manifests: Manifests, facts: Facts) -> Iterator[Delivery]:
    """Yield the deliveries to a Service that is meant for collectors."""
    return (delivery for delivery in deliveries(manifests, facts) if not delivery.intake.is_closed)


def misses(manifests: Manifests, facts: Facts) -> Iterator[tuple[Export, Store]]:
    """Yield the exports to a Service that is not there, and the Tempo whose name it resembles."""
    # The longest name first: it resembles most.
    known = sorted(stores(manifests, facts), key=lambda store: (-len(store.stem), store.owner.label))
    names = [*services(manifests), *(intake.service for store in known for intake in store.intakes)]
    existing = _Named([(name, name) for name in names])
    for export in exports(manifests, facts):
        target = export.target
        if target is None or any(existing.at(target)):
            continue
        meant = (store for store in known if store.stem and _resembles(export, target, store))
        for store in islice(meant, 1):
            yield export, store


def is_past_the_gateway(export: Export, store: Store) -> bool:
    """Whether an export to a Service that is not there should go to the gateway of ``store``, and does not try."""
    gateway = store.gateway
    return gateway is not None and export.target is not None and export.target.name != gateway.service.name


def _resembles(export: Export, target: ServiceName, store: Store) -> bool:
    if store.owner.namespace == target.namespace or "" in {store.owner.namespace, target.namespace}:
        return target.name in {store.owner.name, store.stem} or target.name.startswith(f"{store.stem}-")
    # A name without a namespace, which DNS looks for beside the collector only.
    is_short = f"{target.name}." not in export.endpoint
    return is_short and any(target.name == intake.service.name for intake in store.intakes)


class _Named(Generic[T]):
    """Things by the names of their Services; a Service without a namespace can be in any."""

    def __init__(self, things: Sequence[tuple[ServiceName, T]]) -> None:
        self._by_name: dict[str, dict[str, list[T]]] = {}
        for service, thing in things:
            self._by_name.setdefault(service.name, {}).setdefault(service.namespace, []).append(thing)

    def at(self, service: ServiceName) -> Iterator[T]:
        """Yield what may be meant by ``service``."""
        named = self._by_name.get(service.name, {})
        for namespace in (service.namespace, "") if service.namespace else named:
            yield from named.get(namespace, ())


def _of_collector(collector: Collector, facts: Facts) -> Iterator[Export]:
    pipelines = tuple(collector.pipelines("traces"))
    for name in mapping(collector.at("exporters")):
        using = tuple(pipeline for pipeline in pipelines if name in pipeline.exporters)
        if using and kind_of(name) in _PROTOCOLS:
            yield _export(collector, using, name, facts)


def _export(collector: Collector, using: tuple[Pipeline, ...], name: str, facts: Facts) -> Export:
    export = Export(collector, using, name, _PROTOCOLS[kind_of(name)], None, None)
    if export.has_variable:
        return export
    # gRPC knows `dns:///host:port` too.
    address = export.endpoint.rpartition("://")[2].lstrip("/")
    try:
        parts = urlsplit(f"//{address}")
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return export
    if port is None and export.protocol == "http":
        port = {"http": 80, "https": 443}.get(export.endpoint.partition("://")[0])
    target = service_of(host, cluster_domain=facts.cluster_domain, own_namespace=collector.namespace)
    if target is None and host and "." not in host and host != "localhost":
        target = ServiceName("", host)
    return Export(collector, using, name, export.protocol, target, port)
