"""Examples for lint/rules/exporter_tenants.py."""

from cases.base import COLLECTOR, Example, replaced

_OTEL = "OpenTelemetryCollector istio-system/otel: spec.config.exporters"
_TENANTS = """
apiVersion: tempo.grafana.com/v1alpha1
kind: TempoMonolithic
metadata: {name: tempo, namespace: tracing-system}
spec:
  multitenancy:
    enabled: true
    mode: openshift
    authentication: [{tenantName: mesh, tenantId: 1610b0c3-c509-4592-a256-a1871353dbfa}]
---
"""
_GATEWAY = "tempo-tempo-gateway.tracing-system.svc:4317"
_TO_THE_GATEWAY = replaced(
    replaced(
        COLLECTOR,
        '"tempo-tempo.tracing-system.svc:4317", tls: {insecure: true}',
        f'"{_GATEWAY}", headers: {{x-scope-orgid: mesh}}, auth: {{authenticator: bearertokenauth}}',
    ),
    "    service:\n",
    "    extensions: {bearertokenauth: {filename: /token}}\n    service:\n      extensions: [bearertokenauth]\n",
)

EXAMPLES = {
    "exporter_past_the_gateway": Example(
        f"error N24 {_OTEL}.otlp.endpoint",
        wrong=replaced(_TO_THE_GATEWAY, "tempo-tempo-gateway.", "tempo-tempo.") + _TENANTS,
        right=_TO_THE_GATEWAY + _TENANTS,
    ),
    "exporter_without_tenant": Example(
        f"error N24 {_OTEL}.otlp.headers",
        wrong=replaced(_TO_THE_GATEWAY, "x-scope-orgid", "x-tenant") + _TENANTS,
        right=_TO_THE_GATEWAY + _TENANTS,
    ),
    "exporter_without_token": Example(
        f"error N24 {_OTEL}.otlp.auth.authenticator",
        wrong=replaced(_TO_THE_GATEWAY, ", auth: {authenticator: bearertokenauth}", "") + _TENANTS,
        right=_TO_THE_GATEWAY + _TENANTS,
    ),
}
