"""Which component gets which settings, and the values derived from more than one of them."""

from dataclasses import dataclass
from functools import cached_property

import pulumi

from components import _mesh_config, bookinfo_gateway
from components._addresses import (
    GRAFANA,
    GRAFANA_PORT,
    KIALI,
    KIALI_PORT,
    PROMETHEUS,
    PROMETHEUS_PORT,
    GrafanaAddress,
    PrometheusAddress,
    PrometheusEndpoints,
    TempoAddress,
    receiver_url,
)
from components._charts import istio_chart
from components._exposure import ExposedService, external_host, external_url
from components._restart import SidecarConfig
from components._s3 import S3Keys
from components._sail import CNI_NAMESPACE
from components._tempo_resources import JaegerUi
from components._tracing import TracingProvider
from components.applications import ApplicationsArgs
from components.bookinfo import PRODUCTPAGE, BookinfoArgs
from components.exposure import ExposureArgs
from components.grafana_tempo_datasource import GrafanaTempoDatasourceArgs, content_hash
from components.kiali import KialiAddress, KialiArgs
from components.mesh_control_plane import MeshControlPlaneArgs
from components.mesh_telemetry import MeshTelemetryArgs
from components.namespaces import NamespacesArgs
from components.operators import Operator, OperatorsArgs
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
        config = SidecarConfig(
            revision=_mesh_config.active_revision(mesh),
            injection_labels=_mesh_config.injection_labels(mesh.revision),
            # With the CNI plugin, a pod gets other init containers.
            injector={**_mesh_config.injector_values(mesh), "cni": self.settings.installs_cni},
            proxy_image={"version": mesh.version, "hub": mesh.hub, "tag": mesh.tag},
            proxy_config=_mesh_config.proxy_config(mesh),
            provider=self.provider,
        )
        return config.restart_hash()

    def operators(self) -> OperatorsArgs:
        needed: dict[Operator, bool] = {
            "mesh": self.settings.mesh.installer == "sail",
            "tempo": True,
            "opentelemetry": True,
            "kiali": self.settings.kiali.installer == "operator",
            "grafana": self.settings.grafana.mode == "operator",
        }
        return OperatorsArgs(
            operators=self.settings.operators,
            needed=[operator for operator, is_needed in needed.items() if is_needed],
            existing=self.settings.namespaces.existing,
            timeout_seconds=self.settings.timeouts.operators,
        )

    def namespaces(self) -> NamespacesArgs:
        return NamespacesArgs(
            names=self.settings.system_namespaces,
            existing=self.settings.namespaces.existing,
            protected=self.settings.data_namespaces if self.settings.protect_data else [],
        )

    def control_plane(self) -> MeshControlPlaneArgs:
        return MeshControlPlaneArgs(
            installer=self.settings.mesh.installer,
            plane=_mesh_config.ControlPlane(
                mesh=self.settings.mesh,
                provider=self.provider,
                openshift=self.settings.platform == "openshift",
                installs_cni=self.settings.installs_cni,
                cluster_domain=self.settings.cluster.domain,
                namespaces=[*self.settings.system_namespaces, *self.settings.mesh_namespaces],
            ),
            cni_namespace_exists=CNI_NAMESPACE in self.settings.namespaces.existing,
            timeout_seconds=self.settings.timeouts.control_plane,
        )

    def existing_prometheus(self) -> PrometheusEndpoints | None:
        existing = self.settings.prometheus.existing
        if existing is None:
            return None
        return PrometheusEndpoints(
            query_url=existing.query_url,
            write_url=existing.write_url or receiver_url(existing.query_url),
        )

    @property
    def prometheus_endpoints(self) -> PrometheusEndpoints:
        """Where Prometheus answers, as plain text: nothing waits for what uses it."""
        address = self._prometheus_address
        ours = PrometheusEndpoints(query_url=address.query_url, write_url=address.write_url)
        return self.existing_prometheus() or ours

    def prometheus(self) -> PrometheusArgs:
        domain = self.settings.cluster.domain
        return PrometheusArgs(
            prometheus=self.settings.prometheus,
            address=self._prometheus_address,
            scrape={
                "istiod": _mesh_config.istiod_metrics_address(self.settings.mesh, domain),
                "otel-collector": self.provider.telemetry_address,
                **self.tempo_address.scrape_targets,
            },
            protect_data=self.settings.protect_data,
            timeout_seconds=self.settings.timeouts.prometheus,
        )

    def tempo(self, *, remote_write_url: pulumi.Input[str]) -> TempoStackArgs:
        return TempoStackArgs(
            tempo=self.settings.tempo,
            address=self.tempo_address,
            curl_image=self.settings.images.curl,
            remote_write_url=remote_write_url,
            object_store_keys=self._object_store_keys,
            jaeger_ui=self.jaeger_ui,
            protect_data=self.settings.protect_data,
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
        mesh = self.settings.mesh
        return BookinfoArgs(
            bookinfo=self.settings.bookinfo,
            namespace_exists=self.settings.bookinfo.namespace in self.settings.namespaces.existing,
            injection_labels=_mesh_config.injection_labels(mesh.revision),
            cluster_domain=self.settings.cluster.domain,
            curl_image=self.settings.images.curl,
            gateway_chart=istio_chart(mesh, "gateway") if mesh.installer == "helm" else None,
            restart_hash=self.restart_hash,
            timeout_seconds=self.settings.timeouts.bookinfo,
        )

    def applications(self) -> ApplicationsArgs:
        return ApplicationsArgs(
            applications=self.settings.namespaces.applications,
            injection_labels=_mesh_config.injection_labels(self.settings.mesh.revision),
            restart_hash=self.restart_hash,
            timeout_seconds=self.settings.timeouts.bookinfo,
        )

    def datasource(
        self, *, tempo_url: pulumi.Output[str], prometheus_url: pulumi.Output[str]
    ) -> GrafanaTempoDatasourceArgs:
        return GrafanaTempoDatasourceArgs(
            grafana=self.settings.grafana,
            address=self.grafana_address,
            tempo_url=tempo_url,
            prometheus_url=prometheus_url,
            timeout_seconds=self.settings.timeouts.consoles,
            external_url=self._grafana_external_url,
            admin_password=self.settings.grafana_admin_password,
            # From the addresses as plain text: taken from the Outputs, it would not be known in a preview.
            content_hash=content_hash(
                tempo_url=self.tempo_address.query_url, prometheus_url=self.prometheus_endpoints.query_url
            ),
        )

    def kiali(
        self,
        *,
        tempo_url: pulumi.Input[str],
        prometheus_url: pulumi.Input[str],
        grafana_url: pulumi.Input[str] | None,
    ) -> KialiArgs:
        return KialiArgs(
            kiali=self.settings.kiali,
            namespace=self.settings.mesh.namespace,
            cluster_domain=self.settings.cluster.domain,
            address=self.kiali_address,
            prometheus_url=prometheus_url,
            tempo_url=tempo_url,
            grafana_url=grafana_url,
            grafana_external_url=self._grafana_external_url,
            timeout_seconds=self.settings.timeouts.consoles,
        )

    def exposure(self) -> ExposureArgs:
        return ExposureArgs(
            exposure=self.settings.exposure,
            services=self.exposed_services,
            timeout_seconds=self.settings.timeouts.consoles,
        )

    @property
    def exposed_services(self) -> list[ExposedService]:
        """What the program itself leads to from outside."""
        settings = self.settings
        if settings.exposure.kind == "none":
            return []
        mesh, own_prometheus = settings.mesh.namespace, settings.prometheus.existing is None
        kiali = settings.kiali.installer != "none" and not self.kiali_address.own_route
        candidates = {
            ExposedService(name=PROMETHEUS, namespace=mesh, service=PROMETHEUS, port=PROMETHEUS_PORT): (
                settings.exposure.prometheus and own_prometheus
            ),
            ExposedService(name=GRAFANA, namespace=settings.grafana_namespace, service=GRAFANA, port=GRAFANA_PORT): (
                settings.grafana.mode == "managed"
            ),
            ExposedService(name=KIALI, namespace=mesh, service=KIALI, port=KIALI_PORT): kiali,
            self._exposed_productpage: settings.bookinfo.enabled,
        }
        return [service for service, is_exposed in candidates.items() if is_exposed]

    def versions(self) -> dict[str, str]:
        """Of what the program itself runs."""
        settings = self.settings
        storage = settings.tempo.storage
        runs = {
            "istio": (settings.mesh.installer != "existing", settings.mesh.version),
            "prometheus": (settings.prometheus.existing is None, settings.prometheus.image),
            "minio": (storage.backend == "s3" and storage.s3.source == "minio", storage.s3.minio.image),
            "bookinfo": (settings.bookinfo.enabled, settings.bookinfo.image_tag),
        }
        return {part: version for part, (is_ours, version) in runs.items() if is_ours}

    @property
    def _exposed_productpage(self) -> ExposedService:
        """Behind the sample's gateway, where there is one."""
        bookinfo = self.settings.bookinfo
        service, port = PRODUCTPAGE.service, PRODUCTPAGE.port
        if bookinfo.gateway != "none":
            service, port = bookinfo_gateway.service_name(bookinfo.gateway), bookinfo_gateway.PORT
        return ExposedService(
            name=PRODUCTPAGE.service, namespace=bookinfo.namespace, service=service, port=port, path="/productpage"
        )

    @property
    def grafana_address(self) -> GrafanaAddress:
        return GrafanaAddress(namespace=self.settings.grafana_namespace, cluster_domain=self.settings.cluster.domain)

    @property
    def _grafana_external_url(self) -> str | None:
        """Where browsers reach a Grafana of the program's own; of others it knows no URL."""
        exposure = self.settings.exposure
        is_exposed = exposure.kind != "none" and self.settings.grafana.mode == "managed"
        return external_url(exposure, GRAFANA) if is_exposed else None

    @property
    def kiali_address(self) -> KialiAddress:
        exposure = self.settings.exposure
        return KialiAddress(
            host=None if exposure.kind == "none" else external_host(exposure, KIALI),
            tls=exposure.tls,
            own_route=exposure.kind == "route",
        )

    @property
    def _prometheus_address(self) -> PrometheusAddress:
        return PrometheusAddress(namespace=self.settings.mesh.namespace, cluster_domain=self.settings.cluster.domain)

    @property
    def tempo_address(self) -> TempoAddress:
        tempo = self.settings.tempo
        return TempoAddress(mode=tempo.mode, namespace=tempo.namespace, cluster_domain=self.settings.cluster.domain)

    @property
    def _object_store_keys(self) -> S3Keys | None:
        access_key = self.settings.object_store_access_key
        secret_key = self.settings.object_store_secret_key
        if access_key is None or secret_key is None:
            return None
        return S3Keys(access_key=access_key, secret_key=secret_key)

    @property
    def jaeger_ui(self) -> JaegerUi | None:
        exposure = self.settings.exposure
        if not exposure.jaeger_ui:
            return None
        return JaegerUi(
            # Tempo's operator makes no HTTPRoute.
            kind="none" if exposure.kind == "gateway-api" else exposure.kind,
            host=external_host(exposure, "jaeger"),
            tls=exposure.tls,
            ingress_class=exposure.ingress_class,
        )
