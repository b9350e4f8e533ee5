"""Which component gets which settings, and the values derived from more than one of them."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import pulumi
from pydantic import BaseModel

from cluster.definitions import field_at
from cluster.recorded import Recorded
from cluster.seen import Seen
from components import (
    AlertsArgs,
    ApplicationsArgs,
    BookinfoArgs,
    ExposureArgs,
    GrafanaTempoDatasourceArgs,
    KialiArgs,
    MeshControlPlaneArgs,
    MeshTelemetryArgs,
    NamespacesArgs,
    NetworkPoliciesArgs,
    OperatorsArgs,
    PrometheusArgs,
    TempoStackArgs,
)
from model import GraphSource, Mesh, ObjectStoreName, OperatorName, TracingScope
from model.scalars import SecretText
from model.stack import Settings
from objects import series
from objects.addresses import (
    COLLECTOR_JOB,
    GATEWAY_PORT,
    GRAFANA,
    GRAFANA_PORT,
    GRAPH_JOB,
    ISTIOD_JOB,
    KIALI,
    KIALI_PORT,
    PRODUCTPAGE,
    PRODUCTPAGE_PORT,
    PROMETHEUS,
    PROMETHEUS_PORT,
    TEMPO,
    TEMPO_GRAPH,
    cert_manager_metrics,
    gateway_service,
    has_encrypted_metrics,
    metrics_record,
    prometheus_query_url,
    prometheus_write_url,
    tempo_graph_otlp_address,
    tempo_jobs,
    tempo_otlp_address,
    tempo_query_url,
)
from objects.alerts.watched import Watched
from objects.collector import FULL_IMAGE
from objects.collector_graph import CollectorGraph
from objects.context import Context, Text
from objects.datasources import prometheus_uid, tempo_uid
from objects.exposure import ExposedService
from objects.grafana import content_hash, grafana_external_url
from objects.kiali import has_own_route
from objects.metrics import Monitor
from objects.tempo_args import has_generator
from objects.tempo_storage import object_stores
from program.graph_series import max_series
from program.installed import as_seen
from program.releases import Releases
from program.scope import scope
from program.watched import scrapes_cert_manager, watched

_SHORTEST_SECRET = 4


@dataclass(frozen=True, kw_only=True)
class PrometheusEndpoints:
    """The URLs of an existing Prometheus; used in place of the component that deploys ours."""

    query_url: Text
    write_url: Text


@dataclass(frozen=True, kw_only=True)
class TempoEndpoints:
    """The addresses of an existing Tempo; used in place of the component that deploys ours."""

    query_url: str | None
    otlp_address: str


@dataclass(frozen=True)
class Plan:
    """The arguments of every component.

    An address that another component hands out is a parameter: the Output also waits for what serves there. Without
    the parameter it is the same address as plain text, which the checks look at.
    """

    settings: Settings
    # What is there already; it decides over nothing before the cluster has been looked at.
    seen: Seen = field(default_factory=lambda: Seen({}))
    # What the stack has made so far.
    before: Recorded = field(default_factory=Recorded)

    @property
    def context(self) -> Context:
        cluster, timeouts = self.settings.cluster, self.settings.timeouts
        return Context(
            cluster_domain=cluster.domain,
            timeouts=timeouts,
            images=self.settings.images,
            scheduling=self.settings.scheduling,
            common_labels=self.settings.common_labels,
            common_annotations=self.settings.common_annotations,
            offline=not self.seen.live,
        )

    @cached_property
    def releases(self) -> Releases:
        """Which releases the parts have."""
        return Releases(self.settings, self.seen, self.before)

    def cluster_uid(self, before: Recorded) -> str | None:
        """The UID of the cluster's namespace ``kube-system``, as it was seen or as the stack has recorded it."""
        return self.seen.cluster_uid or before.cluster_uid

    @property
    def mesh(self) -> Mesh:
        """The settings of the mesh, with the version that it gets, and an existing one as it was seen."""
        mesh = self.settings.mesh.model_copy(update={"version": self.releases.istio})
        return as_seen(mesh, self.seen.answers, self.context, self.before) if mesh.installer == "existing" else mesh

    @cached_property
    def scope(self) -> TracingScope:
        """Whose requests are traced."""
        return scope(self.settings.tracing.scope, self.mesh, self.seen.answers, self.before)

    @property
    def tempo_url(self) -> str | None:
        """Where traces are searched; None for a store of somebody else's that nobody can search."""
        existing = self.existing_tempo()
        return tempo_query_url(self.settings.tempo, self.context) if existing is None else existing.query_url

    @property
    def otlp_address(self) -> str:
        existing = self.existing_tempo()
        return tempo_otlp_address(self.settings.tempo, self.context) if existing is None else existing.otlp_address

    def existing_tempo(self) -> TempoEndpoints | None:
        """The addresses of an existing Tempo, if there is one in place of ours."""
        existing = self.settings.tempo.existing
        if existing is None:
            return None
        return TempoEndpoints(query_url=existing.query_url, otlp_address=existing.otlp.endpoint)

    @cached_property
    def graph_source(self) -> GraphSource:
        """What makes the service graph."""
        wanted, tempo, tracing = self.settings.graph.source, self.settings.tempo, self.settings.tracing
        if wanted != "auto":
            return wanted
        if tracing.sampling.is_tail:
            # It counts before the sampler.
            return "collector"
        if tracing.is_thinned:
            # Its generator knows that a span stands for several.
            return "tempo"
        if self.settings.prometheus.scraping_hops is not None:
            return "collector"
        if tempo.existing is not None:
            return "tempo" if tempo.existing.makes_graph else "collector"
        # The collector's connectors make no native histograms that Prometheus could scrape.
        by_tempo = has_generator(tempo, self.releases.tempo_operator) or tempo.histograms != "classic"
        return "tempo" if by_tempo else "collector"

    @property
    def has_graph_beside(self) -> bool:
        """Whether a Tempo of its own makes the service graph."""
        return self.settings.tempo.is_deployed and self.tempo().graph_beside

    @property
    def graph_address(self) -> str | None:
        """Where that Tempo takes spans, if there is one."""
        return tempo_graph_otlp_address(self.settings.tempo.namespace, self.context) if self.has_graph_beside else None

    @property
    def max_series(self) -> int:
        """How many series each pod may have that makes the service graph."""
        return max_series(self.settings, self.graph_source, self.releases.tempo_operator)

    @property
    def collector_graph(self) -> CollectorGraph | None:
        """What the collector has to know to make the graph, if it makes it."""
        if self.graph_source != "collector":
            return None
        existing = self.settings.prometheus.written
        return CollectorGraph(
            interval=self.settings.tempo.graph_interval,
            dimensions=self.settings.graph.dimensions,
            max_series=self.max_series,
            write_url=None if existing is None else self.existing_prometheus_urls.write_url,
            prometheus=existing,
            context=self.context,
        )

    @property
    def prometheus_urls(self) -> tuple[str, str]:
        """Where Prometheus, ours or an existing one, is queried and written to, as plain text."""
        prometheus, ours = self.settings.prometheus, self.own_prometheus_url
        if prometheus.existing is None:
            return ours, prometheus_write_url(ours)
        query_url = prometheus.existing.query_url
        if prometheus.is_deployed:
            return query_url, prometheus_write_url(ours)
        return query_url, prometheus.existing.write_url or prometheus_write_url(query_url)

    @property
    def own_prometheus_url(self) -> str:
        """Where the Prometheus that the program deploys is queried, if it deploys one."""
        return prometheus_query_url(self.settings.mesh.namespace, self.context)

    def graph_url(self, ours: Text) -> Text:
        """Where the graph is queried: ``ours``, or an existing Prometheus that scrapes it."""
        existing = self.settings.prometheus.existing
        if existing is None or existing.method != "scrape":
            return ours
        url = existing.query_url
        return pulumi.Output.secret(str(url)) if self.has_secret_urls else url

    @property
    def installs_operators(self) -> bool:
        return bool(self.operators().installed)

    @property
    def existing_prometheus_uid(self) -> str | None:
        """The uid of the data source that an existing Grafana has for an existing Prometheus."""
        existing = self.settings.prometheus.existing
        return None if existing is None else existing.datasource_uid

    @property
    def prometheus_uid(self) -> str:
        """The uid of the data source with the service graph, ours or an existing one."""
        return prometheus_uid(self.settings.grafana, self.existing_prometheus_uid)

    def operators(self) -> OperatorsArgs:
        needed: dict[OperatorName, bool] = {
            "mesh": self.settings.mesh.installer == "sail",
            "tempo": self.settings.tempo.is_deployed,
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
            unrestricted=self.settings.namespaces.unrestricted,
            context=self.context,
        )

    def network_policies(self) -> NetworkPoliciesArgs:
        settings = self.settings
        own_consoles = settings.grafana.mode == "managed" and settings.kiali.installer != "none"
        return NetworkPoliciesArgs(
            network_policies=settings.network_policies,
            namespace=settings.mesh.namespace,
            tempo_namespace=settings.tempo.namespace,
            grafana_namespace=settings.grafana_namespace if settings.grafana.mode == "managed" else None,
            existing_namespaces=settings.namespaces.existing,
            mesh_namespaces=settings.mesh_namespaces,
            tempos=[
                *([TEMPO] if settings.tempo.is_deployed else []),
                *([TEMPO_GRAPH] if self.has_graph_beside else []),
            ],
            stores=self.deployed_stores,
            collector=settings.tracing.collector,
            collector_makes_graph=self.graph_source == "collector",
            collector_has_peers=self.telemetry().has_peers,
            has_prometheus=settings.prometheus.is_deployed,
            scrapes_cert_manager=scrapes_cert_manager(self.settings),
            has_kiali=settings.kiali.installer != "none",
            has_check=settings.verify.enabled,
            has_strangers=not own_consoles or settings.prometheus.existing is not None,
            exposes_prometheus=settings.exposure.prometheus,
            exposes_jaeger=settings.exposure.jaeger_ui,
            context=self.context,
        )

    def control_plane(self) -> MeshControlPlaneArgs:
        return MeshControlPlaneArgs(
            mesh=self.mesh,
            platform=self.settings.platform,
            namespaces=[*self.settings.system_namespaces, *self.settings.mesh_namespaces],
            existing_namespaces=self.settings.namespaces.existing,
            context=self.context,
        )

    def existing_prometheus(self) -> PrometheusEndpoints | None:
        """The URLs of an existing Prometheus, if it takes the place of one that the program deploys."""
        return None if self.settings.prometheus.is_deployed else self.existing_prometheus_urls

    @property
    def existing_prometheus_urls(self) -> PrometheusEndpoints:
        """They are secret if they come from secret configuration."""
        query_url, write_url = self.prometheus_urls
        if self.has_secret_urls:
            return PrometheusEndpoints(
                query_url=pulumi.Output.secret(str(query_url)), write_url=pulumi.Output.secret(str(write_url))
            )
        return PrometheusEndpoints(query_url=query_url, write_url=write_url)

    @property
    def has_secret_urls(self) -> bool:
        """Whether the URLs of an existing Prometheus come from secret configuration."""
        existing = self.settings.prometheus.existing
        return existing is not None and isinstance(existing.query_url, SecretText)

    def without_secrets(self, message: str) -> str:
        """``message`` with a mark instead of each text of secret configuration, but words too short to be a secret."""
        found = {text for text in _secret_texts(self.settings) if len(text) >= _SHORTEST_SECRET}
        # The longest first: one secret may be a part of another.
        for text in sorted(found, key=len, reverse=True):
            message = message.replace(text, "[secret]")
        return message

    def prometheus(self) -> PrometheusArgs:
        namespace, tempo = self.settings.mesh.namespace, self.settings.tempo
        args = self.tempo()
        of_tempo = (
            tempo_jobs(tempo, makes_graph=args.makes_graph, graph_beside=args.graph_beside) if tempo.is_deployed else {}
        )
        graph = [] if self.collector_graph is None or self.collector_graph.write_url else [GRAPH_JOB]
        hops = {
            **dict.fromkeys([ISTIOD_JOB, COLLECTOR_JOB, *graph], namespace),
            **dict.fromkeys(of_tempo, tempo.namespace),
        }
        return PrometheusArgs(
            prometheus=self.settings.prometheus,
            namespace=namespace,
            scrape={job: metrics_record(job, home, self.context) for job, home in hops.items()},
            encrypted=[job for job, (_, part) in of_tempo.items() if has_encrypted_metrics(tempo, part)],
            sample_limit=series.refused(self.max_series) if graph else None,
            cert_manager=cert_manager_metrics(self.context) if scrapes_cert_manager(self.settings) else None,
            watched=self.watched if self.settings.prometheus.existing is None else None,
            platform=self.settings.platform,
            protect_data=self.settings.protect_data,
            context=self.context,
        )

    @property
    def deployed_stores(self) -> list[ObjectStoreName]:
        """The object stores that the program deploys."""
        return [args.store for args in object_stores(self.tempo())] if self.settings.tempo.is_deployed else []

    @property
    def watched(self) -> Watched | None:
        """What Prometheus, ours or an existing one, has to alert about; none if there are no alerts."""
        return watched(self.settings, self.tempo(), self.collector_graph, self.max_series)

    @property
    def has_alerts_of_others(self) -> bool:
        """Whether it is an existing Prometheus that gets the rules."""
        return self.settings.prometheus.existing is not None and self.watched is not None

    def alerts(self) -> AlertsArgs:
        existing = self.settings.prometheus.existing
        return AlertsArgs(
            watched=self.watched or Watched(),
            namespace=self.settings.mesh.namespace,
            tempo_namespace=self.settings.tempo.namespace,
            apart=self.settings.prometheus.scraping_hops is not None,
            labels={**(existing.monitor_labels if existing else {}), **self.settings.alerts.labels},
            context=self.context,
        )

    @property
    def monitor(self) -> Monitor | None:
        """How an existing Prometheus scrapes the hops, if it finds them itself."""
        prometheus = self.settings.prometheus
        existing = prometheus.scraping_hops
        if existing is None:
            return None
        return Monitor(
            labels=existing.monitor_labels,
            interval=prometheus.scrape_interval,
            sample_limit=series.refused(self.max_series),
            context=self.context,
        )

    def tempo(self, *, remote_write_url: Text | None = None) -> TempoStackArgs:
        return TempoStackArgs(
            remote_write_url=self.prometheus_urls[1] if remote_write_url is None else remote_write_url,
            operator_version=self.releases.tempo_operator,
            tempo_version=self.releases.tempo,
            tempo=self.settings.tempo,
            exposure=self.settings.exposure,
            platform=self.settings.platform,
            object_store_access_key=self.settings.object_store_access_key,
            object_store_secret_key=self.settings.object_store_secret_key,
            existing_prometheus=self.settings.prometheus.written if self.graph_source == "tempo" else None,
            prometheus_credentials=self.settings.prometheus_credentials,
            graph_source=self.graph_source,
            dimensions=self.settings.graph.dimensions,
            max_series=self.max_series if self.graph_source == "tempo" else None,
            multiplies=self.graph_source == "tempo" and self.settings.tracing.is_thinned,
            monitor=self.monitor,
            azure_account_key=self.settings.azure_account_key,
            gcs_key=self.settings.gcs_key,
            curl_image=self.settings.images.curl,
            protect_data=self.settings.protect_data,
            context=self.context,
        )

    def telemetry(self, *, otlp_address: Text | None = None, control_plane: Text | None = None) -> MeshTelemetryArgs:
        return MeshTelemetryArgs(
            otlp_address=self.otlp_address if otlp_address is None else otlp_address,
            store=None if self.settings.tempo.existing is None else self.settings.tempo.existing.destination,
            graph_address=self.graph_address,
            graph=self.collector_graph,
            # Red Hat's build has all that is needed, and the default of the operator's other releases has not.
            full_image=None if self._is_of_red_hat else FULL_IMAGE,
            prometheus_credentials=self.settings.prometheus_credentials,
            monitor=self.monitor,
            tracing=self.settings.tracing,
            namespace=self.settings.mesh.namespace,
            traced=None
            if self.scope == "mesh"
            else [application.name for application in self.settings.namespaces.applications],
            # The sample makes its own, in a namespace that is not there before.
            made_later=[self.settings.bookinfo.namespace] if self.settings.bookinfo.enabled else [],
            mesh=self.mesh,
            platform=self.settings.platform,
            lets_everybody_in=False if self._closes_collector else None,
            control_plane=control_plane,
            context=self.context,
        )

    def bookinfo(self, *, tracing: Text | None = None) -> BookinfoArgs:
        return BookinfoArgs(
            bookinfo=self.settings.bookinfo,
            mesh=self.mesh,
            platform=self.settings.platform,
            namespace_exists=self.settings.bookinfo.namespace in self.settings.namespaces.existing,
            unrestricted=self.settings.bookinfo.namespace in self.settings.namespaces.unrestricted,
            curl_image=self.settings.images.curl,
            tracing=tracing,
            traced=self.settings.tracing,
            in_mesh_telemetry=self.scope == "mesh",
            context=self.context,
        )

    def applications(self) -> ApplicationsArgs:
        return ApplicationsArgs(
            applications=self.settings.namespaces.applications,
            mesh=self.mesh,
            platform=self.settings.platform,
            context=self.context,
        )

    def datasource(
        self, *, tempo_url: Text | None = None, prometheus_url: Text | None = None
    ) -> GrafanaTempoDatasourceArgs:
        plain = GrafanaTempoDatasourceArgs(
            tempo_url=self.tempo_url,
            prometheus_url=self.prometheus_urls[0],
            grafana=self.settings.grafana,
            existing_tempo=self.settings.tempo.existing,
            existing_prometheus_uid=self.existing_prometheus_uid,
            existing_prometheus=self.settings.prometheus.existing,
            prometheus_credentials=self.settings.prometheus_credentials,
            mesh_namespace=self.settings.mesh.namespace,
            exposure=self.settings.exposure,
            platform=self.settings.platform,
            admin_password=self.settings.grafana_admin_password,
            context=self.context,
        )
        outputs = {"tempo_url": tempo_url, "prometheus_url": prometheus_url}
        return plain.model_copy(
            update={
                **{name: url for name, url in outputs.items() if url is not None},
                # From the plain addresses: a hash of the Outputs would be unknown in a preview.
                "content_hash": content_hash(plain),
            }
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
            prometheus_url=self.prometheus_urls[0] if prometheus_url is None else prometheus_url,
            existing_prometheus=self.settings.prometheus.existing,
            prometheus_credentials=self.settings.prometheus_credentials,
            tempo_url=self.tempo_url if tempo_url is None else tempo_url,
            existing_tempo=self.settings.tempo.existing,
            grafana_url=grafana_url,
            grafana_external_url=grafana_external_url(self.settings.grafana, self.settings.exposure),
            tempo_uid=tempo_uid(self.settings.grafana, self.settings.tempo.existing),
            prometheus_uid=self.prometheus_uid,
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
        mesh, own_prometheus = settings.mesh.namespace, settings.prometheus.is_deployed
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
        s3 = settings.tempo.storage.s3
        stores = self.deployed_stores
        runs = {
            "istio": (settings.mesh.installer != "existing", self.releases.istio),
            "prometheus": (settings.prometheus.is_deployed, settings.prometheus.image),
            "seaweedfs": ("seaweedfs" in stores, s3.seaweedfs.image),
            "minio": ("minio" in stores, s3.minio.image),
            "bookinfo": (settings.bookinfo.enabled, settings.bookinfo.image_tag),
        }
        return {part: str(version) for part, (is_ours, version) in runs.items() if is_ours}

    @property
    def _is_of_red_hat(self) -> bool:
        """Whether the collector's operator is Red Hat's."""
        return self.settings.platform == "openshift" and self.settings.operators.catalog == "redhat"

    @property
    def _closes_collector(self) -> bool:
        """Whether a policy of ours is of use only without the one that the operator may make, and it knows of that."""
        policies = self.settings.network_policies
        narrow = policies.enabled and policies.otlp_from != "all"
        definition = self.seen.definition("opentelemetry.io/v1beta1", "OpenTelemetryCollector")
        ours = self.settings.mesh.namespace not in self.settings.namespaces.existing
        return narrow and ours and field_at(definition, "networkPolicy") is not False

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


def _secret_texts(value: Any) -> Iterator[str]:
    if isinstance(value, SecretText):
        yield str(value)
    elif isinstance(value, BaseModel):
        yield from _secret_texts(dict(value))
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _secret_texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _secret_texts(inner)
