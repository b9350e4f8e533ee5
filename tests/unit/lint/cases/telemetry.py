"""Examples for lint/rules/telemetry.py."""

from cases.base import COLLECTOR, MESH, TELEMETRY, Example, mesh, replaced

EXAMPLES = {
    "sampling_inside_provider": Example(
        "error N1 Telemetry istio-system/mesh-default: spec.tracing[0].providers[0].randomSamplingPercentage",
        wrong=replaced(
            TELEMETRY,
            "[{name: otel}]\n      randomSamplingPercentage: 100",
            "[{name: otel, randomSamplingPercentage: 100}]",
        ),
        right=TELEMETRY,
    ),
    "provider_that_the_mesh_lacks": Example(
        "error N2 Telemetry istio-system/mesh-default: spec.tracing[0].providers[0].name",
        wrong=mesh(name="otel-tracing") + COLLECTOR + TELEMETRY,
        right=MESH,
    ),
    "provider_that_cannot_trace": Example(
        "error N27 Telemetry istio-system/mesh-default: spec.tracing[0].providers[0].name",
        wrong=mesh() + COLLECTOR + replaced(TELEMETRY, "[{name: otel}]", "[{name: envoy}]"),
        right=MESH,
    ),
    "telemetry_without_provider": Example(
        "error N27 Telemetry istio-system/mesh-default: spec.tracing[0].providers",
        wrong=mesh() + COLLECTOR + replaced(TELEMETRY, "- providers: [{name: otel}]\n      random", "- random"),
        right=MESH,
    ),
    "mesh_wide_outside_root_namespace": Example(
        "warning N14 Telemetry bookinfo/mesh-default: metadata.namespace",
        wrong=replaced(TELEMETRY, "namespace: istio-system", "namespace: bookinfo"),
        right=TELEMETRY,
    ),
}
