"""From a collector to a Tempo with tenants: the gateway, the tenant, and the token."""

from collections.abc import Iterator

from lint.facts import Facts
from lint.findings import Fault, Severity, error
from lint.objects import Manifests
from lint.rule import rule
from lint.views.collectors import kind_of
from lint.views.exports import deliveries, is_past_the_gateway, misses, open_deliveries
from lint.views.tenants import GATEWAY_PATH

_TENANT = "x-scope-orgid"


@rule(
    code="N24",
    title="A collector sends spans past the gateway of a Tempo with tenants",
    levels=(Severity.ERROR,),
    why=(
        "A Tempo of the operator's that has tenants with authentication takes spans from its gateway only: a "
        "TempoMonolithic has no other Service, and the distributor of a TempoStack wants a certificate that only the "
        "gateway has."
    ),
    remedy=(
        "Send to the Service `tempo-<name>-gateway`, with TLS, a token (the extension `bearertokenauth`) and the header"
        " `X-Scope-OrgID` with the tenant's name."
    ),
    example="""
        apiVersion: opentelemetry.io/v1beta1
        kind: OpenTelemetryCollector
        metadata: {name: otel, namespace: istio-system}
        spec:
          config:
            receivers: {otlp: {protocols: {grpc: {}}}}
            exporters: {otlp: {endpoint: "tempo-tempo.tracing-system.svc:4317", tls: {insecure: true}}}
            service:
              pipelines: {traces: {receivers: [otlp], exporters: [otlp]}}
        ---
        apiVersion: tempo.grafana.com/v1alpha1
        kind: TempoMonolithic
        metadata: {name: tempo, namespace: tracing-system}
        spec:
          multitenancy:
            enabled: true
            mode: openshift
            authentication: [{tenantName: mesh, tenantId: 1610b0c3-c509-4592-a256-a1871353dbfa}]
    """,
    source=(
        "tempo-operator: internal/manifests/monolithic/services.go; "
        "tempo-operator: internal/manifests/config/tempo-config.yaml"
    ),
)
def exporter_past_the_gateway(manifests: Manifests, facts: Facts) -> Iterator[Fault]:
    past = [(export, store) for export, store in misses(manifests, facts) if is_past_the_gateway(export, store)]
    past += [(one.export, one.store) for one in deliveries(manifests, facts) if one.intake.is_closed]
    for export, store in past:
        yield error(
            export.where(export.endpoint_key),
            f"{store.owner.label} has tenants and takes spans from its gateway only",
            f"write {store.address(export.protocol)}, with TLS, a token (bearertokenauth) and the header X-Scope-OrgID",
        )


@rule(
    code="N24",
    title="A collector does not tell a Tempo with tenants whose spans they are",
    levels=(Severity.ERROR,),
    why=(
        "A Tempo with tenants refuses spans without the header `X-Scope-OrgID`, with the error `no org id`. Its "
        "gateway takes the tenant from the header too, and for HTTP from the path `/api/traces/v1/<tenant>`."
    ),
    remedy="Add `headers: {X-Scope-OrgID: <tenant>}` to the exporter.",
    example="""
        apiVersion: opentelemetry.io/v1beta1
        kind: OpenTelemetryCollector
        metadata: {name: otel, namespace: istio-system}
        spec:
          config:
            receivers: {otlp: {protocols: {grpc: {}}}}
            exporters: {otlp: {endpoint: "tempo-tempo.tracing-system.svc:4317", tls: {insecure: true}}}
            service:
              pipelines: {traces: {receivers: [otlp], exporters: [otlp]}}
        ---
        apiVersion: tempo.grafana.com/v1alpha1
        kind: TempoMonolithic
        metadata: {name: tempo, namespace: tracing-system}
        spec: {multitenancy: {enabled: true}}
    """,
    source=(
        "tempo: modules/distributor/distributor.go; tempo-operator: docs/examples/openshift/deploy/04_otel.yaml; "
        "tempo-operator: tests/e2e-openshift-tls-profile/01-tls-profile-override-mono/05-install-otelcol.yaml"
    ),
)
def exporter_without_tenant(manifests: Manifests, facts: Facts) -> Iterator[Fault]:
    for delivery in open_deliveries(manifests, facts):
        export, through_gateway = delivery.export, delivery.intake.is_gateway
        if not delivery.store.has_tenants or kind_of(export.authenticator) == "headers_setter":
            continue
        if through_gateway and export.protocol == "http":
            if not export.path.startswith(GATEWAY_PATH):
                yield error(
                    export.where(export.endpoint_key),
                    f"the gateway of {delivery.store.owner.label} takes spans below {GATEWAY_PATH}<tenant> only",
                    f"end the endpoint with {GATEWAY_PATH}<tenant>",
                )
        elif not export.has_header(_TENANT):
            yield error(
                export.where("headers"),
                f"{delivery.store.owner.label} has tenants and refuses spans that do not name one",
                "add the header X-Scope-OrgID with the tenant",
            )


@rule(
    code="N24",
    title="A collector has no token for the gateway of Tempo",
    levels=(Severity.ERROR,),
    why="The gateway of a Tempo with tenants asks who sends, and refuses spans without a token.",
    remedy=(
        "Configure the extension `bearertokenauth` with the file of the service account's token, add it to "
        "`service.extensions`, and name it as the exporter's `auth.authenticator`."
    ),
    example="""
        apiVersion: opentelemetry.io/v1beta1
        kind: OpenTelemetryCollector
        metadata: {name: otel, namespace: istio-system}
        spec:
          config:
            receivers: {otlp: {protocols: {grpc: {}}}}
            exporters:
              otlp: {endpoint: "tempo-tempo-gateway.tracing-system.svc:4317", headers: {X-Scope-OrgID: mesh}}
            service:
              pipelines: {traces: {receivers: [otlp], exporters: [otlp]}}
        ---
        apiVersion: tempo.grafana.com/v1alpha1
        kind: TempoMonolithic
        metadata: {name: tempo, namespace: tracing-system}
        spec:
          multitenancy:
            enabled: true
            mode: openshift
            authentication: [{tenantName: mesh, tenantId: 1610b0c3-c509-4592-a256-a1871353dbfa}]
    """,
    source=(
        "tempo-operator: docs/examples/openshift/deploy/04_otel.yaml; "
        "opentelemetry-collector-contrib: extension/bearertokenauthextension/README.md"
    ),
)
def exporter_without_token(manifests: Manifests, facts: Facts) -> Iterator[Fault]:
    for delivery in open_deliveries(manifests, facts):
        export = delivery.export
        # A client certificate says who sends, too.
        has_certificate = bool(export.collector.at("exporters", export.name, "tls", "cert_file"))
        if delivery.intake.is_gateway and not (
            has_certificate or export.authenticator or export.has_header("authorization")
        ):
            yield error(
                export.where("auth", "authenticator"),
                f"the gateway of {delivery.store.owner.label} refuses spans without a token",
                "use the extension bearertokenauth with the file of the service account's token",
            )
