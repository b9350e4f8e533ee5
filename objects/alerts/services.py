"""Alerts on services, by the edges of the service graph: which fail, and which are slow."""

from collections.abc import Sequence

from objects.alerts.alert import Alert

_EDGE = 'client!="",server!=""'
# Long enough for a share to mean something, and short enough to see it end.
_OVER = "5m"
_REQUESTS = f"sum by (client, server) (increase(traces_service_graph_request_total{{{_EDGE}}}[{_OVER}]))"
_FAILED = f"sum by (client, server) (increase(traces_service_graph_request_failed_total{{{_EDGE}}}[{_OVER}]))"
_BUCKETS = f"sum by (client, server, le) (rate(traces_service_graph_request_server_seconds_bucket{{{_EDGE}}}[{_OVER}]))"
# Of fewer, one that fails would be a large share.
_ENOUGH = f"{_REQUESTS} >= 20"

SERVICES: Sequence[Alert] = (
    Alert(
        name="MeshEdgeFailing",
        severity="ticket",
        home="graph",
        applies=lambda watched: watched.alerts.edges.failing_percentage is not None,
        expr=f"{_FAILED} / {_REQUESTS} > $failing_share and {_ENOUGH}",
        lasts="1m",
        summary="Of the requests from {{ $labels.client }} to {{ $labels.server }}, {{ $value | humanizePercentage "
        "}} fail",
        cause="The called service answers with errors, or is not reached: a deployment that went wrong, a part that it "
        "depends on, a policy of the mesh.",
        remedy='Search Tempo for its failing traces, `{resource.service.name="…" && status=error}`: the deepest '
        "span that failed is where to look. `alerts.edges.failingPercentage` is the limit.",
    ),
    Alert(
        name="MeshEdgeSlow",
        severity="ticket",
        home="graph",
        applies=lambda watched: watched.has_buckets and watched.alerts.edges.slower_than is not None,
        expr=f"histogram_quantile(0.95, {_BUCKETS}) > $slow_seconds and {_ENOUGH}",
        lasts="1m",
        summary="Of the requests from {{ $labels.client }} to {{ $labels.server }}, one in twenty takes {{ $value | "
        "humanizeDuration }} or longer",
        cause="The called service, or what it waits for, has become slow.",
        remedy='Search Tempo for its slow traces, `{resource.service.name="…" && duration>1s}`: the longest span '
        "without a child that explains it is where to look. `alerts.edges.slowerThan` is the limit.",
    ),
)
