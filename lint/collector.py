"""The OpenTelemetryCollector: what its operator or the collector itself makes of a field."""

from collections.abc import Iterator

from lint._hosts import ServiceName
from lint._mesh import providers
from lint._objects import Cluster, Object, at, text
from lint._services import OPENTELEMETRY, collector_config
from lint._versions import image_tag, minor
from lint.facts import Facts
from lint.findings import Fault, error, warning

# Ignored from the first one on, refused from the second one on (opentelemetry-helm-charts#1935).
_ADDRESS_IGNORED = (0, 123)
_ADDRESS_REFUSED = (0, 128)


def route_ingress(cluster: Cluster, facts: Facts) -> Iterator[Fault]:
    """N4: for a Route the operator declares the gRPC port as h2c, a name that Istio does not know."""
    targets = {provider.target(facts) for provider in providers(cluster)}
    for obj in cluster.of(OPENTELEMETRY, "OpenTelemetryCollector"):
        if obj.at("spec", "ingress", "type") != "route":
            continue
        of_the_mesh = ServiceName(obj.namespace, f"{obj.name}-collector") in targets
        yield (error if of_the_mesh else warning)(
            obj.where("spec", "ingress", "type"),
            "with a Route, the operator gives the gRPC port an appProtocol that Istio does not know, and proxies send "
            "spans over HTTP/1.1",
            "leave the ingress out of the collector that takes the mesh's spans",
        )


def metrics_address(cluster: Cluster, facts: Facts) -> Iterator[Fault]:
    """N12: an older way to name the port of the collector's own metrics, which stops newer collectors."""
    for obj in cluster.of(OPENTELEMETRY, "OpenTelemetryCollector"):
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
