"""Examples for lint/rules/kiali.py."""

from cases.base import GENERATOR, KIALI, Example, replaced

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
}
