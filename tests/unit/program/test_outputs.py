"""What each output of a component waits for."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from recording import SENTINELS, Deployed, full_config, minimal_config, with_settings

Deploy = Callable[..., Deployed]
Settings = Mapping[str, Any]

ALONE = {"namespaces.applications": [{"name": "shop"}]}
APPLICATION = {"namespaces.applications": [{"name": "shop", "deployments": ["cart"]}]}
EXPOSED = {"exposure.kind": "ingress", "exposure.domain": "example.com"}
GATEWAY = {"bookinfo.gateway": "istio"}
GRAFANA = {"grafana.mode": "managed"}
KIALI_CHART = {**EXPOSED, "kiali.installer": "helm"}
KIALI_RESOURCE = {**EXPOSED, "kiali.installer": "operator"}
OLM = {"platform": "openshift", "operators.source": "olm"}
S3 = {"tempo.storage.backend": "s3"}
S3_BY_KEYS = {**S3, "tempo.storage.s3.source": "keys", "tempo.storage.s3.endpoint": "https://s3.example.com"}
SAIL = {"mesh.installer": "sail"}

OUTPUTS: list[tuple[Settings, str, tuple[str, str]]] = [
    # The settings, the output, and what has to be there before it.
    ({}, "namespaces.names", ("Namespace", "istio-system")),
    ({}, "namespaces.names", ("Namespace", "tracing-system")),
    ({}, "network-policies.names", ("NetworkPolicy", "mesh-tracing-collector")),
    (OLM, "operators.names", ("Operator", "tempo-product.openshift-tempo-operator")),
    (OLM, "operators.names", ("Operator", "opentelemetry-product.openshift-opentelemetry-operator")),
    ({}, "mesh.namespace", ("Release", "istiod")),
    (SAIL, "mesh.namespace", ("Istio", "default")),
    ({}, "prometheus.query_url", ("Deployment", "prometheus")),
    ({}, "prometheus.write_url", ("Deployment", "prometheus")),
    (S3, "tempo-seaweedfs.secret_name", ("Secret", "tempo-seaweedfs")),
    (S3, "tempo-seaweedfs.secret_name", ("Job", "seaweedfs-bucket")),
    ({}, "tempo.query_url", ("TempoMonolithic", "tempo")),
    ({}, "tempo.otlp_address", ("TempoMonolithic", "tempo")),
    (S3_BY_KEYS, "tempo.otlp_address", ("Secret", "tempo-s3-keys")),
    ({}, "telemetry.provider_name", ("Telemetry", "mesh-tracing")),
    ({}, "telemetry.collector_service", ("OpenTelemetryCollector", "otel")),
    ({}, "datasource.dashboard_uid", ("ConfigMap", "grafana-dashboard-tracing")),
    ({}, "datasource.dashboard_uid", ("ConfigMap", "grafana-datasources-tracing")),
    ({}, "datasource.config_map", ("ConfigMap", "grafana-datasources-tracing")),
    (GRAFANA, "datasource-grafana.url", ("Deployment", "grafana")),
    (GRAFANA, "datasource.grafana_url", ("Deployment", "grafana")),
    (ALONE, "applications.namespaces", ("Namespace", "shop")),
    (APPLICATION, "applications.namespaces", ("Deployment", "cart")),
    ({}, "bookinfo.productpage_url", ("Deployment", "productpage-v1")),
    ({}, "bookinfo.productpage_url", ("Deployment", "ratings-v1")),
    (GATEWAY, "bookinfo-gateway.service", ("Gateway", "bookinfo-gateway")),
    (GATEWAY, "bookinfo.gateway_service", ("Release", "bookinfo-gateway")),
    (GATEWAY, "bookinfo.gateway_service", ("VirtualService", "bookinfo-gateway")),
    (KIALI_CHART, "kiali.service", ("Release", "kiali")),
    (KIALI_RESOURCE, "kiali.service", ("Kiali", "kiali")),
    (KIALI_RESOURCE, "kiali.url", ("Kiali", "kiali")),
    (EXPOSED, "exposure.urls", ("Ingress", "productpage")),
]


@pytest.mark.parametrize(
    ("settings", "output", "earlier"), OUTPUTS, ids=[f"{output}-{'-'.join(earlier)}" for _, output, earlier in OUTPUTS]
)
def test_an_output_waits_for(deploy: Deploy, settings: Settings, output: str, earlier: tuple[str, str]) -> None:
    deployed = deploy(with_settings({**minimal_config(), **SENTINELS}, settings))
    assert deployed.get(*earlier).urn in deployed.before_output(output)


def test_every_output_that_waits_is_in_the_table(deploy: Deploy) -> None:
    everything = deploy(full_config())
    components = {component.name for component in everything.components}
    waiting = {output for output, awaited in everything.awaited.items() if awaited}
    assert {output for output in waiting if output.partition(".")[0] in components} == {name for _, name, _ in OUTPUTS}
