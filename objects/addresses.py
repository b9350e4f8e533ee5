"""Names and in-cluster addresses that several parts need, each spelled and derived only here.

They are plain strings, not Outputs: an operator creates the Services behind some of them, so there
is no resource of ours to read them from, and a Prometheus that scrapes the collector must not wait
for it.
"""

from collections.abc import Mapping
from typing import Literal

from model import Tempo
from objects.context import PART_OF, Context

# The namespace of the release manifest, its Service, and Prometheus' job for it.
CERT_MANAGER = "cert-manager"
COLLECTOR = "otel"
GRAFANA = "grafana"
KIALI = "kiali"
PRODUCTPAGE = "productpage"
PROMETHEUS = "prometheus"
TEMPO = "tempo"
# The resource that makes the service graph beside a TempoStack that cannot.
TEMPO_GRAPH = "graph"
# Prometheus' jobs for the hops, beside those of Tempo.
COLLECTOR_JOB = "otel-collector"
ISTIOD_JOB = "istiod"
# The job for the service graph, where the collector makes it.
GRAPH_JOB = "service-graph"
METRICS_PORT_NAME = "http-monitoring"
BOOKINFO_GATEWAY = "bookinfo-gateway"
GATEWAY_CLASS = "istio"

# Of a collector that makes the service graph: the spans of other collectors, and what it has counted.
COLLECTOR_PEER_PORT = 4319
COLLECTOR_GRAPH_PORT = 8889
COLLECTOR_TELEMETRY_PORT = 8888
GATEWAY_PORT = 80
GRAFANA_PORT = 3000
ISTIOD_METRICS_PORT = 15014
KIALI_PORT = 20001
OTLP_GRPC_PORT = 4317
OTLP_HTTP_PORT = 4318
PRODUCTPAGE_PORT = 9080
PROMETHEUS_PORT = 9090
TEMPO_HTTP_PORT = 3200
# The parts of a TempoStack with TLS between them want a client's certificate at their API, which only they have. Here
# they serve their metrics to anybody.
TEMPO_INTERNAL_PORT = 3101

_CERT_MANAGER_METRICS_PORT = 9402
_REMOTE_WRITE_PATH = "/api/v1/write"


def collector_host(namespace: str, context: Context) -> str:
    """The collector's Service: its operator appends ``-collector`` to the resource's name."""
    return context.host(f"{COLLECTOR}-collector", namespace)


def otlp_url(host: str) -> str:
    """Where applications send spans by OTLP over HTTP, to a collector at ``host``."""
    return f"http://{host}:{OTLP_HTTP_PORT}"


def collector_peers(namespace: str, context: Context) -> str:
    """The Service whose name leads to each of the collector's pods that serves; its operator makes it."""
    return context.host(f"{COLLECTOR}-collector-headless", namespace)


def metrics_service(job: str) -> str:
    """The Service in front of the pods of a scrape job."""
    return f"{PART_OF}-{job}"


def metrics_record(job: str, namespace: str, context: Context) -> str:
    """The SRV record of that Service, which lists each pod with its port."""
    return f"_{METRICS_PORT_NAME}._tcp.{context.host(metrics_service(job), namespace)}"


def cert_manager_metrics(context: Context) -> str:
    """Where the cert-manager of the release manifest tells of its certificates: host and port."""
    return f"{context.host(CERT_MANAGER, CERT_MANAGER)}:{_CERT_MANAGER_METRICS_PORT}"


def tempo_service(tempo: Tempo, part: str) -> str:
    """Tempo's operator names a Service ``tempo-``, then the resource's name, then the part's, if there are parts."""
    return f"tempo-{TEMPO}" if tempo.mode == "monolithic" else f"tempo-{TEMPO}-{part}"


def tempo_pods(resource: str) -> Mapping[str, str]:
    """Labels that Tempo's operator gives to every pod of ``resource``, and to no other."""
    return {"app.kubernetes.io/managed-by": "tempo-operator", "app.kubernetes.io/instance": resource}


def tempo_query_url(tempo: Tempo, context: Context) -> str:
    """Where traces are searched and read."""
    return f"http://{_tempo_http('query-frontend', tempo, context)}"


def tempo_otlp_address(tempo: Tempo, context: Context) -> str:
    """Where Tempo takes spans."""
    return f"{context.host(tempo_service(tempo, 'distributor'), tempo.namespace)}:{OTLP_GRPC_PORT}"


def tempo_graph_service() -> str:
    """The Service of the Tempo that makes the service graph beside a TempoStack."""
    return f"tempo-{TEMPO_GRAPH}"


def tempo_graph_otlp_address(namespace: str, context: Context) -> str:
    """Where that Tempo takes spans."""
    return f"{context.host(tempo_graph_service(), namespace)}:{OTLP_GRPC_PORT}"


def tempo_jobs(tempo: Tempo, *, makes_graph: bool, graph_beside: bool) -> Mapping[str, tuple[str, str]]:
    """The scrape jobs for spans that arrive and edges that leave: the resource and its operator's name for the part.

    ``makes_graph``: whether this Tempo makes the service graph; ``graph_beside``: whether one of its own does.
    """
    if tempo.mode == "monolithic":
        return {TEMPO: (TEMPO, TEMPO)}
    parts = ("distributor", *(["metrics-generator"] if makes_graph else []), "query-frontend")
    jobs = {f"{TEMPO}-{part}": (TEMPO, part) for part in parts}
    return jobs | ({f"{TEMPO}-{TEMPO_GRAPH}": (TEMPO_GRAPH, TEMPO)} if graph_beside else {})


def has_encrypted_metrics(tempo: Tempo, part: str) -> bool:
    """Whether a part of Tempo serves its metrics with TLS; the query frontend, which others ask, has plain HTTP."""
    return tempo.mode == "stack" and tempo.internal_tls and part in {"distributor", "metrics-generator"}


def _tempo_http(part: str, tempo: Tempo, context: Context) -> str:
    return f"{context.host(tempo_service(tempo, part), tempo.namespace)}:{TEMPO_HTTP_PORT}"


def prometheus_query_url(namespace: str, context: Context) -> str:
    """Where the Prometheus that we deploy is queried."""
    return f"http://{context.host(PROMETHEUS, namespace)}:{PROMETHEUS_PORT}"


def prometheus_write_url(query_url: str) -> str:
    """Where the Prometheus at ``query_url`` accepts samples, if its remote-write receiver is on."""
    return f"{query_url.rstrip('/')}{_REMOTE_WRITE_PATH}"


def grafana_url(namespace: str, context: Context) -> str:
    """Where pods reach the Grafana that we deploy."""
    return f"http://{context.host(GRAFANA, namespace)}:{GRAFANA_PORT}"


def kiali_url(namespace: str, context: Context, *, encrypted: bool) -> str:
    """Where pods reach Kiali."""
    return f"{'https' if encrypted else 'http'}://{context.host(KIALI, namespace)}:{KIALI_PORT}"


def productpage_url(namespace: str, context: Context) -> str:
    """The sample's page; a request for it reaches all services of the sample."""
    return f"http://{context.host(PRODUCTPAGE, namespace)}:{PRODUCTPAGE_PORT}/productpage"


def gateway_service(kind: Literal["istio", "gateway-api"]) -> str:
    """The Service of the sample's gateway; with the Gateway API, Istio creates it and appends the class to its name."""
    return BOOKINFO_GATEWAY if kind == "istio" else f"{BOOKINFO_GATEWAY}-{GATEWAY_CLASS}"


def gateway_url(kind: Literal["istio", "gateway-api"], namespace: str, context: Context) -> str:
    """The sample's page through its gateway."""
    return f"http://{context.host(gateway_service(kind), namespace)}:{GATEWAY_PORT}/productpage"
