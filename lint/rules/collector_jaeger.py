"""Jaeger 2, which is a collector: its storages have names."""

from collections.abc import Iterator

from lint.facts import Facts
from lint.findings import Fault, Severity, error
from lint.objects import Manifests, Path, mapping, text
from lint.rule import rule
from lint.templates import is_unknown
from lint.views.collectors import Collector, collectors, kind_of

_QUERIES = ("traces", "traces_archive")


@rule(
    code="N25",
    title="Jaeger uses a storage that is not configured",
    levels=(Severity.ERROR,),
    why=(
        "Jaeger 2 looks up its storages by name among `extensions.jaeger_storage.backends`. It does not start if its "
        "queries or its exporter name another one."
    ),
    remedy="Name a storage that is there.",
    example="""
        apiVersion: opentelemetry.io/v1beta1
        kind: OpenTelemetryCollector
        metadata: {name: jaeger, namespace: istio-system}
        spec:
          image: jaegertracing/jaeger:2.11.0
          config:
            receivers: {otlp: {protocols: {grpc: {}}}}
            extensions:
              jaeger_storage: {backends: {main: {memory: {max_traces: 10000}}}}
              jaeger_query: {storage: {traces: memstore}}
            exporters: {jaeger_storage_exporter: {trace_storage: main}}
            service:
              extensions: [jaeger_storage, jaeger_query]
              pipelines: {traces: {receivers: [otlp], exporters: [jaeger_storage_exporter]}}
    """,
    source="jaeger: cmd/jaeger/internal/extension/jaegerquery/server.go and exporters/storageexporter/exporter.go",
)
def storage_that_is_not_configured(manifests: Manifests, facts: Facts) -> Iterator[Fault]:
    for collector in collectors(manifests, facts):
        backends = mapping(collector.at("extensions", "jaeger_storage", "backends"))
        for path in _names(collector) if backends and collector.is_whole else ():
            name = text(collector.at(*path))
            if name and not is_unknown(name) and name not in backends:
                yield error(
                    collector.where(*path),
                    f"Jaeger does not start: there is no storage {name!r} in extensions.jaeger_storage.backends",
                    f"name one of {', '.join(map(str, backends))}",
                )


def _names(collector: Collector) -> Iterator[Path]:
    """Yield the paths at which names of storages stand."""
    for query in _QUERIES:
        yield "extensions", "jaeger_query", "storage", query
    for exporter in mapping(collector.at("exporters")):
        if isinstance(exporter, str) and kind_of(exporter) == "jaeger_storage_exporter":
            yield "exporters", exporter, "trace_storage"
