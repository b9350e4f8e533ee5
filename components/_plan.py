"""Which component gets which settings, and the values derived from more than one of them."""

from dataclasses import dataclass
from functools import cached_property

import pulumi

from components import _mesh_config
from components._addresses import PrometheusAddress, TempoAddress
from components._restart import sidecar_config_hash
from components._tracing import TracingProvider
from components.bookinfo import BookinfoArgs
from components.grafana_tempo_datasource import GrafanaTempoDatasourceArgs
from components.mesh_control_plane import MeshControlPlaneArgs
from components.mesh_telemetry import MeshTelemetryArgs
from components.namespaces import NamespacesArgs
from components.prometheus import PrometheusArgs
from components.tempo_stack import TempoStackArgs
from model import Settings


@dataclass(frozen=True)
class Plan:
    """The arguments of every component; those that only another component knows are parameters."""

    settings: Settings

    @cached_property
    def provider(self) -> TracingProvider:
        return TracingProvider(namespace=self.settings.mesh.namespace, cluster_domain=self.settings.cluster.domain)

    @property
    def restart_hash(self) -> str:
        mesh = self.settings.mesh
        return sidecar_config_hash(
            revision=mesh.revision,
            injection_labels=_mesh_config.injection_labels(mesh.revision),
            proxy_config=_mesh_config.proxy_config(mesh),
            provider=self.provider,
        )

    def namespaces(self) -> NamespacesArgs:
        return NamespacesArgs(
            names=self.settings.system_namespaces,
            existing=self.settings.namespaces.existing,
        )

    def control_plane(self) -> MeshControlPlaneArgs:
        return MeshControlPlaneArgs(
            mesh=self.settings.mesh,
            provider=self.provider,
            cluster_domain=self.settings.cluster.domain,
            namespaces=[*self.settings.system_namespaces, *self.settings.mesh_namespaces],
            timeout_seconds=self.settings.timeouts.control_plane,
        )

    def prometheus(self) -> PrometheusArgs:
        domain = self.settings.cluster.domain
        return PrometheusArgs(
            prometheus=self.settings.prometheus,
            address=PrometheusAddress(namespace=self.settings.mesh.namespace, cluster_domain=domain),
            scrape={
                "istiod": _mesh_config.istiod_metrics_address(self.settings.mesh, domain),
                "otel-collector": self.provider.telemetry_address,
                "tempo": self._tempo_address.http,
            },
            timeout_seconds=self.settings.timeouts.prometheus,
        )

    def tempo(self, *, remote_write_url: pulumi.Output[str]) -> TempoStackArgs:
        return TempoStackArgs(
            tempo=self.settings.tempo,
            address=self._tempo_address,
            curl_image=self.settings.images.curl,
            remote_write_url=remote_write_url,
            access_key=self.settings.object_store_access_key,
            secret_key=self.settings.object_store_secret_key,
            timeouts=self.settings.timeouts,
        )

    def telemetry(self, *, otlp_address: pulumi.Output[str], control_plane: pulumi.Resource) -> MeshTelemetryArgs:
        return MeshTelemetryArgs(
            tracing=self.settings.tracing,
            provider=self.provider,
            root_namespace=self.settings.mesh.namespace,
            otlp_address=otlp_address,
            control_plane=control_plane,
            timeout_seconds=self.settings.timeouts.collector,
        )

    def bookinfo(self) -> BookinfoArgs:
        return BookinfoArgs(
            bookinfo=self.settings.bookinfo,
            namespace_exists=self.settings.bookinfo.namespace in self.settings.namespaces.existing,
            injection_labels=_mesh_config.injection_labels(self.settings.mesh.revision),
            cluster_domain=self.settings.cluster.domain,
            curl_image=self.settings.images.curl,
            restart_hash=self.restart_hash,
            timeout_seconds=self.settings.timeouts.bookinfo,
        )

    def datasource(
        self, *, tempo_url: pulumi.Output[str], prometheus_url: pulumi.Output[str]
    ) -> GrafanaTempoDatasourceArgs:
        return GrafanaTempoDatasourceArgs(
            namespace=self.settings.grafana_namespace,
            tempo_url=tempo_url,
            prometheus_url=prometheus_url,
        )

    def versions(self) -> dict[str, str]:
        return {
            "istio": self.settings.mesh.version,
            "prometheus": self.settings.prometheus.image,
            "minio": self.settings.tempo.storage.s3.minio.image,
            "bookinfo": self.settings.bookinfo.image_tag,
        }

    @property
    def _tempo_address(self) -> TempoAddress:
        return TempoAddress(namespace=self.settings.tempo.namespace, cluster_domain=self.settings.cluster.domain)
