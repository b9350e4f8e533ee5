"""Examples for lint/rules/proxy_tracing.py."""

from cases.base import MESH, Example, replaced

_LONG = "jaeger-collector.tracing-system.svc.cluster.local:9411"
_RIGHT = replaced(
    MESH, "meshConfig:\n", f"meshConfig:\n      defaultConfig: {{tracing: {{zipkin: {{address: {_LONG}}}}}}}\n"
)

_WITHOUT_PROVIDER = """
apiVersion: install.istio.io/v1alpha1
kind: IstioOperator
metadata: {name: default, namespace: istio-system}
spec:
  meshConfig:
    enableTracing: true
    defaultConfig: {holdApplicationUntilProxyStarts: true}
---
"""
_TO_ZIPKIN = "tracing: {zipkin: {address: zipkin.tracing-system.svc.cluster.local:9411}}"

EXAMPLES = {
    "tracing_without_destination": Example(
        "warning N3 IstioOperator istio-system/default: spec.meshConfig.enableTracing",
        wrong=_WITHOUT_PROVIDER,
        right=replaced(_WITHOUT_PROVIDER, "holdApplicationUntilProxyStarts: true", _TO_ZIPKIN),
    ),
    "address_of_spans_without_namespace": Example(
        "warning N3 Istio default: spec.values.meshConfig.defaultConfig.tracing.zipkin.address",
        wrong=replaced(_RIGHT, _LONG, "jaeger-collector:9411"),
        right=_RIGHT,
    ),
}
