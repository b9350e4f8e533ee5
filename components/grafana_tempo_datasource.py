"""Grafana's data sources for the traces and the service graph, as a ConfigMap for its sidecar.

It stops at the data sources: Grafana itself is somebody else's.
"""

from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_kubernetes as k8s
import yaml

from components._package import PACKAGE, labels

CONFIG_MAP = "grafana-datasources-tracing"
TEMPO_UID = "tempo"
PROMETHEUS_UID = "prometheus"


@dataclass(frozen=True, kw_only=True)
class GrafanaTempoDatasourceArgs:
    """Both URLs as Grafana's backend reaches them."""

    namespace: str
    tempo_url: pulumi.Input[str]
    prometheus_url: pulumi.Input[str]


class GrafanaTempoDatasource(pulumi.ComponentResource):
    """``config_map`` is the namespace and name of the provisioned data sources."""

    config_map: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        args: GrafanaTempoDatasourceArgs,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__(f"{PACKAGE}:GrafanaTempoDatasource", name, None, opts)
        datasources = build_datasources(tempo_url=args.tempo_url, prometheus_url=args.prometheus_url)
        self._config_map = k8s.core.v1.ConfigMap(
            f"{name}-config-map",
            metadata={
                "name": CONFIG_MAP,
                "namespace": args.namespace,
                "labels": {**labels(CONFIG_MAP), "grafana_datasource": "1"},
            },
            data={"datasources.yaml": pulumi.Output.from_input(datasources).apply(_to_yaml)},
            opts=pulumi.ResourceOptions(parent=self),
        )

        self.config_map = self._config_map.metadata.apply(lambda metadata: f"{metadata.namespace}/{metadata.name}")
        self.register_outputs({"config_map": self.config_map})


def build_datasources(*, tempo_url: pulumi.Input[str], prometheus_url: pulumi.Input[str]) -> dict[str, Any]:
    """A provisioning file: Grafana expands variables in it, so a query's ``$`` is doubled."""
    return {
        "apiVersion": 1,
        "datasources": [
            {
                "name": "Tempo",
                "uid": TEMPO_UID,
                "type": "tempo",
                "access": "proxy",
                "url": tempo_url,
                "jsonData": {
                    # The Service Graph tab queries this data source, and is empty if the uid is not
                    # that of ours.
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
                                "query": "sum(rate(traces_spanmetrics_calls_total{$$__tags}[5m]))",
                            },
                            {
                                "name": "Latency, 90th percentile",
                                "query": (
                                    "histogram_quantile(0.9, sum by (le) "
                                    "(rate(traces_spanmetrics_latency_bucket{$$__tags}[5m])))"
                                ),
                            },
                        ],
                    },
                    # Tempo serves streams over HTTP only when told to; Grafana would report
                    # oversized HTTP/2 frames.
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
        ],
    }


def _to_yaml(datasources: dict[str, Any]) -> str:
    return yaml.safe_dump(datasources, sort_keys=False)
