"""Examples for lint/rules/proxy_tracing.py."""

from cases.base import MESH, Example, replaced

_LONG = "jaeger-collector.tracing-system.svc.cluster.local:9411"
_RIGHT = replaced(
    MESH, "meshConfig:\n", f"meshConfig:\n      defaultConfig: {{tracing: {{zipkin: {{address: {_LONG}}}}}}}\n"
)

EXAMPLES = {
    "address_of_spans_without_namespace": Example(
        "warning N3 Istio default: spec.values.meshConfig.defaultConfig.tracing.zipkin.address",
        wrong=replaced(_RIGHT, _LONG, "jaeger-collector:9411"),
        right=_RIGHT,
    ),
}
