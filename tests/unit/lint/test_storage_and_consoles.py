"""Collector, Tempo, Prometheus, object store, Grafana and Kiali: what is a fault, and what only resembles one."""

import base64
import datetime
from collections.abc import Callable

import pytest

import lint

Codes = Callable[..., list[str]]
CheckYaml = Callable[..., list[lint.Finding]]


def together(*manifests: str) -> str:
    return "\n---\n".join(manifests)


def tempo(config: str, kind: str = "TempoMonolithic", spec: str = "") -> str:
    return f"""
apiVersion: tempo.grafana.com/v1alpha1
kind: {kind}
metadata: {{name: tempo, namespace: obs}}
spec: {{{spec} extraConfig: {{tempo: {{{config}}}}}}}
"""


def writing_to(url: str) -> str:
    return tempo(
        f"metrics_generator: {{storage: {{path: /var/tempo/wal, remote_write: [{{url: '{url}'}}]}}}},"
        "overrides: {defaults: {metrics_generator: {processors: [service-graphs]}}}"
    )


def test_a_tempo_that_makes_no_metrics_needs_no_path(codes: Codes) -> None:
    assert codes(tempo("")) == []


def test_a_processor_that_is_switched_on_alone_needs_a_path(codes: Codes) -> None:
    new = tempo("overrides: {defaults: {metrics_generator: {processors: [service-graphs]}}}")
    old = tempo("overrides: {metrics_generator_processors: [service-graphs]}")
    assert codes(new) == ["error N5"]
    assert codes(old) == ["error N5"]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/var/tempo/generator/wal", []),
        ("/var/tempo/./wal", []),
        ("/var/tempo/../lib/wal", ["error N5"]),
        ("/var/tempo-wal", ["error N5"]),
        ("wal", ["error N5"]),
    ],
)
def test_the_path_lies_in_the_volume(codes: Codes, path: str, expected: list[str]) -> None:
    assert codes(tempo(f"metrics_generator: {{storage: {{path: {path}}}}}")) == expected


def test_processors_may_be_switched_on_per_tenant_or_in_the_older_format_or_in_parts(codes: Codes) -> None:
    url = "http://prometheus.obs.svc:9090/api/v1/write"
    storage = f"{{path: /var/tempo/wal, remote_write: [{{url: '{url}'}}]}}"
    generator = f"metrics_generator: {{storage: {storage}, processor: {{span_metrics: {{}}}}}}"
    assert codes(tempo(generator)) == ["error N5"]
    assert codes(tempo(f"{generator}, overrides: {{per_tenant_override_config: /conf/tenants.yaml}}")) == []
    assert codes(tempo(f"{generator}, overrides: {{metrics_generator_processors: [span-metrics]}}")) == []
    parts = "{defaults: {metrics_generator: {processors: [span-metrics-latency]}}}"
    assert codes(tempo(f"{generator}, overrides: {parts}")) == []


def test_an_older_key_below_defaults_is_a_mixture_too(codes: Codes) -> None:
    assert codes(tempo("overrides: {defaults: {max_bytes_per_trace: 1}}")) == ["error N6"]
    assert codes(tempo("overrides: {defaults: {}, per_tenant_override_config: /conf/tenants.yaml}")) == []
    assert codes(tempo("overrides: {max_bytes_per_trace: 1}")) == []


def test_a_tempo_stack_writes_older_overrides_itself(codes: Codes) -> None:
    new = "overrides: {defaults: {}}"
    generator = "template: {metricsGenerator: {enabled: true, remoteWriteURLs: ['http://prometheus.obs.svc:9090/w']}},"
    assert codes(tempo(new, "TempoStack", generator)) == ["error N6"]
    assert codes(tempo(new, "TempoStack", "limits: {global: {}},")) == ["error N6"]
    assert codes(tempo(new, "TempoStack")) == ["warning N6"]
    assert codes(tempo("overrides: {max_bytes_per_trace: 1}", "TempoStack")) == []


WITHOUT = "prometheus.obs.svc:9090/api/v1/write"
CR = "{apiVersion: monitoring.coreos.com/v1, kind: Prometheus, metadata: {name: main, namespace: obs}, spec: {%s}}"
STACK = (
    "{apiVersion: monitoring.rhobs/v1alpha1, kind: MonitoringStack, metadata: {name: main, namespace: obs},"
    " spec: {prometheusConfig: {%s}}}"
)
DEPLOYMENT = """
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: prometheus, namespace: obs}
spec: {template: {metadata: {labels: {app: prom}}, spec: {containers: [{name: prometheus, image: %s, args: [%s]}]}}}
"""
SERVICE = "{apiVersion: v1, kind: Service, metadata: {name: prometheus, namespace: obs}, spec: {selector: {%s}}}"


@pytest.mark.parametrize(
    ("host", "manifest", "told"),
    [
        ("prometheus-operated.obs.svc", CR, "enableRemoteWriteReceiver: true"),
        ("prometheus-operated", CR, "additionalArgs: [{name: web.enable-remote-write-receiver}]"),
        ("main-prometheus.obs.svc.cluster.local", STACK, "enableRemoteWriteReceiver: true"),
        ("prometheus.obs", DEPLOYMENT.replace("%s", "prom/prometheus:v3", 1), "--web.enable-remote-write-receiver"),
    ],
)
def test_each_kind_of_prometheus_can_be_set_to_accept_writes(codes: Codes, host: str, manifest: str, told: str) -> None:
    wanted = writing_to(f"http://{host}:9090/api/v1/write")
    assert codes(together(wanted, manifest % told)) == []
    assert codes(together(wanted, manifest % "")) == ["error N7"]
    elsewhere = writing_to("http://mimir.obs.svc:9090/api/v1/push")
    assert codes(together(elsewhere, manifest % "")) == []


def test_a_service_leads_to_the_pods_that_it_selects(codes: Codes) -> None:
    wanted = writing_to(f"http://{WITHOUT}")
    deployment = DEPLOYMENT % ("prom/prometheus:v3", "--config.file=/etc/prometheus.yml")
    assert codes(together(wanted, deployment, SERVICE % "app: prom")) == ["error N7"]
    assert codes(together(wanted, deployment, SERVICE % "app: other")) == []


def test_another_receiver_than_prometheus_needs_no_switch(codes: Codes) -> None:
    wanted = writing_to(f"http://{WITHOUT}")
    assert codes(together(wanted, DEPLOYMENT % ("victoriametrics/victoria-metrics:v1.120.0", ""))) == []


def test_a_switch_that_is_set_to_false_is_off(codes: Codes) -> None:
    off = DEPLOYMENT % ("prom/prometheus:v3", "--web.enable-remote-write-receiver=false")
    assert codes(together(writing_to(f"http://{WITHOUT}"), off)) == ["error N7"]


def test_openshifts_own_monitoring_accepts_no_writes(codes: Codes) -> None:
    assert codes(writing_to("https://prometheus-k8s.openshift-monitoring.svc:9091/api/v1/write")) == ["error N7"]


def test_a_prometheus_that_is_not_among_the_objects_is_judged_by_the_facts(codes: Codes) -> None:
    wanted = writing_to(f"http://{WITHOUT}")
    assert codes(wanted) == []
    assert codes(wanted, prometheus_remote_write_receiver=True) == []
    assert codes(wanted, prometheus_remote_write_receiver=False) == ["error N7"]


def test_a_url_is_named_without_its_credentials(check_yaml: CheckYaml) -> None:
    findings = check_yaml(
        writing_to("http://user:hunter2@prometheus.obs.svc:9090/w"), prometheus_remote_write_receiver=False
    )
    assert "hunter2" not in str(findings[0])
    assert "prometheus.obs.svc:9090" in str(findings[0])


def stack(url: str, spec: str = "") -> str:
    generator = f"metricsGenerator: {{enabled: true, remoteWriteURLs: ['{url}']}}"
    return tempo("", "TempoStack", f"{spec} template: {{{generator}}},")


def test_the_policies_of_a_tempo_stack_leave_one_port_open(codes: Codes) -> None:
    assert codes(stack("http://prometheus.obs.svc:9090/w")) == []
    assert codes(stack("http://prometheus.obs.svc/w")) == ["error N8"]
    assert codes(stack("https://metrics.example.com/w")) == ["error N8"]
    assert codes(stack("http://prometheus.obs.svc/w", "networkPolicy: {enabled: false},")) == []
    assert codes(writing_to("http://prometheus.obs.svc/w")) == [], "a TempoMonolithic has no such policies"


def test_a_list_in_extra_config_replaces_the_urls_of_a_tempo_stack(codes: Codes) -> None:
    generator = "template: {metricsGenerator: {enabled: true, remoteWriteURLs: ['http://p.obs.svc:80/w']}},"
    replaced = "metrics_generator: {storage: {remote_write: [{url: 'http://p.obs.svc:9090/w'}]}}"
    assert codes(tempo(replaced, "TempoStack", generator)) == []


def test_native_histograms_alone_are_a_warning_while_prometheus_is_unknown(codes: Codes) -> None:
    native = tempo("overrides: {metrics_generator_generate_native_histograms: native}")
    assert codes(native) == ["warning N16"]
    assert codes(native, prometheus_native_histograms=True) == []
    assert codes(native.replace(": native}", ": both}"), prometheus_native_histograms=False) == []


def test_native_histograms_are_right_for_a_prometheus_that_keeps_them(codes: Codes) -> None:
    native = writing_to("http://prometheus-operated:9090/api/v1/write").replace(
        "processors:", "generate_native_histograms: native, processors:"
    )
    assert codes(together(native, CR % "enableRemoteWriteReceiver: true")) == ["warning N16"]
    features = "enableRemoteWriteReceiver: true, enableFeatures: [native-histograms]"
    assert codes(together(native, CR % features)) == []


@pytest.mark.parametrize(
    ("version", "expected"),
    [("0.20.0", ["error N17"]), ("v0.19.1-2", ["error N17"]), ("0.21.0", []), ("1.0.0", []), (None, []), ("new", [])],
)
def test_variables_are_expanded_from_0_21_on(codes: Codes, version: str | None, expected: list[str]) -> None:
    assert codes(tempo("usage_report: {reporting_enabled: '${REPORT}'}"), tempo_operator_version=version) == expected


def test_a_generator_that_is_switched_off_may_stand_in_an_older_tempo_stack(codes: Codes) -> None:
    off = tempo("", "TempoStack", "template: {metricsGenerator: {enabled: false}},")
    assert codes(off, tempo_operator_version="0.20.0") == []


ADDRESS = """
apiVersion: opentelemetry.io/v1beta1
kind: OpenTelemetryCollector
metadata: {name: otel, namespace: obs}
spec: {%s config: {service: {telemetry: {metrics: {address: ":8888"}}}}}
"""


@pytest.mark.parametrize(
    ("image", "known", "expected"),
    [
        ("", None, ["error N12"]),
        ("", "0.148.0", ["error N12"]),
        ("", "0.125.0", ["warning N12"]),
        ("", "0.110.0", ["warning N12"]),
        ("image: 'ghcr.io/otel/collector:0.125.0',", "0.148.0", ["warning N12"]),
        ("image: 'ghcr.io/otel/collector:0.110.0',", "0.148.0", []),
        ("image: 'localhost:5000/collector',", "0.148.0", ["error N12"]),
    ],
)
def test_the_version_decides_what_the_older_address_does(
    codes: Codes, image: str, known: str | None, expected: list[str]
) -> None:
    assert codes(ADDRESS % image, collector_version=known) == expected


def secret(field: str, endpoint: str, more: str = "") -> str:
    return f"""
apiVersion: v1
kind: Secret
metadata: {{name: store, namespace: obs}}
{field}: {{bucket: {encoded(field, "traces")}, endpoint: "{encoded(field, endpoint)}"{more}}}
"""


def encoded(field: str, value: str) -> str:
    return base64.b64encode(value.encode()).decode() if field == "data" else value


@pytest.mark.parametrize("field", ["data", "stringData"])
def test_an_endpoint_has_a_scheme_and_is_not_printed(check_yaml: CheckYaml, field: str) -> None:
    store = on_s3("TempoMonolithic", "")
    assert check_yaml(together(store, secret(field, "https://s3.example.com"))) == []
    (finding,) = check_yaml(together(store, secret(field, "s3.example.com")))
    assert (finding.code, finding.where) == ("N13", f"Secret obs/store: {field}.endpoint")
    assert "example.com" not in str(finding)


def test_a_secret_of_something_else_is_left_alone(codes: Codes) -> None:
    assert codes("{apiVersion: v1, kind: Secret, metadata: {name: a}, stringData: {endpoint: host, region: eu}}") == []


@pytest.mark.parametrize(
    "tempo_on_s3",
    [
        "",
        "{apiVersion: tempo.grafana.com/v1alpha1, kind: TempoStack, metadata: {name: t, namespace: obs},"
        " spec: {storage: {secret: {type: s3, name: other}, tls: {enabled: true}}}}",
        "{apiVersion: tempo.grafana.com/v1alpha1, kind: TempoStack, metadata: {name: t, namespace: obs},"
        " spec: {storage: {secret: {type: gcs, name: store}}}}",
    ],
)
def test_a_secret_that_no_tempo_names_as_its_store_is_left_alone(codes: Codes, tempo_on_s3: str) -> None:
    assert codes(together(tempo_on_s3, secret("stringData", "s3.example.com", ", region: eu"))) == []


def test_a_region_without_an_endpoint_is_that_of_aws(codes: Codes) -> None:
    aws = "{apiVersion: v1, kind: Secret, metadata: {name: a}, stringData: {bucket: b, region: eu, role_arn: r}}"
    assert codes(aws) == []


INSECURE = "storage: {trace: {s3: {insecure: %s}}}"
ENDPOINTS = {
    "https": secret("data", "https://s3.example.com"),
    "http": secret("stringData", "http://s3.example.com"),
    # Amazon's store, by a role.
    "region": """
apiVersion: v1
kind: Secret
metadata: {name: store, namespace: obs}
stringData: {bucket: b, region: eu-central-1, role_arn: r}
""",
    "unknown": "",
}


def on_s3(kind: str, tls: str, config: str = "") -> str:
    """A Tempo whose operator's resource has ``tls``, and whose extra configuration is ``config``."""
    if kind == "TempoStack":
        return tempo(config, kind, f"storage: {{secret: {{type: s3, name: store}}, {tls}}},")
    return tempo(config, kind, f"storage: {{traces: {{backend: s3, s3: {{secret: store, {tls}}}}}}},")


@pytest.mark.parametrize(
    ("kind", "endpoint", "tls", "expected"),
    [
        ("TempoStack", "https", "tls: {enabled: true}", []),
        ("TempoStack", "https", "tls: {enabled: false}", ["error N13"]),
        ("TempoStack", "https", "", ["error N13"]),
        ("TempoStack", "region", "", ["error N13"]),
        ("TempoStack", "region", "tls: {enabled: true}", []),
        ("TempoStack", "http", "tls: {enabled: true}", ["error N13"]),
        ("TempoStack", "http", "tls: {enabled: false}", []),
        ("TempoStack", "http", "", []),
        ("TempoStack", "unknown", "", []),
        ("TempoStack", "unknown", "tls: {enabled: false}", []),
        ("TempoMonolithic", "https", "", []),
        ("TempoMonolithic", "https", "tls: {enabled: true}", []),
        ("TempoMonolithic", "region", "", []),
        ("TempoMonolithic", "http", "tls: {enabled: true}", ["error N13"]),
        ("TempoMonolithic", "http", "", []),
        ("TempoMonolithic", "unknown", "", []),
        ("TempoMonolithic", "unknown", "tls: {enabled: true}", []),
    ],
)
def test_tls_is_what_the_endpoint_says(codes: Codes, kind: str, endpoint: str, tls: str, expected: list[str]) -> None:
    assert codes(together(on_s3(kind, tls), ENDPOINTS[endpoint])) == expected


@pytest.mark.parametrize(
    ("insecure", "endpoint", "tls", "expected"),
    [
        ("true", "https", "tls: {enabled: true}", ["error N13"]),
        ("true", "unknown", "tls: {enabled: true}", ["error N13"]),
        ("true", "unknown", "", []),
        ("false", "https", "", []),
        ("false", "http", "", ["error N13"]),
    ],
)
def test_the_extra_configuration_has_the_last_word_on_tls(
    codes: Codes, insecure: str, endpoint: str, tls: str, expected: list[str]
) -> None:
    for kind in ("TempoMonolithic", "TempoStack"):
        assert codes(together(on_s3(kind, tls, INSECURE % insecure), ENDPOINTS[endpoint])) == expected, kind


@pytest.mark.parametrize("kind", ["TempoMonolithic", "TempoStack"])
def test_a_private_authority_is_used_with_tls_only(codes: Codes, kind: str) -> None:
    assert codes(on_s3(kind, "tls: {enabled: true, caName: ca}")) == []
    assert codes(on_s3(kind, "tls: {enabled: false, caName: ca}")) == ["error N13"]


@pytest.mark.parametrize("kind", ["TempoMonolithic", "TempoStack"])
def test_a_secret_of_another_namespace_says_nothing_about_a_tempo(codes: Codes, kind: str) -> None:
    elsewhere = ENDPOINTS["http"].replace("namespace: obs", "namespace: other")
    assert codes(together(on_s3(kind, "tls: {enabled: true}"), elsewhere)) == []


JOB_WITH_IMAGE = """
apiVersion: batch/v1
kind: CronJob
metadata: {{name: backup, namespace: obs}}
spec: {{jobTemplate: {{spec: {{template: {{spec: {{initContainers: [{{image: "{image}"}}]}}}}}}}}}}
"""


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        ("minio/minio", ["error N13"]),
        ("docker.io/minio/minio:RELEASE.2025-09-07T16-13-09Z", ["error N13"]),
        ("index.docker.io/minio/mc@sha256:00", ["error N13"]),
        ("quay.io/minio/minio", ["warning N13"]),
        ("quay.io/minio/minio:latest", ["warning N13"]),
        ("quay.io/minio/minio:RELEASE.2025-09-07T16-13-09Z", ["warning N13"]),
        ("quay.io/minio/minio:RELEASE.2025-09-07T16-13-09Z-cpuv1", ["warning N13"]),
        ("quay.io/minio/minio:RELEASE.2024-12-18T13-15-44Z", ["warning N13"]),
        ("quay.io/minio/minio@sha256:00", ["warning N13"]),
        ("quay.io/minio/minio:RELEASE.2025-10-15T17-29-55Z", ["error N13"]),
        ("registry.example.com/minio/minio:latest", []),
        ("minio/minio-exporter:1", []),
        ("docker.io/chrislusf/seaweedfs:4.48", []),
    ],
)
def test_an_image_of_minio_is_gone_or_has_vulnerabilities(codes: Codes, image: str, expected: list[str]) -> None:
    assert codes(JOB_WITH_IMAGE.format(image=image)) == expected


@pytest.mark.parametrize(
    ("today", "image", "expected"),
    [
        ("2026-09-10", "minio/minio", []),
        ("2026-09-11", "minio/minio", ["error N13"]),
        ("2025-10-15", "quay.io/minio/minio", []),
        ("2025-10-16", "quay.io/minio/minio", ["warning N13"]),
    ],
)
def test_it_is_so_since_that_was_published(codes: Codes, today: str, image: str, expected: list[str]) -> None:
    found = codes(JOB_WITH_IMAGE.format(image=image), today=datetime.date.fromisoformat(today))
    # Beside it, N18 says that the project has ended.
    assert [code for code in found if code.endswith("N13")] == expected


def test_the_vulnerabilities_are_named_and_that_nobody_repairs_them(check_yaml: CheckYaml) -> None:
    (finding,) = check_yaml(JOB_WITH_IMAGE.format(image="quay.io/minio/minio:RELEASE.2025-09-07T16-13-09Z"))
    assert "CVE-2025-62506" in finding.why
    assert "has ended on 2026-04-25" in finding.why


def test_a_tempo_stack_needs_its_bucket_as_well(codes: Codes) -> None:
    stack = tempo("", "TempoStack", "storage: {secret: {type: s3, name: s}, tls: {enabled: true}},")
    assert codes(stack, bucket_is_created=False) == ["error N13"]
    assert codes(tempo("", spec="storage: {traces: {backend: pv}},"), bucket_is_created=False) == []


TEMPO_SOURCE = """
apiVersion: grafana.integreatly.org/v1beta1
kind: GrafanaDatasource
metadata: {name: tempo, namespace: obs}
spec: {uid: tempo, datasource: {type: tempo, jsonData: {%s}}}
"""
PROMETHEUS_SOURCE = """
apiVersion: grafana.integreatly.org/v1beta1
kind: GrafanaDatasource
metadata: {name: prometheus, namespace: obs}
spec: {%s datasource: {type: prometheus, jsonData: {exemplarTraceIdDestinations: [{datasourceUid: %s}]}}}
"""


def test_the_resources_of_grafanas_operator_are_read(codes: Codes) -> None:
    prometheus = PROMETHEUS_SOURCE % ("uid: metrics,", "tempo")
    assert codes(together(TEMPO_SOURCE % "serviceMap: {datasourceUid: metrics}", prometheus)) == []
    assert codes(together(TEMPO_SOURCE % "serviceMap: {datasourceUid: prometheus}", prometheus)) == ["error N15"]


def test_a_data_source_without_a_uid_may_be_the_one_that_is_meant(codes: Codes) -> None:
    prometheus = PROMETHEUS_SOURCE % ("", "tempo")
    assert codes(together(TEMPO_SOURCE % "serviceMap: {datasourceUid: P1}", prometheus)) == ["warning N15"]


def test_a_tempo_data_source_without_a_service_map_shows_no_graph(codes: Codes) -> None:
    assert codes(TEMPO_SOURCE % "") == ["warning N15"]


def test_a_uid_from_a_variable_or_of_an_unknown_data_source_is_not_judged(codes: Codes) -> None:
    prometheus = PROMETHEUS_SOURCE % ("uid: metrics,", "$TEMPO_UID")
    assert codes(together(TEMPO_SOURCE % "serviceMap: {datasourceUid: '${PROM}'}", prometheus)) == []
    assert codes(TEMPO_SOURCE % "serviceMap: {datasourceUid: metrics}") == []
    assert codes(PROMETHEUS_SOURCE % ("uid: metrics,", "tempo")) == []


def test_the_uid_of_an_existing_prometheus_is_a_fact(codes: Codes) -> None:
    source = TEMPO_SOURCE % "serviceMap: {datasourceUid: metrics}"
    assert codes(source, prometheus_uid="metrics") == []
    assert codes(source, prometheus_uid="prometheus") == ["error N15"]


def test_a_uid_from_a_secret_is_not_printed(check_yaml: CheckYaml) -> None:
    provisioned = """
apiVersion: v1
kind: Secret
metadata: {name: sources, namespace: obs}
stringData:
  sources.yaml: |
    datasources:
      - {type: tempo, uid: t, jsonData: {serviceMap: {datasourceUid: hidden-uid}}}
      - {type: prometheus, uid: p}
"""
    (finding,) = check_yaml(provisioned)
    assert finding.code == "N15"
    assert "hidden-uid" not in str(finding)


def kiali(tracing: str) -> str:
    return f"""
apiVersion: kiali.io/v1alpha1
kind: Kiali
metadata: {{name: kiali, namespace: istio-system}}
spec: {{external_services: {{tracing: {{enabled: true, provider: tempo, {tracing}}}}}}}
"""


@pytest.mark.parametrize(
    ("tracing", "expected"),
    [
        ("internal_url: 'http://tempo-other.obs.svc:3200'", ["warning N9"]),
        ("internal_url: 'http://tempo-big-query-frontend.obs.svc:3200'", []),
        ("internal_url: 'http://tempo-tempo.obs.svc:3200', use_grpc: true", ["error N9"]),
        ("in_cluster_url: 'http://tempo-tempo.obs:3200'", ["error N9"]),
        ("internal_url: 'http://tempo-tempo.obs.svc:3200', use_grpc: false", []),
        ("internal_url: 'http://tempo-tempo.obs.svc:3200', enabled: false", []),
        ("internal_url: 'http://traces.example.com'", []),
        ("internal_url: 'http://[not-a-host'", []),
    ],
)
def test_kiali_asks_a_monolithic_tempo_over_http(codes: Codes, tracing: str, expected: list[str]) -> None:
    assert codes(together(kiali(tracing), tempo(""))) == expected


def test_kialis_settings_in_a_config_map_are_read(codes: Codes) -> None:
    settings = """
apiVersion: v1
kind: ConfigMap
metadata: {name: kiali, namespace: istio-system}
data:
  config.yaml: |
    external_services:
      tracing: {enabled: true, provider: tempo, internal_url: "http://tempo-tempo.obs.svc:3200"}
"""
    assert codes(together(settings, tempo(""))) == ["error N9"]


MONITOR = """
apiVersion: monitoring.rhobs/v1
kind: ServiceMonitor
metadata: {name: a, namespace: obs}
spec:
  endpoints:
    - metricRelabelings:
        - regex: %s
"""


@pytest.mark.parametrize(
    ("regex", "expected"),
    [(r"([^:]+)(?::\d+)?", []), (r"([^:]+)(?::\\d+)?", ["warning N21"]), (r"'C:\\Users'", []), (r'"\\d+"', [])],
)
def test_a_backslash_is_doubled_in_double_quotes_only(codes: Codes, regex: str, expected: list[str]) -> None:
    assert codes(MONITOR % regex) == expected
