"""The cluster, what exists there already, and how the deployment is reached from outside."""

from collections.abc import Mapping
from typing import Literal

from pydantic import Field, field_validator, model_validator

from model.parts import Section
from model.scalars import AnnotationKey, DnsName, Flag, HttpUrl, Name, Version, expected

Platform = Literal["openshift", "kubernetes"]
# The operators that turn custom resources into workloads, by what they are for.
OperatorName = Literal["mesh", "tempo", "opentelemetry", "kiali", "grafana"]
OperatorSource = Literal["existing", "olm", "manifests"]
# What may be restarted in a namespace of applications.
WorkloadKind = Literal["Deployment", "StatefulSet", "DaemonSet", "Rollout"]
CLUSTER_DOMAIN = "cluster.local"
# The operators whose projects release manifests that are used here.
_RELEASED: tuple[OperatorName, ...] = ("tempo", "opentelemetry")
# The releases that are installed from manifests if the settings name no other.
DEFAULT_TEMPO_OPERATOR = "0.22.0"
DEFAULT_OPENTELEMETRY_OPERATOR = "0.158.0"
DEFAULT_CERT_MANAGER = "1.21.2"


class Target(Section):
    """The cluster to deploy to."""

    context: str | None = Field(
        default=None,
        min_length=1,
        examples=["kind-mesh"],
        description="The kubeconfig context; none takes each person's current one. It has to lead to the cluster that "
        "the stack is on.",
    )
    server: HttpUrl | None = Field(
        default=None,
        examples=["https://api.crc.testing:6443"],
        description="URL of the API server that the context must have; none accepts any.",
    )
    domain: DnsName = Field(default=CLUSTER_DOMAIN, description="The cluster's DNS domain.")


class Namespaces(Section):
    """Namespaces that the program does not create."""

    existing: list[Name] = Field(
        default=[],
        examples=[["istio-system"]],
        description="Namespaces of this deployment that exist already: they are used, and kept on destroy.",
    )
    unrestricted: list[Name] = Field(
        default=[],
        examples=[["istio-system"]],
        description="Namespaces of this deployment in which there are also pods, such as a gateway, that Pod Security "
        "`restricted` would refuse: it is not enforced there.",
    )
    applications: list["Application"] = Field(
        default=[],
        examples=[[{"name": "shop", "deployments": ["cart"]}]],
        description="Further existing namespaces to bring into the mesh and to trace.",
    )

    @field_validator("applications")
    @classmethod
    def _each_once(cls, value: list["Application"]) -> list["Application"]:
        names = [application.name for application in value]
        if len(names) != len(set(names)):
            raise expected("each application's namespace once")
        return value


class Application(Section):
    """A namespace with the user's own applications, which get sidecars.

    What is named in it restarts when something changes that sidecars read only at their start.
    """

    name: Name = Field(description="The namespace, which exists already.", examples=["shop"])
    deployments: list[Name] = Field(
        default=[],
        examples=[["cart", "web"]],
        description="Its Deployments to restart when something changes that sidecars read only at start-up.",
    )
    stateful_sets: list[Name] = Field(
        default=[], examples=[["db"]], description="Its StatefulSets to restart, in their own order."
    )
    daemon_sets: list[Name] = Field(default=[], examples=[["agent"]], description="Its DaemonSets to restart.")
    rollouts: list[Name] = Field(
        default=[],
        examples=[["checkout"]],
        description="Its Rollouts of Argo to restart; the steps of their strategy are not run for it.",
    )

    @property
    def workloads(self) -> Mapping["WorkloadKind", list[Name]]:
        """What restarts, by kind."""
        named: dict[WorkloadKind, list[Name]] = {
            "Deployment": self.deployments,
            "StatefulSet": self.stateful_sets,
            "DaemonSet": self.daemon_sets,
            "Rollout": self.rollouts,
        }
        return {kind: names for kind, names in named.items() if names}


class Operators(Section):
    """Where the operators come from, and which versions they have."""

    source: OperatorSource = Field(
        default="existing",
        examples=["olm"],
        description="`existing`: they are installed already; `olm`: by Subscriptions; "
        "`manifests`: by their release manifests, whose webhooks get their certificates from cert-manager.",
    )
    sources: dict[OperatorName, OperatorSource] = Field(
        default={},
        examples=[{"grafana": "existing"}],
        description="The sources of single operators, where they differ from `source`.",
    )
    catalog: Literal["redhat", "community", "operatorhub"] = Field(
        default="redhat",
        examples=["redhat"],
        description="For `olm`: Red Hat's products, the community catalog of OpenShift, or OperatorHub.io's.",
    )
    approval: Literal["Automatic", "Manual"] = Field(
        default="Automatic",
        examples=["Manual"],
        description="For `olm`: with `Manual`, a person approves the first installation and each upgrade.",
    )
    channels: dict[OperatorName, str] = Field(
        default={},
        examples=[{"mesh": "stable-3.2"}],
        description="For `olm`: channels, where not each package's stable one.",
    )
    starting_versions: dict[OperatorName, str] = Field(
        default={},
        examples=[{"mesh": "servicemeshoperator3.v3.2.0"}],
        description="For `olm`: the ClusterServiceVersion to install first; none takes the channel's newest.",
    )
    tempo_version: Version | None = Field(
        default=None,
        examples=["0.22.0"],
        description="For `manifests`: version of the Tempo operator; none takes the newest that was tried. One that is "
        "installed is known by its definitions.",
    )
    opentelemetry_version: Version | None = Field(
        default=None,
        examples=["0.152.0"],
        description="For `manifests`: version of the OpenTelemetry operator; none takes the newest that was tried.",
    )
    manifest_folder: str | None = Field(
        default=None,
        min_length=1,
        examples=["./operators"],
        description="For `manifests`: a folder with the release files, for a cluster without internet access.",
    )
    keep_crds: Flag = Field(
        default=True,
        description="For `manifests`: leave the CRDs, and all resources of their kinds, on destroy and when what has "
        "brought them comes from elsewhere.",
    )
    cert_manager: Literal["existing", "install"] = Field(
        default="existing",
        examples=["install"],
        description="For `manifests`: `existing`: cert-manager is installed already; `install`: by its release "
        "manifest, on a cluster that has none.",
    )
    cert_manager_version: Version | None = Field(
        default=None,
        examples=["1.21.2"],
        description="For `certManager: install`: version of cert-manager; none takes a recent one.",
    )

    def source_of(self, operator: OperatorName) -> OperatorSource:
        return self.sources.get(operator, self.source)

    @property
    def by_manifests(self) -> list[OperatorName]:
        """Those that release manifests install; other operators are not installed that way."""
        return [operator for operator in _RELEASED if self.source_of(operator) == "manifests"]

    @model_validator(mode="after")
    def _certificates_are_used(self) -> "Operators":
        if self.cert_manager == "install" and not self.by_manifests:
            raise expected("source manifests, for certManager install: nothing else here needs cert-manager")
        return self


class ExposedAs(Section):
    """How one of them is exposed, where it is otherwise than the others."""

    host: DnsName | None = Field(
        default=None,
        examples=["traces.example.com"],
        description="Its host name; none puts its name before the domain.",
    )
    tls_secret: DnsName | None = Field(
        default=None,
        examples=["grafana-tls"],
        description="For `ingress`: the Secret with its certificate, in its namespace; none takes that of all.",
    )
    annotations: dict[AnnotationKey, str] = Field(
        default={},
        examples=[{"nginx.ingress.kubernetes.io/whitelist-source-range": "10.0.0.0/8"}],
        description="For `ingress`: further annotations.",
    )


class Exposure(Section):
    """How consoles and the sample are reached from outside the cluster."""

    kind: Literal["none", "route", "ingress", "gateway-api"] = Field(
        default="none", examples=["route"], description="How they are exposed; `route` only on OpenShift."
    )
    domain: DnsName | None = Field(
        default=None,
        examples=["apps-crc.testing"],
        description="Domain of the host names; required for every kind but `none`.",
    )
    ingress_class: Name | None = Field(
        default=None, examples=["traefik"], description="For `ingress`: its class; none takes the cluster's default."
    )
    annotations: dict[AnnotationKey, str] = Field(
        default={},
        examples=[{"cert-manager.io/cluster-issuer": "letsencrypt"}],
        description="For `ingress`: annotations of each.",
    )
    tls_secret: DnsName | None = Field(
        default=None,
        examples=["wildcard-tls"],
        description="For `ingress`: the Secret with the certificate, in the namespace of each; none takes the "
        "controller's own certificate.",
    )
    services: dict[Literal["grafana", "kiali", "prometheus", "productpage", "jaeger"], ExposedAs] = Field(
        default={},
        examples=[{"grafana": {"host": "traces.example.com"}}],
        description="What is otherwise for single ones.",
    )
    gateway: str | None = Field(
        default=None,
        pattern=r"^[a-z0-9-]+/[a-z0-9-]+$",
        examples=["ingress/public"],
        description="For `gateway-api`: namespace and name of the Gateway that exists.",
    )
    tls: Flag = Field(
        default=True, description="Whether URLs are https; the router, ingress or gateway terminates TLS."
    )
    prometheus: Flag = Field(default=False, description="Whether to expose Prometheus, which has no login.")
    jaeger_ui: Flag = Field(default=False, description="Whether Tempo gets a Jaeger UI, which is then exposed.")

    @model_validator(mode="after")
    def _complete(self) -> "Exposure":
        if self.kind != "none" and self.domain is None:
            raise expected(f"a domain: host names of kind {self.kind} need one")
        if self.kind == "gateway-api" and self.gateway is None:
            raise expected("a gateway, as <namespace>/<name>: kind gateway-api attaches to one")
        if self.kind == "none" and (self.prometheus or self.jaeger_ui):
            raise expected("a kind other than none, or neither prometheus nor jaegerUi exposed")
        return self

    @model_validator(mode="after")
    def _of_ingresses(self) -> "Exposure":
        described: list[Exposure | ExposedAs] = [self, *self.services.values()]
        secrets = any(one.tls_secret is not None for one in described)
        if self.kind != "ingress" and (secrets or any(one.annotations for one in described)):
            raise expected("annotations and tlsSecret only for kind ingress")
        if secrets and not self.tls:
            raise expected("tls with a tlsSecret")
        jaeger = self.services.get("jaeger")
        if jaeger is not None and jaeger.tls_secret is not None:
            raise expected("no tlsSecret for jaeger: Tempo's operator makes its Ingress, and has no field for one")
        hosts = [one.host for one in self.services.values() if one.host is not None]
        if len(hosts) != len(set(hosts)):
            raise expected("a host of its own for each of the services")
        return self
