"""Sampling in a collector, against the service graph that Tempo makes of what is left."""

from collections.abc import Iterator, Mapping
from typing import Any

from lint.facts import Facts
from lint.findings import Fault, Severity, advice, error, warning
from lint.objects import Manifests, Path, at, mapping, number, text
from lint.rule import rule
from lint.views.collectors import Collector, collectors, kind_of
from lint.views.durations import seconds
from lint.views.exports import Delivery, open_deliveries

# By kind of processor: where it says how long it holds a trace, and how long without that
# (contrib: processor/tailsamplingprocessor/factory.go, processor/groupbytraceprocessor/factory.go).
_WAITS: dict[str, tuple[str, str]] = {
    "tail_sampling": ("decision_wait", "30s"),
    "groupbytrace": ("wait_duration", "1s"),
}
_NEEDS_WHOLE_TRACES = frozenset(_WAITS)
# Where Tempo's configuration says how old a span may be, overrides first (tempo: modules/generator/instance.go).
_SLACKS: tuple[Path, ...] = (
    ("overrides", "defaults", "metrics_generator", "ingestion_time_range_slack"),
    ("overrides", "metrics_generator_ingestion_time_range_slack"),
    ("metrics_generator", "metrics_ingestion_time_range_slack"),
)
# Who gives collectors that sample a name of their own has others in front of them.
_LAYER = "sampl"
_DEFAULT_SLACK = "30s"
_ALL = 100


@rule(
    code="N26",
    title="A collector holds traces for longer than Tempo's generator takes spans",
    levels=(Severity.ERROR,),
    why=(
        "Tempo's metrics generator leaves out spans that ended longer ago than `metrics_ingestion_time_range_slack`, by"
        " default 30 s. Tail sampling holds each trace for `decision_wait`, by default 30 s too, so the graph gets "
        "few edges or none. A trace is held for less after `decision_wait_after_root_received`."
    ),
    remedy="Set `decision_wait` well below the slack, such as 10 s, or raise the slack.",
    example="""
        apiVersion: opentelemetry.io/v1beta1
        kind: OpenTelemetryCollector
        metadata: {name: otel, namespace: istio-system}
        spec:
          config:
            receivers: {otlp: {protocols: {grpc: {}}}}
            processors: {tail_sampling: {decision_wait: 40s, policies: [{name: all, type: always_sample}]}}
            exporters: {otlp: {endpoint: "tempo-tempo.tracing-system.svc:4317", tls: {insecure: true}}}
            service:
              pipelines: {traces: {receivers: [otlp], processors: [tail_sampling], exporters: [otlp]}}
        ---
        apiVersion: tempo.grafana.com/v1alpha1
        kind: TempoMonolithic
        metadata: {name: tempo, namespace: tracing-system}
        spec:
          extraConfig:
            tempo:
              metrics_generator:
                storage:
                  path: /var/tempo/generator/wal
                  remote_write: [{url: "http://prometheus.monitoring:9090/api/v1/write", send_exemplars: true}]
              overrides: {defaults: {metrics_generator: {processors: [service-graphs]}}}
    """,
    source=(
        "tempo: modules/generator/instance.go; tempo: modules/generator/config.go; "
        "opentelemetry-collector-contrib: processor/tailsamplingprocessor/factory.go"
    ),
)
def decision_after_the_slack(manifests: Manifests, facts: Facts) -> Iterator[Fault]:
    for delivery in _to_a_graph(manifests, facts):
        slack = _slack(delivery.store.config)
        slack_seconds, collector = seconds(slack), delivery.export.collector
        for pipeline in delivery.export.pipelines:
            waits = [(name, wait) for name in pipeline.processors if (wait := _wait(collector, name)) is not None]
            held = sum(seconds(wait) or 0 for _, wait in waits)
            if slack_seconds is None or not waits or held < slack_seconds:
                continue
            name, wait = max(waits, key=lambda one: seconds(one[1]) or 0)
            in_words = wait if len(waits) == 1 else f"{held:g}s in all"
            yield error(
                collector.where("processors", name, _WAITS[kind_of(name)][0]),
                f"traces are held for {in_words}, and the generator of {delivery.store.owner.label} leaves out spans "
                f"that are older than {slack}, so the graph has few edges or none",
                "wait for much less, or raise metrics_ingestion_time_range_slack",
            )


@rule(
    code="N26",
    title="Several collectors decide on parts of the same trace",
    levels=(Severity.ERROR, Severity.WARNING, Severity.ADVICE),
    why=(
        "Spans of a trace come from several proxies, over several connections, and so to different collectors. Each "
        "decides on the part that it has: traces get holes, and the graph loses edges. It is a warning for a collector "
        "that the mesh does not send to itself: something may route spans by trace in front of it. It is advice for "
        "one that is called after sampling, which is then a layer of its own behind others."
    ),
    remedy=(
        "Run one collector, or put collectors in front whose exporter `loadbalancing` routes by `traceID`, which is its"
        " default for traces."
    ),
    example="""
        apiVersion: opentelemetry.io/v1beta1
        kind: OpenTelemetryCollector
        metadata: {name: otel, namespace: istio-system}
        spec:
          replicas: 3
          config:
            receivers: {otlp: {protocols: {grpc: {}}}}
            processors: {tail_sampling: {decision_wait: 5s, policies: [{name: all, type: always_sample}]}}
            exporters: {otlp: {endpoint: "tempo.example.com:4317"}}
            service:
              pipelines: {traces: {receivers: [otlp], processors: [tail_sampling], exporters: [otlp]}}
    """,
    source=(
        "opentelemetry-collector-contrib: processor/tailsamplingprocessor/README.md; "
        "opentelemetry-collector-contrib: exporter/loadbalancingexporter/README.md"
    ),
)
def several_that_sample_by_trace(manifests: Manifests, facts: Facts) -> Iterator[Fault]:
    every = collectors(manifests, facts)
    if any(_routes_by_trace(one) for one in every):
        return
    for collector in every:
        pipelines = collector.pipelines("traces") if collector.several and not collector.is_sidecar else ()
        for pipeline in pipelines:
            for name in pipeline.processors:
                if kind_of(name) not in _NEEDS_WHOLE_TRACES:
                    continue
                of_the_mesh = collector.takes_spans_of_the_mesh(manifests, facts)
                behind_others = _LAYER in collector.owner.name
                yield (error if of_the_mesh else advice if behind_others else warning)(
                    collector.where("processors", name),
                    f"the collector runs {collector.several}, and each sees only a part of a trace",
                    "run one collector, or route by traceID in front of them with the exporter loadbalancing",
                )


@rule(
    code="N26",
    title="A collector samples before Tempo counts",
    levels=(Severity.WARNING,),
    why=(
        "The rates in the service graph are those of the spans that Tempo gets. With `probabilistic_sampler` in front, "
        "they are too low by the part that is left out, and rare edges are missing for a while."
    ),
    remedy="Sample in the mesh's Telemetry only, and know the graph's rates to be those of the sampled requests.",
    example="""
        apiVersion: opentelemetry.io/v1beta1
        kind: OpenTelemetryCollector
        metadata: {name: otel, namespace: istio-system}
        spec:
          config:
            receivers: {otlp: {protocols: {grpc: {}}}}
            processors: {probabilistic_sampler: {sampling_percentage: 10}}
            exporters: {otlp: {endpoint: "tempo-tempo.tracing-system.svc:4317", tls: {insecure: true}}}
            service:
              pipelines: {traces: {receivers: [otlp], processors: [probabilistic_sampler], exporters: [otlp]}}
        ---
        apiVersion: tempo.grafana.com/v1alpha1
        kind: TempoMonolithic
        metadata: {name: tempo, namespace: tracing-system}
        spec:
          extraConfig:
            tempo:
              metrics_generator:
                storage:
                  path: /var/tempo/generator/wal
                  remote_write: [{url: "http://prometheus.monitoring:9090/api/v1/write", send_exemplars: true}]
              overrides: {defaults: {metrics_generator: {processors: [service-graphs]}}}
    """,
    source=(
        "tempo: modules/generator/processor/servicegraphs/servicegraphs.go; "
        "opentelemetry-collector-contrib: processor/probabilisticsamplerprocessor/README.md"
    ),
)
def sampler_before_the_graph(manifests: Manifests, facts: Facts) -> Iterator[Fault]:
    for delivery in _to_a_graph(manifests, facts):
        collector = delivery.export.collector
        for pipeline in delivery.export.pipelines:
            for name in pipeline.processors:
                share = _share(collector, name)
                if share is not None and 0 < share < _ALL:
                    yield warning(
                        collector.where("processors", name, "sampling_percentage"),
                        f"the graph's rates are those of the {share:g} % of spans that are left",
                        "sample in the mesh's Telemetry only, or read the rates accordingly",
                    )


def _to_a_graph(manifests: Manifests, facts: Facts) -> Iterator[Delivery]:
    return (delivery for delivery in open_deliveries(manifests, facts) if delivery.store.generates)


def _wait(collector: Collector, name: str) -> str | None:
    """Return how long the processor holds a trace; None if it holds none, or if that is not known."""
    if kind_of(name) not in _WAITS:
        return None
    field, default = _WAITS[kind_of(name)]
    settings: Mapping[Any, Any] = mapping(collector.at("processors", name))
    if settings.get("sampling_strategy") == "span-ingest":
        return None
    waits = [str(settings.get(field, default))]
    if settings.get("decision_wait_after_root_received"):
        waits.append(str(settings["decision_wait_after_root_received"]))
    if any(seconds(wait) is None for wait in waits):
        return None
    return min(waits, key=lambda wait: seconds(wait) or 0)


def _slack(config: Mapping[Any, Any]) -> str:
    return next((str(found) for path in _SLACKS if (found := at(config, *path))), _DEFAULT_SLACK)


def _share(collector: Collector, name: str) -> float | None:
    """Return the percentage that a sampler lets through."""
    if kind_of(name) != "probabilistic_sampler":
        return None
    found = collector.at("processors", name, "sampling_percentage")
    return found if isinstance(found, float) else number(found)


def _routes_by_trace(collector: Collector) -> bool:
    used = {name for pipeline in collector.pipelines("traces") for name in pipeline.exporters}
    keys = (text(collector.at("exporters", name, "routing_key")) for name in used if kind_of(name) == "loadbalancing")
    return any(key in {"", "traceID"} for key in keys)
