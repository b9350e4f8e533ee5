"""Grafana's data sources and their two forms: a provisioning file, and resources of grafana-operator."""

from collections.abc import Mapping
from typing import Any

import yaml

from model import ExistingTempo, Grafana, LokiDataSource
from model.parts import SecretKey
from objects.context import Text
from objects.log_links import to_logs, to_trace
from objects.merge import merge
from objects.prometheus_access import VARIABLE

# What stands for the password or token of an existing Prometheus in a file: a variable of our Grafana.
IN_FILE = f"${{{VARIABLE}}}"
# One data source, with the fields that both forms know.
DataSource = dict[str, Any]


def prometheus_uid(grafana: Grafana, existing_uid: str | None) -> str:
    """The uid of the data source with the service graph: that of one which exists already, or ours."""
    return existing_uid or grafana.prometheus.uid


def build_datasources(  # noqa: PLR0913  what each of the two needs
    grafana: Grafana,
    *,
    existing_uid: str | None,
    tempo_url: Text | None,
    prometheus_url: Text,
    tempo: ExistingTempo | None = None,
    access: Mapping[str, Any] | None = None,
) -> dict[str, DataSource]:
    """Tempo, Prometheus and Loki, but of which Grafana has one already; all URLs are those that its backend reaches.

    There is none for a store that nobody can search. ``tempo`` is that of somebody else's, and ``access`` what
    Prometheus wants to know of those who ask.

    Grafana, and grafana-operator too, know a data source by its name: one that has ours would be changed into ours.
    """
    built: dict[str, DataSource] = {}
    if makes_tempo(tempo):
        ours = _tempo(grafana, prometheus_uid(grafana, existing_uid), tempo_url)
        built["tempo"] = merge(ours, _tempo_fields(tempo))
    if existing_uid is None:
        built["prometheus"] = merge(_prometheus(grafana, tempo_uid(grafana, tempo), prometheus_url), access or {})
    if grafana.loki is not None:
        if "tempo" in built:
            built["tempo"]["jsonData"]["tracesToLogsV2"] = to_logs(grafana.loki)
        if grafana.loki.url is not None:
            built["loki"] = _loki(tempo_uid(grafana, tempo), grafana.loki)
    return built


def makes_tempo(existing: ExistingTempo | None) -> bool:
    """Whether there is to be a data source for the traces."""
    return existing is None or (existing.query_url is not None and existing.datasource_uid is None)


def tempo_uid(grafana: Grafana, existing: ExistingTempo | None) -> str:
    """The uid of the data source with the traces: that of one which exists already, or ours."""
    return grafana.tempo.uid if existing is None or existing.datasource_uid is None else existing.datasource_uid


def _tempo_fields(existing: ExistingTempo | None) -> dict[str, Any]:
    """What somebody else's wants to know of those who ask; none of it is secret."""
    if existing is None:
        return {}
    plain, secure = dict[str, Any](), dict[str, str]()
    for number, (name, value) in enumerate(existing.headers.items(), start=1):
        plain[f"httpHeaderName{number}"], secure[f"httpHeaderValue{number}"] = name, value
    if existing.ca is not None:
        plain["tlsAuthWithCACert"], secure["tlsCACert"] = True, existing.ca
    return {**({"jsonData": plain} if plain else {}), **({"secureJsonData": secure} if secure else {})}


def _tempo(grafana: Grafana, prometheus: str, url: Text | None) -> DataSource:
    return {
        "name": grafana.tempo.name,
        "uid": grafana.tempo.uid,
        "type": "tempo",
        "access": "proxy",
        "url": url,
        "jsonData": {
            # The Service Graph tab queries this data source; with another uid than the Prometheus with the graph has,
            # the tab is empty.
            "serviceMap": {"datasourceUid": prometheus},
            "nodeGraph": {"enabled": True},
            "tracesToMetrics": {
                "datasourceUid": prometheus,
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
            # Tempo serves streams over HTTP only when told to; Grafana would report oversized HTTP/2 frames.
            "streamingEnabled": {"search": False, "metrics": False},
        },
    }


def _prometheus(grafana: Grafana, tempo: str, url: Text) -> DataSource:
    return {
        "name": grafana.prometheus.name,
        "uid": grafana.prometheus.uid,
        "type": "prometheus",
        "access": "proxy",
        "url": url,
        "jsonData": {
            "httpMethod": "POST",
            "exemplarTraceIdDestinations": [{"name": "traceID", "datasourceUid": tempo}],
        },
    }


def _loki(tempo: str, loki: LokiDataSource) -> DataSource:
    return {
        "name": loki.name,
        "uid": loki.uid,
        "type": "loki",
        "access": "proxy",
        "url": loki.url,
        "jsonData": {"derivedFields": [to_trace(tempo)]},
    }


def provisioning_file(datasources: Mapping[str, DataSource]) -> str:
    """A provisioning file, in which Grafana expands variables: every ``$`` but that of ours is therefore doubled."""
    content = {
        "apiVersion": 1,
        # Grafana then takes away what this file does not have any more; by itself it would keep it for ever.
        "prune": True,
        "datasources": _escaped(list(datasources.values())),
    }
    return yaml.safe_dump(content, sort_keys=False)


def datasource_spec(
    datasource: DataSource, *, instance_labels: Mapping[str, str], credentials: SecretKey | None = None
) -> dict[str, Any]:
    """The spec of a GrafanaDatasource; the operator sends it to Grafana's API, which expands nothing.

    It puts the key of a Secret where ``in_resource`` stands (grafana-operator: controllers/datasource_controller.go).
    """
    fields = {key: value for key, value in datasource.items() if key != "uid"}
    spec = {"uid": datasource["uid"], **operator_selection(instance_labels), "datasource": fields}
    if credentials is not None:
        source = {"secretKeyRef": {"name": credentials.secret, "key": credentials.key}}
        spec["valuesFrom"] = [
            {"targetPath": f"secureJsonData.{name}", "valueFrom": source}
            for name, value in fields.get("secureJsonData", {}).items()
            if in_resource(credentials) in value
        ]
    return spec


def in_resource(credentials: SecretKey) -> str:
    """What stands for the key of a Secret in a resource of grafana-operator."""
    return f"${{{credentials.key}}}"


def operator_selection(instance_labels: Mapping[str, str]) -> dict[str, Any]:
    """Which of grafana-operator's Grafanas take a resource, in whichever namespace they are."""
    return {"instanceSelector": {"matchLabels": dict(instance_labels)}, "allowCrossNamespaceImport": True}


def _escaped(value: Any) -> Any:
    if isinstance(value, str):
        return value.replace("$", "$$").replace(f"${IN_FILE}", IN_FILE)
    if isinstance(value, dict):
        return {key: _escaped(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_escaped(inner) for inner in value]
    return value
