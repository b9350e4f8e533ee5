"""Examples for lint/rules/provider_entries.py."""

from cases.base import COLLECTOR, MESH, PROVIDER, Example, mesh, replaced

EXAMPLES = {
    "providers_outside_the_mesh_configuration": Example(
        "error N3 Istio default: spec.values.global.extensionProviders",
        wrong=replaced(mesh(), "meshConfig:", "global:"),
        right=mesh(),
    ),
    "provider_that_istiod_refuses": Example(
        f"error N3 {PROVIDER}.service",
        wrong=mesh('"otel-collector.istio-system.svc.cluster.local:4317"') + COLLECTOR,
        right=MESH,
    ),
}
