"""How Kiali queries traces."""

from collections.abc import Iterator

from lint.crd_fields import Fields, below, differences, fields, names
from lint.facts import Facts
from lint.findings import Fault, Severity, error, warning
from lint.nearest import nearest
from lint.objects import Manifests, Path, at, dotted, mapping
from lint.rule import rule
from lint.views.hosts import ServiceName
from lint.views.kiali import TRACING, Kiali, asked, kialis
from lint.views.mesh import is_plain
from lint.views.services import TEMPO, monolithic_service

_PROMETHEUS: Path = ("external_services", "prometheus")
_HTTP_PORT = 3200
_PAGE_OF_JAEGER = 16686
_PROVIDERS = ("jaeger", "tempo")
_ALIKE = 0.85
_KIND = "Kiali"
_VERSION = "v1alpha1"
_TEXT = "a text"
# What neither Kiali's configuration nor its resource has: what the operator read once, and what comes next.
_READ_TOO: frozenset[Path] = frozenset(
    {
        (*TRACING, "namespace"),
        (*TRACING, "service"),
        ("auth", "openid", "discovery_override", "end_session_endpoint"),
        ("auth", "openid", "post_logout_redirect_uri"),
        ("deployment", "custom_dashboards"),
        ("deployment", "ingress_enabled"),
        ("deployment", "override_ingress_yaml"),
    }
)
# What the chart kiali-server reads itself, and Helm (kiali/helm-charts: kiali-server/values.yaml and its templates).
_OF_CHART = frozenset(
    {"enabled", "fullnameOverride", "global", "isOpenShift", "kiali_route_url", "nameOverride", "skipResources", "tags"}
)


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
    title="A setting of Kiali does not exist",
    levels=(Severity.WARNING,),
    why=(
        "Kiali ignores a key that it does not know, and takes the default of the one that was meant. Of a resource "
        "and of values of charts, only what is about tracing is reported here: other checks are about the rest."
    ),
    remedy="Write the key as Kiali has it.",
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
def setting_that_does_not_exist(manifests: Manifests, _facts: Facts) -> Iterator[Fault]:
    for kiali in kialis(manifests):
        for path in _unknown(kiali):
            # The chart writes its own values into the ConfigMap too.
            is_in_config_map = kiali.path[:1] == ("data",) and path[0] not in _OF_CHART
            if _begins_with(path, TRACING) or is_in_config_map:
                yield warning(
                    kiali.owner.where(*kiali.path, *path), f"Kiali knows no {path[-1]!r} and ignores it", _remedy(path)
                )


@rule(
    code="N9",
    title="Kiali does not start for a value of another type",
    levels=(Severity.ERROR,),
    why=(
        "Kiali reads its configuration strictly as to types: a text where it wants a number, or true or false, ends it "
        "when it starts. Of the resource Kiali, the API server refuses it instead, which another check reports."
    ),
    remedy="Write the value without quotes, or as Kiali wants it.",
    example="""
        external_services:
          tracing: {enabled: "true", internal_url: "http://jaeger-query.tracing-system:16685"}
    """,
    source="kiali: config/config.go, Unmarshal",
)
def value_that_kiali_cannot_read(manifests: Manifests, _facts: Facts) -> Iterator[Fault]:
    for kiali in kialis(manifests):
        for one in differences(kiali.settings, _fields()) if kiali.owner.kind != _KIND else ():
            # It takes any value but a map or a list for a text.
            is_text = one.wanted == _TEXT or one.wanted.startswith("one of")
            if one.wanted and not (is_text and isinstance(at(kiali.settings, *one.path), str | int | float)):
                yield error(
                    kiali.owner.where(*kiali.path, *one.path),
                    f"Kiali ends when it starts: this is not {one.wanted}",
                    f"write {one.wanted}",
                )


@rule(
    code="N9",
    title="Kiali knows no such provider of traces",
    levels=(Severity.ERROR,),
    why="Kiali gets traces from `jaeger` or `tempo`; with another word there it does not start, or shows no traces.",
    remedy="Set `provider` to `jaeger` or `tempo`.",
    example="""
        apiVersion: kiali.io/v1alpha1
        kind: Kiali
        metadata: {name: kiali, namespace: istio-system}
        spec:
          external_services:
            tracing: {enabled: true, provider: otel, internal_url: "http://otel-collector.tracing-system:4317"}
    """,
    source="kiali: config/config.go, Validate",
)
def provider_that_kiali_does_not_know(manifests: Manifests, facts: Facts) -> Iterator[Fault]:
    for query in asked(manifests, facts):
        if is_plain(query.provider) and query.provider not in _PROVIDERS:
            yield error(
                query.where("provider"),
                f"Kiali gets no traces from {query.provider!r}",
                f"set it to {' or '.join(_PROVIDERS)}",
            )


@rule(
    code="N35",
    title="A chart of Kiali does not read a value",
    levels=(Severity.WARNING,),
    why=(
        "The chart kiali-server hands its values on to Kiali, and the chart kiali-operator those in `cr.spec`. Kiali "
        "ignores a key that it does not know, or that stands in another place, and the default holds."
    ),
    remedy="Write the key as Kiali has it, at its place.",
    example="""
        deployment:
          auth: {strategy: anonymous}
        external_services:
          prometheus: {url: "http://prometheus.monitoring:9090"}
    """,
    source="kiali: config/config.go; kiali/helm-charts: kiali-server/values.yaml",
)
def value_that_the_chart_of_kiali_does_not_read(manifests: Manifests, _facts: Facts) -> Iterator[Fault]:
    for kiali in kialis(manifests):
        if kiali.owner.kind == _KIND or kiali.path[:1] == ("data",):
            continue
        for path in _unknown(kiali):
            if path[: len(TRACING)] != TRACING and path[0] not in _OF_CHART:
                yield warning(
                    kiali.owner.where(*kiali.path, *path),
                    f"Kiali knows no {'.'.join(map(str, path))}, and its default holds",
                    _remedy(path),
                )


@rule(
    code="N9",
    title="Kiali has no address of Prometheus",
    levels=(Severity.ERROR, Severity.WARNING),
    why=(
        "An empty `url` replaces Kiali's default, and without Prometheus there is no graph: Kiali 2.27 and newer end "
        "when they start, older ones show nothing. Kiali's operator writes an address of its own instead, so that it "
        "is a fault of the chart kiali-server and of Kiali's ConfigMap only. It is a warning in a file of values, for "
        "another one may follow it."
    ),
    remedy="Write the address, leave `url` out for the default, or set `enabled: false`.",
    example="""
        apiVersion: helm.toolkit.fluxcd.io/v2
        kind: HelmRelease
        metadata: {name: kiali, namespace: istio-system}
        spec:
          chart: {spec: {chart: kiali-server}}
          values: {external_services: {prometheus: {url: ""}}}
    """,
    source=(
        "kiali: config/config.go, Validate and NewConfig; kiali-operator: roles/default/kiali-deploy/tasks/main.yml"
    ),
)
def kiali_without_prometheus(manifests: Manifests, _facts: Facts) -> Iterator[Fault]:
    for kiali in kialis(manifests):
        prometheus = mapping(at(kiali.settings, *_PROMETHEUS))
        is_filled_in = kiali.owner.kind == _KIND or kiali.path[-1:] == ("spec",)
        if prometheus.get("url") == "" and prometheus.get("enabled") is not False and not is_filled_in:
            yield (error if kiali.owner.kind else warning)(
                kiali.owner.where(*kiali.path, *_PROMETHEUS, "url"),
                "the empty text replaces the default, and Kiali has no metrics to draw a graph from",
                "write the address of Prometheus, or leave it out for http://prometheus.istio-system:9090",
            )


def _fields() -> Fields | None:
    return fields(_KIND, _VERSION)


def _unknown(kiali: Kiali) -> Iterator[Path]:
    """Yield the keys that neither Kiali reads in its configuration nor its operator in the resource."""
    in_resource = [one.path for one in differences(kiali.settings, _fields()) if not one.wanted]
    in_config = [one.path for one in differences(kiali.settings, fields("KialiConfig")) if not one.wanted]
    found = [path for path in in_resource if any(_begins_with(path, other) for other in in_config)]
    found += [path for path in in_config if any(_begins_with(path, other) for other in in_resource if other != path)]
    for path in found:
        known = any(_begins_with(path, other) for other in _READ_TOO)
        if not known and not str(path[-1]).startswith("x-"):
            yield path


def _begins_with(path: Path, other: Path) -> bool:
    return path[: len(other)] == other


def _remedy(path: Path) -> str:
    *around, key = path
    # Two spellings are the same but for capitals and underscores.
    near = {name.replace("_", ""): name for name in names(below(_fields(), tuple(around)))}
    found = nearest(str(key).replace("_", "").lower(), near, _ALIKE)
    if found:
        return f"write {near[found]}"
    for length in reversed(range(len(around))):
        place = tuple(around[:length])
        if key in names(below(_fields(), place)):
            return f"move it below {dotted(place)}" if place else f"move it to the top, as {key}"
    return "leave it out"


def _sounds_monolithic(host: str) -> bool:
    name = host.partition(".")[0]
    return name.startswith("tempo-") and not name.endswith(("-query-frontend", "-gateway", "-distributor"))
