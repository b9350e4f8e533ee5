"""Examples for lint/rules/mesh_fields.py."""

from cases.base import MESH, PROVIDER, Example, replaced


def with_metadata(value: str) -> str:
    settings = f"defaultConfig: {{proxyMetadata: {{ISTIO_META_DNS_CAPTURE: {value}}}}}"
    return replaced(MESH, "    meshConfig:\n", f"    meshConfig:\n      {settings}\n")


EXAMPLES = {
    "provider_field_that_does_not_exist": Example(
        f"warning N3 {PROVIDER}.protocol",
        wrong=replaced(MESH, "port: 4317}", "port: 4317, protocol: grpc}"),
        right=replaced(MESH, "port: 4317}", "port: 4317, maxTagLength: 256}"),
    ),
    "mesh_field_that_does_not_exist": Example(
        "warning N3 Istio default: spec.values.meshConfig.tracing",
        wrong=replaced(MESH, "    meshConfig:\n", "    meshConfig:\n      tracing: {sampling: 100}\n"),
        right=replaced(
            MESH, "    meshConfig:\n", "    meshConfig:\n      defaultConfig: {tracing: {maxPathTagLength: 100}}\n"
        ),
    ),
    "value_that_the_mesh_refuses": Example(
        "error N3 Istio default: spec.values.meshConfig.defaultConfig.proxyMetadata.ISTIO_META_DNS_CAPTURE",
        wrong=with_metadata("true"),
        right=with_metadata('"true"'),
    ),
}
