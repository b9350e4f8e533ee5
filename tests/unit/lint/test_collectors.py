"""Collectors wherever they are configured: what is wrong inside one, and what only resembles a fault."""

import textwrap
from collections.abc import Callable

import pytest

import lint

Codes = Callable[..., list[str]]
CheckYaml = Callable[..., list[lint.Finding]]

CONFIG = """
receivers:
  otlp: {protocols: {grpc: {endpoint: "0.0.0.0:4317"}}}
processors:
  batch: {}
exporters:
  googlecloud: {}
service:
  pipelines:
    traces: {receivers: [otlp], processors: [batch], exporters: [googlecloud]}
"""
WITH_LOGGING = CONFIG.replace("  googlecloud: {}", "  googlecloud: {}\n  logging: {}")
MISSPELT = CONFIG.replace("[batch]", "[bacth]")

WORKLOAD = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: agent, namespace: obs}
spec:
  template:
    metadata: {labels: {app: agent}}
    spec:
      volumes: [{name: config, configMap: {name: agent}}]
      containers: [{name: agent, image: "%s"}]
---
apiVersion: v1
kind: Service
metadata: {name: agent, namespace: obs}
spec: {selector: {app: agent}, ports: [{port: 4317}]}
"""


def text_of(config: str) -> str:
    return (
        "apiVersion: opentelemetry.io/v1alpha1\nkind: OpenTelemetryCollector\nmetadata: {name: otel, namespace: obs}\n"
        "spec:\n  config: |\n" + textwrap.indent(config, "    ")
    )


def map_of(config: str) -> str:
    return text_of(config).replace("v1alpha1", "v1beta1").replace("config: |", "config:")


def config_map(config: str, key: str = "relay") -> str:
    return (
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: agent, namespace: obs}\n"
        f"data:\n  {key}: |\n" + textwrap.indent(config, "    ")
    )


def release(config: str) -> str:
    return (
        "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: otel, namespace: obs}\n"
        "spec:\n  chart: {spec: {chart: opentelemetry-collector}}\n"
        "  values:\n    image: {repository: otel}\n    mode: deployment\n    config:\n"
        + textwrap.indent(config, "      ")
    )


def file_of(config: str) -> str:
    return config


EVERYWHERE = pytest.mark.parametrize("wrapped", [text_of, map_of, config_map, release, file_of])


@EVERYWHERE
def test_a_name_without_a_component_is_found_wherever_the_configuration_is(
    codes: Codes, wrapped: Callable[[str], str]
) -> None:
    assert codes(wrapped(MISSPELT)) == ["error N25"]
    assert codes(wrapped(CONFIG)) == []


def test_the_nearest_name_is_the_remedy(check_yaml: CheckYaml) -> None:
    (finding,) = check_yaml(file_of(MISSPELT))
    assert finding.remedy == "write 'batch', or configure it"


@pytest.mark.parametrize("key", ["config.yaml", "otel-collector-config", "collector.yml"])
def test_the_key_of_the_config_map_does_not_matter(codes: Codes, key: str) -> None:
    assert codes(config_map(MISSPELT, key)) == ["error N25"]


def test_a_config_map_of_something_else_is_no_collector(codes: Codes) -> None:
    assert codes(config_map("pipelines: [a]\nservice: {pipelines: [b]}\nprocessors: {batch: {}}")) == []


def test_a_part_of_a_configuration_is_not_judged(codes: Codes) -> None:
    part = MISSPELT.replace("exporters:\n  googlecloud: {}\n", "")
    assert codes(file_of(part)) == []


def test_a_second_text_beside_it_may_have_the_component(codes: Codes) -> None:
    second = '  more.yaml: "processors: {bacth: {}}"\n'
    assert codes(config_map(MISSPELT) + second) == []


def test_a_name_from_a_variable_is_not_known(codes: Codes) -> None:
    assert codes(file_of(CONFIG.replace("[batch]", '["${env:PROCESSOR}"]'))) == []


def test_a_section_from_a_file_is_not_known(codes: Codes) -> None:
    assert codes(file_of(MISSPELT.replace("processors:\n  batch: {}\n", 'processors: "${file:p.yaml}"\n'))) == []


def test_what_the_chart_supplies_need_not_be_written(codes: Codes) -> None:
    mine = """
exporters: {otlp: {endpoint: "store:4317"}}
service: {pipelines: {traces: {processors: [memory_limiter, batch], exporters: [otlp, debug]}}}
"""
    assert codes(release(mine)) == []
    assert codes(release(mine.replace("memory_limiter", "limiter"))) == ["error N25"]


def test_null_takes_away_what_the_chart_supplies(codes: Codes) -> None:
    assert codes(release("processors: {batch: null}")) == ["error N25"] * 3


def test_a_preset_of_the_chart_may_add_the_component(codes: Codes) -> None:
    preset = "    presets: {kubernetesAttributes: {enabled: true}}\n    config:\n"
    assert codes(release(CONFIG.replace("[batch]", "[k8sattributes]")).replace("    config:\n", preset)) == []


def test_other_values_may_have_the_component(codes: Codes) -> None:
    partial = "service: {pipelines: {traces: {exporters: [tempo]}}}"
    layered = release(partial).replace("  values:", "  valuesFrom: [{kind: ConfigMap, name: base}]\n  values:")
    assert codes(layered) == []


def test_alternate_configuration_gets_nothing_from_the_chart(codes: Codes) -> None:
    alternate = release(CONFIG.replace("[batch]", "[memory_limiter]")).replace("    config:", "    alternateConfig:")
    assert codes(alternate) == ["error N25"]


def test_an_extension_has_to_be_configured_too(codes: Codes) -> None:
    assert codes(file_of(CONFIG + "  extensions: [health_check]\n")) == ["error N25"]
    assert codes(file_of(CONFIG + "  extensions: [health_check]\nextensions:\n  health_check:\n")) == []


def test_a_connector_between_two_pipelines_is_right(codes: Codes) -> None:
    joined = CONFIG.replace("exporters: [googlecloud]}", "exporters: [forward]}").replace(
        "service:\n", "connectors: {forward: {}}\nservice:\n"
    )
    second = "    traces/out: {receivers: [forward], exporters: [googlecloud]}\n"
    assert codes(file_of(joined + second)) == []
    assert codes(file_of(joined)) == ["error N25"]


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        ("otel/opentelemetry-collector-contrib:0.158.0", ["error N12"]),
        ("otel/opentelemetry-collector-contrib:latest", ["error N12"]),
        ("otel/opentelemetry-collector-contrib:0.125.0", ["warning N12"]),
        ("otel/opentelemetry-collector-contrib:0.110.0", []),
        ("example.com/otelcol-of-ours:2.4.1", ["warning N12"]),
    ],
)
def test_the_image_of_the_workload_decides_about_the_removed_key(codes: Codes, image: str, expected: list[str]) -> None:
    config = CONFIG + '  telemetry: {metrics: {address: "0.0.0.0:8888"}}\n'
    assert codes(config_map(config) + "\n---\n" + WORKLOAD % image) == expected


def test_without_a_workload_the_removed_key_is_a_warning(codes: Codes) -> None:
    assert codes(file_of(CONFIG + '  telemetry: {metrics: {address: "0.0.0.0:8888"}}\n')) == ["warning N12"]


@pytest.mark.parametrize(
    ("tag", "expected"), [("0.110.0", []), ("0.111.0", ["error N25"]), ("latest", ["error N25"]), ("v2", [])]
)
def test_the_exporter_logging_is_gone_from_a_release_on(codes: Codes, tag: str, expected: list[str]) -> None:
    manifest = config_map(WITH_LOGGING) + "\n---\n" + WORKLOAD % f"otel/otelcol:{tag}"
    assert codes(manifest) == expected


@pytest.mark.parametrize(("tag", "expected"), [("0.103.0", []), ("0.104.0", ["error N25"]), ("nightly", [])])
def test_a_receiver_without_an_endpoint_is_on_localhost_from_a_release_on(
    codes: Codes, tag: str, expected: list[str]
) -> None:
    manifest = (
        config_map(CONFIG.replace('{endpoint: "0.0.0.0:4317"}', "{}")) + "\n---\n" + WORKLOAD % f"otel/otelcol:{tag}"
    )
    assert codes(manifest) == expected


def test_an_operator_gives_a_receiver_its_endpoint(codes: Codes) -> None:
    assert codes(map_of(CONFIG.replace('{endpoint: "0.0.0.0:4317"}', "{}"))) == []


@pytest.mark.parametrize("endpoint", ["localhost:4317", "127.0.0.1:4317", "[::1]:4317"])
def test_localhost_has_several_names(codes: Codes, endpoint: str) -> None:
    assert codes(map_of(CONFIG.replace("0.0.0.0:4317", endpoint))) == ["error N25"]


@pytest.mark.parametrize("where", ["mode: sidecar", "hostNetwork: true"])
def test_localhost_is_right_where_the_clients_are(codes: Codes, where: str) -> None:
    manifest = map_of(CONFIG.replace("0.0.0.0:4317", "localhost:4317")).replace("spec:\n", f"spec:\n  {where}\n")
    assert codes(manifest) == []


def test_localhost_is_wrong_in_the_chart_and_doubtful_in_a_file(codes: Codes) -> None:
    config = CONFIG.replace("0.0.0.0:4317", "127.0.0.1:4317")
    assert codes(release(config)) == ["error N25"]
    assert codes(file_of(config)) == ["warning N25"]


def test_localhost_is_right_for_a_pod_without_a_service(codes: Codes) -> None:
    workload = (WORKLOAD % "otel/otelcol:0.158.0").partition("---")[0]
    assert codes(config_map(CONFIG.replace("0.0.0.0:4317", "localhost:4317")) + "\n---\n" + workload) == []


def test_an_exporter_of_a_cloud_is_a_store(codes: Codes) -> None:
    only_log = CONFIG.replace("googlecloud", "debug")
    assert codes(map_of(CONFIG)) == []
    assert codes(map_of(only_log)) == ["warning N25"]
    assert codes(file_of(only_log.replace("traces:", "metrics:"))) == []


def test_a_pipeline_that_the_chart_has_by_itself_counts_if_a_store_is_configured_and_unused(codes: Codes) -> None:
    logs = "service: {pipelines: {logs: {receivers: [otlp], exporters: [otlp]}}}\n"
    assert codes(release('exporters: {otlp: {endpoint: "store:4317"}}\n' + logs)) == []
    assert codes(release('exporters: {otlp: {endpoint: "store:4317"}, otlp/spans: {endpoint: "s:4317"}}\n' + logs)) == [
        "warning N25"
    ]


def test_a_collector_of_logs_needs_no_store_for_spans(codes: Codes) -> None:
    tempo = "{apiVersion: tempo.grafana.com/v1alpha1, kind: TempoMonolithic, metadata: {name: t, namespace: obs}}"
    assert codes(map_of(CONFIG) + "\n---\n" + tempo) == []


def test_a_processor_that_holds_nothing_may_be_before_the_memory_limiter(codes: Codes) -> None:
    config = CONFIG.replace(
        "  batch: {}", "  batch:\n  resource:\n  memory_limiter: {check_interval: 1s, limit_mib: 400}"
    )
    assert codes(file_of(config.replace("[batch]", "[resource, memory_limiter, batch]"))) == []


def test_an_association_by_attribute_needs_no_connection(codes: Codes) -> None:
    config = CONFIG.replace("[batch]", "[batch, k8sattributes]")
    by_connection = config.replace("  batch: {}", "  batch:\n  k8sattributes:")
    by_attribute = config.replace(
        "  batch: {}",
        "  batch:\n  k8sattributes: {pod_association: [{sources: [{from: resource_attribute, name: k8s.pod.ip}]}]}",
    )
    assert codes(file_of(by_connection)) == ["warning N25"]
    assert codes(file_of(by_attribute)) == []


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ("{check_interval: 1s, limit_mib: 400}", []),
        ("{check_interval: 1s, limit_percentage: 75}", []),
        ("{limit_percentage: 75}", ["error N25"]),
        ("{check_interval: 1s}", ["error N25"]),
        ('"${file:limiter.yaml}"', []),
    ],
)
def test_a_memory_limiter_needs_an_interval_and_a_limit(codes: Codes, settings: str, expected: list[str]) -> None:
    config = CONFIG.replace("  batch: {}", f"  memory_limiter: {settings}").replace("[batch]", "[memory_limiter]")
    assert codes(file_of(config)) == expected


def test_values_of_a_chart_without_a_version_get_the_newest_collector(codes: Codes) -> None:
    own = "config:\n" + textwrap.indent(WITH_LOGGING, "  ")
    assert codes(own) == ["warning N25"]
    assert codes(own + "image: {tag: 0.100.0}\n") == []


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ("collectorConfig: {CONFIG}", ["warning N25"]),
        ("collectors: {daemon: {config: {CONFIG}}}", ["warning N25"]),
        ("collectorConfig: {CONFIG}\nimage: {tag: 0.100.0}", []),
        ("a: {b: {c: {d: {CONFIG}}}}", []),
    ],
)
def test_a_configuration_in_values_of_ones_own_chart_is_one_too(codes: Codes, values: str, expected: list[str]) -> None:
    config = (
        "receivers: {otlp: {}}, exporters: {logging: {}},"
        " service: {pipelines: {traces: {receivers: [otlp], exporters: [logging]}}}"
    )
    assert codes(values.replace("CONFIG", config)) == expected


def test_a_configuration_that_says_no_version_gets_the_newest_collector(codes: Codes) -> None:
    assert codes(WITH_LOGGING) == ["warning N25"]


@pytest.mark.parametrize("receiver", ["zipkin: {endpoint: 0.0.0.0:9411}", "jaeger: {protocols: {grpc: {}}}"])
def test_every_receiver_of_spans_is_there_to_be_used(codes: Codes, receiver: str) -> None:
    unused = CONFIG.replace("receivers:\n", f"receivers:\n  {receiver}\n", 1)
    assert codes(unused) == ["warning N25"]


def test_receivers_of_the_chart_need_no_pipeline(codes: Codes) -> None:
    own = "mode: deployment\nimage: {repository: otel/opentelemetry-collector-contrib}\nconfig:\n"
    assert codes(own + textwrap.indent(CONFIG, "  ")) == []


@pytest.mark.parametrize(
    ("extension", "probe", "expected"),
    [
        ("health_check: {}", "{httpGet: {port: 13133}}", ["error N25"]),
        ('health_check: {endpoint: "localhost:13133"}', "{httpGet: {port: 13133}}", ["error N25"]),
        ('health_check: {endpoint: "${env:HOSTNAME}:13133"}', "{httpGet: {port: 13133}}", []),
        ('health_check: {endpoint: "0.0.0.0:13133", path: /up}', "{httpGet: {path: /, port: 13133}}", ["error N25"]),
        ('health_check: {endpoint: "0.0.0.0:13133", path: /up}', "{httpGet: {path: /up, port: 13133}}", []),
        ('health_check: {endpoint: "0.0.0.0:13133"}', "{httpGet: {path: /anything, port: 13133}}", []),
        ('health_check: {endpoint: "0.0.0.0:13133"}', "{httpGet: {path: /, port: 8888}}", ["error N25"]),
        ('health_check: {endpoint: "0.0.0.0:13133"}', "{httpGet: {path: /metrics, port: 8888}}", []),
        ('health_check: {endpoint: "0.0.0.0:13133"}', "{tcpSocket: {port: 4317}}", []),
        ('health_check: {endpoint: "0.0.0.0:13133"}', "{tcpSocket: {port: 13134}}", ["error N25"]),
        ('health_check: {endpoint: "0.0.0.0:13133"}', "{exec: {command: [/health]}}", []),
    ],
)
def test_a_probe_asks_what_the_collector_answers(codes: Codes, extension: str, probe: str, expected: list[str]) -> None:
    config = CONFIG.replace("service:\n", f"extensions: {{{extension}}}\nservice:\n  extensions: [health_check]\n")
    image = "otel/opentelemetry-collector-contrib:0.158.0"
    workload = (WORKLOAD % image).replace(f'image: "{image}"', f'image: "{image}", livenessProbe: {probe}')
    assert codes(config_map(config) + "\n---\n" + workload) == expected


@pytest.mark.parametrize(("namespace", "expected"), [("", []), ("shop", ["warning N25"])])
def test_a_configuration_without_a_namespace_is_that_of_the_workload_that_mounts_it(
    codes: Codes, namespace: str, expected: list[str]
) -> None:
    there = f"namespace: {namespace}" if namespace else ""
    config = config_map(WITH_LOGGING).replace("namespace: obs", there)
    assert codes(f"{config}\n---{WORKLOAD % 'otel/opentelemetry-collector-contrib:0.96.0'}") == expected
