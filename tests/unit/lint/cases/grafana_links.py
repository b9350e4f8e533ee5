"""Examples for lint/rules/grafana_links.py and for the files in grafana_provisioning.py."""

from cases.base import DATA_SOURCES, Example, replaced
from cases.grafana import linked

_OBJECT = "ConfigMap tracing-system/grafana-datasources: data"
_LOKI = "{name: Loki, uid: loki, type: loki, jsonData: {derivedFields: [{name: trace, datasourceUid: %s}]}}"
_MATCHED = replaced(_LOKI % "tempo", "name: trace, ", "name: trace, matcherRegex: 'id=(\\\\w+)', ")
_OF_LABEL = replaced(_LOKI % "tempo", "name: trace, ", "name: trace, matcherType: label, matcherRegex: trace_id, ")
_WITHOUT_GROUP = replaced(_OF_LABEL, "matcherType: label, ", "")
_TO_LOGS = "tracesToLogsV2: {datasourceUid: loki, %s: true}"
_PLAIN_LOKI = "{name: Loki, uid: loki, type: loki}"
_SIDECAR = replaced(
    DATA_SOURCES, "namespace: tracing-system}", 'namespace: tracing-system, labels: {grafana_datasource: "1"}}'
)

EXAMPLES = {
    "derived_field_without_traces": Example(
        f'error N15 {_OBJECT}["datasources.yaml"].datasources[1].jsonData.derivedFields[0].datasourceUid',
        wrong=linked("nodeGraph: {enabled: true}", _LOKI % "traces"),
        right=linked("nodeGraph: {enabled: true}", _LOKI % "tempo"),
    ),
    "misspelt_setting_of_tempo": Example(
        f'warning N33 {_OBJECT}["datasources.yaml"].datasources[0].jsonData.tracesToLogsV2.filterByTraceId',
        wrong=linked(_TO_LOGS % "filterByTraceId", _PLAIN_LOKI),
        right=linked(_TO_LOGS % "filterByTraceID", _PLAIN_LOKI),
    ),
    "access_that_grafana_does_not_know": Example(
        f'advice N33 {_OBJECT}["datasources.yaml"].datasources[0].access',
        wrong=replaced(DATA_SOURCES, "        type: tempo\n", "        type: tempo\n        access: tempo\n"),
        right=replaced(DATA_SOURCES, "        type: tempo\n", "        type: tempo\n        access: proxy\n"),
    ),
    "data_sources_in_another_file": Example(
        f'error N33 {_OBJECT}["datasources.json"]',
        wrong=replaced(_SIDECAR, "datasources.yaml:", "datasources.json:"),
        right=_SIDECAR,
    ),
    "derived_field_that_matches_nothing": Example(
        f'warning N33 {_OBJECT}["datasources.yaml"].datasources[1].jsonData.derivedFields[0].matcherRegex',
        wrong=linked("nodeGraph: {enabled: true}", _MATCHED),
        right=linked("nodeGraph: {enabled: true}", _MATCHED.replace("\\\\w", "\\w")),
    ),
    "derived_field_that_takes_nothing": Example(
        f'warning N33 {_OBJECT}["datasources.yaml"].datasources[1].jsonData.derivedFields[0].matcherRegex',
        wrong=linked("nodeGraph: {enabled: true}", _WITHOUT_GROUP),
        right=linked("nodeGraph: {enabled: true}", _OF_LABEL),
    ),
    "switch_that_is_a_text": Example(
        f'warning N33 {_OBJECT}["datasources.yaml"].datasources[0].jsonData.nodeGraph.enabled',
        wrong=linked("nodeGraph: {enabled: 'False'}", _PLAIN_LOKI),
        right=linked("nodeGraph: {enabled: false}", _PLAIN_LOKI),
    ),
}
