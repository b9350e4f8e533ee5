"""Examples for lint/rules/grafana.py."""

from cases.base import DATA_SOURCES, Example, replaced

PROFILES = "grafana-pyroscope-datasource"


def linked(link: str, target: str) -> str:
    metrics = "tracesToMetrics: {datasourceUid: prometheus}"
    linking = replaced(DATA_SOURCES, metrics, f"{metrics}\n          {link}")
    return replaced(linking, "      - name: Prometheus\n", f"      - {target}\n      - name: Prometheus\n")


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
    "traces_to_logs_without_logs": Example(
        'error N15 ConfigMap tracing-system/grafana-datasources: data["datasources.yaml"].datasources[0]'
        ".jsonData.tracesToLogsV2.datasourceUid",
        wrong=linked("tracesToLogsV2: {datasourceUid: loki}", "{name: Loki, uid: logs, type: loki}"),
        right=linked("tracesToLogsV2: {datasourceUid: logs}", "{name: Loki, uid: logs, type: loki}"),
    ),
    "traces_to_profiles_without_profiles": Example(
        'error N15 ConfigMap tracing-system/grafana-datasources: data["datasources.yaml"].datasources[0]'
        ".jsonData.tracesToProfiles.datasourceUid",
        wrong=linked("tracesToProfiles: {datasourceUid: pyroscope}", f"{{name: P, uid: p, type: {PROFILES}}}"),
        right=linked("tracesToProfiles: {datasourceUid: p}", f"{{name: P, uid: p, type: {PROFILES}}}"),
    ),
}
