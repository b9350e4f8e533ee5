"""Examples for lint/rules/kiali.py."""

from cases.base import GENERATOR, KIALI, Example, replaced

JAEGER = replaced(
    replaced(KIALI, "      provider: tempo\n      use_grpc: false\n", ""),
    "tempo-tempo.tracing-system.svc:3200",
    "jaeger-query.tracing-system.svc:16685",
)

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
    "misspelt_setting_of_tracing": Example(
        "warning N9 Kiali istio-system/kiali: spec.external_services.tracing.internalUrl",
        wrong=replaced(KIALI, "internal_url", "internalUrl"),
        right=KIALI,
    ),
}
