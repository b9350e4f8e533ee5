"""How Kiali queries traces."""

from collections.abc import Iterator, Mapping
from typing import Any

from lint.facts import Facts
from lint.findings import Fault, Severity, error, warning
from lint.objects import Manifests, Object, Path, at, mapping, parsed, text
from lint.rule import rule
from lint.views.hosts import endpoint, service_of
from lint.views.services import TEMPO, monolithic_service

_TRACING: Path = ("external_services", "tracing")
_HTTP_PORT = 3200


@rule(
    code="N9",
    title="Kiali asks a monolithic Tempo over gRPC",
    levels=(Severity.ERROR, Severity.WARNING),
    why=(
        "Kiali queries Tempo over gRPC unless it is told not to, and the Service of a TempoMonolithic has no gRPC "
        "port for queries. It is a warning if only the host's name suggests a TempoMonolithic."
    ),
    remedy="Set `use_grpc: false`.",
    example="""
        apiVersion: tempo.grafana.com/v1alpha1
        kind: TempoMonolithic
        metadata: {name: tempo, namespace: tracing-system}
        ---
        apiVersion: kiali.io/v1alpha1
        kind: Kiali
        metadata: {name: kiali, namespace: istio-system}
        spec:
          external_services:
            tracing:
              enabled: true
              provider: tempo
              internal_url: http://tempo-tempo.tracing-system.svc:3200
    """,
)
def grpc_to_monolithic_tempo(manifests: Manifests, facts: Facts) -> Iterator[Fault]:
    monolithic = {monolithic_service(obj) for obj in manifests.of(TEMPO, "TempoMonolithic")}
    for obj, path, config in _configs(manifests):
        tracing = mapping(at(config, *_TRACING))
        if tracing.get("enabled") is not True or tracing.get("provider") != "tempo" or tracing.get("use_grpc") is False:
            continue
        target = endpoint(text(tracing.get("internal_url")) or text(tracing.get("in_cluster_url")))
        if target is None:
            continue
        service = service_of(target.host, cluster_domain=facts.cluster_domain, own_namespace=obj.namespace)
        if service in monolithic:
            severity, why = error, "the Service of a TempoMonolithic has no gRPC port for queries"
        elif target.port == _HTTP_PORT and _sounds_monolithic(target.host):
            severity, why = warning, f"{target.host} sounds like a TempoMonolithic, which has no gRPC port for queries"
        else:
            continue
        yield severity(
            obj.where(*path, *_TRACING, "use_grpc"),
            f"{why}, and Kiali uses gRPC unless it is told not to",
            "set use_grpc: false",
        )


def _sounds_monolithic(host: str) -> bool:
    name = host.partition(".")[0]
    return name.startswith("tempo-") and not name.endswith(("-query-frontend", "-gateway", "-distributor"))


def _configs(manifests: Manifests) -> Iterator[tuple[Object, Path, Mapping[Any, Any]]]:
    """Yield Kiali's settings: in its resource, or in the ConfigMap of the chart without an operator."""
    for obj in manifests.of("kiali.io", "Kiali"):
        yield obj, ("spec",), mapping(obj.at("spec"))
    for obj in manifests.of("", "ConfigMap"):
        document = text(obj.at("data", "config.yaml"))
        if "external_services" in document:
            yield obj, ("data", "config.yaml"), mapping(parsed(document))
