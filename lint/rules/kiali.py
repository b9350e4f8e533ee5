"""How Kiali queries traces."""

import difflib
from collections.abc import Iterator

from lint.facts import Facts
from lint.findings import Fault, Severity, error, warning
from lint.objects import Manifests, text
from lint.rule import rule
from lint.views.hosts import ServiceName
from lint.views.kiali import asked, kialis
from lint.views.services import TEMPO, monolithic_service

_HTTP_PORT = 3200
_PAGE_OF_JAEGER = 16686
# kiali: config/config.go, TracingConfig; and what older ones had.
_SETTINGS = (
    "auth",
    "custom_headers",
    "disable_version_check",
    "enabled",
    "external_url",
    "grpc_port",
    "health_check_url",
    "in_cluster_url",
    "internal_url",
    "is_core",
    "namespace",
    "namespace_selector",
    "provider",
    "query_scope",
    "query_timeout",
    "service",
    "tempo_config",
    "url",
    "use_grpc",
    "use_waypoint_name",
    "whitelist_istio_system",
)
_BY_LETTERS = {name.replace("_", ""): name for name in _SETTINGS}
_ALIKE = 0.85


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
    for query in asked(manifests, facts):
        if query.provider != "tempo" or not query.over_grpc:
            continue
        if query.service in monolithic:
            severity, why = error, "the Service of a TempoMonolithic has no gRPC port for queries"
        elif query.target.port == _HTTP_PORT and _sounds_monolithic(query.target.host):
            severity = warning
            why = f"{query.target.host} sounds like a TempoMonolithic, which has no gRPC port for queries"
        else:
            continue
        yield severity(
            query.where("use_grpc"),
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
    for query in asked(manifests, facts):
        if query.provider == "jaeger" and query.target.port == _HTTP_PORT:
            known = query.service in tempos
            if known or "tempo" in query.target.host:
                yield (error if known else warning)(
                    query.where("provider"),
                    f"Kiali speaks to Jaeger unless it is told otherwise, and {query.target} answers as Tempo",
                    "set it to tempo",
                )


@rule(
    code="N9",
    title="Kiali speaks gRPC to a port of Jaeger that speaks HTTP",
    levels=(Severity.WARNING,),
    why=(
        "Kiali queries Jaeger over gRPC unless it is told not to, and Jaeger answers gRPC at port 16685. Its port "
        "16686 is for the page and for queries over HTTP."
    ),
    remedy="Name port 16685, or set `use_grpc: false`.",
    example="""
        apiVersion: kiali.io/v1alpha1
        kind: Kiali
        metadata: {name: kiali, namespace: istio-system}
        spec:
          external_services:
            tracing: {enabled: true, internal_url: "http://jaeger-query.tracing-system:16686"}
    """,
    source="kiali: config/config.go, NewConfig, and tracing/client.go, newClient",
)
def grpc_to_the_page_of_jaeger(manifests: Manifests, facts: Facts) -> Iterator[Fault]:
    for query in asked(manifests, facts):
        if query.provider == "jaeger" and query.over_grpc and query.target.port == _PAGE_OF_JAEGER:
            yield warning(
                query.where("use_grpc"),
                f"Kiali uses gRPC unless it is told not to, and port {_PAGE_OF_JAEGER} of Jaeger speaks HTTP",
                "set use_grpc: false, or name port 16685",
            )


@rule(
    code="N9",
    title="A setting of Kiali's tracing is misspelt",
    levels=(Severity.WARNING,),
    why="Kiali ignores a key that it does not know, and takes the default of the one that was meant.",
    remedy="Write the key that the finding names.",
    example="""
        apiVersion: kiali.io/v1alpha1
        kind: Kiali
        metadata: {name: kiali, namespace: istio-system}
        spec:
          external_services:
            tracing: {enable: true, internal_url: "http://jaeger-query.tracing-system:16685"}
    """,
    source="kiali: config/config.go, TracingConfig",
)
def misspelt_setting_of_tracing(manifests: Manifests, _facts: Facts) -> Iterator[Fault]:
    for kiali in kialis(manifests):
        for key in kiali.tracing:
            letters = text(key).replace("_", "").lower()
            meant = difflib.get_close_matches(letters, _BY_LETTERS, 1, _ALIKE) if key not in _SETTINGS else []
            if meant:
                yield warning(
                    kiali.where(key), f"Kiali knows no {key!r} and ignores it", f"write {_BY_LETTERS[meant[0]]}"
                )


def _sounds_monolithic(host: str) -> bool:
    name = host.partition(".")[0]
    return name.startswith("tempo-") and not name.endswith(("-query-frontend", "-gateway", "-distributor"))
