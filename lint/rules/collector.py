"""The OpenTelemetryCollector: a Route, and a removed key of its configuration."""

from collections.abc import Iterator

from lint.facts import Facts
from lint.findings import Fault, Severity, error, warning
from lint.lifecycle import lifecycle
from lint.objects import Manifests, Object, at, text
from lint.rule import rule
from lint.views.hosts import ServiceName
from lint.views.mesh import has_mesh, providers
from lint.views.services import OPENTELEMETRY, collector_config
from lint.views.versions import image_tag, minor

_ADDRESS_IGNORED = lifecycle().first_release("collectors ignore metrics.address")
_ADDRESS_REFUSED = lifecycle().first_release("collectors refuse metrics.address")


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
    code="N12",
    title="A collector's own metrics have their address in the removed form",
    levels=(Severity.ERROR, Severity.WARNING),
    why=(
        "Collectors from 0.128 on do not know the key `service.telemetry.metrics.address` and do not start with it; "
        "those from 0.123 on ignore it. It is a warning for versions that still start."
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
    for obj in manifests.of(OPENTELEMETRY, "OpenTelemetryCollector"):
        if at(collector_config(obj), "service", "telemetry", "metrics", "address") is None:
            continue
        version = _version(obj, facts)
        if version is None or version >= _ADDRESS_REFUSED:
            severity, why = error, "collectors from 0.128 on do not know this key and do not start"
        elif version >= _ADDRESS_IGNORED:
            severity, why = warning, "this collector ignores it, and from 0.128 on it does not start with it"
        else:
            severity, why = warning, "an upgrade to 0.128 or later will not start with it"
        yield severity(
            obj.where("spec", "config", "service", "telemetry", "metrics", "address"),
            why,
            "write readers: [{pull: {exporter: {prometheus: {host: 0.0.0.0, port: 8888}}}}]",
        )


def _version(collector: Object, facts: Facts) -> tuple[int, int] | None:
    return minor(image_tag(text(collector.at("spec", "image")))) or minor(facts.collector_version)
