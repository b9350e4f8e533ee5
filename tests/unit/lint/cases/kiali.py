"""Examples for lint/rules/kiali.py."""

from cases.base import GENERATOR, KIALI, Example, replaced

JAEGER = replaced(
    replaced(KIALI, "      provider: tempo\n      use_grpc: false\n", ""),
    "tempo-tempo.tracing-system.svc:3200",
    "jaeger-query.tracing-system.svc:16685",
)

VALUES = """
external_services:
  tracing: {enabled: true, provider: tempo, use_grpc: false, internal_url: "http://tempo.tracing-system:3200"}
"""

EXAMPLES = {
    "grpc_to_monolithic_tempo": Example(
        "error N9 Kiali istio-system/kiali: spec.external_services.tracing.use_grpc",
        wrong=replaced(KIALI, "use_grpc: false", "") + GENERATOR,
        right=KIALI + GENERATOR,
    ),
    "tempo_taken_for_jaeger": Example(
        "error N9 Kiali istio-system/kiali: spec.external_services.tracing.provider",
        wrong=replaced(KIALI, "provider: tempo", "") + GENERATOR,
        right=KIALI + GENERATOR,
    ),
    "grpc_to_the_page_of_jaeger": Example(
        "warning N9 Kiali istio-system/kiali: spec.external_services.tracing.use_grpc",
        wrong=replaced(JAEGER, "16685", "16686"),
        right=JAEGER,
    ),
    "setting_that_does_not_exist": Example(
        "warning N9 Kiali istio-system/kiali: spec.external_services.tracing.internalUrl",
        wrong=replaced(KIALI, "internal_url", "internalUrl"),
        right=KIALI,
    ),
    "kiali_without_prometheus": Example(
        "warning N9 document: external_services.prometheus.url",
        wrong=VALUES + '  prometheus: {url: ""}\n',
        right=VALUES + '  prometheus: {url: "http://prometheus.monitoring:9090"}\n',
    ),
    "value_that_kiali_cannot_read": Example(
        "error N9 document: external_services.tracing.grpc_port",
        wrong=VALUES.replace("use_grpc: false", 'grpc_port: "9095"'),
        right=VALUES,
    ),
    "provider_that_kiali_does_not_know": Example(
        "error N9 Kiali istio-system/kiali: spec.external_services.tracing.provider",
        wrong=replaced(JAEGER, "enabled: true", "enabled: true\n      provider: otel"),
        right=replaced(JAEGER, "enabled: true", "enabled: true\n      provider: jaeger"),
    ),
    "value_that_the_chart_of_kiali_does_not_read": Example(
        "warning N35 document: deployment.auth",
        wrong=VALUES + "deployment: {auth: {strategy: anonymous}}\n",
        right=VALUES + "deployment: {view_only_mode: true}\nauth: {strategy: anonymous}\n",
    ),
}
