"""The tracing provider: the one source of its name and of its collector's address."""

from dataclasses import dataclass
from typing import Any

from components._addresses import service_host

PROVIDER_NAME = "otel"
COLLECTOR_NAME = "otel"

OTLP_GRPC_PORT = 4317
OTLP_HTTP_PORT = 4318
TELEMETRY_PORT = 8888


@dataclass(frozen=True, kw_only=True)
class TracingProvider:
    """One provider, seen by the mesh configuration, by the Telemetry resource and by the collector.

    It is plain Python so that the restart hash can cover it.
    """

    namespace: str
    cluster_domain: str
    name: str = PROVIDER_NAME
    collector: str = COLLECTOR_NAME
    port: int = OTLP_GRPC_PORT

    @property
    def service(self) -> str:
        """The collector's Service: its operator appends ``-collector`` to the resource's name."""
        return service_host(f"{self.collector}-collector", self.namespace, self.cluster_domain)

    @property
    def telemetry_address(self) -> str:
        """Where the collector's own metrics are scraped."""
        host = service_host(f"{self.collector}-collector-monitoring", self.namespace, self.cluster_domain)
        return f"{host}:{TELEMETRY_PORT}"

    def extension_provider(self) -> dict[str, Any]:
        """The entry of the mesh configuration's ``extensionProviders``."""
        return {"name": self.name, "opentelemetry": {"service": self.service, "port": self.port}}

    def telemetry_spec(self, sampling_percentage: float) -> dict[str, Any]:
        """The spec of a Telemetry that switches this provider on.

        The percentage stands beside ``providers``. Inside the provider's entry the API server drops
        it without an error, and one request in a hundred is traced.
        """
        return {
            "tracing": [
                {
                    "providers": [{"name": self.name}],
                    "randomSamplingPercentage": sampling_percentage,
                }
            ]
        }
