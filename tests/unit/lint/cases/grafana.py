"""Examples for lint/rules/grafana.py."""

from cases.base import DATA_SOURCES, Example, replaced

EXAMPLES = {
    "service_map_without_prometheus": Example(
        'error N15 ConfigMap tracing-system/grafana-datasources: data["datasources.yaml"].datasources[0]'
        ".jsonData.serviceMap.datasourceUid",
        wrong=replaced(DATA_SOURCES, "serviceMap: {datasourceUid: prometheus}", "serviceMap: {datasourceUid: prom}"),
        right=DATA_SOURCES,
    ),
    "traces_to_metrics_without_prometheus": Example(
        'error N15 ConfigMap tracing-system/grafana-datasources: data["datasources.yaml"].datasources[0]'
        ".jsonData.tracesToMetrics.datasourceUid",
        wrong=replaced(
            DATA_SOURCES, "tracesToMetrics: {datasourceUid: prometheus}", "tracesToMetrics: {datasourceUid: prom}"
        ),
        right=DATA_SOURCES,
    ),
    "exemplars_without_tempo": Example(
        'error N15 ConfigMap tracing-system/grafana-datasources: data["datasources.yaml"].datasources[1]'
        ".jsonData.exemplarTraceIdDestinations[0].datasourceUid",
        wrong=replaced(DATA_SOURCES, "datasourceUid: tempo", "datasourceUid: traces"),
        right=DATA_SOURCES,
    ),
}
