"""The dashboard: what the services do, who calls whom, and whether every hop on the spans' path works.

It is computed, not written as JSON: ids and places follow from the order here, so they cannot clash,
and a panel's type says which data source it asks.
"""

import json
from collections.abc import Mapping
from typing import Any

from objects.metrics import FROM_OUTSIDE

UID = "mesh-tracing"
TITLE = "Mesh tracing"

_GRID_WIDTH = 24
_HEIGHT = 8
_LINES = "timeseries"
_GRAPH = "nodeGraph"

# A call is counted by the span of the server that answered it.
_SERVER = 'span_kind="SPAN_KIND_SERVER"'
_OF_SERVICE = f'{_SERVER},service=~"$service"'

# What the collector sends, without what its pods hand to each other and the service graph.
_TO_TEMPO = 'exporter!~"(loadbalancing|prometheus).*"'
# A panel without its data source, its id and its position.
Panel = dict[str, Any]


def build_dashboard(*, tempo_uid: str, prometheus_uid: str) -> dict[str, Any]:
    """The dashboard as Grafana imports it; it asks the data sources with these uids."""
    prometheus = {"type": "prometheus", "uid": prometheus_uid}
    sources = {_LINES: prometheus, _GRAPH: {"type": "tempo", "uid": tempo_uid}}
    rows = {
        "Requests, errors, duration: $service": _red(),
        "Who calls whom": _graph(),
        "Spans in the collector": _collector(),
        "Spans and edges in Tempo": _tempo(),
    }
    return {
        "uid": UID,
        "title": TITLE,
        "description": "Services of the mesh as their traces show them, and the way that the traces take.",
        "tags": ["istio", "tracing"],
        "schemaVersion": 39,
        "editable": True,
        "refresh": "30s",
        "time": {"from": "now-1h", "to": "now"},
        "templating": {"list": [{**_service_variable(), "datasource": prometheus}]},
        "panels": _placed({title: [_asking(panel, sources) for panel in row] for title, row in rows.items()}),
    }


def to_json(dashboard: Mapping[str, Any]) -> str:
    return json.dumps(dashboard, indent=2)


def _red() -> list[Panel]:
    calls = _rate("traces_spanmetrics_calls_total", _OF_SERVICE, by="service")
    failed = _rate("traces_spanmetrics_calls_total", f'{_OF_SERVICE},status_code="STATUS_CODE_ERROR"', by="service")
    return [
        _lines("Requests per second", "reqps", {"{{service}}": calls}),
        # A service that never failed has no series of failures: it counts as zero.
        _lines("Share of requests that failed", "percentunit", {"{{service}}": f"({failed} or {calls} * 0) / {calls}"}),
        _lines(
            "Latency",
            "s",
            {f"{{{{service}}}} p{percent}": _latency(percent) for percent in (50, 95, 99)},
            note="The dots are traces: a click opens one.",
            exemplars=True,
        ),
    ]


def _graph() -> list[Panel]:
    edges = 'client!="",server!=""'
    return [
        {
            "type": _GRAPH,
            "title": "Service graph",
            "targets": [{"refId": "A", "queryType": "serviceMap"}],
        },
        _lines(
            "Requests per second, by edge",
            "reqps",
            {"{{client}} → {{server}}": _rate("traces_service_graph_request_total", edges, by="client, server")},
        ),
        _lines(
            "Failed requests per second, by edge",
            "reqps",
            {"{{client}} → {{server}}": _rate("traces_service_graph_request_failed_total", edges, by="client, server")},
        ),
    ]


def _collector() -> list[Panel]:
    return [
        _lines(
            "Spans per second",
            "cps",
            {
                "accepted": _total("otelcol_receiver_accepted_spans", FROM_OUTSIDE),
                "sent to Tempo": _total("otelcol_exporter_sent_spans", _TO_TEMPO),
            },
        ),
        _lines(
            "Spans lost per second",
            "cps",
            {
                "refused": _total("otelcol_receiver_refused_spans", FROM_OUTSIDE),
                "not queued": _total("otelcol_exporter_enqueue_failed_spans", _TO_TEMPO),
                "not sent": _total("otelcol_exporter_send_failed_spans", _TO_TEMPO),
            },
            note="Refused: the collector lacks memory. Not queued or not sent: Tempo does not take them fast enough.",
        ),
        _lines(
            "Queue to Tempo",
            "short",
            {
                "waiting": f"sum({_any_suffix('otelcol_exporter_queue_size', _TO_TEMPO)})",
                "capacity": f"sum({_any_suffix('otelcol_exporter_queue_capacity', _TO_TEMPO)})",
            },
        ),
    ]


def _tempo() -> list[Panel]:
    graphs, connector = "tempo_metrics_generator_processor_service_graphs", "otelcol_connector_servicegraph"
    # The connector counts an edge as soon as it has one of the two spans.
    begun, expired = _total(f"{connector}_total_edges"), _total(f"{connector}_expired_edges")
    return [
        _lines(
            "Spans per second",
            "cps",
            {
                "received": _rate("tempo_distributor_spans_received_total"),
                "discarded by the generator": _rate("tempo_metrics_generator_spans_discarded_total"),
            },
        ),
        _lines(
            "Edges per second",
            "cps",
            {
                "complete": f"{_rate(f'{graphs}_edges')} or {begun} - ({expired} or {begun} * 0)",
                "expired": f"{_rate(f'{graphs}_expired_edges')} or {expired}",
                "spans dropped": f"{_rate(f'{graphs}_dropped_spans')} or {_total(f'{connector}_dropped_spans')}",
            },
            note="An edge expires when only one of its two spans arrives in time.",
        ),
        _lines(
            "Failures per second",
            "cps",
            {
                "spans not passed to the generator": _rate("tempo_distributor_metrics_generator_pushes_failures_total"),
                "samples not written to Prometheus": _rate("prometheus_remote_storage_samples_failed_total"),
            },
        ),
    ]


def _service_variable() -> dict[str, Any]:
    query = f"label_values(traces_spanmetrics_calls_total{{{_SERVER}}}, service)"
    return {
        "name": "service",
        "label": "Service",
        "type": "query",
        "definition": query,
        "query": {"query": query, "refId": "services"},
        # The list of services is read again whenever the time range changes.
        "refresh": 2,
        "sort": 1,
        "multi": True,
        "includeAll": True,
        "allValue": ".*",
        "current": {"text": ["All"], "value": ["$__all"]},
    }


def _rate(metric: str, selector: str = "", *, by: str | None = None) -> str:
    total = "sum" if by is None else f"sum by ({by})"
    braces = f"{{{selector}}}" if selector else ""
    return f"{total} (rate({metric}{braces}[$__rate_interval]))"


def _total(counter: str, selector: str = "") -> str:
    return f"sum (rate({_any_suffix(counter, selector)}[$__rate_interval]))"


def _any_suffix(metric: str, selector: str = "") -> str:
    """A collector's metric: whether its name ends in a unit and in ``_total`` depends on its version."""
    return f'{{__name__=~"{metric}.*"{selector and f",{selector}"}}}'


def _latency(percent: int) -> str:
    buckets = f"rate(traces_spanmetrics_latency_bucket{{{_OF_SERVICE}}}[$__rate_interval])"
    return f"histogram_quantile({percent / 100:g}, sum by (service, le) ({buckets}))"


def _lines(
    title: str, unit: str, queries: Mapping[str, str], *, note: str | None = None, exemplars: bool = False
) -> Panel:
    """A graph over time of ``queries``, which are PromQL by legend."""
    panel: Panel = {
        "type": _LINES,
        "title": title,
        "fieldConfig": {"defaults": {"unit": unit, "min": 0}, "overrides": []},
        "options": {"tooltip": {"mode": "multi", "sort": "desc"}},
        "targets": [
            {
                "refId": chr(ord("A") + index),
                "expr": expression,
                "legendFormat": legend,
                "range": True,
                "exemplar": exemplars,
            }
            for index, (legend, expression) in enumerate(queries.items())
        ],
    }
    return panel if note is None else {**panel, "description": note}


def _asking(panel: Panel, sources: Mapping[str, Mapping[str, str]]) -> Panel:
    """``panel`` and each of its queries with the data source of the panel's type."""
    source = sources[panel["type"]]
    targets = [{**target, "datasource": source} for target in panel["targets"]]
    return {**panel, "datasource": source, "targets": targets}


def _placed(rows: Mapping[str, list[Panel]]) -> list[Panel]:
    """The panels of each titled row side by side, the rows below each other, all with an id."""
    placed: list[Panel] = []
    y = 0
    for title, panels in rows.items():
        row = {"type": "row", "title": title, "collapsed": False, "panels": []}
        placed.append({**row, "gridPos": {"x": 0, "y": y, "w": _GRID_WIDTH, "h": 1}})
        width = _GRID_WIDTH // len(panels)
        for column, panel in enumerate(panels):
            placed.append({**panel, "gridPos": {"x": column * width, "y": y + 1, "w": width, "h": _HEIGHT}})
        y += 1 + _HEIGHT
    return [{"id": number, **panel} for number, panel in enumerate(placed, start=1)]
