"""Grafana's two data sources and their two forms: a provisioning file, and resources of grafana-operator."""

from collections.abc import Mapping
from typing import Any

import yaml

from objects.context import Text

TEMPO_UID = "tempo"
PROMETHEUS_UID = "prometheus"

# One data source, with the fields that both forms know.
DataSource = dict[str, Any]


def build_datasources(*, tempo_url: Text, prometheus_url: Text) -> list[DataSource]:
    """Tempo and Prometheus, each linked to the other; both URLs are those that Grafana's backend reaches."""
    return [
        {
            "name": "Tempo",
            "uid": TEMPO_UID,
            "type": "tempo",
            "access": "proxy",
            "url": tempo_url,
            "jsonData": {
                # The Service Graph tab queries this data source; with another uid than our Prometheus has,
                # the tab is empty.
                "serviceMap": {"datasourceUid": PROMETHEUS_UID},
                "nodeGraph": {"enabled": True},
                "tracesToMetrics": {
                    "datasourceUid": PROMETHEUS_UID,
                    "spanStartTimeShift": "-2m",
                    "spanEndTimeShift": "2m",
                    "tags": [{"key": "service.name", "value": "service"}],
                    "queries": [
                        {
                            "name": "Requests per second",
                            "query": "sum(rate(traces_spanmetrics_calls_total{$__tags}[5m]))",
                        },
                        {
                            "name": "Latency, 90th percentile",
                            "query": (
                                "histogram_quantile(0.9, sum by (le) "
                                "(rate(traces_spanmetrics_latency_bucket{$__tags}[5m])))"
                            ),
                        },
                    ],
                },
                # Tempo serves streams over HTTP only when told to; Grafana would report oversized
                # HTTP/2 frames.
                "streamingEnabled": {"search": False, "metrics": False},
            },
        },
        {
            "name": "Prometheus",
            "uid": PROMETHEUS_UID,
            "type": "prometheus",
            "access": "proxy",
            "url": prometheus_url,
            "jsonData": {
                "httpMethod": "POST",
                "exemplarTraceIdDestinations": [{"name": "traceID", "datasourceUid": TEMPO_UID}],
            },
        },
    ]


def provisioning_file(*, tempo_url: str, prometheus_url: str) -> str:
    """A provisioning file, in which Grafana expands variables: every ``$`` is therefore doubled."""
    datasources = build_datasources(tempo_url=tempo_url, prometheus_url=prometheus_url)
    return yaml.safe_dump({"apiVersion": 1, "datasources": _escaped(datasources)}, sort_keys=False)


def datasource_spec(datasource: DataSource, *, instance_labels: Mapping[str, str]) -> dict[str, Any]:
    """The spec of a GrafanaDatasource; the operator sends it to Grafana's API, which expands nothing."""
    fields = {key: value for key, value in datasource.items() if key != "uid"}
    return {"uid": datasource["uid"], **operator_selection(instance_labels), "datasource": fields}


def operator_selection(instance_labels: Mapping[str, str]) -> dict[str, Any]:
    """Which of grafana-operator's Grafanas take a resource, in whichever namespace they are."""
    return {"instanceSelector": {"matchLabels": dict(instance_labels)}, "allowCrossNamespaceImport": True}


def _escaped(value: Any) -> Any:
    if isinstance(value, str):
        return value.replace("$", "$$")
    if isinstance(value, dict):
        return {key: _escaped(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_escaped(inner) for inner in value]
    return value
