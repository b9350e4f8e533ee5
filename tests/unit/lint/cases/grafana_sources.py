"""Examples for lint/rules/grafana_provisioning.py, grafana_operator.py and grafana_urls.py."""

from cases.base import DATA_SOURCES, GATEWAY, GENERATOR, Example, replaced

LINK = 'tracesToMetrics: {datasourceUid: prometheus, queries: [{name: a, query: "calls_total{$$__tags}"}]}'
LINKED = replaced(DATA_SOURCES, "tracesToMetrics: {datasourceUid: prometheus}", LINK)
DEFAULT = replaced(DATA_SOURCES, "type: prometheus\n", "type: prometheus\n        isDefault: true\n")
AT = 'ConfigMap tracing-system/grafana-datasources: data["datasources.yaml"].datasources[0]'

OPERATED = """
apiVersion: grafana.integreatly.org/v1beta1
kind: Grafana
metadata: {name: grafana, namespace: grafana, labels: {dashboards: grafana, team: a}}
---
apiVersion: grafana.integreatly.org/v1beta1
kind: GrafanaDatasource
metadata: {name: tempo, namespace: tracing-system}
spec:
  uid: tempo
  allowCrossNamespaceImport: true
  instanceSelector: {matchLabels: {dashboards: grafana}}
  datasource:
    name: Tempo
    type: tempo
    jsonData:
      serviceMap: {datasourceUid: prometheus}
      tracesToMetrics: {queries: [{name: a, query: "calls_total{$__tags}"}]}
---
"""


IN_CLUSTER = replaced(OPERATED, "name: tempo, namespace", "uid: 8c3a1f0e, name: tempo, namespace")


def asking(url: str) -> str:
    return replaced(DATA_SOURCES, "type: tempo\n", f"type: tempo\n        url: {url}\n")


TENANT = "https://tempo-big-gateway.tracing-system.svc:8080/api/traces/v1/dev/tempo"

EXAMPLES = {
    "variable_expanded_too_early": Example(
        f"error N33 {AT}.jsonData.tracesToMetrics.queries[0].query",
        wrong=replaced(LINKED, "$$__tags", "$__tags"),
        right=LINKED,
    ),
    "two_default_data_sources": Example(
        f"error N33 {AT.replace('[0]', '[1]')}.isDefault",
        wrong=replaced(DEFAULT, "type: tempo\n", "type: tempo\n        isDefault: true\n"),
        right=DEFAULT,
    ),
    "data_source_in_another_namespace": Example(
        "error N33 GrafanaDatasource tracing-system/tempo: spec.allowCrossNamespaceImport",
        wrong=replaced(OPERATED, "  allowCrossNamespaceImport: true\n", ""),
        right=OPERATED,
    ),
    "data_source_of_no_grafana": Example(
        "warning N33 GrafanaDatasource tracing-system/tempo: spec.instanceSelector.matchLabels",
        wrong=replaced(OPERATED, "matchLabels: {dashboards: grafana}", "matchLabels: {dashboards: graphs}"),
        right=OPERATED,
    ),
    "doubled_dollar": Example(
        "warning N33 GrafanaDatasource tracing-system/tempo: spec.datasource.jsonData.tracesToMetrics.queries[0].query",
        wrong=replaced(IN_CLUSTER, "$__tags", "$$__tags"),
        right=IN_CLUSTER,
    ),
    "queries_to_a_port_without_answers": Example(
        f"error N33 {AT}.url",
        wrong=asking("http://tempo-tempo.tracing-system:4317") + GENERATOR,
        right=asking("http://tempo-tempo.tracing-system:3200") + GENERATOR,
    ),
    "queries_of_traces_to_loki": Example(
        f"error N33 {AT}.url",
        wrong=asking("http://loki-read.logging:3100"),
        right=asking("http://tempo-read.logging:3100"),
    ),
    "gateway_without_tenant": Example(
        f"error N33 {AT}.url",
        wrong=asking(replaced(TENANT, "/api/traces/v1/dev/tempo", "/tempo")) + GATEWAY,
        right=asking(TENANT) + GATEWAY,
    ),
    "field_that_a_data_source_does_not_have": Example(
        'warning N33 ConfigMap tracing-system/grafana-datasources: data["datasources.yaml"].datasources[0].default',
        wrong=replaced(DATA_SOURCES, "        uid: tempo\n", "        uid: tempo\n        default: true\n"),
        right=replaced(DATA_SOURCES, "        uid: tempo\n", "        uid: tempo\n        isDefault: true\n"),
    ),
}
