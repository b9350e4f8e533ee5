"""How many series each pod may have that makes the service graph, by the memory of all that hold them."""

from model import GraphSource, Tempo
from model.stack import Settings
from objects import series
from objects.tempo_args import has_generator


def max_series(settings: Settings, source: GraphSource, operator_version: str) -> int:
    """The settings' own limit, or as many as fit; of somebody else's Prometheus, nobody knows the memory."""
    if settings.graph.max_series is not None:
        return settings.graph.max_series
    if source == "collector":
        collector = settings.tracing.collector
        own, pods = series.in_collector(collector.resources), collector.replicas
    else:
        own, pods = (
            _in_generator(settings.tempo, operator_version),
            settings.tempo.parts.metrics_generator.replicas or 1,
        )
    prometheus = settings.prometheus
    kept = [series.in_prometheus(prometheus.resources) // pods] if prometheus.is_deployed else []
    return series.least([own, *kept])


def _in_generator(tempo: Tempo, operator_version: str) -> int:
    """How many fit into the process in which Tempo's metrics generator runs."""
    if tempo.mode == "monolithic":
        return series.in_tempo(tempo.resources)
    own = tempo.parts.metrics_generator.resources
    if own is not None:
        return series.in_tempo(own)
    if has_generator(tempo, operator_version):
        return series.in_tempo(tempo.resources, of_a_stack=True)
    # The Tempo that makes it beside the stack has the resources of any.
    return series.in_tempo(Tempo().resources)
