"""Grafana's data sources, which refer to each other by their uids."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from lint.facts import Facts
from lint.findings import Fault, Severity, error, warning
from lint.objects import Manifests, Object, Path, Place, at, parsed, sequence, text
from lint.rule import rule

# The second is the same query language behind Amazon's authentication.
_PROMETHEUS_TYPES = frozenset({"prometheus", "grafana-amazonprometheus-datasource"})
_TRACE_TYPES = frozenset({"tempo", "jaeger", "zipkin"})


@dataclass(frozen=True)
class _DataSource:
    """One data source; ``path`` leads to it in its object."""

    owner: Object
    path: Path
    type: str
    uid: str
    settings: Any

    def uid_at(self, *path: str | int) -> str | None:
        """Return a uid that this data source refers to; empty if it is absent, None if it is a variable."""
        uid = text(at(self.settings, *path))
        return None if "$" in uid else uid

    def where(self, *path: str | int) -> Place:
        return self.owner.where(*self.path, "jsonData", *path)

    def shown(self, uid: str) -> str:
        """``uid`` for a message, which does not quote a Secret."""
        return "this uid" if self.owner.kind == "Secret" else f"the uid {uid!r}"


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
)
def service_map_without_prometheus(manifests: Manifests, facts: Facts) -> Iterator[Fault]:
    path = ("serviceMap", "datasourceUid")
    yield from _prometheus_references(manifests, facts, path, "the service graph stays empty")
    for source in _data_sources(manifests):
        if source.type == "tempo" and source.uid_at(*path) == "":
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
)
def traces_to_metrics_without_prometheus(manifests: Manifests, facts: Facts) -> Iterator[Fault]:
    path = ("tracesToMetrics", "datasourceUid")
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
)
def exemplars_without_tempo(manifests: Manifests, _facts: Facts) -> Iterator[Fault]:
    known = list(_data_sources(manifests))
    traces = [source for source in known if source.type in _TRACE_TYPES]
    for source in known:
        if source.type not in _PROMETHEUS_TYPES:
            continue
        for index, _ in enumerate(sequence(at(source.settings, "exemplarTraceIdDestinations"))):
            path = ("exemplarTraceIdDestinations", index, "datasourceUid")
            yield from _dangling(source, path, traces, "links from exemplars to traces lead nowhere")


def _prometheus_references(
    manifests: Manifests, facts: Facts, path: tuple[str, ...], consequence: str
) -> Iterator[Fault]:
    known = list(_data_sources(manifests))
    metrics = [source for source in known if source.type in _PROMETHEUS_TYPES]
    for source in known:
        if source.type == "tempo":
            yield from _dangling(source, path, metrics, consequence, facts.prometheus_uid)


def _dangling(
    source: _DataSource,
    path: tuple[str | int, ...],
    wanted: list[_DataSource],
    consequence: str,
    known_uid: str | None = None,
) -> Iterator[Fault]:
    """Judge one reference, if any data source that it could mean is known."""
    uid = source.uid_at(*path)
    uids = {other.uid for other in wanted} | ({known_uid} if known_uid is not None else set())
    if not uid or not uids or uid in uids:
        return
    # Grafana gives a data source without a uid a random one.
    severity: Callable[[Place, str, str], Fault] = warning if "" in uids else error
    kinds = "Tempo" if source.type in _PROMETHEUS_TYPES else "Prometheus"
    yield severity(
        source.where(*path),
        f"no {kinds} data source here has {source.shown(uid)}, so {consequence}",
        f"give the {kinds} data source a fixed uid, and name that",
    )


def _data_sources(manifests: Manifests) -> Iterator[_DataSource]:
    for obj in manifests.of("", "ConfigMap", "Secret"):
        for path, document in obj.documents():
            # Parsing every document would be slow: most have no data sources, and some are large.
            if "datasources" in document:
                entries = sequence(at(parsed(document), "datasources"))
                for index, entry in enumerate(entries):
                    yield _data_source(obj, (*path, "datasources", index), entry, text(at(entry, "uid")))
    for obj in manifests.of("grafana.integreatly.org", "GrafanaDatasource"):
        entry = obj.at("spec", "datasource")
        uid = text(obj.at("spec", "uid")) or text(at(entry, "uid"))
        yield _data_source(obj, ("spec", "datasource"), entry, uid)


def _data_source(owner: Object, path: Path, entry: object, uid: str) -> _DataSource:
    return _DataSource(owner, path, text(at(entry, "type")), uid, at(entry, "jsonData"))
