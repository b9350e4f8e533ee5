"""Components of a collector that do not fit their pipeline, or have settings that they do not know."""

import difflib
from collections.abc import Iterator

from lint.facts import Facts
from lint.findings import Fault, Severity, error, warning
from lint.objects import Manifests, mapping
from lint.rule import rule
from lint.templates import is_unknown
from lint.views.collector_components import ENDPOINTS, SETTINGS, SIGNALS
from lint.views.collectors import ROLES, Collector, collectors, kind_of
from lint.views.versions import Minor

# The settings of older collectors are not recorded.
_FIRST_RECORDED: Minor = (0, 100)


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
            exporters: {debug: {}}
            service:
              pipelines: {traces: {receivers: [otlp, kubeletstats], exporters: [debug]}}
    """,
    source=(
        "opentelemetry-collector: pipeline/signal.go, ErrSignalNotSupported; "
        "opentelemetry-collector-contrib: the metadata.yaml of each component"
    ),
)
def component_for_other_signals(manifests: Manifests, facts: Facts) -> Iterator[Fault]:
    for collector in collectors(manifests, facts):
        connectors = mapping(collector.at("connectors"))
        for pipeline in collector.pipelines():
            for role in ROLES:
                for index, name in enumerate(pipeline.components(role)):
                    signals = SIGNALS[role].get(kind_of(name))
                    if signals is None or name in connectors or pipeline.signal in signals:
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
            settings, wanted = exporters[name], ENDPOINTS.get(kind_of(name))
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
        "`insecure` of `otlp`, which belongs below `tls`. It is looked at for the components `batch`, "
        "`memory_limiter`, `debug`, `otlp` and `otlphttp`. It is a warning if the collector's release is not known."
    ),
    remedy="Write the setting as the component's documentation has it.",
    example="""
        apiVersion: opentelemetry.io/v1beta1
        kind: OpenTelemetryCollector
        metadata: {name: otel, namespace: istio-system}
        spec:
          config:
            receivers: {otlp: {protocols: {grpc: {}}}}
            exporters: {debug: {loglevel: debug}}
            service:
              pipelines: {traces: {receivers: [otlp], exporters: [debug]}}
    """,
    source="opentelemetry-collector: config.go of each component; config/configgrpc; config/confighttp",
)
def setting_that_a_component_does_not_know(manifests: Manifests, facts: Facts) -> Iterator[Fault]:
    for collector in collectors(manifests, facts):
        if collector.release is not None and collector.release < _FIRST_RECORDED:
            continue
        severity = error if collector.is_from(_FIRST_RECORDED) else warning
        for role, kinds in SETTINGS.items():
            for name in mapping(collector.at(role)):
                known = kinds.get(kind_of(str(name)), frozenset())
                for key in _unknown(collector, role, name, known):
                    yield severity(
                        collector.where(role, name, key),
                        f"{kind_of(name)!r} has no such setting, and the collector does not start",
                        _remedy(key, known),
                    )


def _unknown(collector: Collector, role: str, name: object, known: frozenset[str]) -> Iterator[str]:
    if known and isinstance(name, str):
        for key in mapping(collector.at(role, name)):
            if isinstance(key, str) and key not in known and not is_unknown(key):
                yield key


def _remedy(key: str, known: frozenset[str]) -> str:
    if "tls" in known and key in {"insecure", "insecure_skip_verify", "ca_file", "cert_file", "key_file"}:
        return "move it below tls"
    near = difflib.get_close_matches(key, sorted(known), 1)
    return f"write {near[0]}" if near else "leave it out"
