"""The Services that will exist: those among the objects, and those that operators create for their resources."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from lint.objects import Manifests, Object, Path, at, mapping, number, parsed, sequence, text, view
from lint.views.hosts import ServiceName

OPENTELEMETRY = "opentelemetry.io"
TEMPO = "tempo.grafana.com"

# Where OTLP is taken unless another port is set, by protocol.
OTLP_PORTS = {"grpc": 4317, "http": 4318}
_TELEMETRY_PORT = 8888
_TEMPO_PORT = 3200


@dataclass(frozen=True)
class Port:
    """``path`` leads to the port in the object that declares it; it is empty for a port of an operator's Service."""

    number: int
    name: str = ""
    app_protocol: str = ""
    path: Path = ()


@dataclass(frozen=True)
class Service:
    """``ports`` is None if they cannot be read from the objects."""

    owner: Object
    name: ServiceName
    ports: tuple[Port, ...] | None

    def port(self, wanted: int) -> Port | None:
        return next((port for port in self.ports or () if port.number == wanted), None)


@view
def services(manifests: Manifests) -> dict[ServiceName, Service]:
    """Return every Service whose namespace is known; a declared one takes precedence over an operator's."""
    return {name: service for name, service in _every(manifests).items() if name.namespace}


def service_at(manifests: Manifests, name: ServiceName) -> Service | None:
    """Return the Service called ``name``; one whose object names no namespace may be in any."""
    known = _every(manifests)
    return known.get(name) or known.get(ServiceName("", name.name))


@view
def _every(manifests: Manifests) -> dict[ServiceName, Service]:
    found: dict[ServiceName, Service] = {}
    for service in (*_declared(manifests), *_of_collectors(manifests), *_of_tempo(manifests)):
        if service.name.name:
            found.setdefault(service.name, service)
    return found


def collector_config(collector: Object) -> Mapping[Any, Any]:
    """Return the configuration, which v1alpha1 has as a string."""
    config = collector.at("spec", "config")
    return mapping(parsed(config) if isinstance(config, str) else config)


def monolithic_service(tempo: Object) -> ServiceName:
    return ServiceName(tempo.namespace, f"tempo-{tempo.name}")


def _declared(manifests: Manifests) -> Iterator[Service]:
    for obj in manifests.of("", "Service"):
        path: Path = ("spec", "ports")
        ports = tuple(_ports(obj.at(*path), path))
        yield Service(obj, ServiceName(obj.namespace, obj.name), ports or None)


def _ports(entries: object, path: Path) -> Iterator[Port]:
    for index, entry in enumerate(sequence(entries)):
        port = number(at(entry, "port"))
        if port is not None:
            yield Port(port, text(at(entry, "name")), text(at(entry, "appProtocol")), (*path, index))


def _of_collectors(manifests: Manifests) -> Iterator[Service]:
    for obj in manifests.of(OPENTELEMETRY, "OpenTelemetryCollector"):
        if obj.at("spec", "mode") == "sidecar":
            continue
        ports = _collector_ports(obj)
        for suffix in ("collector", "collector-headless"):
            yield Service(obj, ServiceName(obj.namespace, f"{obj.name}-{suffix}"), ports)
        monitoring = ServiceName(obj.namespace, f"{obj.name}-collector-monitoring")
        yield Service(obj, monitoring, (Port(_TELEMETRY_PORT, "monitoring"),))


def _collector_ports(collector: Object) -> tuple[Port, ...] | None:
    """Return the ports that take OTLP: those of the receivers in use, and those in its ``spec.ports``."""
    config = collector_config(collector)
    pipelines = mapping(at(config, "service", "pipelines"))
    used = {text(name) for pipeline in pipelines.values() for name in sequence(at(pipeline, "receivers"))}
    # Without a receiver the configuration is incomplete; otelarrow takes OTLP on a port that is not known here.
    if not used or any(name.partition("/")[0] == "otelarrow" for name in used):
        return None
    # For a Route the operator declares another protocol (otel-op: internal/manifests/collector/service.go).
    grpc = "h2c" if collector.at("spec", "ingress", "type") == "route" else "grpc"
    ports: list[Port] = []
    for receiver in sorted(name for name in used if name.partition("/")[0] == "otlp"):
        for protocol, settings in mapping(at(config, "receivers", receiver, "protocols")).items():
            if protocol not in OTLP_PORTS:
                continue
            endpoint = at(settings, "endpoint")
            port = OTLP_PORTS[protocol] if endpoint is None else number(text(endpoint).rpartition(":")[2])
            if port is None:
                return None
            ports.append(Port(port, f"{receiver}-{protocol}", grpc if protocol == "grpc" else "http"))
    path: Path = ("spec", "ports")
    return (*ports, *_ports(collector.at(*path), path))


def _of_tempo(manifests: Manifests) -> Iterator[Service]:
    """Yield Tempo's Services; Istio cannot tell the protocol from the operator's names of their OTLP ports."""
    api = Port(_TEMPO_PORT, "http")
    otlp = (Port(OTLP_PORTS["grpc"], "otlp-grpc"), Port(OTLP_PORTS["http"], "otlp-http"))
    gateway = (Port(8080, "public"), Port(8081, "internal"))
    for obj in manifests.of(TEMPO, "TempoMonolithic"):
        service = monolithic_service(obj)
        # A gateway takes the place of Tempo's own Service (tempo-operator: internal/manifests/monolithic/services.go).
        if obj.at("spec", "multitenancy", "enabled") is True and sequence(
            obj.at("spec", "multitenancy", "authentication")
        ):
            yield Service(obj, ServiceName(obj.namespace, f"{service.name}-gateway"), (*gateway, api, otlp[0]))
        else:
            yield Service(obj, service, (api, *otlp))
    for obj in manifests.of(TEMPO, "TempoStack"):
        # It serves the ports of other protocols too.
        distributor = ServiceName(obj.namespace, f"tempo-{obj.name}-distributor")
        yield Service(obj, distributor, (api, *otlp))
        if obj.at("spec", "template", "gateway", "enabled") is True:
            name = ServiceName(obj.namespace, f"tempo-{obj.name}-gateway")
            yield Service(obj, name, (*gateway, Port(8090, "grpc-public")))
