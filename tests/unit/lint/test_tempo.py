"""Tempo's configuration wherever it is, its keys by release, its operator, and the values of its charts."""

import base64
import textwrap
from collections.abc import Callable

import pytest

import lint
from lint.tempo_keys import knows, nearest_place, releases

Codes = Callable[..., list[str]]
CheckYaml = Callable[..., list[lint.Finding]]

PLAIN = """
distributor: {receivers: {otlp: {protocols: {grpc: {endpoint: "0.0.0.0:4317"}}}}}
storage: {trace: {backend: local, local: {path: /var/tempo/blocks}, wal: {path: /var/tempo/wal}}}
"""
GENERATOR = """
metrics_generator:
  processor: {service_graphs: {}}
  storage: {path: /var/tempo/generator/wal, remote_write: [{url: "http://prometheus.obs.svc:9090/api/v1/write"}]}
overrides: {defaults: {metrics_generator: {processors: [service-graphs]}}}
"""


def together(*manifests: str) -> str:
    return "\n---\n".join(manifests)


def config_map(config: str, key: str = "tempo.yaml") -> str:
    return f"""
apiVersion: v1
kind: ConfigMap
metadata: {{name: tempo, namespace: obs}}
data:
  {key}: |
{textwrap.indent(config, "    ")}
"""


def workload(image: str, name: str = "tempo", volume: str = "{configMap: {name: tempo}}", more: str = "") -> str:
    return f"""
apiVersion: apps/v1
kind: Deployment
metadata: {{name: {name}, namespace: obs}}
spec:
  template:
    spec:
      containers: [{{name: tempo, image: "{image}", {more}}}]
      volumes: [{volume}]
"""


def release(chart: str, values: str, more: str = "") -> str:
    return f"""
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: {{name: tempo, namespace: obs}}
spec:
  {more}
  chart: {{spec: {{chart: {chart}}}}}
  values:
{textwrap.indent(textwrap.dedent(values), "    ")}
"""


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


# Keys.


@pytest.mark.parametrize(
    ("config", "remedy"),
    [
        ("metrics_generator: {storge: {path: /wal}}", "write storage"),
        ("metrics_generator: {service_graphs: {}}", "move it to metrics_generator.processor.service_graphs"),
        ("receivers: {otlp: {}}", "move it to distributor.receivers"),
        ("distributor: {xyz: 1}", "leave it out"),
        ("memberlist: {join_memberz: [a]}", "write join_members"),
    ],
)
def test_a_refused_key_has_a_remedy(check_yaml: CheckYaml, config: str, remedy: str) -> None:
    storage = 'storage: {trace: {backend: s3, s3: {endpoint: "https://s3.example.com", bucket: traces}}}\n'
    (finding,) = check_yaml(storage + config)
    assert (finding.code, finding.remedy) == ("N31", remedy)


def test_what_is_below_a_receiver_is_not_tempos(codes: Codes) -> None:
    assert codes(config_map(PLAIN.replace("grpc: {", "grpc: {anything: 1, "))) == []


def test_a_key_that_is_put_in_later_is_not_judged(codes: Codes) -> None:
    assert codes(config_map(PLAIN + '"${SECTION}": {}\n')) == []


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        ("grafana/tempo:2.10.1", []),
        ("registry.example.com/mirror/tempo:v2.6.0", []),
        ("grafana/tempo:3.0.3", ["error N31"]),
        ("grafana/tempo:3.7.0", ["warning N31"]),
        ("grafana/tempo:latest", ["error N31"]),
        ("grafana/tempo:main-abcdef", []),
        ("grafana/tempo@sha256:0000", []),
        ("grafana/tempo-query:3.0.3", []),
    ],
)
def test_the_image_decides_which_keys_are_known(codes: Codes, image: str, expected: list[str]) -> None:
    assert codes(together(config_map(PLAIN + "compactor: {}\n"), workload(image))) == expected


def test_a_configuration_for_a_release_that_is_not_known_is_right_if_one_takes_it(codes: Codes) -> None:
    assert codes(config_map(PLAIN + "ingester: {max_block_duration: 5m}\n")) == []
    assert codes(config_map(PLAIN + "live_store: {}\nbackend_worker: {}\n")) == []


def test_keys_that_no_release_has_together_are_a_warning(codes: Codes) -> None:
    assert codes(config_map(PLAIN + "ingester: {}\nlive_store: {}\nmemory: {}\nspan_profiling: true\n")) == [
        "warning N31"
    ]


def test_of_two_tempos_that_mount_it_none_decides(codes: Codes) -> None:
    two = (workload("grafana/tempo:3.0.3", "new"), workload("grafana/tempo:2.10.8", "old"))
    assert codes(together(config_map(PLAIN + "compactor: {}\n"), *two)) == []


def test_another_tempo_of_the_namespace_does_not_decide(codes: Codes) -> None:
    other = workload("grafana/tempo:3.0.3", "other", "{configMap: {name: another}}")
    both = together(config_map(PLAIN + "compactor: {}\n"), workload("grafana/tempo:2.10.8"), other)
    assert codes(both) == []


@pytest.mark.parametrize(("version", "expected"), [("0.21.0", []), ("0.16.0", ["error N31"]), (None, [])])
def test_a_release_of_the_operator_installs_one_of_tempo(
    codes: Codes, version: str | None, expected: list[str]
) -> None:
    tempo = """
apiVersion: tempo.grafana.com/v1alpha1
kind: TempoMonolithic
metadata: {name: tempo}
spec: {extraConfig: {tempo: {backend_worker: {}}}}
"""
    assert codes(tempo, tempo_operator_version=version) == expected


def test_the_enterprise_edition_has_further_keys(codes: Codes) -> None:
    assert codes(config_map(PLAIN + "license: {path: /license}\nadmin_api: {}\nauth: {type: enterprise}\n")) == []


def test_older_overrides_are_a_fault_of_tempo_3_only(codes: Codes) -> None:
    older = config_map(PLAIN + "overrides: {max_bytes_per_trace: 1}\n")
    accepted = config_map(PLAIN + "overrides: {max_bytes_per_trace: 1, enable_legacy_overrides: true}\n")
    flag = workload("grafana/tempo:3.0.3", more="args: [-config.enable-legacy-overrides=true]")
    assert codes(together(older, workload("grafana/tempo:3.0.3"))) == ["error N31"]
    assert codes(together(older, workload("grafana/tempo:2.10.8"))) == []
    assert codes(together(accepted, workload("grafana/tempo:3.0.3"))) == []
    assert codes(together(older, flag)) == []


def test_forwarders_are_a_key_of_both_formats_of_overrides(codes: Codes) -> None:
    assert codes(config_map(PLAIN + "overrides: {defaults: {forwarders: [a]}}\n")) == []


def test_the_recorded_releases_know_what_their_notes_say() -> None:
    known = {release for release, keys in releases().items() if knows(keys, ("overrides", "defaults"))}
    assert min(known) == (2, 3), "the newer format of overrides came with 2.3"
    with_ingester = {release for release, keys in releases().items() if knows(keys, ("ingester",))}
    assert max(with_ingester) == (2, 10), "Tempo 3 has live stores instead"


def test_a_key_belongs_where_its_parent_is_the_same() -> None:
    keys = releases()[(2, 10)]
    misplaced = ("overrides", "defaults", "metrics_generator", "storage")
    assert nearest_place(keys, misplaced) == ("metrics_generator", "storage")
    assert nearest_place(keys, ("distributor", "path")) is None, "there are many"


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


# The operator's webhook.


def stack(spec: str) -> str:
    head = "apiVersion: tempo.grafana.com/v1alpha1\nkind: TempoStack\nmetadata: {name: a, namespace: obs}\n"
    return f"{head}spec:\n  storage: {{secret: {{name: s, type: s3}}, tls: {{enabled: false}}}}\n  {spec}\n"


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("replicationFactor: 3", ["error N32"]),
        ("replicationFactor: 3\n  size: 1x.small", []),
        ("replicationFactor: 3\n  template: {ingester: {replicas: 2}}", []),
        ("replicationFactor: 1", []),
        ("replicationFactor: 0", []),
    ],
)
def test_more_than_half_of_the_copies_need_an_ingester(codes: Codes, spec: str, expected: list[str]) -> None:
    assert codes(stack(spec)) == expected


def test_static_tenants_without_a_gateway_need_nothing(codes: Codes) -> None:
    assert codes(stack("tenants: {mode: static, authentication: [{tenantName: a, tenantId: a}]}")) == []


def test_static_is_the_mode_that_is_not_written(codes: Codes) -> None:
    tenants = "tenants: {authentication: [{tenantName: a, tenantId: a}]}\n  template: {gateway: {enabled: true}}"
    assert codes(stack(tenants)) == ["error N32"]


def test_a_monolithic_tempo_without_tenants_has_no_gateway(codes: Codes) -> None:
    tempo = """
apiVersion: tempo.grafana.com/v1alpha1
kind: TempoMonolithic
metadata: {name: tempo}
spec: {multitenancy: {enabled: true, mode: static}}
"""
    assert codes(tempo) == []


def test_an_ingress_that_is_none_is_no_ingress(codes: Codes) -> None:
    assert codes(stack("template: {queryFrontend: {jaegerQuery: {ingress: {type: none}}}}")) == []


def test_an_older_operator_does_not_look_at_the_urls(codes: Codes) -> None:
    generator = stack("template: {metricsGenerator: {enabled: true}}")
    assert codes(generator, tempo_operator_version="0.21.0") == ["error N20"]
    assert codes(generator, tempo_operator_version="0.22.0") == ["error N32"]


# Charts.


@pytest.mark.parametrize(
    "values",
    [
        "global_overrides: {metrics_generator_processors: [service-graphs]}",
        "global_overrides: {defaults: {metrics_generator: {processors: [service-graphs]}}}",
        "per_tenant_overrides: {a: {metrics_generator: {processors: [service-graphs]}}}",
        "overrides: |\n  overrides: {'*': {metrics_generator_processors: [service-graphs]}}",
        "useExternalConfig: true",
    ],
)
def test_processors_have_other_places_in_other_releases_of_the_chart(codes: Codes, values: str) -> None:
    generator = """
    metricsGenerator: {enabled: true, config: {storage: {remote_write: [{url: "http://mimir.obs.svc/api/v1/push"}]}}}
    traces: {otlp: {grpc: {enabled: true}}}
    """
    assert codes(release("tempo-distributed", textwrap.dedent(generator) + values)) == []


def test_a_generator_of_local_blocks_writes_nowhere(codes: Codes) -> None:
    values = """
    metricsGenerator: {enabled: true}
    traces: {otlp: {http: {enabled: true}}}
    overrides: {defaults: {metrics_generator: {processors: [local-blocks]}}}
    """
    assert codes(release("tempo-distributed", values)) == []


def test_processors_in_a_file_of_values_may_have_their_generator_in_another(codes: Codes) -> None:
    values = "tempo: {retention: 24h, overrides: {defaults: {metrics_generator: {processors: [service-graphs]}}}}"
    assert codes(values) == []
    assert codes(values.replace("retention: 24h", "metricsGenerator: {enabled: false}")) == ["error N35"]


def test_values_from_elsewhere_may_have_the_processors(codes: Codes) -> None:
    values = "tempo: {metricsGenerator: {enabled: true}}"
    assert codes(release("tempo", values)) == ["error N35"]
    assert codes(release("tempo", values, "valuesFrom: [{kind: Secret, name: more}]")) == []


def test_a_key_in_values_of_a_chart_is_named_where_it_is(check_yaml: CheckYaml) -> None:
    values = """
    metricsGenerator: {enabled: false, config: {registry: {colection_interval: 15s}}}
    traces: {otlp: {grpc: {enabled: true}}}
    """
    (finding,) = check_yaml(release("tempo-distributed", values))
    assert finding.code == "N31"
    assert finding.where.endswith("spec.values.metricsGenerator.config.registry.colection_interval")
