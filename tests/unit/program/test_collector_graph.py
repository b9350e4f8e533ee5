"""The service graph that the collector makes: when it does, of what it counts, and how Prometheus gets it."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest
import yaml
from recording import Deployed, Registration, s3_config, stack_config, with_settings

Deploy = Callable[..., Deployed]

EXISTING = {"queryUrl": "http://prometheus.monitoring.svc.cluster.local:9090"}
STACK = {"tempo.mode": "stack"}
# The Service by which Prometheus finds the pods.
SCRAPED = "mesh-tracing-service-graph"
# The embedded cluster has one of before 0.22, and nothing is known of a cluster that is not looked at.
OLDER = {"operators.source": "manifests", "operators.tempoVersion": "0.21.0"}


def deployed_with(deploy: Deploy, changes: Mapping[str, Any]) -> Deployed:
    return deploy(with_settings(s3_config(), changes))


def of_kind(deployed: Deployed, kind: str) -> list[Registration]:
    return [one for one in deployed.children if one.kind == kind]


def spec(deployed: Deployed) -> dict[str, Any]:
    found: dict[str, Any] = deployed.get("OpenTelemetryCollector").inputs["spec"]
    return found


def pipelines(deployed: Deployed) -> dict[str, Any]:
    found: dict[str, Any] = spec(deployed)["config"]["service"]["pipelines"]
    return found


def scraped(deployed: Deployed) -> set[str]:
    (config,) = [
        one.inputs["data"]["prometheus.yml"]
        for one in of_kind(deployed, "ConfigMap")
        if "prometheus.yml" in (one.inputs.get("data") or {})
    ]
    return {job["job_name"] for job in yaml.safe_load(config)["scrape_configs"]}


def test_a_monolithic_tempo_makes_the_graph_itself(minimal: Deployed) -> None:
    assert minimal.exports["graph_source"] == "tempo"
    assert "connectors" not in spec(minimal)["config"]


def test_the_collector_makes_the_graph_of_a_tempo_stack_that_has_no_generator(deploy: Deploy) -> None:
    deployed = deployed_with(deploy, STACK | OLDER)
    assert deployed.exports["graph_source"] == "collector"
    assert of_kind(deployed, "TempoMonolithic") == []


def test_a_tempo_stack_with_a_generator_makes_the_graph_itself(deploy: Deploy) -> None:
    deployed = deployed_with(deploy, STACK)
    assert deployed.exports["graph_source"] == "tempo"
    assert "metricsGenerator" in deployed.get("TempoStack").inputs["spec"]["template"]


def test_whoever_asks_for_it_keeps_the_tempo_that_makes_the_graph_beside_the_stack(deploy: Deploy) -> None:
    deployed = deployed_with(deploy, STACK | OLDER | {"graph.source": "tempo"})
    assert deployed.get("TempoMonolithic").inputs["metadata"]["name"] == "graph"


def test_native_histograms_keep_it_too(deploy: Deploy) -> None:
    native = {"tempo.histograms": "both", "prometheus.nativeHistograms": True}
    assert deployed_with(deploy, STACK | OLDER | native).exports["graph_source"] == "tempo"


def test_one_collector_counts_what_it_passes_on(deploy: Deploy) -> None:
    found = pipelines(deployed_with(deploy, {"graph.source": "collector"}))
    assert found["traces"]["exporters"] == ["otlp_grpc", "servicegraph", "spanmetrics"]
    assert found["metrics/graph"]["receivers"] == ["servicegraph", "spanmetrics"]
    assert "traces/graph" not in found


def test_several_collectors_hand_each_trace_to_one_of_them(deploy: Deploy) -> None:
    deployed = deployed_with(deploy, {"graph.source": "collector", "tracing.collector.replicas": 2})
    found, config = pipelines(deployed), spec(deployed)["config"]
    assert found["traces"]["exporters"] == ["otlp_grpc", "loadbalancing/graph"]
    assert found["traces/graph"]["receivers"] == ["otlp/graph"]
    assert found["traces/graph"]["exporters"] == ["servicegraph", "spanmetrics"]
    peers = config["exporters"]["loadbalancing/graph"]
    assert peers["routing_key"] == "traceID"
    assert peers["resolver"]["dns"]["hostname"] == "otel-collector-headless.istio-system.svc.cluster.local"
    endpoint = config["receivers"]["otlp/graph"]["protocols"]["grpc"]["endpoint"]
    assert endpoint.rpartition(":")[2] == peers["resolver"]["dns"]["port"]


def test_exporters_of_the_user_s_are_no_reason_to_count_nothing(deploy: Deploy) -> None:
    extra = {"exporters": {"debug": {}}, "service": {"pipelines": {"traces": {"exporters": ["otlp_grpc", "debug"]}}}}
    changes = {"graph.source": "collector", "tracing.collector.extraConfig": extra}
    found = pipelines(deployed_with(deploy, changes))
    assert found["traces"]["exporters"] == ["otlp_grpc", "debug", "servicegraph", "spanmetrics"]


def test_tempo_counts_nothing_twice(deploy: Deploy) -> None:
    deployed = deployed_with(deploy, {"graph.source": "collector"})
    config = deployed.get("TempoMonolithic").inputs["spec"]["extraConfig"]["tempo"]
    assert not {"metrics_generator", "overrides"} & config.keys()


def test_our_prometheus_scrapes_the_graph(deploy: Deploy) -> None:
    deployed = deployed_with(deploy, {"graph.source": "collector"})
    config = spec(deployed)["config"]
    (exporter,) = pipelines(deployed)["metrics/graph"]["exporters"]
    assert exporter == "prometheus/graph"
    assert "service-graph" in scraped(deployed)
    service = deployed.get("Service", SCRAPED).inputs["spec"]
    endpoint = config["exporters"][exporter]["endpoint"]
    assert [int(port["port"]) for port in service["ports"]] == [int(endpoint.rpartition(":")[2])]
    labels = deployed.get("OpenTelemetryCollector").inputs["metadata"]["labels"]
    assert service["selector"]["app.kubernetes.io/name"] == labels["app.kubernetes.io/name"]


def test_no_graph_is_scraped_where_tempo_makes_it(minimal: Deployed) -> None:
    assert "service-graph" not in scraped(minimal)


def test_the_collector_writes_the_graph_to_an_existing_prometheus(deploy: Deploy) -> None:
    deployed = deployed_with(deploy, {"graph.source": "collector", "prometheus.existing": EXISTING})
    (exporter,) = pipelines(deployed)["metrics/graph"]["exporters"]
    assert exporter == "prometheusremotewrite/graph"
    written = spec(deployed)["config"]["exporters"][exporter]
    assert written["endpoint"] == f"{EXISTING['queryUrl']}/api/v1/write"
    # Two pods with the same labels would overwrite each other's counters.
    assert "${env:POD_NAME}" in written["external_labels"].values()
    assert SCRAPED not in {one.object_name for one in of_kind(deployed, "Service")}


@pytest.mark.parametrize("kind", ["bearer", "basic"])
def test_the_login_of_that_prometheus_is_in_a_secret_only(deploy: Deploy, kind: str) -> None:
    auth = {"type": kind, **({"username": "mesh"} if kind == "basic" else {})}
    existing = EXISTING | {"auth": auth, "datasourceUid": "prometheus"}
    deployed = deployed_with(deploy, {"graph.source": "collector", "prometheus.existing": existing})
    collector = deployed.get("OpenTelemetryCollector")
    (variable,) = collector.inputs["spec"]["env"]
    source = variable["valueFrom"]["secretKeyRef"]
    (login,) = [one for one in of_kind(deployed, "Secret") if one.inputs["metadata"]["name"] == source["name"]]
    assert login.inputs["metadata"]["namespace"] == collector.inputs["metadata"]["namespace"]
    assert source["key"] in login.inputs["stringData"]
    assert login.urn in deployed.before(collector.urn)
    assert f"${{env:{variable['name']}}}" in str(collector.inputs["spec"]["config"])


def test_the_operator_s_image_is_replaced_by_one_that_has_the_connectors(deploy: Deploy) -> None:
    assert "opentelemetry-collector-contrib:" in spec(deployed_with(deploy, {"graph.source": "collector"}))["image"]


def test_an_image_of_the_user_s_stays(deploy: Deploy) -> None:
    changes = {"graph.source": "collector", "tracing.collector.image": "registry.example.com/collector:1"}
    assert spec(deployed_with(deploy, changes))["image"] == "registry.example.com/collector:1"


def test_the_build_of_red_hat_s_operator_stays(deploy: Deploy) -> None:
    assert "image" not in spec(deploy(stack_config("prod")))


def test_the_sidecar_of_a_collector_lets_scrapes_and_the_other_collectors_pass(deploy: Deploy) -> None:
    changes = {"graph.source": "collector", "mesh.cni": True, "tracing.collector.inMesh": True}
    annotations = spec(deployed_with(deploy, changes))["podAnnotations"]
    assert annotations["traffic.sidecar.istio.io/excludeInboundPorts"] == "8888,8889,4319"
