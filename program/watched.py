"""What Prometheus, ours or an existing one, has to alert about."""

from collections.abc import Iterator, Mapping
from typing import Any

from model.graph import label_of
from model.parts import value_at
from model.stack import Settings
from objects import series
from objects.addresses import COLLECTOR_JOB, GRAPH_JOB, metrics_service, tempo_jobs
from objects.alerts.watched import Home, Watched
from objects.collector_graph import CollectorGraph
from objects.sampling import needs_whole_traces
from objects.tempo_args import TempoStackArgs


def watched(settings: Settings, tempo: TempoStackArgs, graph: CollectorGraph | None, max_series: int) -> Watched | None:
    """What there is to alert about; none if there are no alerts. ``graph``: if the collector makes it."""
    prometheus, alerts = settings.prometheus, settings.alerts
    only_written = prometheus.written is not None
    if alerts.enabled is False or (alerts.enabled is None and only_written):
        return None
    # An operator of Prometheus calls a job as the Service is called.
    called = metrics_service if prometheus.scraping_hops is not None else str
    parts = tempo_jobs(settings.tempo, makes_graph=tempo.makes_graph, graph_beside=tempo.graph_beside)
    tempos: list[Home] = ["tempo"] if settings.tempo.is_deployed else []
    homes: list[Home] = ["graph"] if only_written else ["collector", *tempos, "graph"]
    if scrapes_cert_manager(settings):
        homes.append("certificates")
    return Watched(
        alerts=alerts,
        homes=homes,
        collector_job=called(COLLECTOR_JOB),
        tempo_jobs=[called(job) for job in parts],
        asks_pods=prometheus.existing is None or prometheus.scraping_hops is not None,
        graph_source=tempo.graph_source,
        graph_job=called(GRAPH_JOB) if graph is not None and graph.write_url is None else None,
        labels=["span_name", *dict.fromkeys(map(label_of, _dimensions(settings)))],
        many_values=series.many_values(max_series),
        has_sampler=needs_whole_traces(settings.tracing, multiplies=tempo.multiplies),
        has_limits=settings.tracing.sampling.is_tail,
        has_buckets=settings.tempo.histograms != "native",
        scrape_interval=prometheus.scrape_interval,
        graph_interval=settings.tempo.graph_interval,
    )


def scrapes_cert_manager(settings: Settings) -> bool:
    """Whether a Prometheus of ours that alerts asks the cert-manager that we install."""
    return settings.prometheus.existing is None and settings.operators.cert_manager == "install"


def _dimensions(settings: Settings) -> Iterator[str]:
    """The attributes that are labels of the span metrics, those of the products' own configuration too."""
    yield from settings.graph.dimensions
    tempo, collector = settings.tempo.extra_config, settings.tracing.collector.extra_config
    yield from _named(value_at(tempo, "metrics_generator.processor.span_metrics.dimensions"))
    yield from _named(value_at(collector, "connectors.spanmetrics.dimensions"))


def _named(dimensions: Any) -> Iterator[str]:
    """The names of dimensions as Tempo and the collector have them; another shape is for them to refuse."""
    for one in dimensions if isinstance(dimensions, list) else []:
        name = one.get("name") if isinstance(one, Mapping) else one
        if isinstance(name, str):
            yield name
