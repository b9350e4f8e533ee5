"""Values of Tempo's charts."""

import textwrap
from collections.abc import Callable

import pytest
from tempo_manifests import release

import lint

Codes = Callable[..., list[str]]
CheckYaml = Callable[..., list[lint.Finding]]


@pytest.mark.parametrize(
    "values",
    [
        "per_tenant_overrides: {a: {metrics_generator: {processors: [service-graphs]}}}",
        "overrides: |\n  overrides: {'*': {metrics_generator_processors: [service-graphs]}}",
        "useExternalConfig: true",
    ],
)
def test_processors_have_other_places_in_other_releases_of_the_chart(codes: Codes, values: str) -> None:
    generator = """
    metricsGenerator: {enabled: true, config: {storage: {remote_write: [{url: "http://mimir.obs.svc/api/v1/push"}]}}}
    traces: {otlp: {grpc: {enabled: true}}}
    storage: {trace: {backend: s3}}
    """
    assert codes(release("tempo-distributed", textwrap.dedent(generator) + values)) == []


def test_a_generator_of_local_blocks_alone_makes_no_service_graph(codes: Codes) -> None:
    values = """
    metricsGenerator: {enabled: true}
    traces: {otlp: {http: {enabled: true}}}
    storage: {trace: {backend: s3}}
    overrides: {defaults: {metrics_generator: {processors: [local-blocks]}}}
    """
    assert codes(release("tempo-distributed", values)) == ["warning N35"]


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
    storage: {trace: {backend: s3}}
    """
    (finding,) = check_yaml(release("tempo-distributed", values))
    assert finding.code == "N31"
    assert finding.where.endswith("spec.values.metricsGenerator.config.registry.colection_interval")


@pytest.mark.parametrize(
    ("chart", "values", "expected"),
    [
        ("tempo", "tempo: {structuredConfig: {compactor: {}}}", ["warning N35"]),
        ("tempo", "traces: {otlp: {grpc: {enabled: true}}}", ["warning N35"]),
        ("tempo", "{storage: {}, persistence: {enabled: true}, tempo: {retention: 24h}}", []),
        ("tempo", "{server: {port: 1}, config: 'server: {{ .Values.server }}'}", []),
        (
            "tempo-distributed",
            "{tempo: {retention: 24h}, storage: {trace: {backend: s3}}, traces: {otlp: {grpc: {enabled: true}}}}",
            ["warning N35"],
        ),
        (
            "tempo-distributed",
            "{tempo: {structuredConfig: {server: {}}, image: {tag: 2.10.8}}, traces: {otlp: {grpc: {enabled: true}}}}",
            [],
        ),
    ],
)
def test_each_chart_has_values_that_the_other_one_does_not_read(
    codes: Codes, chart: str, values: str, expected: list[str]
) -> None:
    assert codes(release(chart, values)) == expected


OF_REGISTRY = """
apiVersion: source.toolkit.fluxcd.io/v1
kind: OCIRepository
metadata: {name: traces, namespace: obs}
spec: {url: "oci://ghcr.io/grafana-community/helm-charts/CHART", ref: {tag: 2.2.4}}
---
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: {name: traces, namespace: obs}
spec:
  chartRef: {kind: OCIRepository, name: traces}
  values: {storage: {trace: {backend: s3}}, traces: {otlp: {grpc: {enabled: true}}}}
"""


def test_a_chart_that_is_told_no_store_has_a_local_one(codes: Codes) -> None:
    values = "traces: {otlp: {grpc: {enabled: true}}}"
    assert codes(release("tempo-distributed", values)) == ["warning N31"]
    assert codes(release("tempo-distributed", values, "valuesFrom: [{kind: Secret, name: more}]")) == []
    assert codes(release("tempo-distributed", f"{{useExternalConfig: true, {values}}}")) == []


@pytest.mark.parametrize(
    ("enterprise", "expected"), [("", ["warning N31"]), ("enterprise: {enabled: true}", [])], ids=["off", "on"]
)
def test_a_part_of_a_template_that_is_switched_off_does_not_hide_the_rest(
    codes: Codes, enterprise: str, expected: list[str]
) -> None:
    config = """
    config: |
      {{- if .Values.enterprise.enabled }}
      license: {path: /license}
      {{- with .Values.license }}
      {{- end }}
      {{- end }}
      querier: {search: {prefer_self: 10}}
      storage: {trace: {backend: s3}}
    """
    values = f"{textwrap.dedent(config)}{enterprise}"
    assert codes(release("tempo-distributed", values)) == expected


def test_a_chart_from_a_registry_is_known_by_its_repository(codes: Codes) -> None:
    assert codes(OF_REGISTRY.replace("CHART", "tempo")) == ["warning N35", "warning N35"]
    assert codes(OF_REGISTRY.replace("CHART", "tempo-distributed")) == []
    assert codes(OF_REGISTRY.replace("CHART", "tempo").replace("kind: OCIRepository, name: traces", "name: a")) == []


@pytest.mark.parametrize(
    ("version", "expected"),
    # Of a version that is named, it is said too that it reads no such value.
    [("1.32.0", []), ("1.33.0", ["warning N35"] * 2), ("~1.40", ["warning N35"]), ("", ["warning N35"])],
)
def test_processors_in_the_older_overrides_are_read_by_older_charts(
    codes: Codes, version: str, expected: list[str]
) -> None:
    values = """
    metricsGenerator: {enabled: true, config: {storage: {remote_write: [{url: "http://mimir.obs.svc/api/v1/push"}]}}}
    traces: {otlp: {grpc: {enabled: true}}}
    storage: {trace: {backend: s3}}
    global_overrides: {metrics_generator_processors: [service-graphs]}
    """
    manifest = release("tempo-distributed", values)
    assert (
        codes(manifest.replace("chart: tempo-distributed", f"chart: tempo-distributed, version: '{version}'"))
        == expected
    )


def test_a_storage_of_the_generator_has_what_the_chart_reads(codes: Codes) -> None:
    values = """
    tempo:
      metricsGenerator: {enabled: true, storage: {path: /var/tempo}, remoteWriteUrl: "http://mimir.obs.svc/api/v1/push"}
      overrides: {defaults: {metrics_generator: {processors: [service-graphs]}}}
    """
    assert codes(release("tempo", values)) == []


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ("tempo: {retention: 24h}\nsingleBinary: {replicas: 1}", ["warning N35"]),
        ("tempo: {retention: 24h}\nnodeSelector: {disk: fast}", []),
        ("tempo: {retention: 24h}\nsingleBinary: {}", []),
    ],
)
def test_no_chart_of_tempo_reads_a_value_of_the_chart_loki(codes: Codes, values: str, expected: list[str]) -> None:
    assert codes(values) == expected


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ("server: {{- toYaml .Values.tempo.server | nindent 2 }}", ["warning N35"]),
        ("server: {{- toYaml .Values.server | nindent 2 }}", []),
    ],
)
def test_a_configuration_of_ones_own_reads_the_values_that_it_names(
    codes: Codes, config: str, expected: list[str]
) -> None:
    assert codes(release("tempo", f"server: {{http_listen_port: 3200}}\nconfig: |\n  {config}\n")) == expected


@pytest.mark.parametrize(
    ("key", "expected"),
    [("use_otel_tracer: true", ["warning N31"]), ("server: {{ x }}", []), ("{{ x }}: true", [])],
)
def test_a_configuration_with_templates_is_one_of_todays_tempo(codes: Codes, key: str, expected: list[str]) -> None:
    assert codes(f"tempo: {{retention: 24h}}\nconfig: |\n  {key}\n  server:\n    {{{{- toYaml .x }}}}\n") == expected
