"""Where the parts of a collector listen."""

from collections.abc import Iterator
from dataclasses import dataclass

from lint.facts import Facts
from lint.findings import Fault, Severity, error
from lint.objects import Manifests, Path, dotted, mapping, number, sequence, text
from lint.rule import rule
from lint.views.collectors import Collector, collectors, kind_of
from lint.views.hosts import LOCALHOST

# What listens over TCP at its endpoints, by section.
_LISTENING = {
    "receivers": frozenset({"otlp", "jaeger", "zipkin", "opencensus", "skywalking"}),
    "exporters": frozenset({"prometheus"}),
    "extensions": frozenset({"health_check", "healthcheckv2", "pprof", "zpages"}),
}
_OVER_UDP = frozenset({"thrift_binary", "thrift_compact"})
_OWN: Path = ("service", "telemetry", "metrics")
_OWN_PORT = 8888
_EVERYWHERE = frozenset({"", "0.0.0.0", "[::]"})  # noqa: S104  it is read, not listened at


@dataclass(frozen=True)
class _Listener:
    path: Path
    host: str
    port: int

    def is_in_the_way_of(self, other: "_Listener") -> bool:
        hosts = {self.host, other.host}
        is_same = len(hosts) == 1 or hosts <= LOCALHOST
        return self.port == other.port and (is_same or not _EVERYWHERE.isdisjoint(hosts))


@rule(
    code="N25",
    title="Two parts of a collector listen on the same port",
    levels=(Severity.ERROR,),
    why=(
        "Receivers, the exporter `prometheus` and extensions listen at their endpoints, and the collector itself "
        "serves its metrics at port 8888 unless it is told otherwise. The second one to listen on a port cannot, and "
        "the collector stops."
    ),
    remedy="Give each a port of its own, such as 8889 to the exporter `prometheus`.",
    example="""
        apiVersion: opentelemetry.io/v1beta1
        kind: OpenTelemetryCollector
        metadata: {name: otel, namespace: istio-system}
        spec:
          config:
            receivers: {otlp: {protocols: {grpc: {endpoint: "0.0.0.0:4317"}}}}
            exporters:
              otlp: {endpoint: "tempo.example.com:4317"}
              prometheus: {endpoint: "0.0.0.0:8888"}
            service:
              pipelines:
                traces: {receivers: [otlp], exporters: [otlp]}
                metrics: {receivers: [otlp], exporters: [prometheus]}
    """,
    source=(
        "opentelemetry-collector: service/telemetry/otelconftelemetry/config.go; "
        "opentelemetry-collector-contrib: exporter/prometheusexporter/prometheus.go"
    ),
)
def port_of_another_listener(manifests: Manifests, facts: Facts) -> Iterator[Fault]:
    for collector in collectors(manifests, facts):
        taken = list(_own_metrics(collector)) if collector.is_whole else []
        for listener in _listeners(collector):
            first = next((one for one in taken if one.is_in_the_way_of(listener)), None)
            if first is not None:
                yield error(
                    collector.where(*listener.path),
                    f"{dotted(first.path)} has port {listener.port} too, and the collector stops",
                    "give it a port of its own",
                )
            taken.append(listener)


def _own_metrics(collector: Collector) -> Iterator[_Listener]:
    """Where the collector serves its own metrics, unless other readers of them are configured."""
    settings = mapping(collector.at(*_OWN))
    if text(settings.get("level")) == "none" or "readers" in settings:
        return
    if "address" in settings:
        yield from _listener((*_OWN, "address"), text(settings["address"]))
    elif settings or collector.written is None:
        # The chart has it at the address of the pod.
        yield _Listener(_OWN, "localhost", _OWN_PORT)


def _listeners(collector: Collector) -> Iterator[_Listener]:
    """The listeners that run: in a pipeline, or in the list of extensions."""
    used: dict[str, set[str]] = {
        role: {name for pipeline in collector.pipelines() for name in pipeline.components(role)}
        for role in ("receivers", "exporters")
    }
    used["extensions"] = set(map(text, sequence(collector.at("service", "extensions"))))
    endpoints = [
        (path, written)
        for path, written in collector.strings
        if path[-1] == "endpoint" and path[0] in _LISTENING and _OVER_UDP.isdisjoint(path)
    ]
    for path, written in sorted(endpoints, key=str):
        section, name = str(path[0]), text(path[1])
        if name in used[section] and kind_of(name) in _LISTENING[section]:
            yield from _listener(path, written)


def _listener(path: Path, endpoint: str) -> Iterator[_Listener]:
    host, _, written = endpoint.rpartition(":")
    port = number(written)
    if port:
        yield _Listener(path, host, port)
