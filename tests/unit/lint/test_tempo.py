"""Tempo's configuration wherever it is, and the way of spans into it and of the service graph out of it."""

import base64
from collections.abc import Callable

import pytest
from tempo_manifests import GENERATOR, PLAIN, config_map, release, together, workload

Codes = Callable[..., list[str]]


# Where a configuration is.


def test_a_config_map_a_secret_and_a_file_have_the_same_faults(codes: Codes) -> None:
    wrong = PLAIN + "metrics_generator: {processor: {service_graphs: {}}, storage: {path: /var/tempo/wal}}\n"
    encoded = base64.b64encode(wrong.encode()).decode()
    secret = f"{{apiVersion: v1, kind: Secret, metadata: {{name: tempo}}, data: {{tempo.yaml: {encoded}}}}}"
    assert codes(config_map(wrong)) == codes(secret) == codes(wrong) == ["error N5"]


def test_loki_and_mimir_have_sections_of_the_same_names(codes: Codes) -> None:
    loki = "ingester: {chunk_idle_period: 3m}\nstorage_config: {filesystem: {directory: /loki}}\nunknown: {}\n"
    mimir = "distributor: {pool: {health_check_ingesters: true}}\ncompactor: {data_dir: /data}\nblocks_storage: {}\n"
    assert codes(config_map(loki, "config.yaml")) == codes(config_map(mimir, "config.yaml")) == []


def test_overrides_of_tenants_are_not_a_configuration(codes: Codes) -> None:
    tenants = 'overrides: {"*": {metrics_generator: {processors: [service-graphs]}, strange: 1}}\n'
    assert codes(config_map(tenants, "overrides.yaml")) == []


@pytest.mark.parametrize(
    "values",
    [
        "storage: {trace: {backend: s3}}\ningester: {replicas: 3}\ncompactor: {}\n",
        "storage: {trace: {backend: s3}}\ndistributor: {config: {extend_writes: true}}\n",
        "storage: {trace: {backend: s3}}\nqueryFrontend: {}\ningester: {}\ncompactor: {}\n",
        "storage: {trace: {backend: s3}, admin: {backend: s3}}\n",
    ],
)
def test_values_of_a_chart_are_not_a_configuration(codes: Codes, values: str) -> None:
    assert codes(values) == []


def test_a_configuration_with_odd_shapes_does_not_stop_the_check(codes: Codes) -> None:
    odd = "storage: {trace: {}}\noverrides: [1]\nmetrics_generator: text\ndistributor: {receivers: 7}\nserver:\n"
    assert codes(config_map(odd)) == []


# The metrics generator.


def test_a_plain_generator_may_have_its_path_anywhere(codes: Codes) -> None:
    assert codes(config_map(PLAIN + GENERATOR.replace("/var/tempo", "/data"))) == []


def test_overrides_of_tenants_that_stand_beside_are_read(codes: Codes) -> None:
    wrong = PLAIN + GENERATOR.replace(
        "defaults: {metrics_generator: {processors: [service-graphs]}}",
        "per_tenant_override_config: /conf/overrides.yaml",
    )
    tenants = '  overrides.yaml: |\n    overrides: {"*": {metrics_generator: {processors: [service-graphs]}}}\n'
    assert codes(config_map(wrong)) == []
    assert codes(config_map(wrong) + "  overrides.yaml: |\n    overrides: {}\n") == ["error N5"]
    assert codes(config_map(wrong) + tenants) == []


def test_a_remote_write_without_any_processor_has_nothing_to_write(codes: Codes) -> None:
    write = "metrics_generator: {storage: {path: /wal, remote_write: [{url: http://mimir.obs/api/v1/push}]}}\n"
    assert codes(config_map(PLAIN + write)) == ["error N5"]


def test_a_generator_that_is_only_part_of_a_ring_makes_no_metrics(codes: Codes) -> None:
    assert codes(config_map(PLAIN + "metrics_generator: {ring: {kvstore: {store: memberlist}}}\n")) == []


@pytest.mark.parametrize(
    ("slack", "expected"),
    [
        ("30s", []),
        ("5s", []),
        ("1m30s", []),
        ("4s", ["error N5"]),
        ("1500ms", ["error N5"]),
        ("0", ["error N5"]),
        ("30", ["error N5"]),
        ("soon", []),
        ("${SLACK}", []),
    ],
)
def test_the_slack_is_longer_than_a_sidecar_waits(codes: Codes, slack: str, expected: list[str]) -> None:
    setting = f"metrics_generator:\n  metrics_ingestion_time_range_slack: {slack}\n"
    assert codes(config_map(PLAIN + setting)) == expected


def test_no_slack_in_overrides_leaves_the_generator_its_own(codes: Codes) -> None:
    newer = "overrides: {defaults: {metrics_generator: {ingestion_time_range_slack: %s}}}\n"
    assert codes(config_map(PLAIN + newer % "0s")) == []
    assert codes(config_map(PLAIN + newer % "1s")) == ["error N5"]


# Remote writes.


def test_a_plain_tempo_writes_to_a_prometheus_without_receiver(codes: Codes) -> None:
    prometheus = workload("prom/prometheus:v3.13.5", "prometheus", "{emptyDir: {}}", "args: [--config.file=/etc/p.yml]")
    right = prometheus.replace("p.yml", "p.yml, --web.enable-remote-write-receiver")
    assert codes(together(config_map(PLAIN + GENERATOR), prometheus)) == ["error N7"]
    assert codes(together(config_map(PLAIN + GENERATOR), right)) == []


@pytest.mark.parametrize(("version", "expected"), [("v2.54.1", []), ("v3.13.5", ["error N7"])])
def test_the_receiver_was_a_feature_before_prometheus_3(codes: Codes, version: str, expected: list[str]) -> None:
    feature = f'args: ["--enable-feature=exemplar-storage,remote-write-receiver"], name: {version}'
    prometheus = workload(f"prom/prometheus:{version}", "prometheus", "{emptyDir: {}}", feature)
    assert [code for code in codes(together(config_map(PLAIN + GENERATOR), prometheus)) if "N7" in code] == expected


STACK_CHART = """
prometheus:
  prometheusSpec: {retention: 1d}
"""


def test_prometheus_of_a_chart_has_no_receiver_by_itself(codes: Codes) -> None:
    tempo = config_map(PLAIN + GENERATOR.replace("prometheus.obs", "prometheus-operated.obs"))
    chart = release("kube-prometheus-stack", STACK_CHART)
    assert codes(together(tempo, chart)) == ["error N7"]
    assert codes(together(tempo, chart.replace("1d", "1d, enableRemoteWriteReceiver: true"))) == []
    assert codes(together(tempo, chart.replace("namespace: obs", "namespace: other"))) == []


def test_a_file_of_values_does_not_say_where_it_goes(codes: Codes) -> None:
    tempo = config_map(PLAIN + GENERATOR.replace("prometheus.obs", "prometheus-operated.obs"))
    assert codes(together(tempo, STACK_CHART)) == ["error N7"]


def test_values_from_elsewhere_may_switch_the_receiver_on(codes: Codes) -> None:
    tempo = config_map(PLAIN + GENERATOR.replace("prometheus.obs", "prometheus-operated.obs"))
    chart = release("kube-prometheus-stack", STACK_CHART, "valuesFrom: [{kind: ConfigMap, name: more}]")
    assert codes(together(tempo, chart)) == []


def test_the_chart_of_prometheus_has_flags(codes: Codes) -> None:
    tempo = config_map(PLAIN + GENERATOR.replace("prometheus.obs.svc:9090", "prometheus-server.obs.svc"))
    chart = release("prometheus", "server:\n  extraFlags: [web.enable-lifecycle]")
    assert codes(together(tempo, chart)) == ["error N7"]
    assert codes(together(tempo, chart.replace("-lifecycle", "-lifecycle, web.enable-remote-write-receiver"))) == []


def test_a_chart_of_tempo_writes_to_its_url(codes: Codes) -> None:
    values = """
    tempo:
      metricsGenerator: {enabled: true, remoteWriteUrl: "http://prometheus-operated.obs:9090/api/v1/write"}
      overrides: {defaults: {metrics_generator: {processors: [service-graphs]}}}
    """
    assert codes(together(release("tempo", values), release("kube-prometheus-stack", STACK_CHART))) == ["error N7"]


# Receivers.


@pytest.mark.parametrize(
    ("image", "endpoint", "expected"),
    [
        ("grafana/tempo:2.7.0", "", ["error N31"]),
        ("grafana/tempo:2.6.1", "", []),
        ("grafana/tempo:2.6.1", 'endpoint: "localhost:4317"', ["error N31"]),
        ("grafana/tempo:2.10.8", 'endpoint: "${POD_IP}:4317"', []),
        ("grafana/tempo:main", "", []),
    ],
)
def test_a_receiver_listens_for_other_pods(codes: Codes, image: str, endpoint: str, expected: list[str]) -> None:
    config = config_map(PLAIN.replace('endpoint: "0.0.0.0:4317"', endpoint))
    assert codes(together(config, workload(image))) == expected


def test_a_collector_in_the_same_pod_reaches_localhost(codes: Codes) -> None:
    config = config_map(PLAIN.replace('endpoint: "0.0.0.0:4317"', ""))
    pod = workload("grafana/tempo:2.10.8").replace("}]\n      volumes", "}, {name: collector}]\n      volumes")
    assert codes(together(config, pod)) == []


def test_a_bare_pod_runs_tempo_too(codes: Codes) -> None:
    pod = """
apiVersion: v1
kind: Pod
metadata: {name: tempo, namespace: obs}
spec:
  containers: [{name: tempo, image: "grafana/tempo:3.0.3"}]
  volumes: [{configMap: {name: tempo}}]
"""
    assert codes(together(config_map(PLAIN + "compactor: {}\n"), pod)) == ["error N31"]


# Variables.


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ("env: [{name: KEY, value: a}]", ["error N17"]),
        ("env: [{name: KEY, value: a}], args: [-config.expand-env=true]", []),
        ("env: [{name: OTHER, value: a}]", []),
    ],
)
def test_a_variable_of_the_container_needs_the_flag(codes: Codes, more: str, expected: list[str]) -> None:
    config = config_map(PLAIN.replace("/var/tempo/blocks", '"${KEY}"'))
    assert codes(together(config, workload("grafana/tempo:2.10.8", more=more))) == expected
