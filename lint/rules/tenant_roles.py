"""Who may write and read a tenant's traces on OpenShift: ClusterRoles whose resources are tenants."""

from collections.abc import Iterator

from lint.facts import Facts
from lint.findings import Fault, Severity, error
from lint.objects import Manifests, at, sequence, text
from lint.rule import rule
from lint.templates import is_unknown
from lint.views.services import TEMPO
from lint.views.tenants import OPENSHIFT, tenants

_RBAC = "rbac.authorization.k8s.io"
_TRACES = "traces"
_EVERY = "*"


@rule(
    code="N30",
    title="A role is for a tenant that no Tempo has",
    levels=(Severity.ERROR,),
    why=(
        "In the mode `openshift`, Tempo's gateway asks the cluster whether a caller may write or read the resource "
        "`traces` of the tenant's name. A role for another name grants nothing, and every span is refused with 403."
    ),
    remedy="Name the tenant in the role's `resources` as `tenantName` does.",
    example="""
        apiVersion: tempo.grafana.com/v1alpha1
        kind: TempoMonolithic
        metadata: {name: tempo, namespace: tracing-system}
        spec:
          multitenancy:
            enabled: true
            mode: openshift
            authentication: [{tenantName: mesh, tenantId: 1610b0c3-c509-4592-a256-a1871353dbfa}]
        ---
        apiVersion: rbac.authorization.k8s.io/v1
        kind: ClusterRole
        metadata: {name: write-traces}
        rules: [{apiGroups: [tempo.grafana.com], resources: [dev], resourceNames: [traces], verbs: [create]}]
    """,
    source="https://grafana.com/docs/tempo/latest/setup/operator/multitenancy/",
)
def role_for_no_tenant(manifests: Manifests, _facts: Facts) -> Iterator[Fault]:
    names = {
        text(at(tenant, "tenantName"))
        for found in tenants(manifests)
        if found.mode == OPENSHIFT
        for tenant in found.authentication
    }
    if not names or any(map(is_unknown, names)):
        return
    for role in manifests.of(_RBAC, "ClusterRole"):
        for index, granted in enumerate(sequence(role.at("rules"))):
            named = {text(name) for name in sequence(at(granted, "resources"))}
            for_tenants = TEMPO in sequence(at(granted, "apiGroups")) and _TRACES in sequence(
                at(granted, "resourceNames")
            )
            # One of the names may be a tenant of another Tempo.
            if for_tenants and named and not named & {*names, _EVERY} and not any(map(is_unknown, named)):
                yield error(
                    role.where("rules", index, "resources"),
                    f"no Tempo here has the tenant {', '.join(sorted(named))}, so the gateway refuses its callers",
                    f"name a tenant: {', '.join(sorted(names))}",
                )
