"""The collector between the mesh and Tempo, and what a user may change about it."""

from collections.abc import Callable
from typing import Any

import pytest
from recording import Deployed, minimal_config, with_setting

from model import Collector, Tracing
from objects.collector import build_collector_spec
from objects.context import Context

Deploy = Callable[..., Deployed]

TEMPO = "tempo.test:4317"
PEERS = "collectors.test"


REDACTION = ["attributes/redaction", "resource/redaction"]


def spec(**collector: Any) -> dict[str, Any]:
    tracing = Tracing(collector=Collector.model_validate(collector))
    return build_collector_spec(tracing, otlp_address=TEMPO, peers=PEERS, context=Context())


def traces(extra_config: dict[str, Any]) -> dict[str, Any]:
    pipeline: dict[str, Any] = spec(extraConfig=extra_config)["config"]["service"]["pipelines"]["traces"]
    return pipeline


def processors(*names: str) -> list[str]:
    order: list[str] = traces({"service": {"pipelines": {"traces": {"processors": list(names)}}}})["processors"]
    return order


def test_the_collector_waits_for_tempo_and_the_telemetry_for_both_ends(minimal: Deployed) -> None:
    collector, telemetry = minimal.get("OpenTelemetryCollector"), minimal.get("Telemetry")
    assert minimal.get("TempoMonolithic").urn in minimal.before(collector.urn)
    assert {collector.urn, minimal.get("Release", "istiod").urn} <= minimal.before(telemetry.urn)
    assert minimal.get("Release", "istiod").urn not in minimal.before(collector.urn)


def test_the_collector_is_awaited_with_all_of_its_replicas(deploy: Deploy) -> None:
    config = with_setting(with_setting(minimal_config(), "tracing.collector.replicas", 3), "timeouts.collector", 44)
    deployed = deploy(config)
    assert deployed.get("OpenTelemetryCollector").inputs["spec"]["replicas"] == 3
    (watched,) = (rollout for rollout in deployed.watched if rollout.title == "The collector")
    assert (watched.namespace, watched.workloads, watched.seconds) == ("istio-system", ("otel-collector",), 44)


def test_the_collector_s_pods_stay_out_of_the_mesh(minimal: Deployed) -> None:
    labels = minimal.get("OpenTelemetryCollector").inputs["metadata"]["labels"]
    assert labels["sidecar.istio.io/inject"] == "false"


def test_one_replica_may_be_drained(minimal: Deployed) -> None:
    collector = minimal.get("OpenTelemetryCollector").inputs["spec"]
    assert collector["replicas"] == 1
    assert "podDisruptionBudget" not in collector
    assert "topologySpreadConstraints" not in collector


def test_several_replicas_are_spread_and_one_of_them_stays(deploy: Deploy) -> None:
    deployed = deploy(with_setting(minimal_config(), "tracing.collector.replicas", 2))
    collector = deployed.get("OpenTelemetryCollector").inputs
    assert collector["spec"]["podDisruptionBudget"] == {"maxUnavailable": 1}
    (constraint,) = collector["spec"]["topologySpreadConstraints"]
    assert constraint["topologyKey"] == "kubernetes.io/hostname"
    assert (constraint["maxSkew"], constraint["whenUnsatisfiable"]) == (1, "ScheduleAnyway")
    assert constraint["matchLabelKeys"] == ["pod-template-hash"]
    # The operator copies the resource's labels to the pods that are counted.
    selected = constraint["labelSelector"]["matchLabels"]
    assert selected
    assert selected.items() <= collector["metadata"]["labels"].items()


def test_the_queue_and_the_resources_are_those_of_the_settings() -> None:
    resources = {"limits": {"memory": "1Gi"}}
    collector = spec(queueSize=7, resources=resources)
    assert collector["resources"] == resources
    queue = collector["config"]["exporters"]["otlp_grpc"]["sending_queue"]
    assert (queue["enabled"], queue["sizer"], queue["queue_size"]) == (True, "items", 7000)
    assert collector["config"]["exporters"]["otlp_grpc"]["endpoint"] == TEMPO


def test_the_exporter_batches_in_requests_that_tempo_takes() -> None:
    batch = spec()["config"]["exporters"]["otlp_grpc"]["sending_queue"]["batch"]
    assert batch == {"flush_timeout": "200ms", "min_size": 1000, "max_size": 4000}


@pytest.mark.parametrize(
    "extra",
    [
        {"exporters": {"otlp": {"compression": "zstd"}}},
        {"processors": {"batch": {"timeout": "1s"}}},
        {"service": {"pipelines": {"traces": {"exporters": ["otlp", "debug"]}}}},
        {"service": {"pipelines": {"traces": {"processors": ["batch/large"]}}}},
        {"service": {"pipelines": {"traces/copy": {"receivers": ["otlp"], "processors": ["batch"]}}}},
    ],
    ids=["exporter", "processor", "pipeline", "named", "another pipeline"],
)
def test_configuration_that_speaks_of_the_older_names_finds_them(extra: dict[str, Any]) -> None:
    config = spec(extraConfig=extra, queueSize=7)["config"]
    assert config["exporters"]["otlp"]["endpoint"] == TEMPO
    assert config["exporters"]["otlp"]["sending_queue"] == {"enabled": True, "queue_size": 7}
    assert "batch" in config["processors"]
    assert config["service"]["pipelines"]["traces"]["processors"][-1].startswith("batch")
    assert "otlp_grpc" not in config["exporters"]


def test_further_configuration_is_merged_over_ours() -> None:
    extra = {
        "exporters": {"debug": {}, "otlp_grpc": {"sending_queue": {"queue_size": 5000}}},
        "processors": {"memory_limiter": {"limit_percentage": 60}},
    }
    config = spec(extraConfig=extra)["config"]
    assert set(config["exporters"]) == {"otlp_grpc", "debug"}
    assert config["exporters"]["otlp_grpc"]["sending_queue"]["queue_size"] == 5000
    assert config["exporters"]["otlp_grpc"]["endpoint"] == TEMPO
    assert config["processors"]["memory_limiter"]["limit_percentage"] == 60
    assert config["processors"]["memory_limiter"]["check_interval"] == "1s"


def test_the_user_s_lists_replace_ours() -> None:
    pipeline = traces({"service": {"pipelines": {"traces": {"exporters": ["otlp_grpc", "debug"]}}}})
    assert pipeline == {
        "receivers": ["otlp"],
        "processors": ["memory_limiter", *REDACTION],
        "exporters": ["otlp_grpc", "debug"],
    }


@pytest.mark.parametrize(
    ("theirs", "ordered"),
    [
        ([], ["memory_limiter", *REDACTION]),
        (["attributes"], ["memory_limiter", *REDACTION, "attributes"]),
        (["filter", "attributes/b"], ["memory_limiter", *REDACTION, "filter", "attributes/b"]),
        (["memory_limiter", "attributes", "batch"], ["memory_limiter", *REDACTION, "attributes", "batch"]),
        (["batch", "attributes", "memory_limiter"], ["memory_limiter", *REDACTION, "attributes", "batch"]),
        (["attributes", "batch/large"], ["memory_limiter", *REDACTION, "attributes", "batch/large"]),
        (["attributes", "memory_limiter/own"], ["memory_limiter/own", *REDACTION, "attributes"]),
    ],
)
def test_memory_is_limited_first_then_spans_are_redacted_and_batches_are_made_last(
    theirs: list[str], ordered: list[str]
) -> None:
    assert processors(*theirs) == ordered


def test_pipelines_of_the_user_s_own_are_left_as_they_are_but_for_the_redaction_of_traces() -> None:
    own = {"receivers": ["otlp"], "processors": ["batch"], "exporters": ["debug"]}
    config = spec(extraConfig={"service": {"pipelines": {"traces/copy": own, "logs": own}}})["config"]
    assert config["service"]["pipelines"]["traces/copy"] == {**own, "processors": [*REDACTION, "batch"]}
    assert config["service"]["pipelines"]["logs"] == own


@pytest.mark.parametrize("replicas", [1, 4])
def test_nothing_in_the_collector_needs_all_spans_of_a_trace(replicas: int) -> None:
    config = spec(replicas=replicas)["config"]
    assert "connectors" not in config
    assert not [name for name in config["processors"] if name.startswith(("tail_sampling", "groupbytrace"))]


def test_the_collector_s_pods_pull_with_the_secrets_of_an_account_that_is_there_first(deploy: Deploy) -> None:
    deployed = deploy(with_setting(minimal_config(), "images.pullSecrets", ["registry"]))
    collector = deployed.get("OpenTelemetryCollector")
    account = deployed.get("ServiceAccount", "mesh-tracing-otel-collector")
    assert collector.inputs["spec"]["serviceAccount"] == "mesh-tracing-otel-collector"
    assert account.inputs["imagePullSecrets"] == [{"name": "registry"}]
    assert account.inputs["metadata"]["namespace"] == collector.inputs["metadata"]["namespace"]
    assert account.urn in deployed.before(collector.urn)


def test_a_tempo_that_makes_the_graph_gets_every_span_too() -> None:
    graph = "tempo-graph.tracing-system.svc.cluster.local:4317"
    built = build_collector_spec(Tracing(), otlp_address=TEMPO, peers=PEERS, graph_address=graph, context=Context())
    config = built["config"]
    pipeline = config["service"]["pipelines"]["traces"]["exporters"]
    assert {config["exporters"][name]["endpoint"] for name in pipeline} == {TEMPO, graph}
    assert config["exporters"]["otlp_grpc/graph"]["retry_on_failure"]["enabled"] is True
