"""What becomes of the spans in a collector: whether it gets them, what it does to them, and where they go."""

from collections.abc import Iterator

from lint.facts import Facts
from lint.findings import Fault, Severity, error, warning
from lint.objects import Manifests, at, mapping, sequence, text
from lint.rule import rule
from lint.views.collectors import AS_DAEMON_SET, HOLDING, Collector, collectors, kind_of
from lint.views.hosts import LOCALHOST
from lint.views.span_stores import stores

_ASSOCIATING = frozenset({"k8sattributes", "k8s_attributes"})
_POD_ADDRESS = "k8s.pod.ip"
# An exporter of these keeps nothing: it writes to the collector's log, or drops.
_WITHOUT_A_STORE = frozenset({"debug", "logging", "nop"})


@rule(
    code="N25",
    title="A collector keeps spans nowhere",
    levels=(Severity.ERROR, Severity.WARNING),
    why=(
        "All its pipelines of traces end in the collector's log or in nothing: no trace can be found later. It is an "
        "error for a collector that the mesh sends spans to while there is a Tempo among the objects. The chart "
        "opentelemetry-collector has such a pipeline by itself: it counts if an exporter to a store is configured and "
        "in no pipeline."
    ),
    remedy="Put an exporter that leads to a store such as Tempo into the pipeline, beside `debug` or instead of it.",
    example="""
        apiVersion: opentelemetry.io/v1beta1
        kind: OpenTelemetryCollector
        metadata: {name: otel, namespace: istio-system}
        spec:
          config:
            receivers: {otlp: {protocols: {grpc: {}}}}
            exporters: {debug: {}, otlp: {endpoint: "tempo-tempo.tracing-system:4317", tls: {insecure: true}}}
            service:
              pipelines: {traces: {receivers: [otlp], exporters: [debug]}}
        ---
        apiVersion: tempo.grafana.com/v1alpha1
        kind: TempoMonolithic
        metadata: {name: tempo, namespace: tracing-system}
    """,
    source=(
        "opentelemetry-collector: exporter/debugexporter/README.md; "
        "opentelemetry-collector: exporter/nopexporter/README.md"
    ),
)
def spans_that_no_store_gets(manifests: Manifests, facts: Facts) -> Iterator[Fault]:
    has_store = bool(stores(manifests, facts))
    for collector in collectors(manifests, facts):
        pipelines = list(collector.pipelines("traces"))
        ends = {kind_of(name) for pipeline in pipelines for name in pipeline.exporters}
        used = {name for pipeline in collector.pipelines() for name in pipeline.exporters}
        unused = sorted(
            name
            for name in map(text, mapping(collector.at("exporters")))
            if kind_of(name).startswith("otlp") and name not in used
        )
        # A chart's presets add no exporters, and only those that are written are meant.
        is_meant = collector.is_whole if collector.written is None else bool(unused) or _writes_pipelines(collector)
        if is_meant and ends and not ends - _WITHOUT_A_STORE:
            of_the_mesh = has_store and collector.takes_spans_of_the_mesh(manifests, facts)
            yield (error if of_the_mesh else warning)(
                collector.where("service", "pipelines", pipelines[0].name, "exporters"),
                "no pipeline of traces has an exporter to a store, so nobody finds the spans again",
                f"add {unused[0]!r} to the list" if unused else "add an exporter that leads to a store such as Tempo",
            )


@rule(
    code="N25",
    title="A receiver listens on localhost only",
    levels=(Severity.ERROR, Severity.WARNING),
    why=(
        "A receiver on localhost takes spans from its own Pod only, and the Service of the collector leads to a port "
        "on which nothing answers. Collectors from 0.104 on listen there unless they are told otherwise; the "
        "collector's operator and chart tell them. In a sidecar it is right. It is a warning for a file of its own, "
        "which says nothing of where the collector runs, and is read by the newest release."
    ),
    remedy="Set the endpoint to `0.0.0.0:4317`, with the port of the protocol.",
    example="""
        apiVersion: opentelemetry.io/v1beta1
        kind: OpenTelemetryCollector
        metadata: {name: otel, namespace: istio-system}
        spec:
          config:
            receivers: {otlp: {protocols: {grpc: {endpoint: "localhost:4317"}}}}
            exporters: {otlp: {endpoint: "tempo.example.com:4317"}}
            service:
              pipelines: {traces: {receivers: [otlp], exporters: [otlp]}}
    """,
    source=(
        "opentelemetry-collector: receiver/otlpreceiver/factory.go; "
        "https://github.com/open-telemetry/opentelemetry-collector/releases/tag/v0.104.0"
    ),
)
def receiver_on_localhost(manifests: Manifests, facts: Facts) -> Iterator[Fault]:
    for collector in collectors(manifests, facts):
        is_file = not collector.owner.kind and collector.written is None
        # Without a Service, the clients may be in the same Pod; the chart opens the ports to others.
        is_for_others = bool(collector.services) or collector.written is not None or is_file
        if collector.is_sidecar or collector.on_host_network or not is_for_others:
            continue
        used = {name for pipeline in collector.pipelines("traces") for name in pipeline.receivers}
        for name in sorted(name for name in used if kind_of(name) == "otlp"):
            for protocol, settings in mapping(collector.at("receivers", name, "protocols")).items():
                endpoint = at(settings, "endpoint")
                host = _host(text(endpoint)) if endpoint is not None else collector.default_host
                if protocol in {"grpc", "http"} and host in LOCALHOST:
                    yield (warning if is_file else error)(
                        collector.where("receivers", name, "protocols", protocol, "endpoint"),
                        f"the receiver listens on {host} only, so no other Pod can send spans to it",
                        f"set it to 0.0.0.0:{'4317' if protocol == 'grpc' else '4318'}",
                    )


@rule(
    code="N25",
    title="k8sattributes comes after a processor that forgets where spans came from",
    levels=(Severity.WARNING,),
    why=(
        "Spans of proxies do not say which Pod they are from: the processor takes it from the address of the "
        "connection. `batch`, `groupbytrace` and `tail_sampling` put spans of several connections together, and the "
        "address is gone."
    ),
    remedy="Move the processor before these, or set `pod_association` to attributes that the spans have.",
    example="""
        apiVersion: opentelemetry.io/v1beta1
        kind: OpenTelemetryCollector
        metadata: {name: otel, namespace: istio-system}
        spec:
          config:
            receivers: {otlp: {protocols: {grpc: {}}}}
            processors: {batch: {}, k8sattributes: {}}
            exporters: {otlp: {endpoint: "tempo.example.com:4317"}}
            service:
              pipelines: {traces: {receivers: [otlp], processors: [batch, k8sattributes], exporters: [otlp]}}
    """,
    source=(
        "opentelemetry-collector-contrib: processor/k8sattributesprocessor/README.md; "
        "opentelemetry-collector-contrib: processor/tailsamplingprocessor/README.md"
    ),
)
def k8sattributes_behind_batches(manifests: Manifests, facts: Facts) -> Iterator[Fault]:
    for collector in collectors(manifests, facts):
        for pipeline in collector.pipelines("traces"):
            for index, name in enumerate(pipeline.processors):
                before = {kind_of(one) for one in pipeline.processors[:index]}
                if (
                    kind_of(name) in {"k8sattributes", "k8s_attributes"}
                    and not collector.at("processors", name, "pod_association")
                    and before & HOLDING
                ):
                    yield warning(
                        collector.where("service", "pipelines", pipeline.name, "processors", index),
                        "the processors before it put spans together and lose the address that tells the Pod",
                        "move it before them, or set its pod_association",
                    )


@rule(
    code="N25",
    title="k8sattributes looks for Pods by an address that nobody sends",
    levels=(Severity.WARNING,),
    why=(
        "The only association is with the attribute `k8s.pod.ip`, which neither SDKs nor proxies set. An agent on each "
        "node gets the spans from them, so it finds no Pod; a gateway behind agents with `passthrough: true` does."
    ),
    remedy="Add `sources: [{from: connection}]` as the last association.",
    example="""
        apiVersion: opentelemetry.io/v1beta1
        kind: OpenTelemetryCollector
        metadata: {name: otel, namespace: istio-system}
        spec:
          mode: daemonset
          config:
            receivers: {otlp: {protocols: {grpc: {}}}}
            processors:
              k8sattributes: {pod_association: [{sources: [{from: resource_attribute, name: k8s.pod.ip}]}]}
            exporters: {otlp: {endpoint: "tempo.example.com:4317"}}
            service:
              pipelines: {traces: {receivers: [otlp], processors: [k8sattributes], exporters: [otlp]}}
    """,
    source="opentelemetry-collector-contrib: processor/k8sattributesprocessor/README.md and pod_association.go",
)
def association_with_no_address(manifests: Manifests, facts: Facts) -> Iterator[Fault]:
    for collector in collectors(manifests, facts):
        if collector.several != AS_DAEMON_SET or _is_set_here(collector):
            continue
        for name in sorted({name for pipeline in collector.pipelines("traces") for name in pipeline.processors}):
            path = ("processors", name, "pod_association")
            asked = [
                (at(source, "from"), at(source, "name"))
                for one in sequence(collector.at(*path))
                for source in sequence(at(one, "sources"))
            ]
            is_kind = kind_of(name) in _ASSOCIATING
            if is_kind and asked and set(asked) == {("resource_attribute", _POD_ADDRESS)}:
                yield warning(
                    collector.where(*path),
                    f"no client sets the attribute {_POD_ADDRESS}, so the processor finds no Pod",
                    "add sources: [{from: connection}] as the last association",
                )


def _is_set_here(collector: Collector) -> bool:
    """Whether a receiver, or a processor other than those which look for Pods, speaks of the address."""
    return any(
        _POD_ADDRESS in written
        for path, written in collector.strings
        if path[0] == "receivers" or (path[0] == "processors" and kind_of(text(at(path, 1))) not in _ASSOCIATING)
    )


def _writes_pipelines(collector: Collector) -> bool:
    """Whether the values have a pipeline of traces with exporters of its own."""
    pipelines = mapping(at(collector.written, "service", "pipelines"))
    return any(at(one, "exporters") for name, one in pipelines.items() if kind_of(text(name)) == "traces")


def _host(endpoint: str) -> str:
    return endpoint.rpartition("://")[2].rpartition(":")[0]
