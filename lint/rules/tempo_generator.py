"""Tempo's metrics generator, which makes the service graph: what it needs to run, and what makes it drop spans."""

import posixpath
import re
from collections.abc import Iterator

from lint.facts import Facts
from lint.findings import Fault, Severity, error, warning
from lint.nearest import nearest
from lint.objects import Manifests, Path, mapping, sequence, text
from lint.rule import rule
from lint.views.mesh import is_plain
from lint.views.tempos import Tempo, tempos
from lint.views.versions import Minor

_VOLUME = "/var/tempo"
_STORAGE_PATH: Path = ("metrics_generator", "storage", "path")
_NEW_PROCESSORS: Path = ("overrides", "defaults", "metrics_generator", "processors")
_OLD_PROCESSORS: Path = ("overrides", "metrics_generator_processors")
_REMOTE_WRITE: Path = ("metrics_generator", "storage", "remote_write")
_TRACES_PATH: Path = ("metrics_generator", "traces_storage", "path")
_LOCAL_BLOCKS = "local-blocks"
_WITHOUT_LOCAL_BLOCKS: Minor = (3, 0)
# The processors, and parts of them, that make metrics for a Prometheus.
_FOR_PROMETHEUS = ("service-graphs", "span-metrics", "host-info")
_GRAPH_PROCESSORS = {"service_graphs": "service-graphs", "span_metrics": "span-metrics"}

# tempo: modules/generator/validation/fields.go, SupportedProcessors, and local-blocks of releases before 3.
_PROCESSORS = (
    "service-graphs",
    "service-graphs-connection-info",
    "service-graphs-latency",
    "service-graphs-request",
    "span-metrics",
    "span-metrics-count",
    "span-metrics-latency",
    "span-metrics-size",
    "local-blocks",
    "host-info",
)

_SLACK: Path = ("metrics_generator", "metrics_ingestion_time_range_slack")
# Zero in the overrides leaves the decision to the first one (tempo: modules/generator/instance.go).
_SLACK_OF_OVERRIDES: tuple[Path, ...] = (
    ("overrides", "defaults", "metrics_generator", "ingestion_time_range_slack"),
    ("overrides", "metrics_generator_ingestion_time_range_slack"),
)
# A sidecar keeps its spans for up to five seconds, if they are few (envoy: tracing.opentelemetry.flush_interval_ms).
_LATEST_SPAN = 5.0
_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_PART = re.compile(r"(\d{1,12}(?:\.\d{0,9})?|\.\d{1,9})(ns|us|µs|ms|s|m|h)")


@rule(
    code="N5",
    title="The metrics generator has no path for its data",
    levels=(Severity.ERROR,),
    why=(
        "Without a path, Tempo writes one line to its log, switches the metrics generator off and starts all the "
        "same. There is then no service graph."
    ),
    remedy=(
        "Set `metrics_generator.storage.path` to a folder in a volume, with an operator to `/var/tempo/generator/wal`."
    ),
    example="""
        apiVersion: tempo.grafana.com/v1alpha1
        kind: TempoMonolithic
        metadata: {name: tempo, namespace: tracing-system}
        spec:
          extraConfig:
            tempo:
              overrides:
                defaults: {metrics_generator: {processors: [service-graphs]}}
    """,
    source="tempo: modules/generator/generator.go; tempo: cmd/tempo/app/modules.go",
)
def generator_without_path(manifests: Manifests, facts: Facts) -> Iterator[Fault]:
    for tempo in _with_a_generator_of_its_own(manifests, facts):
        if _generates(tempo) and not tempo.at(*_STORAGE_PATH):
            yield error(
                tempo.where(*_STORAGE_PATH),
                "without a path Tempo switches the metrics generator off and starts all the same: no service graph",
                f"set it to {_VOLUME}/generator/wal"
                if tempo.written_by == "operator"
                else "set it to a folder of its own in Tempo's volume",
            )


@rule(
    code="N5",
    title="The metrics generator's path is outside Tempo's volume",
    levels=(Severity.ERROR,),
    why=(
        "In the container that the operator makes, only `/var/tempo` can be written to: the rest of its file system "
        "is read-only."
    ),
    remedy="Set `metrics_generator.storage.path` to `/var/tempo/generator/wal`.",
    example="""
        apiVersion: tempo.grafana.com/v1alpha1
        kind: TempoMonolithic
        metadata: {name: tempo, namespace: tracing-system}
        spec:
          extraConfig:
            tempo:
              metrics_generator:
                storage: {path: /data/generator/wal}
    """,
    source=(
        "tempo-operator: internal/manifests/manifestutils/securitycontext.go; "
        "tempo-operator: internal/manifests/monolithic/statefulset.go"
    ),
)
def generator_outside_its_volume(manifests: Manifests, facts: Facts) -> Iterator[Fault]:
    for tempo in _with_a_generator_of_its_own(manifests, facts):
        path = text(tempo.at(*_STORAGE_PATH))
        is_inside = f"{posixpath.normpath(path)}/".startswith(f"{_VOLUME}/")
        if tempo.written_by == "operator" and path and not is_inside:
            yield error(
                tempo.where(*_STORAGE_PATH),
                f"only {_VOLUME} can be written to in the container that the operator makes",
                f"set it to {_VOLUME}/generator/wal",
            )


@rule(
    code="N5",
    title="A metrics generator's processor is configured and not switched on",
    levels=(Severity.ERROR,),
    why=(
        "Configuring a processor, or a Prometheus to write to, does not start a processor. It runs only for tenants "
        "whose overrides name it, and otherwise makes no metrics."
    ),
    remedy="Add the processor to `overrides.defaults.metrics_generator.processors`.",
    example="""
        apiVersion: tempo.grafana.com/v1alpha1
        kind: TempoMonolithic
        metadata: {name: tempo, namespace: tracing-system}
        spec:
          extraConfig:
            tempo:
              metrics_generator:
                storage: {path: /var/tempo/generator/wal}
                processor: {service_graphs: {}}
    """,
    source="tempo: modules/generator/instance.go",
)
def processors_not_switched_on(manifests: Manifests, facts: Facts) -> Iterator[Fault]:
    for tempo in _with_a_generator_of_its_own(manifests, facts):
        if _has_other_overrides(tempo):
            continue
        switched_on = _switched_on(tempo)
        if not switched_on and sequence(tempo.at(*_REMOTE_WRITE)) and not tempo.at("metrics_generator", "processor"):
            yield error(
                tempo.where(*_NEW_PROCESSORS),
                "no processor is switched on, so nothing is written to Prometheus",
                "set it to [service-graphs, span-metrics]",
            )
        for key, name in _GRAPH_PROCESSORS.items():
            configured = key in mapping(tempo.at("metrics_generator", "processor"))
            # span-metrics can also be switched on in parts, such as span-metrics-latency.
            if configured and not any(on.startswith(name) for on in switched_on):
                yield error(
                    tempo.where(*_NEW_PROCESSORS),
                    f"the processor {name} is configured and not switched on, so it makes no metrics",
                    f"add {name} to the list",
                )


@rule(
    code="N5",
    title="A metrics generator is configured, and nothing comes out of it",
    levels=(Severity.WARNING,),
    why=(
        "A path in `metrics_generator` alone makes no metrics: it needs processors in the overrides and a Prometheus "
        "to write to. There is no service graph."
    ),
    remedy=(
        "Set `overrides.defaults.metrics_generator.processors` and `metrics_generator.storage.remote_write`, or leave "
        "the section out."
    ),
    example="""
        apiVersion: v1
        kind: ConfigMap
        metadata: {name: tempo, namespace: tracing-system}
        data:
          tempo.yaml: |
            distributor: {receivers: {otlp: {protocols: {grpc: {endpoint: "0.0.0.0:4317"}}}}}
            metrics_generator: {storage: {path: /var/tempo/generator/wal}}
            storage: {trace: {backend: local, local: {path: /var/tempo/blocks}}}
    """,
    source="tempo: modules/generator/instance.go",
)
def generator_without_result(manifests: Manifests, facts: Facts) -> Iterator[Fault]:
    for tempo in _with_a_generator_of_its_own(manifests, facts):
        # Without a path it is only a part of a ring, or left as it was in an example.
        is_meant = tempo.written_by == "nobody" and bool(tempo.at(*_STORAGE_PATH))
        if is_meant and not _generates(tempo) and not _has_other_overrides(tempo):
            yield warning(
                tempo.where("metrics_generator"),
                "no processor is switched on and nothing is written to Prometheus: there is no service graph",
                "add processors to the overrides and a remote_write, or leave the section out",
            )


@rule(
    code="N5",
    title="A metrics generator's processors run, and their metrics are written nowhere",
    levels=(Severity.ERROR,),
    why=(
        "The metrics generator keeps its metrics in its own log until they are written to a Prometheus, and nothing "
        "reads them from there. Without a `remote_write` the service graph is made and thrown away. No flag and no "
        "override of a tenant can name one."
    ),
    remedy="Set `metrics_generator.storage.remote_write` to a list with the `url` of a Prometheus that takes it.",
    example="""
        apiVersion: v1
        kind: ConfigMap
        metadata: {name: tempo, namespace: tracing-system}
        data:
          tempo.yaml: |
            distributor: {receivers: {otlp: {protocols: {grpc: {endpoint: "0.0.0.0:4317"}}}}}
            metrics_generator: {storage: {path: /var/tempo/generator/wal}}
            overrides: {defaults: {metrics_generator: {processors: [service-graphs]}}}
            storage: {trace: {backend: local, local: {path: /var/tempo/blocks}}}
    """,
    source="tempo: modules/generator/storage/instance.go, New, and modules/generator/storage/config.go",
)
def generator_that_writes_nowhere(manifests: Manifests, facts: Facts) -> Iterator[Fault]:
    for tempo in (*_with_a_generator_of_its_own(manifests, facts), *_written_in_values(manifests, facts)):
        for_prometheus = [name for name in _switched_on(tempo) if name.startswith(_FOR_PROMETHEUS)]
        # A misspelt name is of another rule.
        is_meant = any(nearest(text(key), ("remote_write",)) for key in mapping(tempo.at(*_STORAGE_PATH[:-1])))
        if for_prometheus and tempo.at(*_STORAGE_PATH) and not tempo.at(*_REMOTE_WRITE) and not is_meant:
            yield error(
                tempo.where(*_REMOTE_WRITE),
                f"the metrics of {' and '.join(for_prometheus)} are made and sent nowhere",
                'add [{url: "http://prometheus.monitoring.svc:9090/api/v1/write"}]',
            )


@rule(
    code="N5",
    title="The processor local-blocks has no folder",
    levels=(Severity.ERROR,),
    why=(
        "The processor `local-blocks` keeps spans in a log of its own. Without its path, the metrics generator fails "
        "to "
        "make the processors of a tenant: there is neither TraceQL metrics nor, for the others on its list, a service "
        "graph. Tempo 3 has no such processor."
    ),
    remedy="Set `metrics_generator.traces_storage.path` to a folder in Tempo's volume, or take `local-blocks` out.",
    example="""
        apiVersion: v1
        kind: ConfigMap
        metadata: {name: tempo, namespace: tracing-system}
        data:
          tempo.yaml: |
            distributor: {receivers: {otlp: {protocols: {grpc: {endpoint: "0.0.0.0:4317"}}}}}
            metrics_generator: {storage: {path: /var/tempo/generator/wal}}
            overrides: {defaults: {metrics_generator: {processors: [local-blocks]}}}
            storage: {trace: {backend: local, local: {path: /var/tempo/blocks}}}
    """,
    source="tempo: modules/generator/processor/localblocks/processor.go, New; tempo: modules/generator/instance.go",
)
def local_blocks_without_path(manifests: Manifests, facts: Facts) -> Iterator[Fault]:
    for tempo in (*_with_a_generator_of_its_own(manifests, facts), *_written_in_values(manifests, facts)):
        runs = _LOCAL_BLOCKS in _switched_on(tempo) and (tempo.release is None or tempo.release < _WITHOUT_LOCAL_BLOCKS)
        if runs and tempo.at(*_STORAGE_PATH) and not tempo.at(*_TRACES_PATH):
            yield error(
                tempo.where(*_TRACES_PATH),
                f"without it the processor {_LOCAL_BLOCKS} fails, and with it the others on the list",
                f"set it to a folder in Tempo's volume, or take {_LOCAL_BLOCKS} out",
            )


@rule(
    code="N5",
    title="A processor of the metrics generator does not exist",
    levels=(Severity.ERROR,),
    why=(
        "The metrics generator has no such processor. Newer releases of Tempo pass over the name, older ones refuse "
        "the whole list for it and make no metrics."
    ),
    remedy="Write `service-graphs`, `span-metrics`, `local-blocks` or `host-info`.",
    example="""
        apiVersion: tempo.grafana.com/v1alpha1
        kind: TempoMonolithic
        metadata: {name: tempo, namespace: tracing-system}
        spec:
          extraConfig:
            tempo:
              metrics_generator:
                storage: {path: /var/tempo/generator/wal, remote_write: [{url: "http://mimir:8080/api/v1/push"}]}
              overrides:
                defaults: {metrics_generator: {processors: [service-graphs, spanmetrics]}}
    """,
    source="tempo: modules/generator/instance.go, diffProcessors",
)
def processor_that_does_not_exist(manifests: Manifests, facts: Facts) -> Iterator[Fault]:
    for tempo in tempos(manifests, facts):
        for path in (_NEW_PROCESSORS, _OLD_PROCESSORS):
            for index, name in enumerate(sequence(tempo.at(*path))):
                if isinstance(name, str) and is_plain(name) and name not in _PROCESSORS:
                    near = nearest(name, _PROCESSORS)
                    yield error(
                        tempo.where(*path, index),
                        f"there is no processor {name!r}, for which Tempo passes over it or over the whole list",
                        f"write {near}" if near else f"use some of {', '.join(_PROCESSORS)}",
                    )


@rule(
    code="N5",
    title="The metrics generator drops spans that sidecars send late",
    levels=(Severity.ERROR,),
    why=(
        "The metrics generator counts a span only if it ended within the slack before it arrives, by default 30 s. A "
        "sidecar keeps spans for up to 5 s before it sends them, so with a shorter slack they are dropped. There are "
        "then traces, and gaps in the service graph or none at all. A number without a unit is in nanoseconds."
    ),
    remedy="Leave `metrics_ingestion_time_range_slack` out, or set it to 30s.",
    example="""
        apiVersion: tempo.grafana.com/v1alpha1
        kind: TempoMonolithic
        metadata: {name: tempo, namespace: tracing-system}
        spec:
          extraConfig:
            tempo:
              metrics_generator:
                metrics_ingestion_time_range_slack: 1s
                storage: {path: /var/tempo/generator/wal}
    """,
    source=(
        "tempo: modules/generator/config.go; tempo: modules/generator/instance.go; "
        "envoy: source/extensions/tracers/opentelemetry/tracer.cc"
    ),
)
def generator_without_slack(manifests: Manifests, facts: Facts) -> Iterator[Fault]:
    for tempo in tempos(manifests, facts):
        for path in (_SLACK, *_SLACK_OF_OVERRIDES):
            slack = _seconds(tempo.at(*path))
            is_unset = slack == 0 and path in _SLACK_OF_OVERRIDES
            if slack is not None and slack < _LATEST_SPAN and not is_unset:
                yield error(
                    tempo.where(*path),
                    f"spans that ended more than {slack:g} s ago are not counted, and sidecars send theirs up to "
                    f"{_LATEST_SPAN:g} s late",
                    "leave it out, or set it to 30s",
                )


def _with_a_generator_of_its_own(manifests: Manifests, facts: Facts) -> Iterator[Tempo]:
    """Yield what is the whole configuration of a generator: a TempoStack's and a chart's have more elsewhere."""
    for tempo in tempos(manifests, facts):
        if tempo.written_by != "chart" and tempo.owner.kind != "TempoStack":
            yield tempo


def _written_in_values(manifests: Manifests, facts: Facts) -> Iterator[Tempo]:
    """Yield what values of a chart have instead of the chart's configuration, if none of the values for the generator
    is put into it."""
    for tempo in tempos(manifests, facts):
        template = text(tempo.owner.at(*tempo.path))
        if tempo.written_by == "chart" and template and "metricsGenerator" not in template:
            yield tempo


def _generates(tempo: Tempo) -> bool:
    """Whether metrics are asked for: by a processor, or by a place to send them to."""
    return bool(
        mapping(tempo.at("metrics_generator", "processor"))
        or sequence(tempo.at("metrics_generator", "storage", "remote_write"))
        or _switched_on(tempo)
    )


def _switched_on(tempo: Tempo) -> list[str]:
    names = (*sequence(tempo.at(*_NEW_PROCESSORS)), *sequence(tempo.at(*_OLD_PROCESSORS)))
    return [name for name in names if isinstance(name, str)]


def _has_other_overrides(tempo: Tempo) -> bool:
    if tempo.at("overrides", "user_configurable_overrides", "enabled"):
        return True
    file = text(tempo.at("overrides", "per_tenant_override_config"))
    beside = [document for path, document in tempo.owner.documents() if path[-1] == posixpath.basename(file)]
    # Of a file that is not beside it, nobody knows what it has.
    return bool(file) and ("processors" in beside[0] if beside else True)


def _seconds(duration: object) -> float | None:
    """Return what Go reads: parts with units, or nanoseconds."""
    if isinstance(duration, int) and not isinstance(duration, bool):
        return duration * _UNITS["ns"]
    written = text(duration)
    if written == "0":
        return 0
    parts = _PART.findall(written)
    if not parts or "".join(f"{number}{unit}" for number, unit in parts) != written:
        return None
    return sum(float(number) * _UNITS[unit] for number, unit in parts)
