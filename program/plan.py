"""Which component gets which settings, and the values derived from more than one of them."""

from dataclasses import dataclass

from components import (
    ApplicationsArgs,
    BookinfoArgs,
    ExposureArgs,
    GrafanaTempoDatasourceArgs,
    KialiArgs,
    MeshControlPlaneArgs,
    MeshTelemetryArgs,
    NamespacesArgs,
    OperatorsArgs,
    PrometheusArgs,
    TempoStackArgs,
)
from model import OperatorName
from model.stack import Settings
from objects.addresses import (
    GATEWAY_PORT,
    GRAFANA,
    GRAFANA_PORT,
    KIALI,
    KIALI_PORT,
    PRODUCTPAGE,
    PRODUCTPAGE_PORT,
    PROMETHEUS,
    PROMETHEUS_PORT,
    collector_metrics,
    gateway_service,
    istiod_metrics,
    prometheus_query_url,
    prometheus_write_url,
    tempo_metrics,
    tempo_otlp_address,
    tempo_query_url,
)
from objects.context import Context, Text
from objects.control_plane import istio_cni
from objects.exposure import ExposedService
from objects.grafana import content_hash, grafana_external_url
from objects.kiali import has_own_route


@dataclass(frozen=True, kw_only=True)
class PrometheusEndpoints:
    """The URLs of an existing Prometheus; used in place of the component that deploys ours."""

    query_url: str
    write_url: str


@dataclass(frozen=True)
class Plan:
    """The arguments of every component.

    An address that another component hands out is a parameter: the Output also waits for what serves there. Without
    the parameter it is the same address as plain text, which the checks look at.
    """

    settings: Settings

    @property
    def context(self) -> Context:
        return Context(cluster_domain=self.settings.cluster.domain, timeouts=self.settings.timeouts)

    @property
    def tempo_url(self) -> str:
        return tempo_query_url(self.settings.tempo, self.context)

    @property
    def otlp_address(self) -> str:
        return tempo_otlp_address(self.settings.tempo, self.context)

    @property
    def prometheus_endpoints(self) -> PrometheusEndpoints:
        """The URLs of Prometheus, ours or an existing one."""
        query_url = prometheus_query_url(self.settings.mesh.namespace, self.context)
        ours = PrometheusEndpoints(query_url=query_url, write_url=prometheus_write_url(query_url))
        return self.existing_prometheus() or ours

    def operators(self) -> OperatorsArgs:
        needed: dict[OperatorName, bool] = {
            "mesh": self.settings.mesh.installer == "sail",
            "tempo": True,
            "opentelemetry": True,
            "kiali": self.settings.kiali.installer == "operator",
            "grafana": self.settings.grafana.mode == "operator",
        }
        return OperatorsArgs(
            operators=self.settings.operators,
            needed=[operator for operator, is_needed in needed.items() if is_needed],
            existing_namespaces=self.settings.namespaces.existing,
            context=self.context,
        )

    def namespaces(self) -> NamespacesArgs:
        return NamespacesArgs(
            names=self.settings.system_namespaces,
            existing=self.settings.namespaces.existing,
            protected=self.settings.data_namespaces if self.settings.protect_data else [],
            unrestricted=[*self.settings.namespaces.unrestricted, *self._plugin_namespace],
            context=self.context,
        )

    def control_plane(self) -> MeshControlPlaneArgs:
        return MeshControlPlaneArgs(
            mesh=self.settings.mesh,
            platform=self.settings.platform,
            namespaces=[*self.settings.system_namespaces, *self.settings.mesh_namespaces],
            existing_namespaces=self.settings.namespaces.existing,
            context=self.context,
        )

    def existing_prometheus(self) -> PrometheusEndpoints | None:
        existing = self.settings.prometheus.existing
        if existing is None:
            return None
        return PrometheusEndpoints(
            query_url=existing.query_url,
            write_url=existing.write_url or prometheus_write_url(existing.query_url),
        )

    def prometheus(self) -> PrometheusArgs:
        namespace = self.settings.mesh.namespace
        return PrometheusArgs(
            prometheus=self.settings.prometheus,
            namespace=namespace,
            scrape={
                "istiod": istiod_metrics(namespace, self.context),
                "otel-collector": collector_metrics(namespace, self.context),
                **tempo_metrics(self.settings.tempo, self.context),
            },
            platform=self.settings.platform,
            protect_data=self.settings.protect_data,
            context=self.context,
        )

    def tempo(self, *, remote_write_url: Text | None = None) -> TempoStackArgs:
        return TempoStackArgs(
            remote_write_url=self.prometheus_endpoints.write_url if remote_write_url is None else remote_write_url,
            tempo=self.settings.tempo,
            exposure=self.settings.exposure,
            platform=self.settings.platform,
            object_store_access_key=self.settings.object_store_access_key,
            object_store_secret_key=self.settings.object_store_secret_key,
            curl_image=self.settings.images.curl,
            protect_data=self.settings.protect_data,
            context=self.context,
        )

    def telemetry(self, *, otlp_address: Text | None = None, control_plane: Text | None = None) -> MeshTelemetryArgs:
        return MeshTelemetryArgs(
            otlp_address=self.otlp_address if otlp_address is None else otlp_address,
            tracing=self.settings.tracing,
            namespace=self.settings.mesh.namespace,
            control_plane=control_plane,
            context=self.context,
        )

    def bookinfo(self, *, tracing: Text | None = None) -> BookinfoArgs:
        return BookinfoArgs(
            bookinfo=self.settings.bookinfo,
            mesh=self.settings.mesh,
            platform=self.settings.platform,
            namespace_exists=self.settings.bookinfo.namespace in self.settings.namespaces.existing,
            curl_image=self.settings.images.curl,
            tracing=tracing,
            context=self.context,
        )

    def applications(self) -> ApplicationsArgs:
        return ApplicationsArgs(
            applications=self.settings.namespaces.applications,
            mesh=self.settings.mesh,
            platform=self.settings.platform,
            context=self.context,
        )

    def datasource(
        self, *, tempo_url: Text | None = None, prometheus_url: Text | None = None
    ) -> GrafanaTempoDatasourceArgs:
        plain_prometheus_url = self.prometheus_endpoints.query_url
        return GrafanaTempoDatasourceArgs(
            tempo_url=self.tempo_url if tempo_url is None else tempo_url,
            prometheus_url=plain_prometheus_url if prometheus_url is None else prometheus_url,
            grafana=self.settings.grafana,
            mesh_namespace=self.settings.mesh.namespace,
            exposure=self.settings.exposure,
            platform=self.settings.platform,
            admin_password=self.settings.grafana_admin_password,
            # From the plain addresses: a hash of the Outputs would be unknown in a preview.
            content_hash=content_hash(tempo_url=self.tempo_url, prometheus_url=plain_prometheus_url),
            context=self.context,
        )

    def kiali(
        self,
        *,
        tempo_url: Text | None = None,
        prometheus_url: Text | None = None,
        grafana_url: Text | None = None,
    ) -> KialiArgs:
        return KialiArgs(
            kiali=self.settings.kiali,
            namespace=self.settings.mesh.namespace,
            exposure=self.settings.exposure,
            prometheus_url=self.prometheus_endpoints.query_url if prometheus_url is None else prometheus_url,
            tempo_url=self.tempo_url if tempo_url is None else tempo_url,
            grafana_url=grafana_url,
            grafana_external_url=grafana_external_url(self.settings.grafana, self.settings.exposure),
            context=self.context,
        )

    def exposure(self) -> ExposureArgs:
        return ExposureArgs(exposure=self.settings.exposure, services=self.exposed_services, context=self.context)

    @property
    def exposed_services(self) -> list[ExposedService]:
        """The Services that the program exposes outside the cluster."""
        settings = self.settings
        if settings.exposure.kind == "none":
            return []
        mesh, own_prometheus = settings.mesh.namespace, settings.prometheus.existing is None
        kiali = settings.kiali.installer != "none" and not has_own_route(settings.exposure)
        candidates = [
            (
                ExposedService(name=PROMETHEUS, namespace=mesh, service=PROMETHEUS, port=PROMETHEUS_PORT),
                settings.exposure.prometheus and own_prometheus,
            ),
            (
                ExposedService(name=GRAFANA, namespace=settings.grafana_namespace, service=GRAFANA, port=GRAFANA_PORT),
                settings.grafana.mode == "managed",
            ),
            (ExposedService(name=KIALI, namespace=mesh, service=KIALI, port=KIALI_PORT), kiali),
            (self._exposed_productpage, settings.bookinfo.enabled),
        ]
        return [service for service, is_exposed in candidates if is_exposed]

    def versions(self) -> dict[str, str]:
        """The versions of what the program itself deploys."""
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
    def _plugin_namespace(self) -> list[str]:
        """The namespace into which Helm installs the CNI plugin, whose pods are privileged, if it does."""
        plugin = istio_cni(self.control_plane()) if self.settings.mesh.installer == "helm" else None
        return [] if plugin is None else [plugin["namespace"]]

    @property
    def _exposed_productpage(self) -> ExposedService:
        """The product page, or the sample's gateway in front of it if there is one."""
        bookinfo = self.settings.bookinfo
        service, port = PRODUCTPAGE, PRODUCTPAGE_PORT
        if bookinfo.gateway != "none":
            service, port = gateway_service(bookinfo.gateway), GATEWAY_PORT
        return ExposedService(
            name=PRODUCTPAGE, namespace=bookinfo.namespace, service=service, port=port, path="/productpage"
        )
