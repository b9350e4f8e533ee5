"""A collector that sends spans to itself."""

from collections.abc import Iterator

from lint.facts import Facts
from lint.findings import Fault, Severity, error
from lint.objects import Manifests, mapping, number, text
from lint.rule import rule
from lint.views.collectors import kind_of
from lint.views.exports import Export, exports
from lint.views.services import OTLP_PORTS


@rule(
    code="N25",
    title="A collector sends spans to itself",
    levels=(Severity.ERROR,),
    why=(
        "An exporter whose endpoint is the collector's own Service hands each span back to the receiver that it came "
        "from, in the same pipeline: the spans go round until a queue is full, and are kept nowhere."
    ),
    remedy="Set `endpoint` to where traces are kept, such as Tempo's Service.",
    example="""
        apiVersion: opentelemetry.io/v1beta1
        kind: OpenTelemetryCollector
        metadata: {name: otel, namespace: istio-system}
        spec:
          config:
            receivers: {otlp: {protocols: {grpc: {}}}}
            exporters: {otlp: {endpoint: "otel-collector.istio-system.svc:4317", tls: {insecure: true}}}
            service:
              pipelines: {traces: {receivers: [otlp], exporters: [otlp]}}
    """,
    source="opentelemetry-collector: exporter/otlpexporter and receiver/otlpreceiver",
)
def export_to_itself(manifests: Manifests, facts: Facts) -> Iterator[Fault]:
    for export in exports(manifests, facts):
        if export.target in export.collector.services and export.port in _ports_of_its_pipelines(export):
            yield error(
                export.where(export.endpoint_key),
                f"{export.endpoint} is this collector itself, so its spans go round and are kept nowhere",
                "write where traces are kept, such as Tempo's Service",
            )


def _ports_of_its_pipelines(export: Export) -> set[int | None]:
    """Where the receivers listen whose spans the exporter sends."""
    found: set[int | None] = set()
    for name in {name for name in _receivers(export) if kind_of(name) == "otlp"}:
        for protocol, settings in mapping(export.collector.at("receivers", name, "protocols")).items():
            endpoint = text(mapping(settings).get("endpoint"))
            found.add(number(endpoint.rpartition(":")[2]) if endpoint else OTLP_PORTS.get(str(protocol)))
    return found - {None}


def _receivers(export: Export) -> set[str]:
    """The receivers of its pipelines, and of those that lead there through connectors."""
    found: set[str] = set()
    ahead = {name for pipeline in export.pipelines for name in pipeline.receivers}
    while ahead:
        found |= ahead
        before = [one for one in export.collector.pipelines("traces") if ahead & {*one.exporters}]
        ahead = {name for pipeline in before for name in pipeline.receivers} - found
    return found
