"""Names and in-cluster addresses that several components need, each spelled only here.

They are plain strings, not Outputs: an operator creates the Services behind some of them, so there
is no resource of ours to read them from, and a Prometheus that scrapes the collector must not wait
for it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

TEMPO = "tempo"
PROMETHEUS = "prometheus"
MINIO = "minio"
GRAFANA = "grafana"
KIALI = "kiali"

PROMETHEUS_PORT = 9090
GRAFANA_PORT = 3000
KIALI_PORT = 20001

_TEMPO_HTTP_PORT = 3200
_OTLP_GRPC_PORT = 4317
_REMOTE_WRITE_PATH = "/api/v1/write"


def service_host(service: str, namespace: str, cluster_domain: str) -> str:
    """The fully qualified name: istiod finds a tracing provider's Service only by its full name."""
    return f"{service}.{namespace}.svc.{cluster_domain}"


@dataclass(frozen=True, kw_only=True)
class TempoAddress:
    """Where Tempo is reached: at one Service, or at one per part."""

    mode: Literal["monolithic", "stack"]
    namespace: str
    cluster_domain: str

    @property
    def http(self) -> str:
        return self._http("query-frontend")

    @property
    def query_url(self) -> str:
        return f"http://{self.http}"

    @property
    def otlp_grpc(self) -> str:
        return f"{self._host('distributor')}:{_OTLP_GRPC_PORT}"

    @property
    def scrape_targets(self) -> Mapping[str, str]:
        """What tells whether spans arrive and edges leave, by the name of a scrape job."""
        if self.mode == "monolithic":
            return {TEMPO: self.http}
        return {f"{TEMPO}-{part}": self._http(part) for part in ("distributor", "metrics-generator", "query-frontend")}

    def service(self, part: str) -> str:
        """Tempo's operator puts ``tempo-`` before the resource's name, and a part's name behind it."""
        return f"tempo-{TEMPO}" if self.mode == "monolithic" else f"tempo-{TEMPO}-{part}"

    def _http(self, part: str) -> str:
        return f"{self._host(part)}:{_TEMPO_HTTP_PORT}"

    def _host(self, part: str) -> str:
        return service_host(self.service(part), self.namespace, self.cluster_domain)


@dataclass(frozen=True, kw_only=True)
class PrometheusAddress:
    """Where the Prometheus of this deployment is reached."""

    namespace: str
    cluster_domain: str

    @property
    def http(self) -> str:
        return f"{service_host(PROMETHEUS, self.namespace, self.cluster_domain)}:{PROMETHEUS_PORT}"

    @property
    def query_url(self) -> str:
        return f"http://{self.http}"

    @property
    def write_url(self) -> str:
        return receiver_url(self.query_url)


@dataclass(frozen=True, kw_only=True)
class GrafanaAddress:
    """Where a Grafana of this deployment is reached, and the namespace of what any other one is given."""

    namespace: str
    cluster_domain: str

    @property
    def url(self) -> str:
        return f"http://{service_host(GRAFANA, self.namespace, self.cluster_domain)}:{GRAFANA_PORT}"


@dataclass(frozen=True, kw_only=True)
class PrometheusEndpoints:
    """Where somebody else's Prometheus is reached; it stands where the component stands for ours."""

    query_url: str
    write_url: str


def receiver_url(query_url: str) -> str:
    """Where a Prometheus with the remote-write receiver takes samples."""
    return f"{query_url.rstrip('/')}{_REMOTE_WRITE_PATH}"
