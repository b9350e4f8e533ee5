"""Components of a collector that do not fit their pipeline, or have settings that they do not know."""

from collections.abc import Iterator, Mapping
from typing import Any

from lint.collector_keys import FIRST_RECORDED, Component, components
from lint.facts import Facts
from lint.findings import Fault, Severity, error, warning
from lint.lifecycle import lifecycle
from lint.nearest import nearest
from lint.objects import Key, Manifests, Path, at, dotted, mapping, sequence, text
from lint.rule import rule
from lint.tempo_keys import Keys, below, nearest_place, unknown
from lint.views.collectors import ROLES, Collector, collectors, kind_of

# Exporters that have no endpoint by themselves, with the settings of which one is enough (`Validate` in their
# config.go; the one for remote writes parses it in exporter.go).
_OF_OTLP_HTTP = ("endpoint", "traces_endpoint", "metrics_endpoint", "logs_endpoint", "profiles_endpoint")
_ENDPOINTS: Mapping[str, tuple[str, ...]] = {
    "loki": ("endpoint",),
    "otlp": ("endpoint",),
    "otlp_grpc": ("endpoint",),
    "otlp_http": _OF_OTLP_HTTP,
    "otlphttp": _OF_OTLP_HTTP,
    "prometheusremotewrite": ("endpoint",),
    "zipkin": ("endpoint",),
}
_OF_TLS = ("tls",)
# By connector, its list of durations.
_EXPLICIT: Path = ("histogram", "explicit", "buckets")
_OF_GRAPH: Path = ("latency_histogram_buckets",)
_BUCKETS: Mapping[str, Path] = {
    "spanmetrics": _EXPLICIT,
    "span_metrics": _EXPLICIT,
    "servicegraph": _OF_GRAPH,
    "service_graph": _OF_GRAPH,
}
# What the keys of a list's items have beside them.
_OF_LIST = "[]"
_TAKES_NO_MAP = lifecycle().first_release("collectors make no list of a single map")
_TELLS_CAPITALS = lifecycle().first_release("collectors tell capitals in settings")


@rule(
    code="N25",
    title="A pipeline has a component for other signals",
    levels=(Severity.ERROR,),
    why=(
        "Many components know one kind of signal: `kubeletstats` makes metrics, `filelog` logs, and `prometheus` takes "
        "metrics only. A collector does not start with one of them in a pipeline of another kind."
    ),
    remedy="Move the component to a pipeline of its own kind, such as `metrics`.",
    example="""
        apiVersion: opentelemetry.io/v1beta1
        kind: OpenTelemetryCollector
        metadata: {name: otel, namespace: istio-system}
        spec:
          config:
            receivers:
              otlp: {protocols: {grpc: {}}}
              kubeletstats: {auth_type: serviceAccount}
            exporters: {otlp: {endpoint: "tempo.example.com:4317"}}
            service:
              pipelines: {traces: {receivers: [otlp, kubeletstats], exporters: [otlp]}}
    """,
    source=(
        "opentelemetry-collector: pipeline/signal.go, ErrSignalNotSupported; "
        "lint/collector_keys, read from the metadata.yaml of each component"
    ),
)
def component_for_other_signals(manifests: Manifests, facts: Facts) -> Iterator[Fault]:
    for collector in collectors(manifests, facts):
        connectors = mapping(collector.at("connectors"))
        for pipeline in collector.pipelines():
            for role in ROLES:
                for index, name in enumerate(pipeline.components(role)):
                    component = components()[role].get(kind_of(name))
                    signals = component.signals if component else frozenset()
                    if not signals or name in connectors or pipeline.signal in signals:
                        continue
                    yield error(
                        collector.where("service", "pipelines", pipeline.name, role, index),
                        f"the collector does not start: {name!r} is for {' and '.join(sorted(signals))}, and the "
                        f"pipeline for {pipeline.signal}",
                        "move it to a pipeline of its kind",
                    )


@rule(
    code="N25",
    title="An exporter has no endpoint",
    levels=(Severity.ERROR,),
    why="Exporters such as `otlp` do not know where to send to by themselves. A collector does not start without it.",
    remedy="Set `endpoint`, as `tempo.tracing-system.svc:4317`.",
    example="""
        apiVersion: opentelemetry.io/v1beta1
        kind: OpenTelemetryCollector
        metadata: {name: otel, namespace: istio-system}
        spec:
          config:
            receivers: {otlp: {protocols: {grpc: {}}}}
            exporters: {otlp: {tls: {insecure: true}}}
            service:
              pipelines: {traces: {receivers: [otlp], exporters: [otlp]}}
    """,
    source="opentelemetry-collector: exporter/otlpexporter/config.go; exporter/otlphttpexporter/config.go",
)
def exporter_without_endpoint(manifests: Manifests, facts: Facts) -> Iterator[Fault]:
    for collector in collectors(manifests, facts):
        if not collector.is_whole:
            continue
        exporters = mapping(collector.at("exporters"))
        used = {name for pipeline in collector.pipelines() for name in pipeline.exporters}
        for name in sorted(used & {one for one in exporters if isinstance(one, str)}):
            settings, wanted = exporters[name], _ENDPOINTS.get(kind_of(name))
            if wanted is None or isinstance(settings, str) or any(mapping(settings).get(one) for one in wanted):
                continue
            yield error(
                collector.where("exporters", name, "endpoint"),
                f"the collector does not start: {name!r} has no endpoint, and there is none by itself",
                "set it to where the exporter sends",
            )


@rule(
    code="N25",
    title="A component of a collector does not know a setting",
    levels=(Severity.ERROR, Severity.WARNING),
    why=(
        "A collector does not start with a setting that its component does not know, such as `loglevel` of `debug`, or "
        "`insecure` of `otlp`, which belongs below `tls`. Capitals and small letters are told apart since 0.71. It is "
        "looked at for the components that are used most, for releases from 0.100 on, and before for capitals only. It "
        "is a warning if the collector's release is not known."
    ),
    remedy="Write the setting as the component's documentation has it.",
    example="""
        apiVersion: opentelemetry.io/v1beta1
        kind: OpenTelemetryCollector
        metadata: {name: otel, namespace: istio-system}
        spec:
          config:
            receivers: {otlp: {protocols: {grpc: {}}}}
            exporters: {debug: {loglevel: debug}, otlp: {endpoint: "tempo.example.com:4317"}}
            service:
              pipelines: {traces: {receivers: [otlp], exporters: [otlp]}}
    """,
    source=(
        "opentelemetry-collector: confmap/internal/decoder.go; "
        "lint/collector_keys, read from the structs that each component is configured by"
    ),
    # A setting is not known, whatever its value is.
    reads_variables=True,
)
def setting_that_a_component_does_not_know(manifests: Manifests, facts: Facts) -> Iterator[Fault]:
    for collector, path, component in _settings(manifests, facts):
        severity = error if collector.is_from(_TELLS_CAPITALS) else warning
        for key in unknown(collector.at(*path), component.keys):
            if not _is_certain(collector, component, key):
                continue
            yield severity(
                collector.where(*path, *key),
                f"{kind_of(str(path[-1]))!r} has no such setting, and the collector does not start",
                _remedy(component, key),
            )


@rule(
    code="N25",
    title="A setting of a collector's component has another form",
    levels=(Severity.ERROR, Severity.WARNING),
    why=(
        "Where a component wants a list of maps, such as `transforms` of `metricstransform`, a single map is refused, "
        "and where it wants a map, such as `protocols` of `otlp`, a list is: the collector does not start. Before "
        "0.105 a single map was taken for a list. It is a warning if the release is the one that is the newest when it "
        "is installed."
    ),
    remedy="Put a dash before each entry of a list; write names with a colon behind them in a map.",
    example="""
        apiVersion: opentelemetry.io/v1beta1
        kind: OpenTelemetryCollector
        metadata: {name: otel, namespace: istio-system}
        spec:
          config:
            receivers: {otlp: {protocols: [grpc]}}
            exporters: {otlp: {endpoint: "tempo.example.com:4317"}}
            service:
              pipelines: {traces: {receivers: [otlp], exporters: [otlp]}}
    """,
    source="opentelemetry-collector: confmap/internal/decoder.go, and its CHANGELOG.md of 0.105.0",
)
def setting_of_another_form(manifests: Manifests, facts: Facts) -> Iterator[Fault]:
    for collector, path, component in _settings(manifests, facts):
        for key, is_list in _misshapen(collector.at(*path), component.keys, ()):
            # No release takes a list for a map.
            is_sure = collector.is_from(_TAKES_NO_MAP) or (not is_list and collector.release is not None)
            if is_sure or not is_list or collector.is_unpinned:
                yield (error if is_sure else warning)(
                    collector.where(*path, *key),
                    f"{kind_of(str(path[-1]))!r} wants a {'list' if is_list else 'map'} here, and the collector does "
                    "not start",
                    "put a dash before each entry" if is_list else "write each name with a colon behind it",
                )


def _misshapen(value: object, keys: Keys | None, path: Path) -> Iterator[tuple[Path, bool]]:
    """Yield the path of each map where a list is wanted, and of each list where it is a map; true for the first."""
    if keys is None:
        return
    is_list = _OF_LIST in keys
    if isinstance(value, list):
        if not is_list:
            yield path, False
        for index, item in enumerate(value) if is_list else ():
            if isinstance(item, Mapping):
                yield from _below(item, keys, (*path, index))
    elif isinstance(value, Mapping):
        if is_list:
            yield path, True
        else:
            yield from _below(value, keys, path)


def _below(value: Mapping[Any, Any], keys: Keys, path: Path) -> Iterator[tuple[Path, bool]]:
    for key, content in value.items():
        if isinstance(key, str):
            yield from _misshapen(content, below(keys, (key,)), (*path, key))


@rule(
    code="N25",
    title="A component of a collector does not know a setting any more",
    levels=(Severity.ERROR, Severity.WARNING),
    why=(
        "Settings are taken out of components: a collector that is newer does not start with them. It is a warning if "
        "it is the release that is the newest one when it is installed."
    ),
    remedy="Leave the setting out, or write what came in its place.",
    example="""
        apiVersion: opentelemetry.io/v1beta1
        kind: OpenTelemetryCollector
        metadata: {name: otel, namespace: istio-system}
        spec:
          config:
            receivers: {otlp: {protocols: {grpc: {}}}}
            exporters: {otlp: {endpoint: "tempo.example.com:4317", batcher: {enabled: true}}}
            service:
              pipelines: {traces: {receivers: [otlp], exporters: [otlp]}}
    """,
    source="lint/collector_keys, read from the structs that each component is configured by",
    reads_variables=True,
)
def setting_that_was_taken_out(manifests: Manifests, facts: Facts) -> Iterator[Fault]:
    for collector, path, component in _settings(manifests, facts):
        for key, release in component.gone.items() if not _is_older(collector) else ():
            is_gone = collector.is_from(release)
            if (is_gone or collector.is_unpinned) and at(collector.at(*path), *key) is not None:
                yield (error if is_gone else warning)(
                    collector.where(*path, *key),
                    f"collectors from {release[0]}.{release[1]} on do not know it, and do not start",
                    "leave it out, or write what came in its place",
                )


@rule(
    code="N25",
    title="A processor matches no span",
    levels=(Severity.WARNING,),
    why=(
        "In `include` and `exclude` all entries of `attributes` have to match. With `match_type: strict` an attribute "
        "that is there with two values never does: `exclude` of the processor `filter` drops nothing, and `include` "
        "lets nothing through."
    ),
    remedy="Use `match_type: regexp` with one pattern for all values, or conditions such as `traces: {span: [...]}`.",
    example="""
        apiVersion: opentelemetry.io/v1beta1
        kind: OpenTelemetryCollector
        metadata: {name: otel, namespace: istio-system}
        spec:
          config:
            receivers: {otlp: {protocols: {grpc: {}}}}
            processors:
              filter:
                spans:
                  exclude:
                    match_type: strict
                    attributes: [{key: http.target, value: /health}, {key: http.target, value: /ready}]
            exporters: {otlp: {endpoint: "tempo.example.com:4317"}}
            service:
              pipelines: {traces: {receivers: [otlp], processors: [filter], exporters: [otlp]}}
    """,
    source="opentelemetry-collector-contrib: internal/filter/filtermatcher/attributematcher.go",
)
def match_that_never_happens(manifests: Manifests, facts: Facts) -> Iterator[Fault]:
    for collector in collectors(manifests, facts):
        for name in mapping(collector.at("processors")):
            for path in _matches(kind_of(name)) if isinstance(name, str) else ():
                where: Path = ("processors", name, *path)
                attributes = [mapping(one) for one in sequence(collector.at(*where, "attributes"))]
                values: dict[str, set[str]] = {}
                for one in attributes:
                    values.setdefault(text(one.get("key")), set()).add(str(one.get("value")))
                if collector.at(*where, "match_type") == "strict" and any(len(found) > 1 for found in values.values()):
                    yield warning(
                        collector.where(*where, "attributes"),
                        "all entries have to match, and an attribute has one value only, so no span does",
                        "use match_type: regexp with one pattern for all values",
                    )


@rule(
    code="N25",
    title="The buckets of metrics of spans have no unit",
    levels=(Severity.WARNING,),
    why=(
        "Buckets are durations, and a number without a unit is nanoseconds: with `0.005` or `100` every request is "
        "beyond the last bucket, and each latency in the graphs is wrong."
    ),
    remedy="Write the unit, as `[5ms, 100ms, 1s]`.",
    example="""
        apiVersion: opentelemetry.io/v1beta1
        kind: OpenTelemetryCollector
        metadata: {name: otel, namespace: istio-system}
        spec:
          config:
            receivers: {otlp: {protocols: {grpc: {}}}}
            connectors: {spanmetrics: {histogram: {explicit: {buckets: [0.1, 1]}}}}
            exporters: {otlp: {endpoint: "tempo.example.com:4317"}}
            service:
              pipelines:
                traces: {receivers: [otlp], exporters: [otlp, spanmetrics]}
                metrics: {receivers: [spanmetrics], exporters: [otlp]}
    """,
    source=(
        "opentelemetry-collector-contrib: connector/spanmetricsconnector/config.go; "
        "opentelemetry-collector-contrib: connector/servicegraphconnector/config.go"
    ),
)
def buckets_without_unit(manifests: Manifests, facts: Facts) -> Iterator[Fault]:
    for collector in collectors(manifests, facts):
        for name in mapping(collector.at("connectors")):
            below_it = _BUCKETS.get(kind_of(text(name)))
            buckets = sequence(collector.at("connectors", name, *below_it)) if below_it else ()
            if any(isinstance(one, int | float) and one != 0 for one in buckets):
                yield warning(
                    collector.where("connectors", name, *(below_it or ())),
                    "a number without a unit is nanoseconds, so every request is beyond the last bucket",
                    "write the unit, as 5ms",
                )


def _matches(kind: str) -> Iterator[Path]:
    """Where a kind of processor says which spans and logs it is for."""
    for which in ("include", "exclude"):
        if kind == "filter":
            yield "spans", which
        elif kind in {"attributes", "resource", "span"}:
            yield (which,)


def _settings(manifests: Manifests, facts: Facts) -> Iterator[tuple[Collector, Path, Component]]:
    """Yield the components whose settings are recorded, with the path to them."""
    for collector in collectors(manifests, facts):
        for section, kinds in components().items():
            for name in mapping(collector.at(section)):
                component = kinds.get(kind_of(name)) if isinstance(name, str) else None
                if component is not None:
                    yield collector, (section, name), component


def _is_older(collector: Collector) -> bool:
    """Whether it is older than all that is recorded."""
    return collector.release is not None and collector.release < FIRST_RECORDED


def _is_certain(collector: Collector, component: Component, path: Path) -> bool:
    """Whether no release that it may be knows the setting."""
    if _is_older(collector):
        siblings = below(component.keys or {}, path[:-1]) or {}
        return collector.is_from(_TELLS_CAPITALS) and str(path[-1]).lower() in siblings
    is_recorded = collector.release is not None and component.last is not None and collector.release <= component.last
    return component.last is None or is_recorded


def _remedy(component: Component, path: tuple[Key, ...]) -> str:
    keys, key = component.keys or {}, str(path[-1])
    siblings = below(keys, path[:-1]) or {}
    if key in (below(siblings, _OF_TLS) or ()):
        return "move it below tls"
    near = nearest(key, siblings)
    if near:
        return f"write {near}"
    place = nearest_place(keys, path)
    return f"move it to {dotted(place)}" if place else "leave it out"
