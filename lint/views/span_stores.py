"""Where a Tempo takes spans: its Services, with the protocol and the TLS of each port, and who may send there."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from lint.facts import Facts
from lint.objects import Manifests, Object, at, mapping, number, parsed, sequence, text, view
from lint.views.hosts import ServiceName
from lint.views.services import TEMPO
from lint.views.workloads import Workload, workloads

# What a port takes: spans over gRPC or HTTP, something else, or what is not known.
Takes = Literal["grpc", "http", "other", "unknown"]

_OTLP: Mapping[int, Takes] = {4317: "grpc", 4318: "http"}
# The ports of Tempo's API, of its own gRPC, of its members' gossip, and of receivers for other protocols.
_OTHERS = frozenset({3100, 3200, 7946, 9095, 9411, 14250, 14268, 6831, 6832, 16685, 16686, 16687})
_BESIDE_THE_DISTRIBUTOR = (
    "compactor",
    "gossip-ring",
    "ingester",
    "metrics-generator",
    "querier",
    "query-frontend",
    "query-frontend-discovery",
)


@dataclass(frozen=True)
class Intake:
    """A Service of a Tempo, with what its ports take.

    ``tls`` says by protocol whether it wants TLS, and nothing if that is not known. ``is_closed`` means that only the
    gateway can send spans to it.
    """

    service: ServiceName
    ports: Mapping[int, Takes] = field(default_factory=dict)
    tls: Mapping[str, bool] = field(default_factory=dict)
    is_gateway: bool = False
    is_closed: bool = False

    def port(self, protocol: str) -> int | None:
        return next((port for port, takes in self.ports.items() if takes == protocol), None)


@dataclass(frozen=True)
class Store:
    """A Tempo. ``config`` is its own configuration as far as it is known.

    ``stem`` is how the names of its Services begin, if an operator makes them. ``generates`` says whether its metrics
    generator makes a graph.
    """

    owner: Object
    intakes: tuple[Intake, ...]
    config: Mapping[Any, Any]
    has_tenants: bool
    generates: bool
    stem: str = ""

    @property
    def gateway(self) -> Intake | None:
        return next((one for one in self.intakes if one.is_gateway), None)

    def address(self, protocol: str) -> str:
        """Return where to send spans, for a person."""
        for intake in self.intakes:
            port = intake.port(protocol)
            if port is not None and not intake.is_closed:
                name, namespace = intake.service.name, intake.service.namespace
                return f"{name}.{namespace}.svc:{port}" if namespace else f"{name}:{port}"
        return "the address of a port for this protocol"


@view
def stores(manifests: Manifests, facts: Facts) -> tuple[Store, ...]:
    return (
        *(_monolithic(obj, facts) for obj in manifests.of(TEMPO, "TempoMonolithic")),
        *(_stack(obj, facts) for obj in manifests.of(TEMPO, "TempoStack")),
        *(_plain(manifests, workload) for workload in workloads(manifests) if _is_tempo(workload)),
    )


def _is_tempo(workload: Workload) -> bool:
    image = workload.image("tempo").partition("@")[0].rpartition("/")[2]
    return image.partition(":")[0] == "tempo"


# tempo-operator: internal/manifests/monolithic/services.go and configmap.go
def _monolithic(obj: Object, facts: Facts) -> Store:
    tenancy = mapping(obj.at("spec", "multitenancy"))
    has_tenants = tenancy.get("enabled") is True
    config = mapping(obj.at("spec", "extraConfig", "tempo"))
    ingestion = mapping(obj.at("spec", "ingestion", "otlp"))
    ports: dict[int, Takes] = {3200: "other"}
    ports |= {port: takes for port, takes in _OTLP.items() if at(ingestion, takes, "enabled") is not False}
    stem = f"tempo-{obj.name}"
    if has_tenants and sequence(tenancy.get("authentication")):
        # It takes gRPC at the port that Tempo has without a gateway.
        ports.pop(4318, None)
        ports |= {8080: "http", 8081: "other"}
        intakes = [_gateway(obj, stem, ports, text(tenancy.get("mode")), facts)]
    else:
        tls = {protocol: at(ingestion, protocol, "tls", "enabled") is True for protocol in ("grpc", "http")}
        intakes = [
            Intake(ServiceName(obj.namespace, stem), ports, tls),
            Intake(ServiceName(obj.namespace, f"{stem}-jaegerui")),
        ]
    return Store(
        owner=obj,
        intakes=tuple(intakes),
        config=config,
        has_tenants=has_tenants or config.get("multitenancy_enabled") is True,
        generates=_generates(config),
        stem=stem,
    )


# tempo-operator: internal/manifests/distributor/distributor.go and gateway/gateway.go
def _stack(obj: Object, facts: Facts) -> Store:
    stem = f"tempo-{obj.name}"
    config = mapping(obj.at("spec", "extraConfig", "tempo"))
    has_gateway = obj.at("spec", "template", "gateway", "enabled") is True
    tls = obj.at("spec", "template", "distributor", "tls", "enabled") is True
    others: dict[int, Takes] = dict.fromkeys((3200, 9411, 14250, 14268, 6831, 6832), "other")
    intakes = [
        Intake(
            service=ServiceName(obj.namespace, f"{stem}-distributor"),
            ports={**_OTLP, **others},
            tls={"grpc": tls, "http": tls},
            # It wants a certificate that only the gateway has.
            is_closed=has_gateway,
        ),
        *(Intake(ServiceName(obj.namespace, f"{stem}-{name}")) for name in _BESIDE_THE_DISTRIBUTOR),
    ]
    if has_gateway:
        ports: dict[int, Takes] = {8090: "grpc", 8080: "http", 8081: "other"}
        intakes.append(_gateway(obj, stem, ports, text(obj.at("spec", "tenants", "mode")), facts))
    return Store(
        owner=obj,
        intakes=tuple(intakes),
        config=config,
        has_tenants=isinstance(obj.at("spec", "tenants"), Mapping) or config.get("multitenancy_enabled") is True,
        generates=obj.at("spec", "template", "metricsGenerator", "enabled") is True or _generates(config),
        stem=stem,
    )


def _gateway(obj: Object, stem: str, ports: Mapping[int, Takes], mode: str, facts: Facts) -> Intake:
    # On OpenShift it has a certificate of the cluster's, elsewhere none.
    on_openshift = True if mode == "openshift" else facts.platform and facts.platform == "openshift"
    tls = {} if on_openshift is None else {"grpc": on_openshift, "http": on_openshift}
    return Intake(ServiceName(obj.namespace, f"{stem}-gateway"), ports, tls, is_gateway=True)


def _plain(manifests: Manifests, workload: Workload) -> Store:
    config = _mounted_config(manifests, workload)
    receivers = mapping(at(config, "distributor", "receivers", "otlp", "protocols"))
    tls = {protocol: "tls" in mapping(settings) for protocol, settings in receivers.items()}
    leading = workload.services
    return Store(
        owner=workload.owner,
        intakes=tuple(
            Intake(ServiceName(obj.namespace, obj.name), _ports(obj), tls)
            for obj in manifests.of("", "Service", namespace=workload.owner.namespace)
            if ServiceName(obj.namespace, obj.name) in leading
        ),
        config=config,
        has_tenants=config.get("multitenancy_enabled") is True,
        generates=_generates(config),
    )


def _mounted_config(manifests: Manifests, workload: Workload) -> Mapping[Any, Any]:
    for obj in manifests.of("", "ConfigMap", "Secret", namespace=workload.owner.namespace):
        if workload.mounts(obj):
            for _, content in obj.documents():
                config = mapping(parsed(content))
                if "distributor" in config and "storage" in config:
                    return config
    return {}


def _ports(service: Object) -> dict[int, Takes]:
    ports: dict[int, Takes] = {}
    for entry in sequence(service.at("spec", "ports")):
        port, target = number(at(entry, "port")), at(entry, "targetPort")
        if port is not None:
            ports[port] = _takes(number(target) or port, f"{text(at(entry, 'name'))} {text(target)}")
    return ports


def _takes(port: int, name: str) -> Takes:
    if port in _OTLP:
        return _OTLP[port]
    if port in _OTHERS:
        return "other"
    if "otlp" in name and ("http" in name) != ("grpc" in name):
        return "http" if "http" in name else "grpc"
    return "unknown"


def _generates(config: Mapping[Any, Any]) -> bool:
    new = at(config, "overrides", "defaults", "metrics_generator", "processors")
    old = at(config, "overrides", "metrics_generator_processors")
    return "service-graphs" in {*map(text, sequence(new)), *map(text, sequence(old))}
