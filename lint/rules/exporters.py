"""From a collector to Tempo: the Service, its port, the protocol, and TLS."""

from collections.abc import Iterator

from lint.facts import Facts
from lint.findings import Fault, Severity, error, warning
from lint.objects import Manifests
from lint.rule import rule
from lint.views.exports import exports, is_past_the_gateway, misses, open_deliveries


@rule(
    code="N24",
    title="A collector sends spans to a Service that Tempo's operator does not make",
    levels=(Severity.ERROR, Severity.WARNING),
    why=(
        "The operator calls the Service that takes spans `tempo-<name>` for a TempoMonolithic and "
        "`tempo-<name>-distributor` for a TempoStack, in the namespace of the resource. A similar name leads nowhere, "
        "and the collector drops what it cannot send. It is a warning where the Service has the name of the Tempo, and "
        "may be one of your own."
    ),
    remedy="Use the Service that the operator makes.",
    example="""
        apiVersion: opentelemetry.io/v1beta1
        kind: OpenTelemetryCollector
        metadata: {name: otel, namespace: istio-system}
        spec:
          config:
            receivers: {otlp: {protocols: {grpc: {}}}}
            exporters: {otlp: {endpoint: "tempo-big.tracing-system.svc:4317", tls: {insecure: true}}}
            service:
              pipelines: {traces: {receivers: [otlp], exporters: [otlp]}}
        ---
        apiVersion: tempo.grafana.com/v1alpha1
        kind: TempoStack
        metadata: {name: big, namespace: tracing-system}
        spec: {storage: {tls: {enabled: false}}}
    """,
    source=(
        "tempo-operator: internal/manifests/naming/naming.go; "
        "tempo-operator: internal/manifests/monolithic/services.go; "
        "tempo-operator: internal/manifests/distributor/distributor.go"
    ),
)
def exporter_to_no_service(manifests: Manifests, facts: Facts) -> Iterator[Fault]:
    for export, store in misses(manifests, facts):
        if is_past_the_gateway(export, store):
            continue
        begins_like = export.target is not None and export.target.name.startswith(store.stem)
        yield (error if begins_like else warning)(
            export.where(export.endpoint_key),
            f"there is no Service {export.target}: the operator of {store.owner.label} does not make it",
            f"write {store.address(export.protocol)}",
        )


@rule(
    code="N24",
    title="A collector sends spans to a port of Tempo that takes none",
    levels=(Severity.ERROR,),
    why=(
        "Tempo takes OTLP at 4317 for gRPC and at 4318 for HTTP; a gateway has ports of its own. 3200 is its API, and "
        "9095 is for Tempo's own parts."
    ),
    remedy="Use the port for OTLP of the Service.",
    example="""
        apiVersion: opentelemetry.io/v1beta1
        kind: OpenTelemetryCollector
        metadata: {name: otel, namespace: istio-system}
        spec:
          config:
            receivers: {otlp: {protocols: {grpc: {}}}}
            exporters: {otlp: {endpoint: "tempo-tempo.tracing-system.svc:9095", tls: {insecure: true}}}
            service:
              pipelines: {traces: {receivers: [otlp], exporters: [otlp]}}
        ---
        apiVersion: tempo.grafana.com/v1alpha1
        kind: TempoMonolithic
        metadata: {name: tempo, namespace: tracing-system}
    """,
    source=(
        "tempo-operator: internal/manifests/manifestutils/constants.go; "
        "tempo-operator: internal/manifests/monolithic/services.go; "
        "tempo-operator: internal/manifests/gateway/gateway.go"
    ),
)
def exporter_to_another_port(manifests: Manifests, facts: Facts) -> Iterator[Fault]:
    for delivery in open_deliveries(manifests, facts):
        export, intake = delivery.export, delivery.intake
        if export.port is not None and intake.ports.get(export.port, "other") == "other":
            has = "has no port" if export.port not in intake.ports else "takes no spans at port"
            yield error(
                export.where(export.endpoint_key),
                f"the Service {intake.service} {has} {export.port}",
                f"write {delivery.store.address(export.protocol)}",
            )


@rule(
    code="N24",
    title="A collector speaks another protocol than Tempo's port",
    levels=(Severity.ERROR,),
    why=(
        "The exporter `otlp` (`otlp_grpc`) speaks gRPC, `otlphttp` (`otlp_http`) speaks HTTP. Tempo has a port for "
        "each, and does not understand the other protocol there."
    ),
    remedy="Use 4317 with `otlp` and 4318 with `otlphttp`, or the ports of the gateway.",
    example="""
        apiVersion: opentelemetry.io/v1beta1
        kind: OpenTelemetryCollector
        metadata: {name: otel, namespace: istio-system}
        spec:
          config:
            receivers: {otlp: {protocols: {grpc: {}}}}
            exporters: {otlphttp: {endpoint: "http://tempo-tempo.tracing-system.svc:4317"}}
            service:
              pipelines: {traces: {receivers: [otlp], exporters: [otlphttp]}}
        ---
        apiVersion: tempo.grafana.com/v1alpha1
        kind: TempoMonolithic
        metadata: {name: tempo, namespace: tracing-system}
    """,
    source=(
        "opentelemetry-collector: exporter/otlpexporter/metadata.yaml; "
        "opentelemetry-collector: exporter/otlphttpexporter/metadata.yaml; "
        "tempo-operator: internal/manifests/manifestutils/constants.go"
    ),
)
def exporter_of_the_other_protocol(manifests: Manifests, facts: Facts) -> Iterator[Fault]:
    names = {"grpc": "gRPC", "http": "HTTP"}
    for delivery in open_deliveries(manifests, facts):
        export, intake = delivery.export, delivery.intake
        takes = intake.ports.get(export.port or 0)
        if takes in names and takes != export.protocol:
            yield error(
                export.where(export.endpoint_key),
                f"the exporter speaks {names[export.protocol]}, and port {export.port} of {intake.service} takes "
                f"{names[takes]}",
                f"write {delivery.store.address(export.protocol)}, or use the exporter for {names[takes]}",
            )


@rule(
    code="N24",
    title="Only one of a collector and Tempo uses TLS",
    levels=(Severity.ERROR,),
    why=(
        "The exporter `otlp` uses TLS unless it has `tls.insecure: true`; `http://` in its endpoint does not switch "
        "it off. For `otlphttp`, the scheme decides. Tempo uses TLS if its resource or its receiver says so. Where "
        "only one side does, every export fails."
    ),
    remedy="Switch TLS on or off on both sides.",
    example="""
        apiVersion: opentelemetry.io/v1beta1
        kind: OpenTelemetryCollector
        metadata: {name: otel, namespace: istio-system}
        spec:
          config:
            receivers: {otlp: {protocols: {grpc: {}}}}
            exporters: {otlp: {endpoint: "tempo-tempo.tracing-system.svc:4317"}}
            service:
              pipelines: {traces: {receivers: [otlp], exporters: [otlp]}}
        ---
        apiVersion: tempo.grafana.com/v1alpha1
        kind: TempoMonolithic
        metadata: {name: tempo, namespace: tracing-system}
    """,
    source=(
        "opentelemetry-collector: config/configgrpc/configgrpc.go; "
        "opentelemetry-collector: config/configtls/configtls.go; "
        "tempo-operator: internal/manifests/config/tempo-config.yaml"
    ),
)
def tls_on_one_side(manifests: Manifests, facts: Facts) -> Iterator[Fault]:
    for delivery in open_deliveries(manifests, facts):
        export, intake = delivery.export, delivery.intake
        takes = intake.ports.get(export.port or 0, "unknown")
        wanted, used = intake.tls.get(takes), export.uses_tls
        if takes != export.protocol or wanted is None or used is None or wanted == used:
            continue
        if export.protocol == "http":
            field, remedy = export.endpoint_key, f"write {'https' if wanted else 'http'}:// in the endpoint"
        else:
            remedy = "take insecure out, and give the exporter the CA" if wanted else "set it to true"
            field = "tls.insecure"
        why = "uses TLS, and the exporter does not" if wanted else "does not use TLS, and the exporter does"
        yield error(export.where(*field.split(".")), f"{delivery.store.owner.label} {why}", remedy)


@rule(
    code="N24",
    title="The endpoint of an exporter over HTTP has no scheme",
    levels=(Severity.ERROR,),
    why="The exporter `otlphttp` takes a URL. Without `http://` or `https://` every export fails.",
    remedy="Write `http://` or `https://` before the host.",
    example="""
        apiVersion: opentelemetry.io/v1beta1
        kind: OpenTelemetryCollector
        metadata: {name: otel, namespace: istio-system}
        spec:
          config:
            receivers: {otlp: {protocols: {grpc: {}}}}
            exporters: {otlphttp: {endpoint: "tempo.tracing-system.svc:4318"}}
            service:
              pipelines: {traces: {receivers: [otlp], exporters: [otlphttp]}}
    """,
    source=(
        "opentelemetry-collector: exporter/otlphttpexporter/README.md; "
        "opentelemetry-collector: exporter/otlphttpexporter/otlp.go"
    ),
)
def url_without_scheme(manifests: Manifests, facts: Facts) -> Iterator[Fault]:
    for export in exports(manifests, facts):
        endpoint = export.endpoint
        if export.protocol == "http" and endpoint and "://" not in endpoint and not export.has_variable:
            yield error(
                export.where(export.endpoint_key),
                f"{endpoint!r} is not a URL, so every export fails",
                f"write http://{endpoint}, or https://",
            )
