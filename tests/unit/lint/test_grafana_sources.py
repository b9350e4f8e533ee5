"""Grafana's data sources: where they are found, and which of their faults only look like one."""

import base64
from collections.abc import Callable

import pytest
import yaml
from cases.base import replaced
from cases.grafana_sources import IN_CLUSTER, OPERATED

from lint.objects import Manifests, Object, Source
from lint.views.grafana import data_sources

Codes = Callable[..., list[str]]

MAP = "{serviceMap: {datasourceUid: prometheus}}"
PROMETHEUS = "{name: Prometheus, uid: prometheus, type: prometheus, isDefault: true}"
FILE = "apiVersion: 1\ndatasources: [%s]"


def config_map(*sources: str, name: str = "sources", labels: str = "{}", version: str = "apiVersion: 1") -> str:
    file = f"{version}\ndatasources: [{', '.join(sources)}]"
    metadata = {"name": name, "namespace": "grafana", "labels": yaml.safe_load(labels)}
    return yaml.safe_dump({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"a.yaml": file}})


def tempo(more: str) -> str:
    return f"{{name: Tempo, uid: tempo, type: tempo, {more}}}"


def together(*manifests: str) -> str:
    return "\n---\n".join(manifests)


@pytest.mark.parametrize(
    "manifest",
    [
        config_map(tempo("jsonData: {}")),
        f"{{apiVersion: v1, kind: Secret, data: {{a: {base64.b64encode((FILE % tempo('')).encode()).decode()}}}}}",
        FILE % tempo(""),
        f"grafana.ini: {{}}\ndatasources: {{datasources.yaml: {{apiVersion: 1, datasources: [{tempo('')}]}}}}",
        f"grafana: {{additionalDataSources: [{tempo('')}]}}",
        f"{{apiVersion: helm.toolkit.fluxcd.io/v2, kind: HelmRelease, spec: {{chart: {{spec: {{chart: grafana}}}},"
        f" values: {{datasources: {{a.yaml: {{datasources: [{tempo('')}]}}}}}}}}}}",
        "{apiVersion: argoproj.io/v1alpha1, kind: Application, spec: {source: {chart: kube-prometheus-stack,"
        f" helm: {{valuesObject: {{grafana: {{additionalDataSources: [{tempo('')}]}}}}}}}}}}}}",
        "{apiVersion: grafana.integreatly.org/v1beta1, kind: GrafanaDatasource, spec: {datasource: {type: tempo}}}",
    ],
)
def test_a_tempo_data_source_without_a_service_map_is_found_wherever_it_stands(codes: Codes, manifest: str) -> None:
    assert codes(manifest) == ["warning N15"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("$__tags", ["error N33"]),
        ("sum(rate(x{$__tags}[5m]))", ["error N33"]),
        ("http://logs/${__value.raw}", ["error N33"]),
        ("${__span.tags}", ["error N33"]),
        ("a $$ b $__tags", ["error N33"]),
        ("$$__tags", []),
        ("$${__value.raw}", []),
        ("$$${__value.raw}", []),
        ("$__env{TOKEN}", []),
        ("$__file{/etc/token}", []),
        ("${TOKEN} and $TOKEN", []),
        ("no variable", []),
    ],
)
def test_what_is_filled_in_with_each_click_has_two_dollars_in_a_file(
    codes: Codes, text: str, expected: list[str]
) -> None:
    link = f"jsonData: {{serviceMap: {{datasourceUid: prometheus}}, tracesToLogsV2: {{query: '{text}'}}}}"
    assert codes(config_map(PROMETHEUS, tempo(link))) == expected


def test_a_file_in_the_format_of_long_ago_is_not_expanded(codes: Codes) -> None:
    old = config_map("{name: a, type: loki, url: 'http://$__tags', isDefault: true}", PROMETHEUS, version="x: 1")
    assert codes(old) == []


SIDECAR = '{grafana_datasource: "1"}'
LOKI = "{name: Loki, uid: loki, type: loki, isDefault: true}"


@pytest.mark.parametrize(
    ("manifests", "expected"),
    [
        (config_map(PROMETHEUS, LOKI), ["error N33"]),
        (config_map(PROMETHEUS, LOKI.replace("true", "'true'")), ["error N33"]),
        (config_map(PROMETHEUS, LOKI.replace("isDefault", "orgId: 2, isDefault")), []),
        (config_map(PROMETHEUS, LOKI.replace("true", "false")), []),
        (
            together(
                config_map(PROMETHEUS, name="a", labels=SIDECAR),
                config_map(LOKI, name="b", labels=SIDECAR),
            ),
            ["error N33"],
        ),
        (together(config_map(PROMETHEUS, labels=SIDECAR), config_map(LOKI, labels=SIDECAR)), []),
        (together(config_map(PROMETHEUS, name="a"), config_map(LOKI, name="b")), []),
    ],
)
def test_one_grafana_has_one_default(codes: Codes, manifests: str, expected: list[str]) -> None:
    assert codes(manifests) == expected


def test_data_sources_of_several_folders_may_be_of_several_clusters() -> None:
    objects = tuple(
        Object(yaml.safe_load(config_map(source, name=folder, labels=SIDECAR)), Source(f"{folder}/a.yaml"))
        for folder, source in (("dev", PROMETHEUS), ("prod", LOKI))
    )
    first, second = data_sources(Manifests(objects))
    assert first.grafana != second.grafana


@pytest.mark.parametrize(
    ("sidecar", "expected"),
    [
        ("", ["warning N33"]),
        ("enabled: false,", []),
        ("sidecar: {datasources: {isDefaultDatasource: false}},", []),
        ("sidecar: {datasources: {defaultDatasourceEnabled: false}},", []),
        ("sidecar: {datasources: {enabled: false}},", []),
    ],
)
def test_the_stack_s_own_prometheus_is_the_default(codes: Codes, sidecar: str, expected: list[str]) -> None:
    assert codes(f"{{grafana: {{{sidecar} additionalDataSources: [{LOKI}]}}}}") == expected


def test_the_stack_s_own_prometheus_has_a_uid(codes: Codes) -> None:
    graph = tempo(f"jsonData: {MAP}")
    other = "{name: Thanos, uid: thanos, type: prometheus}"
    assert codes(f"{{grafana: {{additionalDataSources: [{graph}, {other}]}}}}") == []
    wrong = graph.replace("datasourceUid: prometheus", "datasourceUid: prom")
    assert codes(f"{{grafana: {{additionalDataSources: [{wrong}, {other}]}}}}") == ["warning N15"]


def test_grafana_makes_the_uid_of_a_file_s_data_source_of_its_name(codes: Codes) -> None:
    named = "{name: Prometheus, type: prometheus}"
    right = tempo("jsonData: {serviceMap: {datasourceUid: PBFA97CFB590B2093}}")
    assert codes(config_map(named, right)) == []
    assert codes(config_map(named, right.replace("PBFA97", "PBFA98"))) == ["warning N15"]


def test_the_name_of_a_data_source_is_as_good_as_its_uid(codes: Codes) -> None:
    named = "{name: Metrics, uid: m, type: prometheus}"
    assert codes(config_map(named, tempo("jsonData: {serviceMap: {datasourceUid: Metrics}}"))) == []
    assert codes(config_map(named, tempo("jsonData: {serviceMap: {datasourceUid: metrics}}"))) == ["error N15"]


def test_a_uid_that_the_sidecar_may_bring_from_elsewhere_is_a_warning(codes: Codes) -> None:
    sources = ("{name: Thanos, uid: thanos, type: prometheus}", tempo(f"jsonData: {MAP}"))
    assert codes(config_map(*sources)) == ["error N15"]
    assert codes(config_map(*sources, labels=SIDECAR)) == ["warning N15"]


GRAFANA = """
apiVersion: grafana.integreatly.org/v1beta1
kind: Grafana
metadata: {name: main, namespace: %s, labels: {dashboards: main}}
"""
SOURCE = """
apiVersion: grafana.integreatly.org/v1beta1
kind: GrafanaDatasource
metadata: {name: prometheus, namespace: obs}
spec: {instanceSelector: {%s}, datasource: {name: P, type: prometheus}}
"""


@pytest.mark.parametrize(
    ("namespaces", "selector", "expected"),
    [
        (["grafana"], "matchLabels: {dashboards: main}", ["error N33"]),
        (["grafana", "obs"], "matchLabels: {dashboards: main}", []),
        (["obs"], "matchLabels: {dashboards: main}", []),
        (["''"], "matchLabels: {dashboards: main}", []),
        ([], "matchLabels: {dashboards: main}", []),
        (["obs"], "matchLabels: {dashboards: other}", ["warning N33"]),
        (["obs"], "matchExpressions: [{key: dashboards, operator: Exists}]", []),
        (["obs"], "matchLabels: {a: b}, matchExpressions: [{key: a, operator: Exists}]", []),
        (["grafana"], "", []),
    ],
)
def test_the_operator_gives_a_data_source_to_the_grafanas_of_its_namespace(
    codes: Codes, namespaces: list[str], selector: str, expected: list[str]
) -> None:
    assert codes(together(SOURCE % selector, *(GRAFANA % namespace for namespace in namespaces))) == expected


OPERATOR = "{apiVersion: tempo.grafana.com/v1alpha1, kind: %s, metadata: {name: main, namespace: obs}, spec: {%s}}"
MONOLITHIC = OPERATOR % ("TempoMonolithic", "")
STACK = OPERATOR % ("TempoStack", "")
TENANTS = OPERATOR % ("TempoMonolithic", "multitenancy: {enabled: true, authentication: [{tenantName: dev}]}")
SERVICE = "{apiVersion: v1, kind: Service, metadata: {name: traces, namespace: obs}, spec: {%s ports: [%s]}}"


@pytest.mark.parametrize(
    ("url", "around", "expected"),
    [
        ("http://tempo-main.obs:3200", MONOLITHIC, []),
        ("http://tempo-main.obs.svc.cluster.local:3200/", MONOLITHIC, []),
        ("http://tempo-main.obs", MONOLITHIC, ["error N33"]),
        ("http://tempo-main-query-frontend.obs:3200", MONOLITHIC, ["error N33"]),
        ("http://tempo-main-query-frontend.obs.svc:3200", STACK, []),
        ("http://tempo-main.obs:3200", STACK, ["error N33"]),
        ("http://tempo-main-distributor.obs:3200", STACK, ["error N33"]),
        ("http://tempo-main.obs:3200", together(STACK, MONOLITHIC), []),
        ("http://tempo-main-query-frontend.obs:3200", together(STACK, MONOLITHIC), []),
        ("http://tempo-main.obs:3200", TENANTS, ["error N33"]),
        ("https://tempo-main-gateway.obs:8080/api/traces/v1/dev/tempo", TENANTS, []),
        ("https://tempo-main-gateway.obs:8080", TENANTS, ["error N33"]),
        ("http://tempo-other.obs:3100", MONOLITHIC, []),
        ("http://tempo:3100", "", []),
        ("http://tempo:4317", "", ["warning N33"]),
        ("http://traces.obs:80", SERVICE % ("", "{port: 80}"), []),
        ("http://traces.obs:3200", SERVICE % ("", "{port: 80}"), ["error N33"]),
        ("http://traces.obs:3200", SERVICE % ("clusterIP: None,", "{port: 80}"), []),
        ("http://traces.obs:9095", SERVICE % ("", "{port: 9095}"), ["error N33"]),
        ("${TEMPO_URL}", MONOLITHIC, []),
        ("http://${TEMPO}:4317", "", []),
        ("https://tempo.example.com", MONOLITHIC, []),
        ("http://[broken", MONOLITHIC, []),
    ],
)
def test_grafana_asks_where_tempo_answers(codes: Codes, url: str, around: str, expected: list[str]) -> None:
    source = config_map(PROMETHEUS, tempo(f"url: '{url}', jsonData: {MAP}"))
    assert [code for code in codes(together(source, around)) if not code.endswith(("N5", "N13", "N32"))] == expected


def test_the_tempo_of_a_short_name_is_in_the_namespace_of_its_config_map(codes: Codes) -> None:
    near = MONOLITHIC.replace("namespace: obs", "namespace: grafana")
    assert codes(together(config_map(PROMETHEUS, tempo(f"url: 'http://tempo-main:3100', jsonData: {MAP}")), near)) == [
        "error N33"
    ]


@pytest.mark.parametrize(
    "manifest",
    [
        "{apiVersion: v1, kind: ConfigMap, data: {a: 'datasources: [1, null, {type: [tempo]}]'}}",
        "{apiVersion: v1, kind: ConfigMap, metadata: {labels: [grafana_datasource]}, data: {a: 'datasources: {a: b}'}}",
        "{grafana: {additionalDataSources: [null, 1], sidecar: [], datasources: [a]}}",
        "{grafana.ini: {}, datasources: {1: {datasources: [a]}}}",
        "{apiVersion: grafana.integreatly.org/v1beta1, kind: GrafanaDatasource, spec: {instanceSelector: [a]}}",
    ],
)
def test_an_odd_shape_is_no_fault(codes: Codes, manifest: str) -> None:
    assert codes(together(manifest, GRAFANA % "obs")) == []


def test_doubled_dollars_in_a_file_are_left_to_the_tool_that_applies_it(codes: Codes) -> None:
    assert codes(replaced(IN_CLUSTER, "$__tags", "$$__tags")) == ["warning N33"]
    assert codes(replaced(OPERATED, "$__tags", "$$__tags")) == []


@pytest.mark.parametrize(
    ("links", "expected"),
    [
        ("tracesToLogsV2: {datasourceUid: logs}", []),
        ("tracesToLogsV2: {datasourceUid: Loki}", []),
        ("tracesToLogsV2: {datasourceUid: loki}", ["error N15"]),
        ("tracesToLogs: {datasourceUid: loki}", ["error N15"]),
        ("tracesToLogsV2: {datasourceUid: logs}, tracesToLogs: {datasourceUid: loki}", []),
        ("tracesToLogsV2: {datasourceUid: prometheus}", []),
        ("tracesToLogsV2: {datasourceUid: $LOKI}", []),
        ("tracesToLogsV2: {datasourceUid: ''}", []),
        ("tracesToLogsV2: []", []),
    ],
)
def test_a_link_from_spans_to_logs_has_the_uid_or_the_name_of_a_data_source(
    codes: Codes, links: str, expected: list[str]
) -> None:
    loki = "{name: Loki, uid: logs, type: loki}"
    jaeger = f"{{name: Jaeger, uid: jaeger, type: jaeger, jsonData: {{{links}}}}}"
    assert codes(config_map(PROMETHEUS, loki, jaeger)) == expected


def test_a_link_from_spans_to_logs_is_right_where_no_data_source_of_logs_is_known(codes: Codes) -> None:
    link = "jsonData: {tracesToLogsV2: {datasourceUid: loki}, serviceMap: {datasourceUid: prometheus}}"
    assert codes(config_map(PROMETHEUS, tempo(link))) == []


def test_a_link_from_spans_to_a_loki_without_uid_is_a_warning(codes: Codes) -> None:
    link = "jsonData: {tracesToLogsV2: {datasourceUid: loki}, serviceMap: {datasourceUid: prometheus}}"
    assert codes(config_map(PROMETHEUS, "{name: Loki, type: loki}", tempo(link))) == ["warning N15"]


CHART = """
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: NAME, namespace: argocd}
spec:
  destination: {namespace: monitoring}
  source:
    repoURL: https://grafana-community.github.io/helm-charts
    chart: tempo
    targetRevision: VERSION
    helm: {valuesObject: {tempo: {retention: 24h}}}
---
"""


@pytest.mark.parametrize(
    ("version", "name", "url", "expected"),
    [
        ("1.24.1", "tempo", "http://tempo.monitoring:3200", []),
        ("1.24.1", "tempo", "http://tempo.monitoring:3100", ["error N33"]),
        ("1.7.2", "tempo", "http://tempo.monitoring:3200", ["error N33"]),
        ("1.7.2", "tempo", "http://tempo.monitoring:3100", []),
        ("1.23.0", "tempo", "http://tempo.monitoring:3100", []),
        ("2.2.4", "traces", "http://traces-tempo.monitoring:3100", ["error N33"]),
        ("2.2.4", "tempo", "http://tempo.elsewhere:3100", []),
        ("'*'", "tempo", "http://tempo.monitoring:3100", []),
    ],
)
def test_the_service_of_the_chart_tempo_has_a_port_by_its_version(
    codes: Codes, version: str, name: str, url: str, expected: list[str]
) -> None:
    source = config_map(PROMETHEUS, tempo(f"url: '{url}', jsonData: {MAP}"))
    assert codes(CHART.replace("VERSION", version).replace("NAME", name) + source) == expected


def test_the_service_of_the_chart_tempo_is_known_where_its_values_are_in_a_file(codes: Codes) -> None:
    source = config_map(PROMETHEUS, tempo(f"url: 'http://tempo.monitoring:3100', jsonData: {MAP}"))
    chart = CHART.replace("VERSION", "1.24.4").replace("NAME", "traces")
    with_file = chart.replace("helm: {valuesObject: {tempo: {retention: 24h}}}", "helm: {HELM}")
    sources = with_file.replace("  source:\n    repoURL", "  sources:\n  - repoURL")
    named = "releaseName: tempo, valueFiles: [$values/tempo.yaml]"
    assert codes(with_file.replace("HELM", named) + source) == ["error N33"]
    assert codes(sources.replace("HELM", named) + source) == ["error N33"]


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://logs.obs:3100/", ["error N33"]),
        ("http://loki-gateway.obs", ["error N33"]),
        ("http://logs.obs:3100/tempo", []),
        ("http://tempo.obs:3100", []),
        ("http://${LOKI}:3100", []),
    ],
)
def test_a_tempo_data_source_does_not_ask_loki(codes: Codes, url: str, expected: list[str]) -> None:
    loki = "{name: Loki, uid: loki, type: loki, url: 'http://logs.obs:3100'}"
    assert codes(config_map(PROMETHEUS, loki, tempo(f"url: '{url}', jsonData: {MAP}"))) == expected
