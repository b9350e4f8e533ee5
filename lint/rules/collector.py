"""Collectors: a Route, and what newer releases do not know any more."""

from collections.abc import Iterator

from lint.facts import Facts
from lint.findings import Fault, Severity, error, warning
from lint.lifecycle import lifecycle
from lint.objects import Manifests, Path, at, mapping, text
from lint.rule import rule
from lint.views.collectors import collectors, kind_of
from lint.views.hosts import ServiceName
from lint.views.mesh import has_mesh, providers
from lint.views.services import OPENTELEMETRY

_ADDRESS_IGNORED = lifecycle().first_release("collectors ignore metrics.address")
_ADDRESS_REFUSED = lifecycle().first_release("collectors refuse metrics.address")

_TLS_TO_THE_END = frozenset({"passthrough", "reencrypt"})

# Components that are no longer there: section, kind, and what to use instead.
_REMOVED = (
    ("exporters", "logging", "use the exporter debug"),
    ("exporters", "jaeger", "use the exporter otlp, which Jaeger takes too"),
    ("exporters", "opencensus", "use the exporter otlp"),
    ("processors", "routing", "use the connector routing"),
    ("processors", "servicegraph", "use the connector servicegraph"),
    ("processors", "spanmetrics", "use the connector spanmetrics"),
    ("receivers", "opencensus", "leave it out, and send OTLP"),
    ("exporters", "loki", "use the exporter otlphttp, which Loki takes too"),
    ("extensions", "memory_ballast", "leave it out, and set GOMEMLIMIT"),
)


@rule(
    code="N4",
    title="A collector of the mesh's spans has a Route",
    levels=(Severity.ERROR, Severity.WARNING),
    why=(
        "For a Route, the collector's operator declares the gRPC port with the appProtocol `h2c`. Istio does not know"
        " that name, so proxies send spans over HTTP/1.1. It is a warning if no provider sends spans to this "
        "collector, and nothing without a mesh."
    ),
    remedy="Leave the ingress out of the collector that takes the mesh's spans.",
    example="""
        apiVersion: sailoperator.io/v1
        kind: Istio
        metadata: {name: default}
        spec: {version: v1.30.4}
        ---
        apiVersion: opentelemetry.io/v1beta1
        kind: OpenTelemetryCollector
        metadata: {name: otel, namespace: istio-system}
        spec:
          ingress: {type: route}
    """,
    source="opentelemetry-operator: internal/manifests/collector/service.go; istio: pkg/config/kube/conversion.go",
)
def route_ingress(manifests: Manifests, facts: Facts) -> Iterator[Fault]:
    if not has_mesh(manifests):
        return
    targets = {provider.target(facts) for provider in providers(manifests)}
    for obj in manifests.of(OPENTELEMETRY, "OpenTelemetryCollector"):
        if obj.at("spec", "ingress", "type") != "route":
            continue
        of_the_mesh = ServiceName(obj.namespace, f"{obj.name}-collector") in targets
        yield (error if of_the_mesh else warning)(
            obj.where("spec", "ingress", "type"),
            "with a Route, the operator gives the gRPC port an appProtocol that Istio does not know, and proxies send "
            "spans over HTTP/1.1",
            "leave the ingress out of the collector that takes the mesh's spans",
        )


@rule(
    code="N25",
    title="A Route passes TLS to receivers that have none",
    levels=(Severity.WARNING,),
    why=(
        "With the termination `passthrough` or `reencrypt` the router speaks TLS to the collector. A receiver without "
        "`tls` understands plain text only, so nobody reaches it through the Route."
    ),
    remedy="Give the receivers `tls`, or let the router end TLS with `termination: edge`.",
    example="""
        apiVersion: opentelemetry.io/v1beta1
        kind: OpenTelemetryCollector
        metadata: {name: otel, namespace: tracing-system}
        spec:
          ingress: {type: route, route: {termination: passthrough}}
          config:
            receivers: {otlp: {protocols: {http: {}}}}
            exporters: {otlp: {endpoint: "tempo.example.com:4317"}}
            service:
              pipelines: {traces: {receivers: [otlp], exporters: [otlp]}}
    """,
    source="opentelemetry-operator: internal/manifests/collector/route.go; opentelemetry-collector: config/confighttp",
)
def route_to_plain_receivers(manifests: Manifests, facts: Facts) -> Iterator[Fault]:
    for collector in collectors(manifests, facts):
        path: Path = ("spec", "ingress", "route", "termination")
        termination = text(collector.owner.at(*path))
        is_route = collector.owner.group == OPENTELEMETRY and collector.owner.at("spec", "ingress", "type") == "route"
        protocols = [
            protocol
            for name, receiver in mapping(collector.at("receivers")).items()
            if kind_of(text(name)) == "otlp"
            for protocol in mapping(at(receiver, "protocols")).values()
        ]
        is_plain = bool(protocols) and not any(at(protocol, "tls") for protocol in protocols)
        if is_route and is_plain and termination in _TLS_TO_THE_END:
            yield warning(
                collector.owner.where(*path),
                f"with {termination} the router speaks TLS to the receivers, and they have none",
                "give the receivers tls, or write edge",
            )


@rule(
    code="N12",
    title="A collector's own metrics have their address in the removed form",
    levels=(Severity.ERROR, Severity.WARNING),
    why=(
        "Collectors from 0.128 on do not know the key `service.telemetry.metrics.address` and do not start with it; "
        "those from 0.123 on ignore it. It is a warning for versions that still start, and for a plain configuration "
        "of which the collector's version is not known."
    ),
    remedy="Write `readers: [{pull: {exporter: {prometheus: {host: 0.0.0.0, port: 8888}}}}]` instead.",
    example="""
        apiVersion: opentelemetry.io/v1beta1
        kind: OpenTelemetryCollector
        metadata: {name: otel, namespace: istio-system}
        spec:
          config:
            service:
              telemetry: {metrics: {address: "0.0.0.0:8888"}}
    """,
    source="https://github.com/open-telemetry/opentelemetry-helm-charts/issues/1935",
    # The key is not known, whatever the address is.
    reads_variables=True,
)
def metrics_address(manifests: Manifests, facts: Facts) -> Iterator[Fault]:
    for collector in collectors(manifests, facts):
        if collector.at("service", "telemetry", "metrics", "address") is None:
            continue
        if collector.is_from(_ADDRESS_REFUSED):
            severity, why = error, "collectors from 0.128 on do not know this key and do not start"
        elif collector.release is None:
            severity, why = warning, "collectors from 0.128 on do not know this key and do not start"
        elif collector.is_from(_ADDRESS_IGNORED):
            severity, why = warning, "this collector ignores it, and from 0.128 on it does not start with it"
        elif collector.owner.group != OPENTELEMETRY or collector.owner.at("spec", "image"):
            # It works, and stays as it is: an operator upgrades only a collector without an image of its own.
            continue
        else:
            severity, why = warning, "an upgrade to 0.128 or later will not start with it"
        yield severity(
            collector.where("service", "telemetry", "metrics", "address"),
            why,
            "write readers: [{pull: {exporter: {prometheus: {host: 0.0.0.0, port: 8888}}}}]",
        )


@rule(
    code="N25",
    title="A collector has a component that its release does not have any more",
    levels=(Severity.ERROR, Severity.WARNING),
    why=(
        "A collector does not start with a component that it does not know, even if no pipeline names it. Removed were "
        "the exporters `jaeger` (in 0.86), `logging` (0.111), `loki` (0.131) and `opencensus` (0.134), the processors "
        "`servicegraph` (0.94), `spanmetrics` (0.96) and `routing` (0.133), the extension `memory_ballast` (0.109) and "
        "the receiver `opencensus` (0.134). It is a warning for values of a chart of which no version is known."
    ),
    remedy="Use what came in its place: `otlp`, the connector `spanmetrics`, `GOMEMLIMIT`, `debug`.",
    example="""
        apiVersion: opentelemetry.io/v1beta1
        kind: OpenTelemetryCollector
        metadata: {name: otel, namespace: istio-system}
        spec:
          config:
            receivers: {otlp: {protocols: {grpc: {}}}}
            exporters: {logging: {}, otlp: {endpoint: "tempo.example.com:4317"}}
            service:
              pipelines: {traces: {receivers: [otlp], exporters: [logging, otlp]}}
    """,
    source=(
        "opentelemetry-collector: otelcol/internal/configunmarshaler/configs.go; "
        "lint/lifecycle.yaml, with a source for each removal"
    ),
)
def component_that_was_removed(manifests: Manifests, facts: Facts) -> Iterator[Fault]:
    removals = [
        (section, kind, remedy, lifecycle().first_release(f"collectors without the {section.removesuffix('s')} {kind}"))
        for section, kind, remedy in _REMOVED
    ]
    for collector in collectors(manifests, facts):
        for section, kind, remedy, removal in removals:
            is_gone = collector.is_from(removal)
            for name in mapping(collector.at(section)) if is_gone or collector.is_unpinned else ():
                if kind_of(text(name)) == kind:
                    yield (error if is_gone else warning)(
                        collector.where(section, name),
                        f"collectors from {removal[0]}.{removal[1]} on do not know {kind!r} and do not start",
                        remedy,
                    )
