"""Names and in-cluster addresses that several components need, each spelled only here.

They are plain strings, not Outputs: an operator creates the Services behind some of them, so there
is no resource of ours to read them from, and a Prometheus that scrapes the collector must not wait
for it.
"""

from dataclasses import dataclass

TEMPO = "tempo"
PROMETHEUS = "prometheus"
MINIO = "minio"


def service_host(service: str, namespace: str, cluster_domain: str) -> str:
    """The fully qualified name: istiod finds a tracing provider's Service only by its full name."""
    return f"{service}.{namespace}.svc.{cluster_domain}"


@dataclass(frozen=True, kw_only=True)
class TempoAddress:
    """Where Tempo is reached: its operator puts ``tempo-`` before the resource's name."""

    namespace: str
    cluster_domain: str

    @property
    def host(self) -> str:
        return service_host(f"tempo-{TEMPO}", self.namespace, self.cluster_domain)

    @property
    def http(self) -> str:
        return f"{self.host}:3200"

    @property
    def query_url(self) -> str:
        return f"http://{self.http}"

    @property
    def otlp_grpc(self) -> str:
        return f"{self.host}:4317"


@dataclass(frozen=True, kw_only=True)
class PrometheusAddress:
    """Where the Prometheus of this deployment is reached."""

    namespace: str
    cluster_domain: str

    @property
    def http(self) -> str:
        return f"{service_host(PROMETHEUS, self.namespace, self.cluster_domain)}:9090"

    @property
    def query_url(self) -> str:
        return f"http://{self.http}"

    @property
    def write_url(self) -> str:
        return f"http://{self.http}/api/v1/write"
