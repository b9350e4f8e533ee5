"""Examples for lint/rules/tempo_tenants.py."""

from cases.base import GATEWAY, Example, replaced

STATIC = replaced(
    replaced(GATEWAY, "mode: openshift", "mode: static\n    authorization: {roles: [], roleBindings: []}"),
    "a1871353dbfa}",
    "a1871353dbfa, oidc: {issuerURL: https://id.example.com, secret: {name: oidc}}}",
)
JAEGER = replaced(GATEWAY, "template:", "template:\n    queryFrontend: {jaegerQuery: {enabled: true}}")
RIGHTS = """
apiVersion: tempo.grafana.com/v1alpha1
kind: TempoMonolithic
metadata: {name: tempo, namespace: tracing-system}
spec:
  query: {rbac: {enabled: true}}
  multitenancy:
    enabled: true
    mode: openshift
    authentication: [{tenantName: mesh, tenantId: 1610b0c3-c509-4592-a256-a1871353dbfa}]
---
"""
BIG = "TempoStack tracing-system/big"

EXAMPLES = {
    "gateway_without_tenants": Example(
        f"error N32 {BIG}: spec.tenants",
        wrong=replaced(
            GATEWAY,
            """  tenants:
    mode: openshift
    authentication: [{tenantName: mesh, tenantId: 1610b0c3-c509-4592-a256-a1871353dbfa}]
""",
            "",
        ),
        right=GATEWAY,
    ),
    "tenants_without_gateway": Example(
        f"error N32 {BIG}: spec.tenants.mode",
        wrong=replaced(GATEWAY, "gateway: {enabled: true}", "gateway: {enabled: false}"),
        right=GATEWAY,
    ),
    "static_tenants_incomplete": Example(
        f"error N32 {BIG}: spec.tenants.authorization.roleBindings",
        wrong=replaced(STATIC, ", roleBindings: []", ""),
        right=STATIC,
    ),
    "openshift_tenants_with_static_fields": Example(
        f"error N32 {BIG}: spec.tenants.authorization",
        wrong=replaced(GATEWAY, "mode: openshift", "mode: openshift\n    authorization: {roles: []}"),
        right=GATEWAY,
    ),
    "way_around_the_gateway": Example(
        f"error N32 {BIG}: spec.template.queryFrontend.jaegerQuery.ingress.type",
        wrong=replaced(JAEGER, "jaegerQuery: {enabled: true}", "jaegerQuery: {enabled: true, ingress: {type: route}}"),
        right=JAEGER,
    ),
    "rights_beside_jaeger": Example(
        "error N32 TempoMonolithic tracing-system/tempo: spec.query.rbac.enabled",
        wrong=replaced(RIGHTS, "spec:", "spec:\n  jaegerui: {enabled: true}"),
        right=RIGHTS,
    ),
    "rights_without_tenants": Example(
        "error N32 TempoMonolithic tracing-system/tempo: spec.query.rbac.enabled",
        wrong=replaced(RIGHTS, "    enabled: true\n    mode", "    enabled: false\n    mode"),
        right=RIGHTS,
    ),
    "data_source_behind_gateway": Example(
        f"error N32 {BIG}: spec.observability.grafana.createDatasource",
        wrong=replaced(GATEWAY, "template:", "observability: {grafana: {createDatasource: true}}\n  template:"),
        right=GATEWAY,
    ),
}
