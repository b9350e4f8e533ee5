"""The memory of a collector."""

from collections.abc import Iterator

from lint.facts import Facts
from lint.findings import Fault, Severity, warning
from lint.objects import Manifests, number
from lint.rule import rule
from lint.views.collectors import collectors, kind_of
from lint.views.quantities import bytes_of

_MIB = 2**20


@rule(
    code="N25",
    title="A memory limiter allows more than the container has",
    levels=(Severity.WARNING,),
    why=(
        "The memory limiter refuses spans when the collector has taken `limit_mib`, so that clients send them again. If"
        " the limit of the container is lower, the kernel kills the collector first, and the spans in it are lost."
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
            exporters: {debug: {}}
            service:
              pipelines: {traces: {receivers: [otlp], processors: [memory_limiter], exporters: [debug]}}
    """,
    source="opentelemetry-collector: processor/memorylimiterprocessor/README.md",
)
def memory_limiter_above_the_container(manifests: Manifests, facts: Facts) -> Iterator[Fault]:
    for collector in collectors(manifests, facts):
        most = bytes_of(collector.memory)
        used = {name for pipeline in collector.pipelines() for name in pipeline.processors}
        for name in sorted(one for one in used if kind_of(one) == "memory_limiter"):
            limit = number(collector.at("processors", name, "limit_mib"))
            if most is not None and limit is not None and limit * _MIB > most:
                yield warning(
                    collector.where("processors", name, "limit_mib"),
                    f"the container has {collector.memory}, so the kernel kills the collector before it refuses spans",
                    "set limit_percentage: 75 instead, or less than the container has",
                )
