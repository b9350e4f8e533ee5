"""Where the mesh's tracing providers send spans: the Service, its port and the port's protocol."""

from collections.abc import Iterator

from lint.facts import Facts
from lint.findings import Fault, Severity, error, warning
from lint.objects import Manifests, sequence
from lint.rule import rule
from lint.views.hosts import ServiceName, service_of
from lint.views.mesh import Provider, is_service, providers, tracers
from lint.views.services import OPENTELEMETRY, Port, Service, service_at, services

# Istio takes the protocol from appProtocol, or else from the port's name up to the first dash
# (istio: pkg/config/kube/conversion.go).
_HTTP2_NAMES = frozenset({"grpc", "http2"})
_HTTP2_APP_PROTOCOLS = _HTTP2_NAMES | {"kubernetes.io/h2c"}
# Common ends of hosts outside the cluster, besides the two letters of a country: a namespace is hardly called so.
_TOP_LEVEL = frozenset(
    ("com", "net", "org", "info", "dev", "app", "cloud", "local", "internal", "corp", "lan", "home", "example", "test")
)


@rule(
    code="N3",
    title="A provider does not name its Service in full",
    levels=(Severity.ERROR, Severity.WARNING),
    why=(
        "istiod compares the provider's host with the full names of the Services that it knows. A short name, which "
        "DNS would resolve, matches none of them, and the proxies get no tracer."
    ),
    remedy="Write `<service>.<namespace>.svc.<cluster domain>`.",
    example="""
        apiVersion: sailoperator.io/v1
        kind: Istio
        metadata: {name: default}
        spec:
          version: v1.30.4
          values:
            meshConfig:
              extensionProviders:
                - name: otel
                  opentelemetry: {service: otel-collector, port: 4317}
    """,
    source="istio: pilot/pkg/model/telemetry_logging.go, LookupCluster",
)
def service_without_full_name(manifests: Manifests, facts: Facts) -> Iterator[Fault]:
    known = services(manifests)
    entries = _service_entries(manifests)
    for provider in tracers(manifests):
        host, prefix, target = provider.host, provider.prefix, provider.target(facts)
        if not host or host in entries or not is_service(provider.service):
            continue
        if not provider.has_full_name:
            meant = service_of(host, cluster_domain=facts.cluster_domain, own_namespace=prefix)
            remedy = f"write <service>.<namespace>.svc.{facts.cluster_domain}"
            # A host of two names may also be one outside the cluster.
            if "." not in host or host.endswith(".svc") or meant in known:
                why = f"istiod finds a Service by its full name only, and {host!r} is not one"
                yield error(provider.where("service"), why, remedy)
            elif host.count(".") == 1 and not _is_outside(host):
                why = f"istiod finds a Service by its full name only, and {host!r} looks like one in short"
                yield warning(provider.where("service"), why, remedy)
        elif target is None:
            if ".svc." in host:
                yield warning(
                    provider.where("service"),
                    f"{host!r} does not end with the cluster's domain {facts.cluster_domain}",
                    "correct the host, or set the cluster's domain",
                )
        elif prefix not in {"", target.namespace}:
            yield error(
                provider.where("service"),
                f"the Service is not in the namespace before the slash, {prefix!r}, so istiod does not find it",
                f"write {target.namespace}/{host}, or leave the prefix out",
            )


@rule(
    code="N3",
    title="A provider names a Service that does not exist, and a collector gets no spans",
    levels=(Severity.ERROR, Severity.WARNING),
    why=(
        "The collector's operator names the Service `<name of the collector>-collector`. A provider with any other "
        "host may belong to somebody else, so it is reported only if there is a collector that no provider sends "
        "spans to. It is a warning unless only `-collector` is missing, because the Service may be somewhere else."
    ),
    remedy="Name the Service that the collector's operator makes: `<name of the collector>-collector`.",
    example="""
        apiVersion: sailoperator.io/v1
        kind: Istio
        metadata: {name: default}
        spec:
          version: v1.30.4
          values:
            meshConfig:
              extensionProviders:
                - name: otel
                  opentelemetry: {service: otel.istio-system.svc.cluster.local, port: 4317}
        ---
        apiVersion: opentelemetry.io/v1beta1
        kind: OpenTelemetryCollector
        metadata: {name: otel, namespace: istio-system}
    """,
    source="opentelemetry-operator: internal/naming/main.go",
)
def service_that_is_not_there(manifests: Manifests, facts: Facts) -> Iterator[Fault]:
    known = services(manifests)
    targets = [(provider, provider.target(facts)) for provider in providers(manifests)]
    unreached = _collectors(known) - {
        ServiceName(name.namespace, name.name.removesuffix("-headless")) for _, name in targets if name
    }
    candidates = ", ".join(str(name) for name in sorted(unreached))
    for provider, target in targets:
        if target is None or service_at(manifests, target) or not unreached:
            continue
        why = f"there is no Service {target} among the objects, and nothing sends spans to {candidates}"
        remedy = "name the Service that the collector's operator makes: <name of the collector>-collector"
        without_suffix = ServiceName(target.namespace, f"{target.name}-collector") in unreached
        yield (error if without_suffix else warning)(provider.where("service"), why, remedy)


@rule(
    code="N3",
    title="A provider uses a port on which its Service takes no such spans",
    levels=(Severity.ERROR,),
    why=(
        "The Service exists, but it does not have the provider's port, or the port takes OTLP over HTTP where the "
        "provider speaks gRPC, or the other way round. Every export of spans fails."
    ),
    remedy=(
        "Use the port of a receiver that is part of one of the collector's pipelines: by default 4317 for gRPC, 4318 "
        "for HTTP."
    ),
    example="""
        apiVersion: sailoperator.io/v1
        kind: Istio
        metadata: {name: default}
        spec:
          version: v1.30.4
          values:
            meshConfig:
              extensionProviders:
                - name: otel
                  opentelemetry: {service: otel-collector.istio-system.svc.cluster.local, port: 9411}
        ---
        apiVersion: opentelemetry.io/v1beta1
        kind: OpenTelemetryCollector
        metadata: {name: otel, namespace: istio-system}
        spec:
          config:
            receivers: {otlp: {protocols: {grpc: {}}}}
            service: {pipelines: {traces: {receivers: [otlp]}}}
    """,
    source=(
        "opentelemetry-operator: internal/components/receivers/helpers.go; istio: pilot/pkg/networking/core/tracing.go"
    ),
)
def port_that_is_not_served(manifests: Manifests, facts: Facts) -> Iterator[Fault]:
    for provider, service in _targets(manifests, facts):
        if provider.port is None or service.ports is None:
            continue
        port = service.port(provider.port)
        if port is None:
            served = ", ".join(str(port.number) for port in service.ports) or "none"
            yield error(
                provider.where("port"),
                f"Service {service.name} has no port {provider.port} for OTLP; it has {served}",
                "use the port of a receiver that a pipeline of the collector uses",
            )
        elif _of_collector(service) and port.app_protocol in ({"grpc", "h2c"} if provider.over_http else {"http"}):
            spoken, wanted = ("HTTP", "gRPC") if provider.over_http else ("gRPC", "HTTP")
            yield error(
                provider.where("port"),
                f"the provider speaks OTLP over {spoken}, and port {provider.port} of Service {service.name} takes "
                f"{wanted}",
                f"use the receiver's port for {spoken}",
            )


@rule(
    code="N4",
    title="Istio cannot tell that the port of the spans speaks gRPC",
    levels=(Severity.ERROR,),
    why=(
        "Istio takes a port's protocol from its `appProtocol`, or from its name up to the first dash. If neither says"
        " HTTP/2 or gRPC, the proxies send spans over HTTP/1.1, and no span arrives. Tempo's operator calls its port"
        " `otlp-grpc`, which says neither."
    ),
    remedy=(
        "Set `appProtocol: grpc` on the port, or name it `grpc-otlp`. Do not send to Tempo itself but to an "
        "OpenTelemetry collector that sends to Tempo."
    ),
    example="""
        apiVersion: sailoperator.io/v1
        kind: Istio
        metadata: {name: default}
        spec:
          version: v1.30.4
          values:
            meshConfig:
              extensionProviders:
                - name: otel
                  opentelemetry: {service: agent.tracing-system.svc.cluster.local, port: 4317}
        ---
        apiVersion: v1
        kind: Service
        metadata: {name: agent, namespace: tracing-system}
        spec: {ports: [{name: otlp-grpc, port: 4317}]}
    """,
    source="istio: pkg/config/kube/conversion.go; tempo-operator: internal/manifests/monolithic/services.go",
)
def port_that_is_not_http2(manifests: Manifests, facts: Facts) -> Iterator[Fault]:
    for provider, service in _targets(manifests, facts):
        port = service.port(provider.port) if provider.port is not None else None
        if port is None or provider.over_http or _is_http2(port) or (_of_collector(service) and port.app_protocol):
            continue
        yield error(
            service.owner.where(*port.path) if port.path else provider.where("service"),
            f"Istio cannot tell that port {port.number} ({port.name or 'without a name'}) of Service {service.name} "
            "speaks gRPC, and sends spans over HTTP/1.1",
            "set appProtocol: grpc on the port, or name it grpc-otlp"
            if port.path
            else "send to an OpenTelemetry collector, and let that send to Tempo",
        )


def _targets(manifests: Manifests, facts: Facts) -> Iterator[tuple[Provider, Service]]:
    for provider in providers(manifests):
        target = provider.target(facts)
        service = service_at(manifests, target) if target is not None else None
        if service is not None:
            yield provider, service


def _is_outside(host: str) -> bool:
    """Whether a host of two names ends like one outside the cluster."""
    end = host.rpartition(".")[2]
    return len(end) == len("eu") or end in _TOP_LEVEL


def _is_http2(port: Port) -> bool:
    if port.app_protocol:
        return port.app_protocol.lower() in _HTTP2_APP_PROTOCOLS
    return port.name.lower().partition("-")[0] in _HTTP2_NAMES


def _of_collector(service: Service) -> bool:
    return service.owner.group == OPENTELEMETRY


def _collectors(known: dict[ServiceName, Service]) -> frozenset[ServiceName]:
    return frozenset(
        name for name, service in known.items() if _of_collector(service) and name.name.endswith("-collector")
    )


@rule(
    code="N23",
    title="A provider names services by OpenTelemetry's conventions",
    levels=(Severity.WARNING,),
    why=(
        "With `serviceAttributeEnrichment: OTEL_SEMANTIC_CONVENTIONS`, which Istio 1.31 knows, `service.name` is a "
        "pod's annotation `resource.opentelemetry.io/service.name`, its label `app.kubernetes.io/name`, or the name of"
        " its workload, instead of `<app>.<namespace>`. Services get other names in the graph, those of different "
        "namespaces may get the same one, and versions of one app that are Deployments of their own become different "
        "services."
    ),
    remedy=(
        "Leave it out; or change every query, dashboard and alert that names a service, and give each application its "
        "own `app.kubernetes.io/name`."
    ),
    example="""
        apiVersion: sailoperator.io/v1
        kind: Istio
        metadata: {name: default}
        spec:
          version: v1.31.0
          values:
            meshConfig:
              extensionProviders:
                - name: otel
                  opentelemetry:
                    service: otel-collector.istio-system.svc.cluster.local
                    port: 4317
                    serviceAttributeEnrichment: OTEL_SEMANTIC_CONVENTIONS
    """,
    source="istio: pilot/pkg/networking/core/tracing.go; istio/api: mesh/v1alpha1/config.proto",
)
def service_names_by_semantic_conventions(manifests: Manifests, _facts: Facts) -> Iterator[Fault]:
    for provider in providers(manifests):
        # Istio's API takes the number of the value too.
        if provider.at("serviceAttributeEnrichment") in ("OTEL_SEMANTIC_CONVENTIONS", 1):
            yield warning(
                provider.where("serviceAttributeEnrichment"),
                "the service graph names services by label or workload, and no longer <app>.<namespace>",
                "leave it out, or change every query and dashboard that names a service",
            )


def _service_entries(manifests: Manifests) -> frozenset[str]:
    return frozenset(
        host
        for obj in manifests.of("networking.istio.io", "ServiceEntry")
        for host in sequence(obj.at("spec", "hosts"))
        if isinstance(host, str)
    )
