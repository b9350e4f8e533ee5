"""Examples for lint/rules/tempo_stack.py."""

from cases.base import GENERATOR, STACK, Example, replaced

JAEGER = replaced(STACK, "template:", "template:\n    queryFrontend: {jaegerQuery: {enabled: true, JAEGER}}")
WITH_INGRESS = replaced(JAEGER, "JAEGER", "ingress: {type: route}")
WITH_TAB = replaced(
    JAEGER, "JAEGER", "monitorTab: {enabled: true, prometheusEndpoint: http://prometheus.istio-system:9090}"
)
COPIES = replaced(STACK, "template:", "replicationFactor: 3\n  template:\n    ingester: {replicas: 2}")
ALERTS = replaced(
    STACK,
    "template:",
    "observability: {metrics: {createServiceMonitors: true, createPrometheusRules: true}}\n  template:",
)
BIG = "TempoStack tracing-system/big"

EXAMPLES = {
    "name_too_long": Example(
        f"error N32 TempoStack tracing-system/{'b' * 64}: metadata.name",
        wrong=replaced(STACK, "name: big", f"name: {'b' * 64}"),
        right=replaced(STACK, "name: big", f"name: {'b' * 63}"),
    ),
    "name_of_both_kinds": Example(
        "error N32 TempoMonolithic tracing-system/tempo: metadata.name",
        wrong=GENERATOR + replaced(STACK, "name: big", "name: tempo"),
        right=GENERATOR + STACK,
    ),
    "ingress_without_jaeger": Example(
        f"error N32 {BIG}: spec.template.queryFrontend.jaegerQuery.ingress.type",
        wrong=replaced(WITH_INGRESS, "{enabled: true, ingress", "{enabled: false, ingress"),
        right=WITH_INGRESS,
    ),
    "monitor_tab_without_prometheus": Example(
        f"error N32 {BIG}: spec.template.queryFrontend.jaegerQuery.monitorTab.prometheusEndpoint",
        wrong=replaced(WITH_TAB, ", prometheusEndpoint: http://prometheus.istio-system:9090", ""),
        right=WITH_TAB,
    ),
    "too_few_ingesters": Example(
        f"error N32 {BIG}: spec.replicationFactor",
        wrong=replaced(COPIES, "{replicas: 2}", "{replicas: 1}"),
        right=COPIES,
    ),
    "generator_without_url": Example(
        f"error N32 {BIG}: spec.template.metricsGenerator.remoteWriteURLs",
        wrong=replaced(STACK, '["http://prometheus.istio-system.svc:9090/api/v1/write"]', "[]"),
        right=STACK,
    ),
    "alerts_without_metrics": Example(
        f"error N32 {BIG}: spec.observability.metrics.createPrometheusRules",
        wrong=replaced(ALERTS, "createServiceMonitors: true, ", ""),
        right=ALERTS,
    ),
}
