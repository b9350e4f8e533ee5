"""Values of the charts tempo and tempo-distributed that leave the service graph without what it needs.

Helm ignores values that a chart does not read, so no installation fails.
"""

from collections.abc import Iterator

from lint.facts import Facts
from lint.findings import Fault, Severity, error, warning
from lint.objects import Manifests, Path, sequence, strings, text
from lint.rule import rule
from lint.views.tempo_values import CHARTS, GENERATOR, has_shape_of_distributed
from lint.views.values import Values, values
from lint.views.versions import Minor

_DISTRIBUTED = "tempo-distributed"
_ASKED_FOR = "processors"
_GRAPH = ("service-graphs", "span-metrics")
_OVERRIDES: dict[str, Path] = {"tempo": ("tempo", "overrides"), _DISTRIBUTED: ("overrides",)}
_PROCESSORS: Path = ("defaults", "metrics_generator", "processors")
# The chart from which on the overrides have their name of today (the README.md of each chart, "Upgrading").
_OLDER_OVERRIDES = "global_overrides"
_RENAMED: dict[str, Minor] = {"tempo": (1, 19), _DISTRIBUTED: (1, 33)}
MISNAMED: dict[str, tuple[Path, ...]] = {
    "tempo": (
        ("metricsGenerator", "remoteWriteUrl"),
        ("metrics_generator",),
        ("tempo", "metricsGenerator", "config", "storage"),
        ("tempo", "metrics_generator"),
        ("tempo", "structuredConfig", "metrics_generator"),
    ),
    _DISTRIBUTED: (("metricsGenerator", "remoteWriteUrl"), ("metrics_generator",), ("tempo", "metricsGenerator")),
}
_WITH_TRACES_STORAGE: Minor = (1, 21)
_REMEDIES = {
    "tempo": "set tempo.metricsGenerator.enabled and remoteWriteUrl instead",
    _DISTRIBUTED: "set metricsGenerator.config.storage.remote_write instead",
}
# A protocol of `traces`, below which is `enabled`; what is not said is off.
_RECEIVERS: tuple[Path, ...] = (
    ("otlp", "grpc"),
    ("otlp", "http"),
    ("jaeger", "grpc"),
    ("jaeger", "thriftBinary"),
    ("jaeger", "thriftCompact"),
    ("jaeger", "thriftHttp"),
    ("zipkin",),
    ("opencensus",),
)


@rule(
    code="N35",
    title="A chart's metrics generator has no processors",
    levels=(Severity.ERROR, Severity.WARNING),
    why=(
        "The charts start the metrics generator without a processor: it makes no metrics, and there is no service "
        "graph. It is a warning where others are switched on, such as `local-blocks`."
    ),
    remedy=(
        "Set `overrides.defaults.metrics_generator.processors: [service-graphs, span-metrics]`, in the chart tempo "
        "below `tempo`; charts before 1.19 and tempo-distributed before 1.33 have them in "
        "`global_overrides.metrics_generator_processors`."
    ),
    example="""
        apiVersion: helm.toolkit.fluxcd.io/v2
        kind: HelmRelease
        metadata: {name: tempo, namespace: tracing-system}
        spec:
          chart: {spec: {chart: tempo}}
          values:
            tempo: {metricsGenerator: {enabled: true, remoteWriteUrl: "http://prometheus:9090/api/v1/write"}}
    """,
    source=(
        "grafana-community/helm-charts: charts/tempo/values.yaml; "
        "grafana-community/helm-charts: charts/tempo-distributed/values.yaml; "
        "grafana-community/helm-charts: charts/tempo-distributed/README.md"
    ),
)
def chart_without_processors(manifests: Manifests, _facts: Facts) -> Iterator[Fault]:
    for one in _charts(manifests):
        written = list(_written(one))
        read = _written(one) if _reads_older_overrides(one, one.version) else _written_today(one)
        of_graph = any(name in asked for asked in read for name in _GRAPH)
        if one.at(*GENERATOR[one.chart], "enabled") is True and not (of_graph or one.at("useExternalConfig")):
            # What it does without them may be all that it is there for.
            yield (warning if written else error)(
                one.where(*_OVERRIDES[one.chart], *_PROCESSORS),
                "no processor of the metrics generator is switched on that makes a service graph",
                "add service-graphs and span-metrics",
            )


@rule(
    code="N35",
    title="Processors are asked for and the chart's metrics generator is not switched on",
    levels=(Severity.ERROR,),
    why=(
        "The charts install no metrics generator unless it is switched on, so the processors run nowhere and there is "
        "no service graph."
    ),
    remedy="Set `metricsGenerator.enabled: true`, in the chart tempo below `tempo`.",
    example="""
        apiVersion: helm.toolkit.fluxcd.io/v2
        kind: HelmRelease
        metadata: {name: tempo, namespace: tracing-system}
        spec:
          chart: {spec: {chart: tempo}}
          values:
            tempo: {overrides: {defaults: {metrics_generator: {processors: [service-graphs]}}}}
    """,
    source=(
        "grafana-community/helm-charts: charts/tempo/values.yaml; "
        "grafana-community/helm-charts: charts/tempo-distributed/values.yaml"
    ),
)
def chart_without_generator(manifests: Manifests, _facts: Facts) -> Iterator[Fault]:
    for one in _charts(manifests):
        wanted = sequence(one.at(*_OVERRIDES[one.chart], *_PROCESSORS))
        path: Path = (*GENERATOR[one.chart], "enabled")
        enabled = one.at(*path)
        is_said = enabled is not None or one.are_all
        if wanted and is_said and not enabled and not _configures_generator_itself(one):
            yield error(
                one.where(*path),
                "the processors run nowhere without a metrics generator, and there is no service graph",
                "set it to true",
            )


@rule(
    code="N35",
    title="A chart's metrics generator has nowhere to write to",
    levels=(Severity.ERROR,),
    why=(
        "The chart tempo-distributed knows no Prometheus by itself: without a remote write the metrics of the service "
        "graph are made and dropped."
    ),
    remedy="Set `metricsGenerator.config.storage.remote_write`.",
    example="""
        apiVersion: helm.toolkit.fluxcd.io/v2
        kind: HelmRelease
        metadata: {name: tempo, namespace: tracing-system}
        spec:
          chart: {spec: {chart: tempo-distributed}}
          values:
            storage: {trace: {backend: s3}}
            metricsGenerator: {enabled: true}
            traces: {otlp: {grpc: {enabled: true}}}
            overrides: {defaults: {metrics_generator: {processors: [service-graphs]}}}
    """,
    source="grafana-community/helm-charts: charts/tempo-distributed/values.yaml",
)
def chart_without_remote_write(manifests: Manifests, _facts: Facts) -> Iterator[Fault]:
    path: Path = ("metricsGenerator", "config", "storage", "remote_write")
    for one in _charts(manifests):
        if (
            one.chart == _DISTRIBUTED
            and one.at("metricsGenerator", "enabled") is True
            and not one.at(*path)
            and any(name in written for written in _written(one) for name in _GRAPH)
            and not _configures_generator_itself(one)
            and not _misnamed(one)
        ):
            yield error(
                one.where(*path),
                "the metrics of the service graph are made and sent nowhere",
                'add [{url: "http://prometheus.monitoring.svc:9090/api/v1/write"}]',
            )


@rule(
    code="N35",
    title="A chart does not read a value of the metrics generator",
    levels=(Severity.ERROR,),
    why=(
        "The charts tempo and tempo-distributed have the metrics generator in different places, and ignore what is in "
        "the other's place, or is written as Tempo's own configuration has it."
    ),
    remedy=(
        "In the chart tempo set `tempo.metricsGenerator.remoteWriteUrl`, in the chart tempo-distributed "
        "`metricsGenerator.config.storage.remote_write`."
    ),
    example="""
        apiVersion: helm.toolkit.fluxcd.io/v2
        kind: HelmRelease
        metadata: {name: tempo, namespace: tracing-system}
        spec:
          chart: {spec: {chart: tempo-distributed}}
          values:
            storage: {trace: {backend: s3}}
            metricsGenerator: {enabled: true, remoteWriteUrl: "http://prometheus:9090/api/v1/write"}
            traces: {otlp: {grpc: {enabled: true}}}
            overrides: {defaults: {metrics_generator: {processors: [service-graphs]}}}
    """,
    source=(
        "grafana-community/helm-charts: charts/tempo/values.yaml; "
        "grafana-community/helm-charts: charts/tempo-distributed/values.yaml"
    ),
)
def value_that_no_chart_reads(manifests: Manifests, _facts: Facts) -> Iterator[Fault]:
    for one in _charts(manifests):
        for path in _misnamed(one):
            yield error(one.where(*path), f"the chart {one.chart} does not read this", _REMEDIES[one.chart])


@rule(
    code="N35",
    title="A chart's Tempo takes spans of no protocol",
    levels=(Severity.ERROR, Severity.WARNING),
    why=(
        "The chart tempo-distributed opens no port for spans by itself: whoever sends them finds a Service without the "
        "port. It is a warning for a file of values, beside which there may be another."
    ),
    remedy="Set `traces.otlp.grpc.enabled: true`.",
    example="""
        apiVersion: helm.toolkit.fluxcd.io/v2
        kind: HelmRelease
        metadata: {name: tempo, namespace: tracing-system}
        spec:
          chart: {spec: {chart: tempo-distributed}}
          values: {storage: {trace: {backend: s3}}}
    """,
    source=(
        "grafana-community/helm-charts: charts/tempo-distributed/values.yaml; "
        "grafana-community/helm-charts: charts/tempo-distributed/templates/distributor/service-distributor.yaml"
    ),
)
def chart_without_receiver(manifests: Manifests, _facts: Facts) -> Iterator[Fault]:
    for one in _charts(manifests):
        receives = (
            any(one.at("traces", *path, "enabled") for path in _RECEIVERS)
            or one.at("traces", "kafka")
            or one.at("tempo", "structuredConfig", "distributor", "receivers")
            or one.at("config") is not None
            or one.at("useExternalConfig")
        )
        may_be_all = one.are_all or (has_shape_of_distributed(one) and "traces" not in one.content)
        if one.chart == _DISTRIBUTED and may_be_all and not receives:
            yield (error if one.are_all else warning)(
                one.where("traces", "otlp", "grpc", "enabled"),
                "the chart opens no port for spans by itself, and there is none",
                "set it to true",
            )


@rule(
    code="N5",
    title="A version of the chart tempo has no folder for the processor local-blocks",
    levels=(Severity.ERROR,),
    why=(
        "The processor `local-blocks` fails without `traces_storage.path`, and with it the others on the list: there "
        "is no service graph. The chart tempo writes it since 1.21, and takes it from no value before."
    ),
    remedy="Take `local-blocks` out, or a newer version of the chart.",
    example="""
        apiVersion: helm.toolkit.fluxcd.io/v2
        kind: HelmRelease
        metadata: {name: tempo, namespace: tracing-system}
        spec:
          chart: {spec: {chart: tempo, version: 1.19.0}}
          values:
            tempo:
              metricsGenerator: {enabled: true, remoteWriteUrl: "http://prometheus:9090/api/v1/write"}
              overrides: {defaults: {metrics_generator: {processors: [service-graphs, local-blocks]}}}
    """,
    source="grafana/helm-charts: charts/tempo/values.yaml of 1.20 and 1.21, `config`",
)
def chart_without_folder_for_local_blocks(manifests: Manifests, _facts: Facts) -> Iterator[Fault]:
    for one in values(manifests, "tempo"):
        place: Path = (*_OVERRIDES["tempo"], *_PROCESSORS)
        is_on = one.at(*GENERATOR["tempo"], "enabled") is True and "local-blocks" in sequence(one.at(*place))
        if is_on and one.version is not None and one.version < _WITH_TRACES_STORAGE and not text(one.at("config")):
            yield error(
                one.where(*place, sequence(one.at(*place)).index("local-blocks")),
                "this version of the chart gives it no folder, so it fails, and with it the others on the list",
                "take it out, or a newer version of the chart",
            )


def _charts(manifests: Manifests) -> Iterator[Values]:
    """Yield the values of Tempo's charts, but not those which are known not to be all."""
    for one in values(manifests, *CHARTS):
        if one.are_all is not False:
            yield one


def _written(one: Values) -> Iterator[str]:
    """Every text of the values that asks for processors: a list of names, or a whole configuration."""
    for path, written in strings(one.content):
        is_listed = any(isinstance(key, str) and key.endswith(_ASKED_FOR) for key in path)
        if is_listed or _ASKED_FOR in written:
            yield written


def _written_today(one: Values) -> Iterator[str]:
    """The same without what is in the place of older charts."""
    place: Path = ("tempo", _OLDER_OVERRIDES) if one.chart == "tempo" else (_OLDER_OVERRIDES,)
    older = [written for _, written in strings(one.at(*place))]
    return (written for written in _written(one) if written not in older)


def _reads_older_overrides(one: Values, version: Minor | None) -> bool:
    return version is not None and version < _RENAMED[one.chart]


def _configures_generator_itself(one: Values) -> bool:
    """Whether Tempo's configuration is written by hand, and need not be the chart's."""
    return bool(
        one.at("tempo", "structuredConfig", "metrics_generator")
        or one.at("useExternalConfig")
        or text(one.at("config"))
    )


def _misnamed(one: Values) -> list[Path]:
    """The paths where a remote write stands that the other chart would read."""
    if text(one.at("config")):
        return []
    return [path for path in MISNAMED[one.chart] if one.at(*path)]
