"""Examples for lint/rules/provider_entries.py."""

from cases.base import COLLECTOR, MESH, PROVIDER, Example, mesh

EXAMPLES = {
    "provider_that_istiod_refuses": Example(
        f"error N3 {PROVIDER}.service",
        wrong=mesh('"otel-collector.istio-system.svc.cluster.local:4317"') + COLLECTOR,
        right=MESH,
    ),
}
