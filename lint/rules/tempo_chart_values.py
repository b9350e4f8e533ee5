"""Values for one of Tempo's charts that only the other one reads."""

from collections.abc import Iterator

from lint.facts import Facts
from lint.findings import Fault, Severity, error, warning
from lint.objects import Manifests, Path, dotted, text
from lint.rule import rule
from lint.views.tempo_values import CHARTS, has_shape_of_distributed
from lint.views.values import values
from lint.views.versions import Minor

_WITHOUT_STORE: Minor = (3, 0)
_WITH_KAFKA: Minor = (3, 0)
_READERS_OF_KAFKA = ("blockBuilder", "liveStore")

# What looks like a setting of Tempo and stands in no template of the chart tempo-distributed
# (grafana-community/helm-charts: charts/tempo-distributed).
OF_THE_OTHER_CHART: tuple[Path, ...] = tuple(
    ("tempo", key)
    for key in (
        "extraArgs",
        "extraEnv",
        "ingester",
        "multitenancyEnabled",
        "overrides",
        "querier",
        "queryFrontend",
        "receivers",
        "retention",
        "server",
        "storage",
    )
)
# Of the chart loki, which has one chart for all modes.
OF_LOKI: tuple[Path, ...] = (("deploymentMode",), ("singleBinary",))


@rule(
    code="N35",
    title="A chart of Tempo does not read a value that another one reads",
    levels=(Severity.WARNING,),
    why=(
        "The chart tempo has Tempo's settings below `tempo`, the chart tempo-distributed has them at the top and in "
        "`tempo.structuredConfig`; `singleBinary` is of the chart loki. Helm ignores a value that stands in the "
        "other's place, and the default holds."
    ),
    remedy="Move it to where the chart reads it, or install the other chart.",
    example="""
        apiVersion: helm.toolkit.fluxcd.io/v2
        kind: HelmRelease
        metadata: {name: tempo, namespace: tracing-system}
        spec:
          chart: {spec: {chart: tempo-distributed}}
          values:
            traces: {otlp: {grpc: {enabled: true}}}
            tempo: {storage: {trace: {backend: s3}}}
    """,
    source="grafana-community/helm-charts: values.yaml and templates of charts/tempo and charts/tempo-distributed",
)
def value_of_the_other_chart(manifests: Manifests, _facts: Facts) -> Iterator[Fault]:
    for one in values(manifests, *CHARTS):
        is_distributed = (one.said and one.chart == "tempo-distributed") or has_shape_of_distributed(one)
        for path in (*OF_LOKI, *(OF_THE_OTHER_CHART if is_distributed else ())):
            # A configuration of one's own may read any value.
            if one.at(*path) and ".Values." + dotted(path) not in text(one.at("config")):
                yield warning(
                    one.where(*path),
                    f"the chart {one.chart} reads no such value, and its default holds",
                    "write it as the values.yaml of this chart has it, or install the other one",
                )


@rule(
    code="N35",
    title="The chart tempo-distributed brings no MinIO any more",
    levels=(Severity.ERROR, Severity.WARNING),
    why=(
        "Since version 3.0 the chart tempo-distributed has no MinIO, and Helm refuses to render it with "
        "`minio.enabled: true`. It is a warning where no version is named."
    ),
    remedy="Take `minio` out, and name a store of your own in `storage.trace`.",
    example="""
        apiVersion: helm.toolkit.fluxcd.io/v2
        kind: HelmRelease
        metadata: {name: tempo, namespace: tracing-system}
        spec:
          chart: {spec: {chart: tempo-distributed, version: 3.3.0}}
          values:
            traces: {otlp: {grpc: {enabled: true}}}
            ingest: {kafka: {address: "kafka.kafka.svc:9092"}}
            minio: {enabled: true}
    """,
    source="grafana-community/helm-charts: charts/tempo-distributed/UPGRADE.md and templates",
)
def store_that_the_chart_does_not_bring(manifests: Manifests, _facts: Facts) -> Iterator[Fault]:
    for one in values(manifests, "tempo-distributed"):
        version = one.version
        # Of a dependency, the chart around it names the version.
        is_dependency = one.path[-1:] == ("tempo-distributed",)
        if one.at("minio", "enabled") is True and not is_dependency and (version is None or version >= _WITHOUT_STORE):
            yield (warning if version is None else error)(
                one.where("minio", "enabled"),
                "since version 3.0 the chart has no MinIO, and Helm refuses to render it",
                "take minio out, and name a store of your own in storage.trace",
            )


@rule(
    code="N35",
    title="The chart tempo-distributed is told no Kafka",
    levels=(Severity.ERROR, Severity.WARNING),
    why=(
        "Since version 3.0 the distributor of the chart tempo-distributed writes spans to Kafka, from which the block "
        "builder and the live store read them, and Helm refuses to render it without `ingest.kafka.address` while one "
        "of the two is enabled, as they are by default. It is a warning for a file of values, beside which there may "
        "be another, and not looked at where no version is named: it may be an older one."
    ),
    remedy=(
        "Set `ingest.kafka.address` to a broker, such as `kafka.kafka.svc:9092`, or install the chart tempo, which "
        "needs none."
    ),
    example="""
        apiVersion: helm.toolkit.fluxcd.io/v2
        kind: HelmRelease
        metadata: {name: tempo, namespace: tracing-system}
        spec:
          chart: {spec: {chart: tempo-distributed, version: 3.3.0}}
          values:
            traces: {otlp: {grpc: {enabled: true}}}
            storage: {trace: {backend: s3}}
    """,
    source="grafana-community/helm-charts: charts/tempo-distributed/templates/validate.yaml",
)
def chart_without_kafka(manifests: Manifests, _facts: Facts) -> Iterator[Fault]:
    for one in values(manifests, "tempo-distributed"):
        if one.version is None or one.version < _WITH_KAFKA:
            continue
        reads = any(one.at(part, "enabled") is not False for part in _READERS_OF_KAFKA)
        # The chart around a dependency may have it, or another file of several.
        is_dependency = one.path[-1:] == ("tempo-distributed",)
        has_rest_elsewhere = one.are_all is False or (one.said is not None and len(one.said.files) > 1)
        if reads and not (is_dependency or has_rest_elsewhere) and not one.at("ingest", "kafka", "address"):
            yield (error if one.are_all else warning)(
                one.where("ingest", "kafka", "address"),
                "since version 3.0 Helm refuses to render the chart without the address of a Kafka",
                "set it, or install the chart tempo, which needs no Kafka",
            )
