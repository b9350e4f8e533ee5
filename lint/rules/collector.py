"""Collectors: a Route, and a removed key of the configuration."""

from collections.abc import Iterator

from lint.facts import Facts
from lint.findings import Fault, Severity, error, warning
from lint.lifecycle import lifecycle
from lint.objects import Manifests
from lint.rule import rule
from lint.views.collectors import collectors
from lint.views.hosts import ServiceName
from lint.views.mesh import providers
from lint.views.services import OPENTELEMETRY

_ADDRESS_IGNORED = lifecycle().first_release("collectors ignore metrics.address")
_ADDRESS_REFUSED = lifecycle().first_release("collectors refuse metrics.address")


@rule(
    code="N4",
    title="A collector of the mesh's spans has a Route",
    levels=(Severity.ERROR, Severity.WARNING),
    why=(
        "For a Route, the collector's operator declares the gRPC port with the appProtocol `h2c`. Istio does not know"
        " that name, so proxies send spans over HTTP/1.1. It is a warning if no provider sends spans to this "
        "collector."
    ),
    remedy="Leave the ingress out of the collector that takes the mesh's spans.",
    example="""
        apiVersion: opentelemetry.io/v1beta1
        kind: OpenTelemetryCollector
        metadata: {name: otel, namespace: istio-system}
        spec:
          ingress: {type: route}
    """,
)
def route_ingress(manifests: Manifests, facts: Facts) -> Iterator[Fault]:
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
)
def metrics_address(manifests: Manifests, facts: Facts) -> Iterator[Fault]:
    for collector in collectors(manifests, facts):
        if collector.at("service", "telemetry", "metrics", "address") is None:
            continue
        release = collector.release
        # The operator of an OpenTelemetryCollector takes a collector of its own release unless it is told another one.
        by_operator = collector.owner.group == OPENTELEMETRY
        if (release is None and by_operator) or (release is not None and release >= _ADDRESS_REFUSED):
            severity, why = error, "collectors from 0.128 on do not know this key and do not start"
        elif release is None:
            severity, why = warning, "collectors from 0.128 on do not know this key and do not start"
        elif release >= _ADDRESS_IGNORED:
            severity, why = warning, "this collector ignores it, and from 0.128 on it does not start with it"
        else:
            severity, why = warning, "an upgrade to 0.128 or later will not start with it"
        yield severity(
            collector.where("service", "telemetry", "metrics", "address"),
            why,
            "write readers: [{pull: {exporter: {prometheus: {host: 0.0.0.0, port: 8888}}}}]",
        )
