"""How Kiali queries traces."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from lint.facts import Facts
from lint.findings import Fault, Severity, error, warning
from lint.objects import Manifests, Object, Path, Place, at, mapping, parsed, text
from lint.rule import rule
from lint.views.hosts import Endpoint, ServiceName, endpoint, service_of
from lint.views.services import TEMPO, monolithic_service
from lint.views.values import values

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
    source=(
        "kiali: config/config.go; kiali: tracing/client.go; tempo-operator: internal/manifests/monolithic/services.go"
    ),
)
def grpc_to_monolithic_tempo(manifests: Manifests, facts: Facts) -> Iterator[Fault]:
    monolithic = {monolithic_service(obj) for obj in manifests.of(TEMPO, "TempoMonolithic")}
    for asked in _asked(manifests, facts):
        if asked.provider != "tempo" or asked.tracing.get("use_grpc") is False:
            continue
        if asked.service in monolithic:
            severity, why = error, "the Service of a TempoMonolithic has no gRPC port for queries"
        elif asked.target.port == _HTTP_PORT and _sounds_monolithic(asked.target.host):
            severity = warning
            why = f"{asked.target.host} sounds like a TempoMonolithic, which has no gRPC port for queries"
        else:
            continue
        yield severity(
            asked.where("use_grpc"),
            f"{why}, and Kiali uses gRPC unless it is told not to",
            "set use_grpc: false",
        )


@rule(
    code="N9",
    title="Kiali takes Tempo for Jaeger",
    levels=(Severity.ERROR, Severity.WARNING),
    why=(
        "Kiali speaks to Jaeger unless `provider` says otherwise, and Tempo's port 3200 answers in its own language "
        "only, so Kiali shows no traces. It is a warning if only the host's name suggests a Tempo."
    ),
    remedy="Set `provider: tempo`.",
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
              use_grpc: false
              internal_url: http://tempo-tempo.tracing-system.svc:3200
    """,
    source="kiali: config/config.go; kiali: tracing/client.go",
)
def tempo_taken_for_jaeger(manifests: Manifests, facts: Facts) -> Iterator[Fault]:
    tempos = {monolithic_service(obj) for obj in manifests.of(TEMPO, "TempoMonolithic")} | {
        ServiceName(obj.namespace, f"tempo-{obj.name}-query-frontend") for obj in manifests.of(TEMPO, "TempoStack")
    }
    for asked in _asked(manifests, facts):
        if asked.provider == "jaeger" and asked.target.port == _HTTP_PORT:
            known = asked.service in tempos
            if known or "tempo" in asked.target.host:
                yield (error if known else warning)(
                    asked.where("provider"),
                    f"Kiali speaks to Jaeger unless it is told otherwise, and {asked.target} answers as Tempo",
                    "set it to tempo",
                )


@dataclass(frozen=True)
class _Asked:
    """What Kiali's settings say of tracing, if it is switched on; ``path`` leads to all settings."""

    owner: Object
    path: Path
    tracing: Mapping[Any, Any]
    target: Endpoint
    service: ServiceName | None

    @property
    def provider(self) -> str:
        return text(self.tracing.get("provider", "jaeger"))

    def where(self, key: str) -> Place:
        return self.owner.where(*self.path, *_TRACING, key)


def _asked(manifests: Manifests, facts: Facts) -> Iterator[_Asked]:
    for obj, path, namespace, config in _configs(manifests):
        tracing = mapping(at(config, *_TRACING))
        target = endpoint(text(tracing.get("internal_url")) or text(tracing.get("in_cluster_url")))
        if tracing.get("enabled") is True and target is not None:
            service = service_of(target.host, cluster_domain=facts.cluster_domain, own_namespace=namespace)
            yield _Asked(obj, path, tracing, target, service)


def _sounds_monolithic(host: str) -> bool:
    name = host.partition(".")[0]
    return name.startswith("tempo-") and not name.endswith(("-query-frontend", "-gateway", "-distributor"))


def _configs(manifests: Manifests) -> Iterator[tuple[Object, Path, str, Mapping[Any, Any]]]:
    """Yield Kiali's settings with its namespace: of its resource, its ConfigMap, and the values of its charts."""
    for obj in manifests.of("kiali.io", "Kiali"):
        yield obj, ("spec",), obj.namespace, mapping(obj.at("spec"))
    for obj in manifests.of("", "ConfigMap"):
        document = text(obj.at("data", "config.yaml"))
        if "external_services" in document:
            yield obj, ("data", "config.yaml"), obj.namespace, mapping(parsed(document))
    for one in values(manifests, "kiali-server", "kiali-operator"):
        path: Path = ("cr", "spec") if one.chart == "kiali-operator" else ()
        yield one.owner, (*one.path, *path), one.namespace, mapping(one.at(*path))
