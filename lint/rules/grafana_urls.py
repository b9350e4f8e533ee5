"""Where Grafana's Tempo data sources send their queries."""

from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from lint.facts import Facts
from lint.findings import Fault, Severity, error, warning
from lint.objects import Manifests, Object, mapping, text
from lint.rule import rule
from lint.views.grafana import DataSource, data_sources
from lint.views.hosts import Endpoint, ServiceName, endpoint, service_of
from lint.views.services import TEMPO, Service, monolithic_service, service_at
from lint.views.tempo_chart_service import ports_of_queries
from lint.views.tenants import GATEWAY_PATH

_TEMPOS = ("TempoMonolithic", "TempoStack")
_QUERIES, _GATEWAY = 3200, 8080
# Ports that have one meaning wherever tracing is, and answer no queries in Tempo's language.
_OTHERS = {
    4317: "OTLP over gRPC",
    4318: "OTLP over HTTP",
    9095: "Tempo's own gRPC",
    9411: "Zipkin's spans",
    14250: "Jaeger's spans",
    14268: "Jaeger's spans",
    16685: "Jaeger's queries",
    16686: "Jaeger's user interface",
}


@dataclass(frozen=True)
class _Served:
    """A Service of Tempo's operator, and the one to ask instead if it answers no queries at all."""

    ports: tuple[int, ...]
    instead: str


@rule(
    code="N33",
    title="A Tempo data source asks where Tempo answers no queries",
    levels=(Severity.ERROR, Severity.WARNING),
    why=(
        "Tempo answers queries at its HTTP port, 3200 with its operator: of a TempoMonolithic at `tempo-<name>`, of a "
        "TempoStack at `tempo-<name>-query-frontend`, and with a gateway at port 8080 of `tempo-<name>-gateway`. The "
        "Service of the chart tempo has port 3200 from 1.23.1 on, and 3100 before. The ports for spans, for Jaeger and "
        "for gRPC answer none. It is a warning if only the port tells."
    ),
    remedy="Name the Service and the port of Tempo's queries, such as `http://tempo-<name>.<namespace>:3200`.",
    example="""
        apiVersion: v1
        kind: ConfigMap
        metadata: {name: grafana-datasources, namespace: grafana}
        data:
          datasources.yaml: |
            apiVersion: 1
            datasources:
              - name: Tempo
                uid: tempo
                type: tempo
                url: http://tempo-traces.tracing-system:3100
                jsonData: {serviceMap: {datasourceUid: prometheus}}
        ---
        apiVersion: tempo.grafana.com/v1alpha1
        kind: TempoMonolithic
        metadata: {name: traces, namespace: tracing-system}
    """,
    source=(
        "tempo-operator: internal/manifests/monolithic/services.go; "
        "tempo-operator: internal/manifests/queryfrontend/query_frontend.go; "
        "tempo-operator: internal/manifests/manifestutils/constants.go"
    ),
)
def queries_to_a_port_without_answers(manifests: Manifests, facts: Facts) -> Iterator[Fault]:
    operators = _of_operator(manifests)
    charts = ports_of_queries(manifests)
    remedy = f"name the port of Tempo's queries, as a rule {_QUERIES}"
    for source, target, service in _asked(manifests, facts):
        where = source.where("url")
        known = service_at(manifests, service) if service is not None else None
        if known is not None and known.owner.kind == "Service":
            if not _has_port(known, target.port):
                yield error(where, f"the Service {service} has no port {target.port}", remedy)
            elif target.port in _OTHERS:
                yield error(where, _why(target), remedy)
        elif service in operators:
            served = operators[service]
            if target.port not in served.ports:
                what = f"{service} answers no queries" + (f" at port {target.port}" if served.ports else "")
                yield error(where, what, f"take {served.instead}")
        elif service in charts:
            if target.port != charts[service]:
                yield error(where, f"the chart's Service {service} answers queries at port {charts[service]}", remedy)
        elif target.port in _OTHERS:
            yield warning(where, _why(target), remedy)


@rule(
    code="N33",
    title="A Tempo data source asks Loki",
    levels=(Severity.ERROR,),
    why="Its URL is that of Loki, which knows nothing of traces and answers none of Tempo's queries.",
    remedy="Name the Service and the port of Tempo's queries, such as `http://tempo.tracing-system:3200`.",
    example="""
        apiVersion: v1
        kind: ConfigMap
        metadata: {name: grafana-datasources, namespace: grafana}
        data:
          datasources.yaml: |
            apiVersion: 1
            datasources:
              - {name: Loki, uid: loki, type: loki, url: "http://loki-read.logging:3100"}
              - name: Tempo
                uid: tempo
                type: tempo
                url: http://loki-read.logging:3100
                jsonData: {serviceMap: {datasourceUid: prometheus}}
    """,
    source="https://grafana.com/docs/loki/latest/reference/loki-http-api/",
)
def queries_of_traces_to_loki(manifests: Manifests, facts: Facts) -> Iterator[Fault]:
    of_loki = {text(source.at("url")).rstrip("/") for source in data_sources(manifests) if source.type == "loki"}
    for source, target, _ in _asked(manifests, facts):
        if text(source.at("url")).rstrip("/") in of_loki or target.host.startswith("loki"):
            yield error(
                source.where("url"),
                f"{target} is Loki, which answers none of Tempo's queries",
                f"name the Service and the port of Tempo's queries, as a rule {_QUERIES}",
            )


@rule(
    code="N33",
    title="A data source does not name the tenant at Tempo's gateway",
    levels=(Severity.ERROR,),
    why=(
        "The gateway of Tempo's operator answers queries below `/api/traces/v1/<tenant>/tempo` only, since it decides "
        "by the tenant who may ask."
    ),
    remedy="End the URL with `/api/traces/v1/<tenant>/tempo`.",
    example="""
        apiVersion: v1
        kind: ConfigMap
        metadata: {name: grafana-datasources, namespace: grafana}
        data:
          datasources.yaml: |
            apiVersion: 1
            datasources:
              - name: Tempo
                uid: tempo
                type: tempo
                url: https://tempo-traces-gateway.tracing-system.svc:8080
                jsonData: {serviceMap: {datasourceUid: prometheus}}
        ---
        apiVersion: tempo.grafana.com/v1alpha1
        kind: TempoStack
        metadata: {name: traces, namespace: tracing-system}
        spec:
          tenants: {mode: openshift, authentication: [{tenantName: dev, tenantId: dev}]}
          template: {gateway: {enabled: true}}
          tenants:
            mode: openshift
            authentication: [{tenantName: dev, tenantId: 1610b0c3-c509-4592-a256-a1871353dbfa}]
    """,
    source=(
        "tempo-operator: docs/examples/openshift/uiplugin/datasources-tempo.yaml; "
        "tempo-operator: api/tempo/v1alpha1/tempomonolithic_types.go, IsGatewayEnabled"
    ),
)
def gateway_without_tenant(manifests: Manifests, facts: Facts) -> Iterator[Fault]:
    gateways = {_service(obj, "gateway") for obj in manifests.of(TEMPO, *_TEMPOS) if _has_gateway(obj)}
    for source, target, service in _asked(manifests, facts):
        path = urlsplit(text(source.at("url"))).path
        if service in gateways and target.port == _GATEWAY and not path.startswith(GATEWAY_PATH):
            yield error(
                source.where("url"),
                f"{service} answers queries below {GATEWAY_PATH}<tenant>/tempo only",
                f"end the URL with {GATEWAY_PATH}<tenant>/tempo",
            )


def _has_port(service: Service, port: int) -> bool:
    """Whether it may have; the name of a headless one leads to the pods, with all their ports."""
    return service.ports is None or service.owner.at("spec", "clusterIP") == "None" or service.port(port) is not None


def _why(target: Endpoint) -> str:
    return f"port {target.port} is for {_OTHERS[target.port]}, and answers none of Grafana's queries"


def _asked(manifests: Manifests, facts: Facts) -> Iterator[tuple[DataSource, Endpoint, ServiceName | None]]:
    """Yield each Tempo data source with what its URL names."""
    for source in data_sources(manifests):
        target = endpoint(text(source.at("url"))) if source.type == "tempo" else None
        if target is not None and "$" not in text(source.at("url")):
            domain = facts.cluster_domain
            yield source, target, service_of(target.host, cluster_domain=domain, own_namespace=source.namespace)


def _has_gateway(tempo: Object) -> bool:
    if tempo.kind == "TempoStack":
        return tempo.at("spec", "template", "gateway", "enabled") is True
    # Without authentication there are tenants and no gateway (tempo-operator: api/tempo/v1alpha1, IsGatewayEnabled).
    tenants = mapping(tempo.at("spec", "multitenancy"))
    return tenants.get("enabled") is True and bool(tenants.get("authentication"))


def _of_operator(manifests: Manifests) -> dict[ServiceName, _Served]:
    """Where Grafana may ask (tempo-operator: internal/manifests, monolithic/services.go and queryfrontend)."""
    known: dict[ServiceName, _Served] = {}
    for obj in manifests.of(TEMPO, *_TEMPOS):
        asked, gateway = _service(obj, "query-frontend"), _service(obj, "gateway")
        other = monolithic_service(obj)
        if obj.kind == "TempoMonolithic":
            asked, other = other, asked
        # The gateway is in front of a TempoStack's Service, and in place of that of a TempoMonolithic.
        replaced = obj.kind == "TempoMonolithic" and _has_gateway(obj)
        instead = f"{gateway} and port {_GATEWAY}" if replaced else f"{asked} and port {_QUERIES}"
        known[asked] = _Served(() if replaced else (_QUERIES,), instead)
        for without in (other, _service(obj, "distributor")):
            known.setdefault(without, _Served((), instead))
        if _has_gateway(obj):
            # Some versions serve Tempo's own port there too.
            known[gateway] = _Served((_GATEWAY, _QUERIES), f"{gateway} and port {_GATEWAY}")
    return {name: served for name, served in known.items() if name.namespace}


def _service(tempo: Object, component: str) -> ServiceName:
    return ServiceName(tempo.namespace, f"tempo-{tempo.name}-{component}")
