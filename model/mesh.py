"""The Istio control plane, and which requests it traces."""

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from model.access_logs import AccessLogs
from model.backends import Backends
from model.parts import ExtraConfig, Resources, SecretEnv, Section, value_at
from model.redaction import Redaction
from model.sampling import Sampling
from model.scalars import (
    AttributeName,
    ChartRepository,
    Flag,
    Image,
    Name,
    Number,
    Registry,
    Tag,
    VersionOrMinor,
    expected,
    is_full_version,
)
from model.tags import CustomTag, ResourceAttributes, refuse_names

# The name of our tracing provider in the mesh configuration. In a mesh of ours no other provider may have it.
TRACING_PROVIDER = "otel"
# Its name in a mesh whose owner has another provider of the first name, as Istio's profile `demo` does.
SPARE_PROVIDER = "mesh-tracing"

# What the name of our provider of access logs has behind that of tracing.
ACCESS_LOGS_SUFFIX = "-access-logs"

# The Istio that Helm installs if the settings name no other.
DEFAULT_ISTIO = "1.31.4"

# Of the Sail operator's profiles, those that need a plugin and a ztunnel on each node.
_AMBIENT_PROFILES = ("ambient", "openshift-ambient")

# Values of Istio's chart that another setting, or the program itself, determines.
_OWNED_VALUES = {
    "revision": "mesh.revision",
    # Their names would collide while two revisions stand side by side.
    "revisionTags": "mesh.revision",
    "profile": "mesh.sail.profile",
    "global.istioNamespace": "mesh.namespace",
    "global.hub": "mesh.hub",
    "global.tag": "mesh.tag",
    "global.platform": "platform",
    "global.proxy.clusterDomain": "cluster.domain",
    "pilot.cni.enabled": "mesh.cni",
    "meshConfig.enableTracing": "the program, which always traces",
    "meshConfig.rootNamespace": "mesh.namespace",
    "meshConfig.defaultProviders.tracing": "the program, through its Telemetry resource",
}


# The same of the values of Istio's CNI plugin.
_OWNED_CNI_VALUES = {"global.hub": "mesh.hub", "global.tag": "mesh.tag"}


def _null(values: Mapping[str, Any], path: str) -> bool:
    """Whether ``path`` is set to null, which would remove what the program sets there."""
    parent, _, key = path.rpartition(".")
    inside = value_at(values, parent) if parent else values
    return isinstance(inside, Mapping) and key in inside and inside[key] is None


def _refuse_owned(setting: str, values: Mapping[str, Any], owned: Mapping[str, str]) -> None:
    for path, owner in owned.items():
        if value_at(values, path) is not None:
            raise expected(f"{setting} without {path}, which is determined by {owner}")


class Sail(Section):
    """How the Sail operator (OpenShift Service Mesh 3) runs Istio."""

    update_strategy: Literal["InPlace", "RevisionBased"] = Field(
        default="InPlace",
        examples=["RevisionBased"],
        description="`InPlace`: a new version replaces the control plane; `RevisionBased`: it runs beside the old one "
        "until workloads have moved.",
    )
    inactive_revision_deletion_grace_period_seconds: int = Field(
        default=30,
        ge=0,
        strict=True,
        examples=[300],
        description="For `RevisionBased`: how many seconds an unused control plane is kept.",
    )
    profile: str | None = Field(
        default=None,
        min_length=1,
        examples=["ambient"],
        description="A profile of the operator; none takes its default. `ambient` also installs the CNI plugin and "
        "ztunnel, for namespaces of others with that label; the program's own keep sidecars, whose spans name both "
        "ends of a call.",
    )

    @property
    def is_ambient(self) -> bool:
        """Whether Istio serves namespaces without sidecars too."""
        return self.profile in _AMBIENT_PROFILES


class Existing(Section):
    """An Istio that somebody else has installed."""

    installed_by: Literal["sail", "helm"] | None = Field(
        default=None,
        examples=["helm"],
        description="`sail`: by an Istio resource, of which two fields become ours; `helm`: by Istio's charts or "
        "istioctl, of which nothing does; none takes what the cluster has.",
    )
    istio: Name = Field(default="default", description="For `sail`: name of the Istio resource.")
    revision: Name | None = Field(
        default=None,
        examples=["canary"],
        description="The revision that `mesh.revision` leads to, where that is a tag; none takes what the cluster has.",
    )
    provider: Name | None = Field(
        default=None,
        examples=["mesh-tracing"],
        description=f"Name of our provider in the mesh configuration; none takes `{TRACING_PROVIDER}` or, where its "
        f"owner has another one of that name, `{SPARE_PROVIDER}`.",
    )


class Mesh(Section):
    """The Istio control plane."""

    installer: Literal["helm", "sail", "existing"] = Field(
        default="helm",
        examples=["helm"],
        description="`helm`: by Istio's charts; `sail`: by the Sail operator; `existing`: Istio is installed already.",
    )
    namespace: Name = Field(default="istio-system", description="The mesh's root namespace.")
    version: VersionOrMinor | None = Field(
        default=None,
        examples=["1.30.3"],
        description="Version of Istio; charts in a folder have their own. None takes, for `helm`, the newest that was "
        "tried; for `sail`, the installed one or else the newest that the operator has, and a minor version such as "
        '`"1.30"` the newest of that. For `existing` it is the owner\'s: another one restarts the workloads.',
    )
    chart_repository: ChartRepository = Field(
        default="https://blob.istio.io/istio-release/charts",
        examples=["oci://ghcr.io/istio/release/charts"],
        description="Where the charts `base`, `istiod`, `cni` and `gateway` are: an https or oci URL, or a folder.",
    )
    hub: Registry | None = Field(
        default=None,
        examples=["docker.io/istio"],
        description="Registry of Istio's images; none takes the installer's.",
    )
    tag: Tag | None = Field(
        default=None,
        examples=["1.31.4"],
        description="Tag of Istio's images; none takes the installer's.",
    )
    revision: Name = Field(
        default="default",
        description="For `helm` and `existing`: the control plane's revision. For `helm` a new revision gets a control "
        "plane beside the old one, workloads move to it, and then the old one is removed. For `existing` it may be a "
        "revision tag too, and another one moves the program's workloads.",
    )
    replicas: int | None = Field(
        default=None,
        ge=1,
        le=20,
        strict=True,
        examples=[2],
        description="Least number of istiod's pods, spread over the nodes; with two a node can be drained. None leaves "
        "the installer's number, one.",
    )
    cni: Flag | None = Field(
        default=None,
        description="Whether Istio's CNI plugin is installed, so that no pod with a sidecar needs the capabilities "
        "NET_ADMIN and NET_RAW; none means on OpenShift only.",
    )
    cni_namespace: Name | None = Field(
        default=None,
        examples=["istio-cni"],
        description="The namespace of the plugin's agent, whose pods are privileged; none means `istio-cni` or, for "
        "`helm` on OpenShift, `kube-system`.",
    )
    cni_values: ExtraConfig = Field(
        default={},
        examples=[{"cni": {"cniBinDir": "/opt/cni/bin"}}],
        description="Further values of the plugin, as an IstioCNI resource has them, merged over the program's.",
    )
    sail: Sail = Field(default=Sail(), description="For `sail`: how the operator runs Istio.")
    existing: Existing = Field(default=Existing(), description="For `existing`: who installed it.")
    discovery_namespaces_only: Flag = Field(
        default=False,
        description="Let istiod watch only the program's namespaces, and write its root certificate to no others.",
    )
    access_logs: AccessLogs = Field(default=AccessLogs(), description="The proxies' access logs.")
    keep_crds: Flag = Field(
        default=True,
        description="For `helm`: leave Istio's CRDs, and all resources of their kinds, on destroy.",
    )
    values: ExtraConfig = Field(
        default={},
        examples=[{"pilot": {"resources": {"requests": {"cpu": "500m"}}}}],
        description="Further values of the istiod chart, merged over the program's.",
    )

    @field_validator("values")
    @classmethod
    def _values_leave_ours_alone(cls, values: dict[str, Any]) -> dict[str, Any]:
        _refuse_owned("values", values, _OWNED_VALUES)
        mesh_config = values.get("meshConfig")
        if mesh_config is not None and not isinstance(mesh_config, dict):
            raise expected("meshConfig as an object")
        providers = value_at(values, "meshConfig.extensionProviders")
        if providers is None:
            return values
        if not isinstance(providers, list) or not all(isinstance(p, dict) for p in providers):
            raise expected("meshConfig.extensionProviders as a list of objects")
        if any(provider.get("name") == TRACING_PROVIDER for provider in providers):
            raise expected(f"no other extension provider called {TRACING_PROVIDER!r}; that one is ours")
        return values

    @field_validator("cni_values")
    @classmethod
    def _cni_values_leave_ours_alone(cls, values: dict[str, Any]) -> dict[str, Any]:
        _refuse_owned("cniValues", values, _OWNED_CNI_VALUES)
        return values

    @model_validator(mode="after")
    def _services_keep_their_names(self) -> "Mesh":
        collector = f"{TRACING_PROVIDER}-collector.{self.namespace}.svc."
        for provider in value_at(self.values, "meshConfig.extensionProviders") or []:
            renames = value_at(provider, "opentelemetry.serviceAttributeEnrichment") in ("OTEL_SEMANTIC_CONVENTIONS", 1)
            service = str(value_at(provider, "opentelemetry.service"))
            if renames and service.rpartition("/")[2].startswith(collector):
                raise expected(
                    "no extension provider with serviceAttributeEnrichment that leads to our collector: "
                    "the graph would have services under two names"
                )
        return self

    @model_validator(mode="after")
    def _logs_have_one_provider(self) -> "Mesh":
        providers = value_at(self.values, "meshConfig.extensionProviders") or []
        if self.access_logs.enabled and any(one.get("name") == self.access_logs_provider for one in providers):
            raise expected(f"no other extension provider called {self.access_logs_provider!r}; that one is ours")
        return self

    @model_validator(mode="after")
    def _consistent(self) -> "Mesh":
        theirs = value_at(self.values, "meshConfig.discoverySelectors")
        if self.discovery_namespaces_only and theirs is not None:
            raise expected("either discoveryNamespacesOnly or values.meshConfig.discoverySelectors, not both")
        if self.installer != "sail" and self.version is not None and not is_full_version(self.version):
            raise expected(
                f"a full version for installer {self.installer}: only the Sail operator has a list to choose from"
            )
        if self.installer == "sail" and self.revision != "default":
            raise expected("no revision for installer sail: the operator names revisions, by sail.updateStrategy")
        if self.is_ambient and self.cni is False:
            raise expected(
                f"cni true or none for sail.profile {self.sail.profile}: its traffic goes through the plugin"
            )
        if self.installer == "existing":
            ours = {
                "hub",
                "tag",
                "replicas",
                "cni",
                "cni_namespace",
                "cni_values",
                "values",
                "discovery_namespaces_only",
            } & self.model_fields_set
            if ours:
                names = ", ".join(sorted(type(self).model_fields[name].alias or name for name in ours))
                raise expected(f"no {names} for installer existing: its owner decides them")
        return self

    @property
    def is_ambient(self) -> bool:
        """Whether the program installs an Istio that serves namespaces without sidecars too."""
        return self.installer == "sail" and self.sail.is_ambient

    @property
    def provider(self) -> str:
        """The name of our tracing provider in the mesh configuration."""
        return self.existing.provider or TRACING_PROVIDER

    @property
    def access_logs_provider(self) -> str:
        """The name of our provider of access logs there."""
        return f"{self.provider}{ACCESS_LOGS_SUFFIX}"

    @property
    def is_patched(self) -> bool:
        """Whether two fields of somebody else's Istio resource become ours."""
        return self.installer == "existing" and self.existing.installed_by != "helm"


class Collector(Section):
    """The OpenTelemetry collector between the mesh and Tempo."""

    replicas: int = Field(default=1, ge=1, le=20, strict=True, examples=[2], description="Number of pods.")
    image: Image | None = Field(default=None, description="Its image; none takes the operator's.")
    in_mesh: Flag = Field(
        default=False,
        description="Whether its pods get a sidecar, so that spans reach it by mTLS. That needs Istio's CNI plugin, or "
        "the mesh's namespace in `namespaces.unrestricted`.",
    )
    queue_size: int = Field(
        default=1000,
        ge=1,
        strict=True,
        examples=[1000],
        description="How many thousand spans may wait for Tempo before spans are dropped.",
    )
    resources: Resources = Field(
        default=Resources(requests={"cpu": "50m", "memory": "128Mi"}, limits={"memory": "512Mi"}),
        description="Requests and limits; the collector uses at most 75 % of its memory limit.",
    )
    extra_config: ExtraConfig = Field(
        default={},
        examples=[{"exporters": {"debug": {}}}],
        description="Further configuration of the collector, merged over the program's; `${env:NAME}` takes a variable "
        "of `env`.",
    )
    env: SecretEnv = Field(
        default={},
        examples=[{"BACKEND_TOKEN": {"secret": "backend", "key": "token"}}],
        description="Variables of the collector, each from a Secret that exists in the mesh's namespace.",
    )

    @field_validator("resources")
    @classmethod
    def _memory_is_limited(cls, value: Resources) -> Resources:
        if "memory" not in value.limits:
            raise expected("limits.memory, of which the collector limits itself to 75 %")
        return value

    @field_validator("extra_config")
    @classmethod
    def _pipeline_is_one(cls, value: dict[str, Any]) -> dict[str, Any]:
        """Check the shape of what the program itself reads; the rest is up to the collector."""
        for path in ("service", "service.pipelines", "service.pipelines.traces"):
            part = value_at(value, path)
            if not isinstance(part if part is not None else {}, Mapping) or _null(value, path):
                raise expected(f"{path} as an object")
        traces = value_at(value, "service.pipelines.traces") or {}
        for key, names in traces.items():
            if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
                raise expected(f"service.pipelines.traces.{key} as a list of names")
        return value


# Whose requests are traced.
TracingScope = Literal["mesh", "namespaces"]


class Tracing(Section):
    """Which requests are traced."""

    sampling_percentage: Number = Field(
        default=100,
        ge=0,
        le=100,
        allow_inf_nan=False,
        examples=[100],
        description="Percentage of the requests to trace; a change takes effect without a restart.",
    )
    sampling: Sampling = Field(default=Sampling(), description="Who decides which traces there are, and how.")
    scope: TracingScope | None = Field(
        default=None,
        examples=["namespaces"],
        description="`mesh`: every namespace with sidecars is traced; `namespaces`: only the program's own, and what "
        "others trace stays as it is. None means `namespaces` in an existing mesh in which others trace already, and "
        "else `mesh`.",
    )
    custom_tags: dict[AttributeName, CustomTag] = Field(
        default={},
        examples=[{"tenant": {"header": {"name": "x-tenant", "defaultValue": "none"}}}],
        description="Attributes that proxies add to their spans, by their names.",
    )
    resource: ResourceAttributes = Field(
        default=ResourceAttributes(), description="What each span tells of where it comes from."
    )
    redaction: Redaction = Field(
        default=Redaction(), description="What the collector takes out of spans before they go anywhere."
    )
    collector: Collector = Field(default=Collector(), description="The collector.")
    exporters: Backends = Field(
        default={},
        examples=[{"hosted": {"endpoint": "traces.example.com:4317"}}],
        description="Where the collector sends the spans beside Tempo, by a name; what is down there holds up nothing.",
    )

    @model_validator(mode="after")
    def _proxies_trace_what_the_tail_is_to_see(self) -> "Tracing":
        if self.sampling.is_tail and self.sampling_percentage != 100:  # noqa: PLR2004
            raise expected("no samplingPercentage for sampling.mode tail, in which proxies trace all requests")
        self.sampling.refuse_too_little(self.collector.replicas)
        return self

    @model_validator(mode="after")
    def _tags_tell_no_secret(self) -> "Tracing":
        refuse_names(self.custom_tags)
        for name, tag in self.custom_tags.items():
            if tag.header is not None and self.redaction.takes_out(tag.header.name):
                raise expected(
                    f"no customTags.{name} from header {tag.header.name}, which redaction.headers keeps out of spans: "
                    "take another header, or take it off that list"
                )
            if self.redaction.removes(name):
                raise expected(f"another name for customTags.{name}: redaction removes an attribute of this one")
        return self

    @model_validator(mode="after")
    def _tail_looks_at_what_is_left(self) -> "Tracing":
        for name, values in self.sampling.tail.attributes.items():
            cut = any(self.redaction.shortens(name, value) for value in values)
            if self.redaction.removes(name) or cut:
                raise expected(
                    f"no {'query in ' * cut}sampling.tail.attributes.{name}, which redaction takes out of spans before "
                    "traces are chosen"
                )
        return self

    @model_validator(mode="after")
    def _sees_who_sends(self) -> "Tracing":
        if self.resource.kubernetes and self.collector.in_mesh:
            raise expected(
                "collector.inMesh false for resource.kubernetes: behind a sidecar, every span seems to come from the "
                "collector's own pod"
            )
        return self

    @property
    def ratios(self) -> Mapping[tuple[str, str | None] | None, float]:
        """The share of the requests that begin a trace, by the place where they enter; ``None`` is everywhere else."""
        ratios: dict[tuple[str, str | None] | None, float] = {None: self.sampling_percentage / 100}
        return ratios | {(one.namespace, one.app): one.percentage / 100 for one in self.sampling.exceptions}

    @property
    def shares(self) -> Mapping[tuple[str, str | None] | None, float]:
        """Those ``ratios`` by which only some of the requests begin a trace, so that a trace stands for several.

        Where none does, nothing is meant to be counted.
        """
        return {place: ratio for place, ratio in self.ratios.items() if 0 < ratio < 1}

    @property
    def is_thinned(self) -> bool:
        """Whether what is counted in the traces is a part of the truth."""
        return bool(self.shares)
