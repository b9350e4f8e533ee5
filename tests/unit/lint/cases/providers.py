"""Examples for lint/rules/providers.py."""

from cases.base import COLLECTOR, GENERATOR, MESH, PROVIDER, Example, mesh, replaced

EXAMPLES = {
    "service_without_full_name": Example(
        f"error N3 {PROVIDER}.service",
        wrong=mesh("otel-collector") + COLLECTOR,
        right=MESH,
    ),
    "service_that_is_not_there": Example(
        f"error N3 {PROVIDER}.service",
        wrong=mesh("otel.istio-system.svc.cluster.local") + COLLECTOR,
        right=MESH,
    ),
    "port_that_is_not_served": Example(
        f"error N3 {PROVIDER}.port",
        wrong=mesh(port=4318) + COLLECTOR,
        right=MESH,
    ),
    "port_that_is_not_http2": Example(
        f"error N4 {PROVIDER}.service",
        wrong=mesh("tempo-tempo.tracing-system.svc.cluster.local") + GENERATOR,
        right=MESH + GENERATOR,
    ),
    "service_names_by_semantic_conventions": Example(
        f"warning N23 {PROVIDER}.serviceAttributeEnrichment",
        wrong=replaced(MESH, "port: 4317}", "port: 4317, serviceAttributeEnrichment: OTEL_SEMANTIC_CONVENTIONS}"),
        right=replaced(MESH, "port: 4317}", "port: 4317, serviceAttributeEnrichment: ISTIO_CANONICAL}"),
    ),
}
