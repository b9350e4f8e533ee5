"""A whole stack's configuration, and what must fit together across its sections."""

import pulumi
from pydantic import ConfigDict, Field, model_validator

from model.alerts import Alerts
from model.common import CommonKey
from model.consoles import Grafana, Kiali
from model.graph import Graph
from model.images import Images
from model.mesh import Mesh, Tracing
from model.network import NetworkPolicies
from model.parts import Section, value_at
from model.platform import Exposure, Namespaces, Operators, Platform, Target
from model.scalars import Flag, LabelValue, SecretText, expected, seconds_of
from model.scheduling import Scheduling
from model.stores import Prometheus, Tempo
from model.verify import Verify
from model.workloads import Bookinfo, Timeouts

# The first Istio that lets a Gateway of the Gateway API say anything about its pods.
_GATEWAY_PODS_SINCE = (1, 26)
# How old spans may be that Tempo's metrics generator counts, in seconds (tempo: modules/generator/config.go), and how
# long they may be on their way beside what the collector waits: the proxies' and its own batches.
_SLACK, _ON_THE_WAY = 30, 10
_BY_APP = "APP_LABEL_AND_NAMESPACE"


class Settings(Section):
    """A stack's configuration. The secrets stay Outputs, whose text the program never reads."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    platform: Platform = Field(default="kubernetes", examples=["openshift"], description="What the cluster is.")
    cluster: Target = Field(
        default=Target(), examples=[{"context": "kind-mesh"}], description="The cluster to deploy to."
    )
    namespaces: Namespaces = Field(default=Namespaces(), description="Namespaces that the program does not create.")
    operators: Operators = Field(default=Operators(), description="Where the operators come from.")
    mesh: Mesh = Field(default=Mesh(), description="The Istio control plane.")
    tracing: Tracing = Field(default=Tracing(), description="Which requests are traced.")
    tempo: Tempo = Field(default=Tempo(), description="The trace store.")
    graph: Graph = Field(default=Graph(), description="The service graph.")
    prometheus: Prometheus = Field(default=Prometheus(), description="The metrics store.")
    alerts: Alerts = Field(default=Alerts(), description="What Prometheus tells of by itself.")
    grafana: Grafana = Field(default=Grafana(), description="The Grafana that shows traces and graph.")
    kiali: Kiali = Field(default=Kiali(), description="Kiali.")
    bookinfo: Bookinfo = Field(default=Bookinfo(), description="The sample application.")
    verify: Verify = Field(default=Verify(), description="The check of all that, on a schedule in the cluster.")
    exposure: Exposure = Field(default=Exposure(), description="How consoles and the sample are reached from outside.")
    network_policies: NetworkPolicies = Field(
        default=NetworkPolicies(), description="Which pods may connect to what the program deploys."
    )
    images: Images = Field(default=Images(), description="Where images are pulled from.")
    scheduling: Scheduling = Field(default=Scheduling(), description="On which nodes pods run.")
    common_labels: dict[CommonKey, LabelValue] = Field(
        default={},
        examples=[{"example.com/cost-center": "4711"}],
        description="Labels of every object that the program makes, in its own metadata: in no selector and no pod.",
    )
    common_annotations: dict[CommonKey, str] = Field(
        default={},
        examples=[{"example.com/owner": "Observability, room 12"}],
        description="Annotations of every object that the program makes, in its own metadata.",
    )
    timeouts: Timeouts = Field(default=Timeouts(), description="How long each part may take.")
    protect_data: Flag = Field(
        default=False, description="Refuse to delete what stores traces and metrics until this is false again."
    )
    object_store_access_key: pulumi.Output[str] | None = Field(
        default=None, description="User of the object store; required for S3 storage, but not of source `secret`."
    )
    object_store_secret_key: pulumi.Output[str] | None = Field(
        default=None, description="Password of the object store, at least 8 characters; required like its user."
    )
    azure_account_key: pulumi.Output[str] | None = Field(
        default=None, description="Key of the storage account; required for `tempo.storage.azure.source` `keys`."
    )
    gcs_key: pulumi.Output[str] | None = Field(
        default=None, description="Google's credentials file, as JSON; required for `tempo.storage.gcs.source` `keys`."
    )
    prometheus_credentials: pulumi.Output[str] | None = Field(
        default=None,
        description="Password or token of an existing Prometheus; required for `prometheus.existing.auth` without a "
        "`secret`.",
    )
    grafana_admin_password: pulumi.Output[str] | None = Field(
        default=None, description="Password of `admin`; required for `grafana.mode` `managed`."
    )

    @model_validator(mode="after")
    def _sidecars_only_in_applications(self) -> "Settings":
        ours = {self.mesh.namespace, self.tempo.namespace, self.grafana_namespace}
        applications = [application.name for application in self.namespaces.applications]
        if self.bookinfo.enabled and self.bookinfo.namespace in ours:
            raise expected(
                "bookinfo.namespace other than those of the mesh, Tempo and Grafana, which must not get sidecars"
            )
        if ours & set(applications):
            raise expected(
                "namespaces.applications without those of the mesh, Tempo and Grafana, which must not get sidecars"
            )
        if self.mesh.cni_namespace in {*ours, *applications, self.bookinfo.namespace}:
            raise expected("mesh.cniNamespace other than those of anything else: the pods of the plugin are privileged")
        if self.bookinfo.enabled and self.bookinfo.namespace in applications:
            raise expected("bookinfo.namespace outside namespaces.applications: it is brought into the mesh anyway")
        return self

    @model_validator(mode="after")
    def _pods_can_be_placed(self) -> "Settings":
        by_istio = self.bookinfo.enabled and self.bookinfo.gateway == "gateway-api"
        older = self.mesh.version is not None and _minor(self.mesh.version) < _GATEWAY_PODS_SINCE
        if by_istio and self.scheduling.to_kubernetes() and older:
            raise expected("mesh.version 1.26.0 or newer for scheduling and bookinfo.gateway gateway-api")
        if self.images.pull_secrets and self.exposure.jaeger_ui and self.exposure.kind == "route":
            raise expected(
                "no exposure.jaegerUi by a Route for images.pullSecrets: its login needs the account of Tempo's "
                "operator, which has none"
            )
        return self

    @model_validator(mode="after")
    def _fits_the_platform(self) -> "Settings":
        if self.exposure.kind == "route" and self.platform != "openshift":
            raise expected("platform openshift for exposure.kind route: other clusters have no Routes")
        if self.platform == "openshift" and self.mesh.cni is False:
            raise expected("mesh.cni not off on OpenShift: without the plugin its security policy refuses sidecars")
        sources = {self.operators.source, *self.operators.sources.values()}
        if "olm" in sources and self.operators.catalog != "operatorhub" and self.platform != "openshift":
            raise expected("operators.catalog operatorhub: only OpenShift has the others")
        if "manifests" in sources and self.platform == "openshift":
            raise expected("operators.source olm or existing on OpenShift, whose operators come from its catalogs")
        if self.operators.source_of("mesh") == "manifests" and self.mesh.installer == "sail":
            raise expected("mesh.installer helm or existing for operators.source manifests, which has no Sail operator")
        if self.mesh.installer == "existing" and self.mesh.namespace not in self.namespaces.existing:
            raise expected("namespaces.existing with mesh.namespace in it: the mesh exists, and so does its namespace")
        return self

    @model_validator(mode="after")
    def _the_collector_may_have_a_sidecar(self) -> "Settings":
        has_plugin = self.mesh.cni if self.mesh.cni is not None else self.platform == "openshift"
        is_enforced = self.mesh.namespace not in {*self.namespaces.existing, *self.namespaces.unrestricted}
        if self.tracing.collector.in_mesh and is_enforced and not has_plugin:
            raise expected(
                "mesh.cni, or namespaces.unrestricted with mesh.namespace in it, for tracing.collector.inMesh: without "
                "the plugin a sidecar needs NET_ADMIN, which Pod Security refuses there"
            )
        return self

    @model_validator(mode="after")
    def _histograms_are_accepted(self) -> "Settings":
        existing = self.prometheus.existing
        if existing is not None and existing.method != "remoteWrite" and self.tempo.histograms != "classic":
            raise expected(
                f"tempo.histograms classic for prometheus.existing.method {existing.method}, which brings no others"
            )
        if self.graph.source == "collector" and self.tempo.histograms != "classic":
            raise expected("tempo.histograms classic for graph.source collector, which makes no others")
        if self.prometheus.is_deployed and self.tempo.histograms != "classic" and not self.prometheus.native_histograms:
            raise expected(f"prometheus.nativeHistograms for tempo.histograms {self.tempo.histograms}")
        return self

    @model_validator(mode="after")
    def _rates_are_true(self) -> "Settings":
        tracing, source = self.tracing, self.graph.source
        if tracing.sampling.is_tail and source == "tempo":
            raise expected(
                "graph.source auto or collector for tracing.sampling.mode tail: Tempo would count only what is kept"
            )
        if tracing.sampling.is_tail and self.tempo.histograms != "classic":
            raise expected("tempo.histograms classic for tracing.sampling.mode tail, whose graph has no others")
        if (source == "collector" or self.prometheus.scraping_hops is not None) and tracing.is_thinned:
            raise expected(
                "tracing.sampling.mode tail, or a graph by Tempo, where proxies trace only some of the requests: the "
                "collector's connectors would count a part for the whole"
            )
        slowest = seconds_of(tracing.sampling.wait) + _ON_THE_WAY
        if tracing.is_thinned and slowest > _SLACK:
            raise expected(
                f"tracing.sampling.wait of at most {_SLACK - _ON_THE_WAY}s for mode head: Tempo counts no span that "
                f"is older than {_SLACK} s"
            )
        strangers = {one.namespace for one in tracing.sampling.exceptions} - set(self.mesh_namespaces)
        if strangers:
            raise expected(
                f"namespaces.applications with {min(strangers)} in it for tracing.sampling.exceptions: nothing is "
                "traced in other namespaces"
            )
        renamed = value_at(self.mesh.values, "meshConfig.defaultConfig.tracingServiceName")
        if any(one.app for one in tracing.sampling.exceptions) and renamed not in {None, _BY_APP}:
            raise expected(
                f"no tracingServiceName but {_BY_APP} in mesh.values for tracing.sampling.exceptions of an app, which "
                "is known by that name in its spans; tracing.sampling.mode tail needs no exceptions"
            )
        return self

    @model_validator(mode="after")
    def _an_existing_tempo_has_what_is_asked_of_it(self) -> "Settings":
        existing = self.tempo.existing
        if existing is None:
            return self
        by_tempo = existing.makes_graph and self.prometheus.written is not None
        if existing.makes_graph and not by_tempo:
            raise expected(
                "prometheus.existing of method remoteWrite for tempo.existing.makesGraph: the one that it writes to"
            )
        if self.graph.source == "tempo" and not existing.makes_graph:
            raise expected("graph.source collector or auto for tempo.existing, unless it has makesGraph")
        if self.tracing.is_thinned:
            raise expected(
                "tracing.sampling.mode tail for tempo.existing, where proxies trace only some of the requests: nobody "
                "would count how many a span stands for"
            )
        if self.tempo.histograms != "classic":
            raise expected("tempo.histograms classic for tempo.existing")
        if self.exposure.jaeger_ui:
            raise expected("no exposure.jaegerUi for tempo.existing, whose owner exposes it")
        if self.grafana.mode == "managed" and existing.datasource_uid is not None:
            raise expected(
                "no tempo.existing.datasourceUid for grafana.mode managed: a new Grafana has no data source yet"
            )
        if isinstance(existing.query_url, SecretText):
            raise expected("tempo.existing.queryUrl in clear: Grafana's and Kiali's configuration have it")
        return self

    @model_validator(mode="after")
    def _the_graph_can_be_scraped(self) -> "Settings":
        if self.prometheus.scraping_hops is not None and self.graph.source == "tempo":
            raise expected(
                "graph.source collector or auto for prometheus.existing.method scrapeCollectors: Tempo's generator "
                "only writes"
            )
        return self

    @model_validator(mode="after")
    def _grafana_has_the_data_source(self) -> "Settings":
        existing = self.prometheus.existing
        needs_login = existing is not None and existing.auth is not None and existing.datasource_uid is None
        if self.grafana.mode == "config-map" and needs_login:
            raise expected(
                "prometheus.existing.datasourceUid, or another grafana.mode, for prometheus.existing.auth: a ConfigMap "
                "would hold the password or token in clear"
            )
        if self.grafana.mode == "managed" and existing is not None and existing.datasource_uid is not None:
            raise expected(
                "no prometheus.existing.datasourceUid for grafana.mode managed: a new Grafana has no data source yet"
            )
        return self

    @model_validator(mode="after")
    def _nothing_secret_is_checked(self) -> "Settings":
        existing = self.prometheus.existing
        secret = existing is not None and isinstance(existing.query_url, SecretText)
        if self.verify.enabled and (secret or isinstance(self.verify.probe, SecretText)):
            raise expected(
                "prometheus.existing.queryUrl and verify.probe in clear for verify.enabled, whose pod reads them "
                "from a ConfigMap: a token belongs in prometheus.existing.auth"
            )
        return self

    @property
    def grafana_namespace(self) -> str:
        return self.grafana.namespace_beside(self.mesh.namespace)

    @property
    def system_namespaces(self) -> list[str]:
        """The namespaces whose pods get no sidecar, without duplicates."""
        names = [self.mesh.namespace, *([self.tempo.namespace] if self.tempo.is_deployed else [])]
        if self.grafana.mode == "managed":
            names.append(self.grafana_namespace)
        return list(dict.fromkeys(names))

    @property
    def data_namespaces(self) -> list[str]:
        """The namespaces with volumes of traces or metrics."""
        prometheus = self.prometheus
        keeps_metrics = prometheus.is_deployed and prometheus.storage is not None
        keeps_traces = self.tempo.is_deployed
        return [*([self.tempo.namespace] if keeps_traces else []), *([self.mesh.namespace] if keeps_metrics else [])]

    @property
    def mesh_namespaces(self) -> list[str]:
        """The namespaces whose pods get a sidecar."""
        sample = [self.bookinfo.namespace] if self.bookinfo.enabled else []
        return [*sample, *(application.name for application in self.namespaces.applications)]


def _minor(version: str) -> tuple[int, int]:
    major, minor, *_ = version.split(".")
    return int(major), int(minor)
