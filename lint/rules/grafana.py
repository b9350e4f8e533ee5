"""Grafana's data sources, which refer to each other by their uids."""

from collections.abc import Collection, Hashable, Iterator
from dataclasses import dataclass
from functools import cached_property

from lint.facts import Facts
from lint.findings import Fault, Severity, error, warning
from lint.objects import Manifests, Path, sequence, text
from lint.rule import rule
from lint.views.grafana import DataSource, data_sources, every_uid

# The others speak Prometheus' language too, some behind the authentication of a cloud.
_PROMETHEUS_TYPES = frozenset(
    {
        "prometheus",
        "grafana-amazonprometheus-datasource",
        "grafana-azureprometheus-datasource",
        "victoriametrics-datasource",
        "victoriametrics-metrics-datasource",
    }
)
TRACE_TYPES = frozenset({"tempo", "jaeger", "zipkin"})
# From the list in packages/grafana-o11y-ds-frontend/src/TraceToLogs/TraceToLogsSettings.tsx of grafana.
_LOG_TYPES = frozenset(
    {
        "loki",
        "elasticsearch",
        "grafana-falconlogscale-datasource",
        "grafana-opensearch-datasource",
        "grafana-splunk-datasource",
        "googlecloud-logging-datasource",
        "victoriametrics-logs-datasource",
    }
)
_PROFILE_TYPES = frozenset({"grafana-pyroscope-datasource", "parca", "phlare"})


@dataclass(frozen=True)
class Target:
    """What a reference is to lead to, and the ``consequence`` if it does not.

    It is one of ``known``, which are of a ``kind``, or has the uid that is known from elsewhere.
    """

    kind: str
    known: list[DataSource]
    consequence: str
    uid: str | None = None

    @cached_property
    def uids(self) -> frozenset[str | None]:
        """What leads there."""
        return frozenset({self.uid, *(uid for source in self.known for uid in source.uids)})

    @cached_property
    def are_fixed(self) -> bool:
        """Whether each of them has a uid that does not change."""
        return all(source.uid for source in self.known)

    @cached_property
    def grafanas(self) -> frozenset[Hashable]:
        return frozenset(source.grafana for source in self.known)


@rule(
    code="N15",
    title="Grafana's service graph asks a data source that does not exist",
    levels=(Severity.ERROR, Severity.WARNING),
    why=(
        "The Service Graph tab of a Tempo data source reads the Prometheus data source with the uid in "
        "`serviceMap.datasourceUid`. It is empty if no data source has that uid; it is a warning if the uid is not "
        "set at all, or may be that of a data source without a fixed one."
    ),
    remedy="Give the Prometheus data source a fixed uid, and set `serviceMap.datasourceUid` to it.",
    example="""
        apiVersion: v1
        kind: ConfigMap
        metadata: {name: grafana-datasources, namespace: tracing-system}
        data:
          datasources.yaml: |
            datasources:
              - {name: Prometheus, uid: prometheus, type: prometheus}
              - name: Tempo
                uid: tempo
                type: tempo
                jsonData: {serviceMap: {datasourceUid: prom}}
    """,
    source="grafana: public/app/plugins/datasource/tempo/datasource.ts",
)
def service_map_without_prometheus(manifests: Manifests, facts: Facts) -> Iterator[Fault]:
    path = ("jsonData", "serviceMap", "datasourceUid")
    yield from _prometheus_references(manifests, facts, path, "the service graph stays empty")
    for source in data_sources(manifests):
        if source.type == "tempo" and _uid_at(source, *path) == "":
            yield warning(
                source.where(*path),
                "a Tempo data source without it shows no service graph",
                "set it to the uid of the Prometheus that Tempo's metrics generator writes to",
            )


@rule(
    code="N15",
    title="Links from spans to metrics lead to a data source that does not exist",
    levels=(Severity.ERROR, Severity.WARNING),
    why=(
        "Grafana shows a link from a span to its metrics in the data source with the uid in "
        "`tracesToMetrics.datasourceUid`. It leads nowhere if no data source has that uid; it is a warning if it may "
        "be that of a data source without a fixed one."
    ),
    remedy="Give the Prometheus data source a fixed uid, and set `tracesToMetrics.datasourceUid` to it.",
    example="""
        apiVersion: v1
        kind: ConfigMap
        metadata: {name: grafana-datasources, namespace: tracing-system}
        data:
          datasources.yaml: |
            datasources:
              - {name: Prometheus, uid: prometheus, type: prometheus}
              - name: Tempo
                uid: tempo
                type: tempo
                jsonData:
                  serviceMap: {datasourceUid: prometheus}
                  tracesToMetrics: {datasourceUid: prom}
    """,
    source="grafana: public/app/features/explore/TraceView/createSpanLink.tsx",
)
def traces_to_metrics_without_prometheus(manifests: Manifests, facts: Facts) -> Iterator[Fault]:
    path = ("jsonData", "tracesToMetrics", "datasourceUid")
    yield from _prometheus_references(manifests, facts, path, "links from spans to metrics lead nowhere")


@rule(
    code="N15",
    title="Links from exemplars to traces lead to a data source that does not exist",
    levels=(Severity.ERROR, Severity.WARNING),
    why=(
        "Grafana shows a link from a metric's exemplar to its trace in the data source with the uid in "
        "`exemplarTraceIdDestinations`. It leads nowhere if no data source has that uid; it is a warning if it may be"
        " that of a data source without a fixed one."
    ),
    remedy="Give the Tempo data source a fixed uid, and set `datasourceUid` in `exemplarTraceIdDestinations` to it.",
    example="""
        apiVersion: v1
        kind: ConfigMap
        metadata: {name: grafana-datasources, namespace: tracing-system}
        data:
          datasources.yaml: |
            datasources:
              - name: Prometheus
                uid: prometheus
                type: prometheus
                jsonData: {exemplarTraceIdDestinations: [{name: traceID, datasourceUid: traces}]}
              - name: Tempo
                uid: tempo
                type: tempo
                jsonData: {serviceMap: {datasourceUid: prometheus}}
    """,
    source="grafana: packages/grafana-prometheus/src/result_transformer.ts",
)
def exemplars_without_tempo(manifests: Manifests, _facts: Facts) -> Iterator[Fault]:
    known = data_sources(manifests)
    traces = [source for source in known if source.type in TRACE_TYPES]
    target = Target("Tempo", traces, "links from exemplars to traces lead nowhere")
    for source in known:
        if source.type not in _PROMETHEUS_TYPES:
            continue
        for index, _ in enumerate(sequence(source.at("jsonData", "exemplarTraceIdDestinations"))):
            path = ("jsonData", "exemplarTraceIdDestinations", index, "datasourceUid")
            yield from dangling(source, path, target)


@rule(
    code="N15",
    title="Links from spans to logs lead to a data source that does not exist",
    levels=(Severity.ERROR, Severity.WARNING),
    why=(
        "Grafana shows a link from a span to its logs in the data source with the uid in "
        "`tracesToLogsV2.datasourceUid`, or in `tracesToLogs` where the newer one is not there. It leads nowhere if no "
        "data source has that uid, in the same case; it is a warning if it may be that of one without a fixed uid."
    ),
    remedy="Give the Loki data source a fixed uid, and set `datasourceUid` in `tracesToLogsV2` to it.",
    example="""
        apiVersion: v1
        kind: ConfigMap
        metadata: {name: grafana-datasources, namespace: tracing-system}
        data:
          datasources.yaml: |
            datasources:
              - {name: Loki, uid: logs, type: loki}
              - name: Jaeger
                uid: jaeger
                type: jaeger
                jsonData: {tracesToLogsV2: {datasourceUid: loki}}
    """,
    source="grafana: public/app/features/explore/TraceView/createSpanLink.tsx",
)
def traces_to_logs_without_logs(manifests: Manifests, _facts: Facts) -> Iterator[Fault]:
    logs = targets(manifests, _LOG_TYPES, "Loki", "links from spans to logs lead nowhere")
    for source in data_sources(manifests):
        newer = source.at("jsonData", "tracesToLogsV2") is not None
        path = ("jsonData", "tracesToLogsV2" if newer else "tracesToLogs", "datasourceUid")
        yield from _link_of_spans(manifests, source, path, logs)


@rule(
    code="N15",
    title="Links from spans to profiles lead to a data source that does not exist",
    levels=(Severity.ERROR, Severity.WARNING),
    why=(
        "Grafana shows a link from a span to its profile in the data source with the uid in "
        "`tracesToProfiles.datasourceUid`. It leads nowhere if no data source has that uid; it is a warning if it may "
        "be that of a data source without a fixed one."
    ),
    remedy="Give the Pyroscope data source a fixed uid, and set `tracesToProfiles.datasourceUid` to it.",
    example="""
        apiVersion: v1
        kind: ConfigMap
        metadata: {name: grafana-datasources, namespace: tracing-system}
        data:
          datasources.yaml: |
            datasources:
              - {name: Pyroscope, uid: profiles, type: grafana-pyroscope-datasource}
              - name: Jaeger
                uid: jaeger
                type: jaeger
                jsonData: {tracesToProfiles: {datasourceUid: pyroscope}}
    """,
    source="grafana: public/app/features/explore/TraceView/createSpanLink.tsx",
)
def traces_to_profiles_without_profiles(manifests: Manifests, _facts: Facts) -> Iterator[Fault]:
    profiles = targets(manifests, _PROFILE_TYPES, "Pyroscope", "links from spans to profiles lead nowhere")
    for source in data_sources(manifests):
        yield from _link_of_spans(manifests, source, ("jsonData", "tracesToProfiles", "datasourceUid"), profiles)


def targets(manifests: Manifests, types: Collection[str], kind: str, consequence: str) -> Target:
    """Every data source of these types, to which a link may lead."""
    return Target(kind, [source for source in data_sources(manifests) if source.type in types], consequence)


def _link_of_spans(manifests: Manifests, source: DataSource, path: Path, target: Target) -> Iterator[Fault]:
    """What has the uid is right, be it of another type: plugins of every type may take the link."""
    uid = _uid_at(source, *path) or ""
    if source.type in TRACE_TYPES and uid not in every_uid(manifests):
        yield from dangling(source, path, target)


def _prometheus_references(
    manifests: Manifests, facts: Facts, path: tuple[str, ...], consequence: str
) -> Iterator[Fault]:
    known = data_sources(manifests)
    metrics = [source for source in known if source.type in _PROMETHEUS_TYPES]
    target = Target("Prometheus", metrics, consequence, facts.prometheus_uid)
    for source in known:
        if source.type == "tempo":
            yield from dangling(source, path, target)


def dangling(source: DataSource, path: Path, target: Target) -> Iterator[Fault]:
    """Judge one reference, if any data source that it could mean is known."""
    uid = _uid_at(source, *path)
    if not uid or not (target.known or target.uid or _lists_all(source)) or uid in target.uids:
        return
    shown = "this uid" if source.owner.kind == "Secret" else f"the uid {uid!r}"
    yield (error if target.uid or _all_known(source, target) else warning)(
        source.where(*path),
        f"no {target.kind} data source here has {shown}, so {target.consequence}",
        f"give the {target.kind} data source a fixed uid, and name that",
    )


def _all_known(source: DataSource, wanted: Target) -> bool:
    """Whether Grafana has a data source that could be meant, each of those has a fixed uid, and it gets no others."""
    return source.alone and wanted.are_fixed and source.grafana in wanted.grafanas


def _lists_all(source: DataSource) -> bool:
    """Whether it is in values of the chart with all data sources of its Grafana; a ConfigMap may be one of several."""
    return source.alone and source.provisioned and not source.file


def _uid_at(source: DataSource, *path: str | int) -> str | None:
    """Return a uid that ``source`` refers to; empty if it is absent, None if it is a variable."""
    uid = text(source.at(*path))
    return None if "$" in uid else uid
