"""Tenants and a gateway that the operator of Tempo refuses (tempo-operator: internal/webhooks)."""

from collections.abc import Iterator

from lint.facts import Facts
from lint.findings import Fault, Severity, error
from lint.objects import Manifests, Path, Place, at, mapping, text
from lint.rule import rule
from lint.views.services import TEMPO
from lint.views.tenants import OPENSHIFT, STATIC, Tenants, tenants

_JAEGER: Path = ("spec", "template", "queryFrontend", "jaegerQuery")
_NO_INGRESS = ("", "none")


@rule(
    code="N32",
    title="A gateway has no tenants",
    levels=(Severity.ERROR,),
    why="The operator refuses the gateway of a TempoStack without tenants: it lets in nobody else.",
    remedy="Set `spec.tenants`, or leave the gateway out.",
    example="""
        apiVersion: tempo.grafana.com/v1alpha1
        kind: TempoStack
        metadata: {name: tempo, namespace: tracing-system}
        spec:
          template: {gateway: {enabled: true}}
    """,
    source="tempo-operator: internal/webhooks/tempostack_webhook.go",
)
def gateway_without_tenants(manifests: Manifests, _facts: Facts) -> Iterator[Fault]:
    for one in tenants(manifests):
        if one.owner.kind == "TempoStack" and one.has_gateway and not one.are_declared:
            yield error(one.where(), "the operator refuses a gateway without tenants", "add them, or leave it out")


@rule(
    code="N32",
    title="Tenants in the mode `openshift` have no gateway",
    levels=(Severity.ERROR,),
    why="In the mode `openshift` the gateway asks OpenShift who a caller is. The operator refuses the mode without it.",
    remedy="Set `spec.template.gateway.enabled: true`.",
    example="""
        apiVersion: tempo.grafana.com/v1alpha1
        kind: TempoStack
        metadata: {name: tempo, namespace: tracing-system}
        spec:
          tenants:
            mode: openshift
            authentication: [{tenantName: mesh, tenantId: 1610b0c3-c509-4592-a256-a1871353dbfa}]
    """,
    source="tempo-operator: internal/webhooks/tempostack_webhook.go",
)
def tenants_without_gateway(manifests: Manifests, _facts: Facts) -> Iterator[Fault]:
    for one in tenants(manifests):
        if one.owner.kind == "TempoStack" and one.mode == OPENSHIFT and not one.has_gateway:
            yield error(
                one.where("mode"),
                "the operator refuses the mode openshift without the gateway",
                "set spec.template.gateway.enabled: true",
            )


@rule(
    code="N32",
    title="Static tenants are not complete",
    levels=(Severity.ERROR,),
    why=(
        "In the mode `static` the gateway knows of callers and their rights only what is written there. The operator "
        "refuses it without `authorization` with `roles` and `roleBindings`, and a tenant without `oidc`."
    ),
    remedy="Add what is missing, or use the mode `openshift` on OpenShift.",
    example="""
        apiVersion: tempo.grafana.com/v1alpha1
        kind: TempoStack
        metadata: {name: tempo, namespace: tracing-system}
        spec:
          template: {gateway: {enabled: true}}
          tenants:
            mode: static
            authentication:
              - tenantName: mesh
                tenantId: 1610b0c3-c509-4592-a256-a1871353dbfa
                oidc: {issuerURL: "https://id.example.com", secret: {name: oidc}}
    """,
    source="tempo-operator: internal/webhooks/tempostack_webhook.go",
)
def static_tenants_incomplete(manifests: Manifests, _facts: Facts) -> Iterator[Fault]:
    for one in tenants(manifests):
        if one.has_gateway and one.are_declared and one.mode == STATIC:
            for place in _missing(one):
                yield error(place, "the operator refuses static tenants behind a gateway without it", "add it")


@rule(
    code="N32",
    title="Tenants in the mode `openshift` have fields of the mode `static`",
    levels=(Severity.ERROR,),
    why=(
        "In the mode `openshift` OpenShift knows callers and their rights. The operator refuses `authorization` and "
        "`oidc` in this mode."
    ),
    remedy="Leave them out, and give rights by RBAC, or use the mode `static`.",
    example="""
        apiVersion: tempo.grafana.com/v1alpha1
        kind: TempoStack
        metadata: {name: tempo, namespace: tracing-system}
        spec:
          template: {gateway: {enabled: true}}
          tenants:
            mode: openshift
            authentication: [{tenantName: mesh, tenantId: 1610b0c3-c509-4592-a256-a1871353dbfa}]
            authorization: {roles: []}
    """,
    source="tempo-operator: internal/webhooks/tempostack_webhook.go",
)
def openshift_tenants_with_static_fields(manifests: Manifests, _facts: Facts) -> Iterator[Fault]:
    for one in tenants(manifests):
        if not (one.has_gateway and one.mode == OPENSHIFT):
            continue
        fields: list[Path] = [("authorization",)]
        fields += [("authentication", index, "oidc") for index, _ in enumerate(one.authentication)]
        for path in fields:
            if one.at(*path) is not None:
                yield error(one.where(*path), "the operator refuses this field in the mode openshift", "leave it out")


@rule(
    code="N32",
    title="A gateway is combined with an ingress to Jaeger's page or TLS of the distributor",
    levels=(Severity.ERROR,),
    why=(
        "The operator refuses a gateway beside an ingress to Jaeger's page, which the gateway serves itself, and beside"
        " TLS of the distributor, to which then only the gateway speaks."
    ),
    remedy="Leave the ingress of Jaeger's page, or the TLS of the distributor, out.",
    example="""
        apiVersion: tempo.grafana.com/v1alpha1
        kind: TempoStack
        metadata: {name: tempo, namespace: tracing-system}
        spec:
          template:
            gateway: {enabled: true}
            queryFrontend: {jaegerQuery: {enabled: true, ingress: {type: route}}}
          tenants:
            mode: openshift
            authentication: [{tenantName: mesh, tenantId: 1610b0c3-c509-4592-a256-a1871353dbfa}]
    """,
    source="tempo-operator: internal/webhooks/tempostack_webhook.go",
)
def way_around_the_gateway(manifests: Manifests, _facts: Facts) -> Iterator[Fault]:
    for one in tenants(manifests):
        if not (one.owner.kind == "TempoStack" and one.has_gateway):
            continue
        ingress: Path = (*_JAEGER, "ingress", "type")
        # Without Jaeger's page the ingress is a fault of its own.
        if one.owner.at(*_JAEGER, "enabled") is True and text(one.owner.at(*ingress)) not in _NO_INGRESS:
            yield error(
                one.owner.where(*ingress),
                "the operator refuses an ingress to Jaeger's page beside the gateway, which serves the page itself",
                "leave it out",
            )
        tls: Path = ("spec", "template", "distributor", "tls", "enabled")
        if one.owner.at(*tls) is True:
            yield error(
                one.owner.where(*tls), "the operator refuses TLS of the distributor behind a gateway", "leave it out"
            )


@rule(
    code="N32",
    title="Rights of namespaces and Jaeger's page are both switched on",
    levels=(Severity.ERROR,),
    why="Jaeger's page does not know whose spans a caller may see, so the operator refuses it beside `rbac`.",
    remedy="Leave Jaeger's page out, and look at traces in Grafana or in OpenShift's console.",
    example="""
        apiVersion: tempo.grafana.com/v1alpha1
        kind: TempoMonolithic
        metadata: {name: tempo, namespace: tracing-system}
        spec:
          jaegerui: {enabled: true}
          query: {rbac: {enabled: true}}
          multitenancy:
            enabled: true
            mode: openshift
            authentication: [{tenantName: mesh, tenantId: 1610b0c3-c509-4592-a256-a1871353dbfa}]
    """,
    source=(
        "tempo-operator: internal/webhooks/tempostack_webhook.go; "
        "tempo-operator: internal/webhooks/tempomonolithic_webhook.go"
    ),
)
def rights_beside_jaeger(manifests: Manifests, _facts: Facts) -> Iterator[Fault]:
    fields: dict[str, tuple[Path, Path]] = {
        "TempoStack": (("spec", "template", "gateway", "rbac", "enabled"), (*_JAEGER, "enabled")),
        "TempoMonolithic": (("spec", "query", "rbac", "enabled"), ("spec", "jaegerui", "enabled")),
    }
    for one in tenants(manifests):
        rights, jaeger = fields[one.owner.kind]
        # A TempoStack without a gateway has no use for the field, and it is not looked at.
        is_read = one.has_gateway or one.owner.kind == "TempoMonolithic"
        if is_read and one.owner.at(*rights) is True and one.owner.at(*jaeger) is True:
            yield error(
                one.owner.where(*rights),
                "the operator refuses it beside Jaeger's page, which shows everybody all spans",
                "leave Jaeger's page out",
            )


@rule(
    code="N32",
    title="Rights of namespaces are asked for without tenants",
    levels=(Severity.ERROR,),
    why="The operator refuses `query.rbac` in a TempoMonolithic without tenants: only the gateway knows the caller.",
    remedy="Set `spec.multitenancy.enabled: true` with tenants.",
    example="""
        apiVersion: tempo.grafana.com/v1alpha1
        kind: TempoMonolithic
        metadata: {name: tempo, namespace: tracing-system}
        spec: {query: {rbac: {enabled: true}}}
    """,
    source="tempo-operator: internal/webhooks/tempomonolithic_webhook.go",
)
def rights_without_tenants(manifests: Manifests, _facts: Facts) -> Iterator[Fault]:
    path: Path = ("spec", "query", "rbac", "enabled")
    for obj in manifests.of(TEMPO, "TempoMonolithic"):
        if obj.at(*path) is True and obj.at("spec", "multitenancy", "enabled") is not True:
            yield error(
                obj.where(*path), "the operator refuses it without tenants", "set spec.multitenancy.enabled: true"
            )


@rule(
    code="N32",
    title="A data source of Grafana is asked for behind a gateway",
    levels=(Severity.ERROR,),
    why="The operator refuses to make a data source of Grafana for a Tempo behind a gateway: it has no token for it.",
    remedy="Leave it out, and write a GrafanaDatasource with a token of its own.",
    example="""
        apiVersion: tempo.grafana.com/v1alpha1
        kind: TempoMonolithic
        metadata: {name: tempo, namespace: tracing-system}
        spec:
          observability: {grafana: {dataSource: {enabled: true}}}
          multitenancy:
            enabled: true
            mode: openshift
            authentication: [{tenantName: mesh, tenantId: 1610b0c3-c509-4592-a256-a1871353dbfa}]
    """,
    source=(
        "tempo-operator: internal/webhooks/tempostack_webhook.go; "
        "tempo-operator: internal/webhooks/tempomonolithic_webhook.go"
    ),
)
def data_source_behind_gateway(manifests: Manifests, _facts: Facts) -> Iterator[Fault]:
    fields: dict[str, Path] = {"TempoStack": ("createDatasource",), "TempoMonolithic": ("dataSource", "enabled")}
    for one in tenants(manifests):
        path: Path = ("spec", "observability", "grafana", *fields[one.owner.kind])
        if one.has_gateway and one.owner.at(*path) is True:
            yield error(
                one.owner.where(*path),
                "the operator refuses to make a data source for a Tempo behind a gateway",
                "leave it out, and write a GrafanaDatasource with a token",
            )


def _missing(one: Tenants) -> Iterator[Place]:
    """Yield the first thing that the operator misses, as it does itself."""
    authorization = mapping(one.at("authorization"))
    wanted: tuple[tuple[object, Path], ...] = (
        (one.at("authentication"), ("authentication",)),
        (one.at("authorization"), ("authorization",)),
        (authorization.get("roles"), ("authorization", "roles")),
        (authorization.get("roleBindings"), ("authorization", "roleBindings")),
        *((at(tenant, "oidc"), ("authentication", index, "oidc")) for index, tenant in enumerate(one.authentication)),
    )
    for found, path in wanted:
        if found is None:
            yield one.where(*path)
            return
