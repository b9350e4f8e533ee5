"""The service graph, made in the collector: connectors count what passes, and their metrics go to Prometheus.

The metrics are those of Tempo's generator, with its names, labels and units, so that whatever reads a graph reads this
one. The two spans of an edge have to meet, so the connectors see whole traces (``whole_traces.py``). What Tempo has and
the connectors have not: exemplars of edges, and the metric of the spans' sizes.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import Field

from model import ExistingPrometheus
from model.parts import SecretKey
from model.scalars import GoDuration
from objects.addresses import COLLECTOR, COLLECTOR_GRAPH_PORT
from objects.context import Args, Text
from objects.merge import merge
from objects.prometheus_access import exporter_fields, exporter_login, variables
from objects.series import of_one_service
from objects.tempo_config import EDGE_BUCKETS, PEERS

# Newer collectors call them `service_graph` and `span_metrics`, and take these names too.
CONNECTORS = ("servicegraph", "spanmetrics")
# Of the components and pipelines that are only here for the graph, `prometheus/graph` and the like.
GRAPH = "graph"
_METRICS = f"metrics/{GRAPH}"
_FILTER, _TRANSFORM, _LOGIN = f"filter/{GRAPH}", f"transform/{GRAPH}", f"basicauth/{GRAPH}"
# The label by which the stacks of this program know their own series.
_LABELS = {"source": "collector"}

# Tempo's defaults (tempo: modules/generator/processor/servicegraphs/config.go and processor/spanmetrics/config.go): how
# long a span waits for the other one of its edge, how many may wait, and the bounds of a span's latency in seconds.
_STORE = {"ttl": "10s", "max_items": 10000}
SPAN_BUCKETS = [0.002 * 2**power for power in range(14)]
# After this time without a request, Tempo forgets a series too.
_STALE = "15m"

# The connector's word for what a client called of which nothing is known; Tempo makes no edge of that.
_UNANSWERED = 'attributes["server"] == "unknown" and attributes["connection_type"] == "virtual_node"'
_OF_GRAPH = 'IsMatch(metric.name, "^traces_service_graph_")'
_LATENCY = "traces_spanmetrics_latency"
# The names and labels of Tempo, by contexts in their order. A resource's attributes would become the labels job and
# instance.
_AS_TEMPO_HAS_THEM: Sequence[tuple[str, Sequence[str]]] = (
    # What is over the limit of a service has no label of its own, and would be that of all services.
    (
        "datapoint",
        [
            'set(datapoint.attributes["service"], resource.attributes["service.name"]) '
            'where datapoint.attributes["otel.metric.overflow"] != nil'
        ],
    ),
    ("resource", ['keep_keys(resource.attributes, [""])']),
    (
        "datapoint",
        [
            'set(datapoint.attributes["service"], datapoint.attributes["service.name"]) '
            'where datapoint.attributes["service.name"] != nil',
            'delete_key(datapoint.attributes, "service.name")',
            # Random, and another one after each start.
            'delete_key(datapoint.attributes, "collector.instance.id")',
            # A label of every series here, and a metric of its own in Tempo, which the connector has as well.
            f'delete_key(datapoint.attributes, "failed") where {_OF_GRAPH}',
            # Only points of one time are added up, and the connector gives each counter a later one.
            f"set(datapoint.time, datapoint.start_time) where {_OF_GRAPH}",
        ],
    ),
    (
        "metric",
        [
            f'set(metric.name, "{_LATENCY}") where metric.name == "traces.spanmetrics.duration"',
            # Prometheus' names end with the unit, and this one of Tempo's does not.
            f'set(metric.unit, "") where metric.name == "{_LATENCY}"',
            # Without that label, two series are one.
            f'aggregate_on_attributes("sum") where {_OF_GRAPH}',
        ],
    ),
    ("datapoint", [f"set(datapoint.time, Now()) where {_OF_GRAPH}"]),
)


class CollectorGraph(Args):
    """What the collector has to know to make the graph."""

    interval: GoDuration = Field(default="15s", description="How often the graph is written.")
    dimensions: list[str] = Field(default=[], description="Attributes that become labels of the span metrics.")
    max_series: int | None = Field(
        default=None, description="How many series each of its pods may have; none means any number."
    )
    write_url: Text | None = Field(
        default=None, description="Where it is written to; none means that Prometheus scrapes it."
    )
    prometheus: ExistingPrometheus | None = Field(
        default=None, description="The Prometheus at that URL: its login, headers and authority."
    )

    @property
    def env(self) -> dict[str, SecretKey]:
        """The variables of its pods."""
        return variables(self.prometheus, COLLECTOR)


def add_graph(config: Mapping[str, Any], graph: CollectorGraph) -> dict[str, Any]:
    """The collector's ``config`` with all that makes the graph of what ``CONNECTORS`` get."""
    return merge(config, _to_prometheus(graph))


def _to_prometheus(graph: CollectorGraph) -> dict[str, Any]:
    """The connectors, and the pipeline from them to Prometheus."""
    exporter, settings = _exporter(graph)
    login = exporter_login(graph.prometheus)
    return {
        **({"extensions": {_LOGIN: login}} if login else {}),
        "connectors": {
            "servicegraph": {
                "latency_histogram_buckets": [_in_milliseconds(bound) for bound in EDGE_BUCKETS],
                "store": _STORE,
                "virtual_node_peer_attributes": PEERS,
                "metrics_flush_interval": graph.interval,
            },
            "spanmetrics": {
                "namespace": "traces.spanmetrics",
                "histogram": {
                    "unit": "s",
                    "explicit": {"buckets": [_in_milliseconds(bound) for bound in SPAN_BUCKETS]},
                },
                "exemplars": {"enabled": True},
                "metrics_flush_interval": graph.interval,
                "metrics_expiration": _STALE,
                # The pods of a service differ in what else their resource tells, and are counted together.
                "resource_metrics_key_attributes": ["service.name"],
                **({"dimensions": [{"name": name} for name in graph.dimensions]} if graph.dimensions else {}),
                # Of each service; its further requests are counted without their labels.
                **(
                    {}
                    if graph.max_series is None
                    else {"aggregation_cardinality_limit": of_one_service(graph.max_series)}
                ),
            },
        },
        "processors": {
            _FILTER: {"error_mode": "ignore", "metrics": {"datapoint": [_UNANSWERED]}},
            _TRANSFORM: {
                "error_mode": "ignore",
                "metric_statements": [
                    {"context": context, "statements": list(statements)} for context, statements in _AS_TEMPO_HAS_THEM
                ],
            },
        },
        "exporters": {exporter: settings},
        "service": {
            **({"extensions": [_LOGIN]} if login else {}),
            "pipelines": {
                _METRICS: {"receivers": list(CONNECTORS), "processors": [_FILTER, _TRANSFORM], "exporters": [exporter]}
            },
        },
    }


def _exporter(graph: CollectorGraph) -> tuple[str, dict[str, Any]]:
    if graph.write_url is None:
        return f"prometheus/{GRAPH}", {
            "endpoint": f"0.0.0.0:{COLLECTOR_GRAPH_PORT}",
            "const_labels": _LABELS,
            "metric_expiration": _STALE,
            # Without it there are no exemplars.
            "enable_open_metrics": True,
            "without_scope_info": True,
        }
    return f"prometheusremotewrite/{GRAPH}", {
        "endpoint": graph.write_url,
        # Each pod counts for itself: with the same labels, the one would overwrite the other's. The operator sets the
        # variable.
        "external_labels": {**_LABELS, "collector": "${env:POD_NAME}"},
        "target_info": {"enabled": False},
        "disable_scope_info": True,
        **exporter_fields(graph.prometheus, authenticator=_LOGIN),
    }


def _in_milliseconds(seconds: float) -> str:
    return f"{round(seconds * 1000)}ms"
