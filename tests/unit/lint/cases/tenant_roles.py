"""Examples for lint/rules/tenant_roles.py."""

from cases.base import GATEWAY, Example, replaced

_ROLE = """
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: write-traces}
rules:
  - {apiGroups: [""], resources: [pods], verbs: [get]}
  - {apiGroups: [tempo.grafana.com], resources: [mesh, other], resourceNames: [traces], verbs: [create]}
---
"""

EXAMPLES = {
    "role_for_no_tenant": Example(
        "error N30 ClusterRole write-traces: rules[1].resources",
        wrong=GATEWAY + replaced(_ROLE, "[mesh, other]", "[meshes]"),
        right=GATEWAY + _ROLE,
    ),
}
