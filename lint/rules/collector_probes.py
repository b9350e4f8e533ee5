"""Probes of a collector: what the kubelet asks, and what answers there."""

import re
from collections.abc import Iterator

from lint.facts import Facts
from lint.findings import Fault, Severity, error
from lint.lifecycle import lifecycle
from lint.objects import Manifests, Path, mapping, sequence, text
from lint.rule import rule
from lint.templates import is_unknown
from lint.views.collectors import Collector, collectors, kind_of
from lint.views.hosts import LOCALHOST
from lint.views.probes import Probe, probes
from lint.views.workloads import is_of

_NAMES = ("opentelemetry-collector", "otel")
_CONTAINERS: Path = ("spec", "template", "spec", "containers")
_OF_HEALTH = frozenset({"health_check", "healthcheckv2"})
_HEALTH, _METRICS = 13133, 8888
# Where what is configured listens by itself.
_DEFAULTS = {"otlp": {4317, 4318}, "jaeger": {14250, 14268}, "zipkin": {9411}, "pprof": {1777}, "zpages": {55679}}
_PORT = re.compile(r":(\d{2,5})\b")
_LISTENS_ON_LOCALHOST = lifecycle().first_release("receivers listen on localhost")


@rule(
    code="N25",
    title="A probe asks a collector where nothing answers",
    levels=(Severity.ERROR,),
    why=(
        "The health check of a collector answers at 13133 if the extension `health_check` is configured and in "
        "`service.extensions`; since 0.104 it listens on localhost unless it is told otherwise, where the kubelet does "
        "not reach it. Port 8888 has `/metrics` and nothing else. A collector whose probe fails is restarted again and "
        "again, or gets no spans."
    ),
    remedy=(
        'Configure `extensions: {health_check: {endpoint: "0.0.0.0:13133"}}`, add `health_check` to '
        "`service.extensions`, and ask `/` at 13133."
    ),
    example="""
        apiVersion: v1
        kind: ConfigMap
        metadata: {name: otel, namespace: istio-system}
        data:
          relay.yaml: |
            receivers: {otlp: {protocols: {grpc: {endpoint: "0.0.0.0:4317"}}}}
            exporters: {otlp: {endpoint: "tempo.example.com:4317"}}
            service: {pipelines: {traces: {receivers: [otlp], exporters: [otlp]}}}
        ---
        apiVersion: apps/v1
        kind: Deployment
        metadata: {name: otel, namespace: istio-system}
        spec:
          template:
            spec:
              containers:
                - name: otel
                  image: otel/opentelemetry-collector-contrib:0.158.0
                  livenessProbe: {httpGet: {path: /, port: 13133}}
              volumes: [{name: config, configMap: {name: otel}}]
    """,
    source=(
        "opentelemetry-collector-contrib: extension/healthcheckextension/factory.go and healthcheckextension.go; "
        "opentelemetry-collector: service/telemetry"
    ),
)
def probe_that_nothing_answers(manifests: Manifests, facts: Facts) -> Iterator[Fault]:
    for collector in collectors(manifests, facts):
        workload = collector.workload
        if workload is None or not collector.is_whole:
            continue
        for index, container in enumerate(workload.containers):
            for probe in probes(workload.owner, (*_CONTAINERS, index)) if is_of(container, *_NAMES) else ():
                found = _unanswered(collector, probe)
                if found:
                    why, remedy = found
                    yield error(probe.where, f"{why}, so the collector {probe.consequence}", remedy)


def _unanswered(collector: Collector, probe: Probe) -> tuple[str, str] | None:
    """Why nothing answers the probe, and what to do; None if something does, or may."""
    if probe.port == _METRICS and probe.path is not None and _metrics_are_there(collector):
        answered = probe.path == "/metrics"
        return None if answered else (f"port {_METRICS} has no path {probe.path}", "ask health_check at 13133 instead")
    for name in _running(collector):
        host, port = _endpoint(collector, name)
        if port != probe.port:
            continue
        if host in LOCALHOST and not collector.on_host_network:
            remedy = f"set extensions.{name}.endpoint to 0.0.0.0:{port}"
            return f"{name} listens on localhost, where the kubelet does not ask", remedy
        path = text(collector.at("extensions", name, "path")) or "/"
        # A path that ends with a slash is answered with all that is below it.
        is_answered = probe.path in {None, path} or (path.endswith("/") and text(probe.path).startswith(path))
        return None if is_answered or is_unknown(path) else (f"{name} answers {path} only", f"ask {path}")
    if probe.port in _ports(collector):
        return None
    return f"nothing listens on port {probe.port}", "configure health_check, and add it to service.extensions"


def _metrics_are_there(collector: Collector) -> bool:
    """Whether its own metrics are at their port, and nothing else is."""
    telemetry = mapping(collector.at("service", "telemetry", "metrics"))
    return "readers" not in telemetry and not any(
        str(_METRICS) in found
        for path, found in collector.strings
        if path[0] in {"receivers", "exporters", "extensions"} and path[-1] == "endpoint"
    )


def _running(collector: Collector) -> Iterator[str]:
    """The health checks that are configured and switched on."""
    extensions = mapping(collector.at("extensions"))
    for name in sequence(collector.at("service", "extensions")):
        if kind_of(text(name)) in _OF_HEALTH and name in extensions:
            yield text(name)


def _endpoint(collector: Collector, name: str) -> tuple[str, int]:
    written = text(collector.at("extensions", name, "endpoint")) or text(
        collector.at("extensions", name, "http", "endpoint")
    )
    if not written:
        is_local = collector.release is not None and collector.release >= _LISTENS_ON_LOCALHOST
        return "localhost" if is_local else "", _HEALTH
    host, _, port = written.rpartition(":")
    return host, int(port) if port.isdecimal() else _HEALTH


def _ports(collector: Collector) -> set[int]:
    """Every port that its configuration mentions, or that something listens on by itself."""
    extensions = sequence(collector.at("service", "extensions"))
    found = {_METRICS}
    for path, written in collector.strings:
        # An extension runs only if it is listed.
        if path[:1] != ("extensions",) or path[1] in extensions:
            found |= {int(port) for port in _PORT.findall(written)}
    for section in ("receivers", "exporters", "extensions"):
        for name in mapping(collector.at(section)):
            found |= _DEFAULTS.get(kind_of(str(name)), set())
    return found
