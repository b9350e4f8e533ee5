"""Where collectors export to by OTLP, as far as the port and the name of the host alone tell what is there."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from lint.facts import Facts
from lint.findings import Fault, Severity, warning
from lint.objects import Manifests, Place, mapping, text
from lint.rule import rule
from lint.templates import is_unknown
from lint.views.collectors import Collector, collectors, kind_of
from lint.views.exports import deliveries

_SPEAKS = {"otlp": "gRPC", "otlp_grpc": "gRPC", "otlphttp": "HTTP", "otlp_http": "HTTP"}
_TAKES = {4317: "gRPC", 4318: "HTTP"}
# Ports for something else than OTLP, whoever has them (jaeger: ports/ports.go; zipkin: README.md).
_OTHERS = {
    5778: "Jaeger's sampling",
    6831: "spans of Jaeger's agent",
    9411: "spans of Zipkin's",
    14250: "spans of Jaeger's own format",
    14268: "spans of Jaeger's own format",
    16685: "Jaeger's queries",
    16686: "Jaeger's pages",
}
# The ports of Tempo's API and of its own parts, which other products use too.
_OF_TEMPO = {3100: "Tempo's API", 3200: "Tempo's API", 9095: "Tempo's own parts"}
# By the beginning of a Service's name: below which path the product takes OTLP over HTTP, to which the exporter adds
# `/v1/logs` or `/v1/metrics` (loki: pkg/loki/modules.go; prometheus: web/api/v1/api.go; mimir: pkg/api/api.go).
_PATHS = {"loki": "/otlp", "prometheus": "/api/v1/otlp", "mimir": "/otlp"}
_SIGNALS = {"loki": "logs", "prometheus": "metrics", "mimir": "metrics"}


@dataclass(frozen=True)
class _Export:
    """An exporter of OTLP that a pipeline names, with where it sends to."""

    collector: Collector
    name: str
    speaks: str
    host: str
    port: int | None
    path: str
    signals: frozenset[str]

    @property
    def where(self) -> Place:
        return self.collector.where("exporters", self.name, "endpoint")

    @property
    def service(self) -> str:
        """The first part of the host, which is the Service's name in a cluster."""
        return self.host.partition(".")[0]


@rule(
    code="N24",
    title="A collector sends to the port of another protocol",
    levels=(Severity.WARNING,),
    why=(
        "The exporter `otlp` speaks gRPC, which is taken at port 4317; `otlphttp` speaks HTTP, which is taken at 4318. "
        "Neither understands the other, and ports such as 14250 of Jaeger, 9411 of Zipkin or 3200 of Tempo take no "
        "OTLP at all. It is a warning, since a Service may have any port."
    ),
    remedy="Use 4317 with `otlp` and 4318 with `otlphttp`.",
    example="""
        apiVersion: opentelemetry.io/v1beta1
        kind: OpenTelemetryCollector
        metadata: {name: otel, namespace: istio-system}
        spec:
          config:
            receivers: {otlp: {protocols: {grpc: {}}}}
            exporters: {otlp: {endpoint: "traces.example.com:4318"}}
            service:
              pipelines: {traces: {receivers: [otlp], exporters: [otlp]}}
    """,
    source=(
        "opentelemetry-collector: receiver/otlpreceiver/factory.go; "
        "opentelemetry-collector: exporter/otlpexporter/README.md"
    ),
)
def port_of_another_protocol(manifests: Manifests, facts: Facts) -> Iterator[Fault]:
    # Where the Tempo is among the objects, other rules know more.
    known = {(id(one.export.collector.owner), one.export.name) for one in deliveries(manifests, facts)}
    for export in _exports(manifests, facts):
        if (id(export.collector.owner), export.name) in known or export.port is None:
            continue
        others = {**_OTHERS, **_OF_TEMPO} if export.service.startswith("tempo") else _OTHERS
        takes = _TAKES.get(export.port)
        wanted = next(port for port, protocol in _TAKES.items() if protocol == export.speaks)
        if takes is not None and takes != export.speaks:
            why = f"the exporter speaks {export.speaks}, and {export.port} is the port of OTLP over {takes}"
            yield warning(export.where, why, f"use port {wanted}, or the exporter for {takes}")
        elif export.port in others:
            yield warning(export.where, f"port {export.port} is for {others[export.port]}", f"use port {wanted}")


@rule(
    code="N24",
    title="A collector sends to a path at which the product takes no OTLP",
    levels=(Severity.WARNING,),
    why=(
        "`otlphttp` adds `/v1/logs` or `/v1/metrics` to its endpoint. Loki and Mimir take OTLP below `/otlp`, "
        "Prometheus below `/api/v1/otlp`; at another path they answer with 404. What a Service is is taken from its "
        "name."
    ),
    remedy="End the endpoint with the path of the product, as `http://loki:3100/otlp`.",
    example="""
        apiVersion: opentelemetry.io/v1beta1
        kind: OpenTelemetryCollector
        metadata: {name: otel, namespace: istio-system}
        spec:
          config:
            receivers: {otlp: {protocols: {grpc: {}}}}
            exporters: {otlphttp: {endpoint: "http://loki.logging.svc:3100"}}
            service:
              pipelines: {logs: {receivers: [otlp], exporters: [otlphttp]}}
    """,
    source=(
        "loki: docs/sources/send-data/otel/_index.md; mimir: pkg/api/api.go; prometheus: web/api/v1/api.go, Register; "
        "opentelemetry-collector: exporter/otlphttpexporter/README.md"
    ),
)
def path_that_takes_no_otlp(manifests: Manifests, facts: Facts) -> Iterator[Fault]:
    for export in _exports(manifests, facts):
        product = next((one for one in _PATHS if export.service.startswith(one)), None)
        if product is None or export.speaks != "HTTP" or export.port in _TAKES:
            continue
        if export.signals == {_SIGNALS[product]} and "otlp" not in export.path:
            yield warning(
                export.where,
                f"{product.capitalize()} takes OTLP below {_PATHS[product]}, and answers {export.path or '/'} with 404",
                f"end it with {_PATHS[product]}",
            )


def _exports(manifests: Manifests, facts: Facts) -> Iterator[_Export]:
    for collector in collectors(manifests, facts):
        for name, settings in mapping(collector.at("exporters")).items():
            speaks = _SPEAKS.get(kind_of(text(name)))
            signals = frozenset(one.signal for one in collector.pipelines() if name in one.exporters)
            found = _address(mapping(settings))
            if speaks and signals and found:
                yield _Export(collector, text(name), speaks, *found, signals)


def _address(settings: Mapping[str, object]) -> tuple[str, int | None, str] | None:
    """Return the host, the port and the path; None if they are not known."""
    endpoint = text(settings.get("endpoint"))
    if not endpoint or is_unknown(endpoint) or any(str(key).endswith("s_endpoint") for key in settings):
        return None
    try:
        parts = urlsplit(endpoint if "://" in endpoint else f"//{endpoint}")
        return parts.hostname or "", parts.port, parts.path.rstrip("/")
    except ValueError:
        return None
