"""Inside a collector: the components that are configured, and the pipelines that use them."""

from collections.abc import Iterator, Sequence

from lint.facts import Facts
from lint.findings import Fault, Severity, error, warning
from lint.nearest import nearest
from lint.objects import Manifests, Path, mapping, sequence, text
from lint.rule import rule
from lint.templates import is_unknown
from lint.views.collectors import ROLES, Collector, collectors, kind_of
from lint.views.durations import seconds


@rule(
    code="N25",
    title="A collector uses a component that is not configured",
    levels=(Severity.ERROR,),
    why=(
        "Each name in a pipeline, and each in `service.extensions`, has to be a key of the section of its kind, such "
        "as `processors`. A collector with any other name does not start. The API server does not look at the names."
    ),
    remedy="Configure the component, if only as `batch: {}`, or take its name out.",
    example="""
        apiVersion: opentelemetry.io/v1beta1
        kind: OpenTelemetryCollector
        metadata: {name: otel, namespace: istio-system}
        spec:
          config:
            receivers: {otlp: {protocols: {grpc: {}}}}
            exporters: {otlp: {endpoint: "tempo.example.com:4317"}}
            service:
              pipelines: {traces: {receivers: [otlp], processors: [batch], exporters: [otlp]}}
    """,
    source="opentelemetry-collector: otelcol/config.go",
)
def component_that_is_not_configured(manifests: Manifests, facts: Facts) -> Iterator[Fault]:
    for collector in _whole(manifests, facts):
        for place, section, name in _uses(collector):
            known = _configured(collector, section)
            if known is None or name in known or _is_variable(name):
                continue
            near = nearest(name, known)
            yield error(
                collector.where(*place),
                f"the collector does not start: {name!r} is not configured below `{section}`",
                f"write {near!r}, or configure it" if near else "configure it there, or take it out of here",
            )


@rule(
    code="N25",
    title="A pipeline has no receivers or no exporters",
    levels=(Severity.ERROR,),
    why="A collector does not start if one of its pipelines lacks a receiver or an exporter.",
    remedy="Name at least one of both, or remove the pipeline.",
    example="""
        apiVersion: opentelemetry.io/v1beta1
        kind: OpenTelemetryCollector
        metadata: {name: otel, namespace: istio-system}
        spec:
          config:
            receivers: {otlp: {protocols: {grpc: {}}}}
            exporters: {otlp: {endpoint: "tempo.example.com:4317"}}
            service:
              pipelines: {traces: {receivers: [otlp], exporters: []}}
    """,
    source="opentelemetry-collector: service/pipelines/config.go",
)
def pipeline_with_an_open_end(manifests: Manifests, facts: Facts) -> Iterator[Fault]:
    whole = {id(collector) for collector in _whole(manifests, facts)}
    for collector in collectors(manifests, facts):
        for pipeline in collector.pipelines():
            for role in ("receivers", "exporters"):
                written = collector.at("service", "pipelines", pipeline.name, role)
                # An empty list is meant, also where more of the configuration is elsewhere.
                is_known = id(collector) in whole or (written == [] and collector.written is None)
                if is_known and not pipeline.components(role) and not text(written):
                    yield error(
                        collector.where("service", "pipelines", pipeline.name, role),
                        f"the collector does not start: the pipeline {pipeline.name!r} has no {role}",
                        "name at least one, or remove the pipeline",
                    )


@rule(
    code="N25",
    title="A connector is used on one side only",
    levels=(Severity.ERROR,),
    why=(
        "A connector joins pipelines: it is an exporter of one and a receiver of another. A collector in which it is "
        "only one of both does not start."
    ),
    remedy="Add the connector to the other side, or take it out.",
    example="""
        apiVersion: opentelemetry.io/v1beta1
        kind: OpenTelemetryCollector
        metadata: {name: otel, namespace: istio-system}
        spec:
          config:
            receivers: {otlp: {protocols: {grpc: {}}}}
            connectors: {spanmetrics: {}}
            exporters: {otlp: {endpoint: "tempo.example.com:4317"}}
            service:
              pipelines: {traces: {receivers: [otlp], exporters: [otlp, spanmetrics]}}
    """,
    source="opentelemetry-collector: service/internal/graph/graph.go",
)
def connector_with_one_side(manifests: Manifests, facts: Facts) -> Iterator[Fault]:
    for collector in _whole(manifests, facts):
        connectors = _configured(collector, "connectors") or ()
        sides = {
            role: {name for pipeline in collector.pipelines() for name in pipeline.components(role)}
            for role in ("receivers", "exporters")
        }
        for role, other in (("exporters", "receivers"), ("receivers", "exporters")):
            for place, _, name in _uses(collector):
                if place[-2] == role and name in connectors and name not in sides[other]:
                    yield error(
                        collector.where(*place),
                        f"the collector does not start: the connector {name!r} is in no pipeline's {other}",
                        f"add it to the {other} of a pipeline, or take it out of here",
                    )


@rule(
    code="N25",
    title="An exporter's authenticator is not among the collector's extensions",
    levels=(Severity.ERROR,),
    why=(
        "An extension runs only if it is configured and in the list `service.extensions`. The collector does not start"
        " if an exporter in use has an authenticator that does not run."
    ),
    remedy="Configure the extension, and add its name to `service.extensions`.",
    example="""
        apiVersion: opentelemetry.io/v1beta1
        kind: OpenTelemetryCollector
        metadata: {name: otel, namespace: istio-system}
        spec:
          config:
            receivers: {otlp: {protocols: {grpc: {}}}}
            extensions: {bearertokenauth: {filename: /var/run/secrets/kubernetes.io/serviceaccount/token}}
            exporters: {otlp: {endpoint: "store.example.com:443", auth: {authenticator: bearertokenauth}}}
            service:
              pipelines: {traces: {receivers: [otlp], exporters: [otlp]}}
    """,
    source="opentelemetry-collector: config/configauth/configauth.go",
)
def authenticator_that_does_not_run(manifests: Manifests, facts: Facts) -> Iterator[Fault]:
    for collector in _whole(manifests, facts):
        running = collector.at("service", "extensions")
        used = {name for pipeline in collector.pipelines() for name in pipeline.exporters}
        for name in sorted(used):
            path: Path = ("exporters", name, "auth", "authenticator")
            authenticator = text(collector.at(*path))
            if not authenticator or _is_variable(authenticator) or isinstance(running, str):
                continue
            if authenticator not in sequence(running):
                yield error(
                    collector.where(*path),
                    f"the collector does not start: {authenticator!r} is not in service.extensions",
                    "configure it below `extensions`, and add it to service.extensions",
                )


@rule(
    code="N25",
    title="A receiver of spans is in no pipeline",
    levels=(Severity.WARNING,),
    why="A collector starts only those receivers that a pipeline names, so nothing listens on the port of this one.",
    remedy="Add the receiver to the pipeline of traces, or remove it.",
    example="""
        apiVersion: opentelemetry.io/v1beta1
        kind: OpenTelemetryCollector
        metadata: {name: otel, namespace: istio-system}
        spec:
          config:
            receivers:
              otlp: {protocols: {grpc: {}}}
              otlp/mesh: {protocols: {grpc: {endpoint: "0.0.0.0:14317"}}}
            exporters: {otlp: {endpoint: "tempo.example.com:4317"}}
            service:
              pipelines: {traces: {receivers: [otlp], exporters: [otlp]}}
    """,
    source="opentelemetry-collector: service/internal/graph/graph.go",
)
def receiver_without_pipeline(manifests: Manifests, facts: Facts) -> Iterator[Fault]:
    kinds = {"otlp", "jaeger", "zipkin"}
    yield from _unused(manifests, facts, "receivers", kinds, "nothing listens on its port")


@rule(
    code="N25",
    title="A processor that samples is in no pipeline",
    levels=(Severity.WARNING,),
    why="A collector runs only those processors that a pipeline names: this one leaves out no span.",
    remedy="Add the processor to the pipeline of traces, or remove it.",
    example="""
        apiVersion: opentelemetry.io/v1beta1
        kind: OpenTelemetryCollector
        metadata: {name: otel, namespace: istio-system}
        spec:
          config:
            receivers: {otlp: {protocols: {grpc: {}}}}
            processors: {probabilistic_sampler: {sampling_percentage: 10}}
            exporters: {otlp: {endpoint: "tempo.example.com:4317"}}
            service:
              pipelines: {traces: {receivers: [otlp], exporters: [otlp]}}
    """,
    source="opentelemetry-collector: service/internal/graph/graph.go",
)
def processor_without_pipeline(manifests: Manifests, facts: Facts) -> Iterator[Fault]:
    kinds = {"tail_sampling", "probabilistic_sampler"}
    yield from _unused(manifests, facts, "processors", kinds, "it has no effect")


@rule(
    code="N25",
    title="A memory limiter lacks an interval or a limit",
    levels=(Severity.ERROR,),
    why=(
        "The processor `memory_limiter` has no defaults: without `check_interval` and a limit, the collector does not "
        "start."
    ),
    remedy="Set `check_interval: 1s`, and `limit_percentage` or `limit_mib`.",
    example="""
        apiVersion: opentelemetry.io/v1beta1
        kind: OpenTelemetryCollector
        metadata: {name: otel, namespace: istio-system}
        spec:
          config:
            receivers: {otlp: {protocols: {grpc: {}}}}
            processors: {memory_limiter: {limit_mib: 400}}
            exporters: {otlp: {endpoint: "tempo.example.com:4317"}}
            service:
              pipelines: {traces: {receivers: [otlp], processors: [memory_limiter], exporters: [otlp]}}
    """,
    source="opentelemetry-collector: internal/memorylimiter/config.go",
)
def memory_limiter_without_values(manifests: Manifests, facts: Facts) -> Iterator[Fault]:
    for collector in _whole(manifests, facts):
        used = {name for pipeline in collector.pipelines() for name in pipeline.processors}
        for name in sorted(one for one in used if kind_of(one) == "memory_limiter"):
            settings = collector.at("processors", name)
            if name not in (_configured(collector, "processors") or ()) or isinstance(settings, str):
                continue
            given = mapping(settings)
            for key, other in (("check_interval", ""), ("limit_percentage", "limit_mib")):
                if _is_nothing(given.get(key)) and _is_nothing(given.get(other)):
                    yield error(
                        collector.where("processors", name, key),
                        "the collector does not start without it",
                        "set it to 1s" if key == "check_interval" else "set it to 75, or set limit_mib",
                    )


def _is_nothing(value: object) -> bool:
    """Whether a limit or an interval is missing, or zero."""
    return not value or seconds(value) == 0


def _whole(manifests: Manifests, facts: Facts) -> Iterator[Collector]:
    return (collector for collector in collectors(manifests, facts) if collector.is_whole)


def _uses(collector: Collector) -> Iterator[tuple[Path, str, str]]:
    """Yield the place, the section and the name of each component in use."""
    for pipeline in collector.pipelines():
        for role in ROLES:
            for index, name in enumerate(pipeline.components(role)):
                yield ("service", "pipelines", pipeline.name, role, index), role, name
    for index, name in enumerate(sequence(collector.at("service", "extensions"))):
        yield ("service", "extensions", index), "extensions", text(name)


def _configured(collector: Collector, section: str) -> Sequence[str] | None:
    """Return the names of a section; None if it is not a map, but for instance a variable."""
    found = collector.at(section)
    if found is not None and not mapping(found) and found != {}:
        return None
    names = [str(name) for name in mapping(found)]
    if section in {"receivers", "exporters"}:
        names += [str(name) for name in mapping(collector.at("connectors"))]
    return names


def _unused(manifests: Manifests, facts: Facts, section: str, kinds: set[str], consequence: str) -> Iterator[Fault]:
    for collector in _whole(manifests, facts):
        used = {name for pipeline in collector.pipelines() for name in pipeline.components(section)}
        for name in mapping(collector.at(section)):
            if (
                isinstance(name, str)
                and kind_of(name) in kinds
                and name not in used
                and _is_own(collector, section, name)
            ):
                yield warning(
                    collector.where(section, name),
                    f"no pipeline names it, so {consequence}",
                    "add it to a pipeline, or remove it",
                )


def _is_own(collector: Collector, section: str, name: str) -> bool:
    """Whether its owner has it, and not the chart that it is installed with."""
    return collector.written is None or name in mapping(collector.written.get(section))


def _is_variable(name: str) -> bool:
    return not name or is_unknown(name)
