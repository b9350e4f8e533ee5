"""The collector's memory, and the limiter that refuses spans before the collector is killed."""

from collections.abc import Iterator

from lint.facts import Facts
from lint.findings import Fault, Severity, advice, warning
from lint.objects import Manifests, mapping, number, text
from lint.rule import rule
from lint.views.collectors import HOLDING, collectors, kind_of
from lint.views.quantities import bytes_of

_MIB = 2**20


@rule(
    code="N25",
    title="A collector of the mesh's spans has no memory limiter",
    levels=(Severity.ADVICE,),
    why=(
        "When Tempo is slow or away, spans gather in the collector until it is killed, and all that it holds is lost. "
        "With `memory_limiter` it refuses new spans before, and what it holds arrives."
    ),
    remedy="Put `memory_limiter` first in the pipeline, with `check_interval: 1s` and `limit_percentage: 75`.",
    example="""
        apiVersion: sailoperator.io/v1
        kind: Istio
        metadata: {name: default}
        spec:
          version: v1.31.4
          values:
            meshConfig:
              extensionProviders:
                - name: otel
                  opentelemetry: {service: otel-collector.istio-system.svc.cluster.local, port: 4317}
        ---
        apiVersion: opentelemetry.io/v1beta1
        kind: OpenTelemetryCollector
        metadata: {name: otel, namespace: istio-system}
        spec:
          config:
            receivers: {otlp: {protocols: {grpc: {endpoint: "0.0.0.0:4317"}}}}
            exporters: {otlp: {endpoint: "tempo.example.com:4317"}}
            service:
              pipelines: {traces: {receivers: [otlp], exporters: [otlp]}}
    """,
    source="opentelemetry-collector: processor/memorylimiterprocessor/README.md",
)
def memory_limiter_missing(manifests: Manifests, facts: Facts) -> Iterator[Fault]:
    for collector in collectors(manifests, facts):
        if not collector.is_whole or not collector.takes_spans_of_the_mesh(manifests, facts):
            continue
        for pipeline in collector.pipelines("traces"):
            if not any(kind_of(name) == "memory_limiter" for name in pipeline.processors):
                yield advice(
                    collector.where("service", "pipelines", pipeline.name, "processors"),
                    "without a memory limiter the collector is killed when spans gather, with all that it holds",
                    "put memory_limiter first, with check_interval 1s and limit_percentage 75",
                )


@rule(
    code="N25",
    title="The memory limiter is not the first processor",
    levels=(Severity.ADVICE,),
    why=(
        "The memory limiter refuses spans when memory runs short. Behind another processor it refuses what that one "
        "holds already: the sender does not learn of it, and spans are lost."
    ),
    remedy="Move `memory_limiter` to the front of the list.",
    example="""
        apiVersion: opentelemetry.io/v1beta1
        kind: OpenTelemetryCollector
        metadata: {name: otel, namespace: istio-system}
        spec:
          config:
            receivers: {otlp: {protocols: {grpc: {}}}}
            processors: {batch: {}, memory_limiter: {check_interval: 1s, limit_percentage: 75}}
            exporters: {otlp: {endpoint: "tempo.example.com:4317"}}
            service:
              pipelines: {traces: {receivers: [otlp], processors: [batch, memory_limiter], exporters: [otlp]}}
    """,
    source="opentelemetry-collector: processor/README.md",
)
def memory_limiter_behind_others(manifests: Manifests, facts: Facts) -> Iterator[Fault]:
    for collector in collectors(manifests, facts):
        limiters = {name for name in mapping(collector.at("processors")) if kind_of(text(name)) == "memory_limiter"}
        for pipeline in collector.pipelines("traces"):
            for index, name in enumerate(pipeline.processors):
                # Those that hold nothing back do no harm in front of it.
                before = {kind_of(one) for one in pipeline.processors[:index]}
                if name in limiters and before & HOLDING:
                    yield advice(
                        collector.where("service", "pipelines", pipeline.name, "processors", index),
                        "behind a processor that holds spans, the memory limiter refuses what was accepted already",
                        "move it to the front of the list",
                    )


@rule(
    code="N25",
    title="A memory limiter allows all that the container has",
    levels=(Severity.WARNING,),
    why=(
        "The memory limiter refuses spans when the collector has taken `limit_mib`, so that clients send them again. If"
        " the limit of the container is not higher, the kernel kills the collector first, and the spans in it are lost."
    ),
    remedy="Set `limit_percentage: 75` instead, which follows the container's limit, or a lower `limit_mib`.",
    example="""
        apiVersion: opentelemetry.io/v1beta1
        kind: OpenTelemetryCollector
        metadata: {name: otel, namespace: istio-system}
        spec:
          resources: {limits: {memory: 256Mi}}
          config:
            receivers: {otlp: {protocols: {grpc: {}}}}
            processors: {memory_limiter: {check_interval: 1s, limit_mib: 400}}
            exporters: {otlp: {endpoint: "tempo.example.com:4317"}}
            service:
              pipelines: {traces: {receivers: [otlp], processors: [memory_limiter], exporters: [otlp]}}
    """,
    source="opentelemetry-collector: processor/memorylimiterprocessor/README.md",
)
def memory_limiter_above_the_container(manifests: Manifests, facts: Facts) -> Iterator[Fault]:
    for collector in collectors(manifests, facts):
        most = bytes_of(collector.memory)
        used = {name for pipeline in collector.pipelines() for name in pipeline.processors}
        for name in sorted(one for one in used if kind_of(one) == "memory_limiter"):
            limit = number(collector.at("processors", name, "limit_mib"))
            if most is not None and limit is not None and limit * _MIB >= most:
                yield warning(
                    collector.where("processors", name, "limit_mib"),
                    f"the container has {collector.memory}, so the kernel kills the collector before it refuses spans",
                    "set limit_percentage: 75 instead, or less than the container has",
                )
