"""The mesh's configuration, wherever it is kept: in an Istio, an IstioOperator, a ConfigMap or a chart's values."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from lint.crd_fields import below, fields, names
from lint.facts import Facts
from lint.objects import Key, Manifests, Object, Path, Place, at, mapping, number, parsed, sequence, text, view
from lint.templates import is_unknown
from lint.views.hosts import ServiceName, service_of
from lint.views.values import Values, values

SAIL = "sailoperator.io"
INSTALL = "install.istio.io"
TELEMETRY = "telemetry.istio.io"
NETWORKING = "networking.istio.io"
DEFAULT_ROOT_NAMESPACE = "istio-system"

# The list of the providers, in the mesh configuration.
PROVIDERS = "extensionProviders"
OTLP = "opentelemetry"
# The kinds of provider that can trace and name the Service that they send to; Istio dropped some of them over time
# (istio: pilot/pkg/networking/core/tracing.go).
WITH_SERVICE = (OTLP, "zipkin", "datadog", "skywalking", "lightstep", "opencensus")
TRACING_KINDS = frozenset({*WITH_SERVICE, "stackdriver"})
GIVEN_UP = frozenset({"lightstep", "opencensus", "stackdriver"})
KINDS = TRACING_KINDS | {
    "envoyExtAuthzHttp",
    "envoyExtAuthzGrpc",
    "envoyHttpAls",
    "envoyTcpAls",
    "envoyOtelAls",
    "envoyFileAccessLog",
    "prometheus",
    "sds",
}
# [namespace/]host.
_SERVICE = re.compile(r"([\w-]+/)?[\w-]+(\.[\w-]+)*\.?")

# istiod adds these to every mesh's list (istio: pkg/config/mesh/mesh.go).
BUILT_IN_GIVEN_UP = frozenset({"stackdriver"})
_BUILT_IN_PROVIDERS = frozenset({"prometheus", "envoy"}) | BUILT_IN_GIVEN_UP
# The profile for demonstrations brings these (istio: profile-demo.yaml of the chart istiod, in one release or another).
DEMO = "demo"
_DEMO_PROVIDERS = frozenset({"otel", "skywalking", "otel-tracing", "jaeger"})
_DOTS_IN_FULL_NAME = 3
# What a mesh configuration had while there was Mixer (istio/api: mesh/v1alpha1/config.proto of 1.7.0).
FIELDS_OF_MIXER = frozenset(
    {
        "disableMixerHttpReports",
        "disablePolicyChecks",
        "disableReportBatch",
        "enableClientSidePolicyCheck",
        "mixerAddress",
        "mixerCheckServer",
        "mixerReportServer",
        "policyCheckFailOpen",
        "reportBatchMaxEntries",
        "reportBatchMaxTime",
        "sidecarToTelemetrySessionAffinity",
    }
)
# What it has today, and of that what nobody else has.
_FIELDS = frozenset(names(below(fields("Istio"), ("values", "meshConfig"))))
_SIGNS = ("defaultConfig", "defaultProviders", "extensionProviders")
_OF_CHART: Path = ("spec", "values", "meshConfig")


@dataclass(frozen=True)
class MeshConfig:
    """One mesh configuration and the object that holds it.

    ``env`` is istiod's environment, as far as the same object sets it at ``env_path``. It is not ``whole`` if more of
    the configuration may lie elsewhere, such as in further files of a chart's values. ``domain`` is the cluster's, if
    it is said.
    """

    owner: Object
    path: Path
    values: Mapping[Any, Any]
    namespace: str
    env: Mapping[Any, Any] = field(default_factory=dict)
    env_path: Path = ()
    profile: str = ""
    domain: str = ""
    whole: bool = True

    @property
    def root_namespace(self) -> str:
        return text(self.values.get("rootNamespace")) or self.namespace or DEFAULT_ROOT_NAMESPACE

    @property
    def default_provider(self) -> str:
        """The name of the provider for whatever names none; istiod looks at the first one only."""
        return text(at(self.values, "defaultProviders", "tracing", 0))

    def where(self, *path: Key) -> Place:
        return self.owner.where(*self.path, *path)


@dataclass(frozen=True)
class Provider:
    """A tracing provider with a Service; ``over_http`` is false for OTLP over gRPC."""

    mesh: MeshConfig
    index: int
    name: str
    kind: str
    service: str
    port: int | None
    over_http: bool

    @property
    def prefix(self) -> str:
        """The namespace before the slash; empty if there is none."""
        prefix, slash, _ = self.service.partition("/")
        return prefix if slash else ""

    @property
    def host(self) -> str:
        return self.service.partition("/")[2] if "/" in self.service else self.service

    @property
    def has_full_name(self) -> bool:
        """Only ``name.namespace.svc.<domain>`` names a Service in full; other hosts are those of ServiceEntries."""
        return self.host.count(".") >= _DOTS_IN_FULL_NAME

    def target(self, facts: Facts) -> ServiceName | None:
        """The Service that istiod looks for."""
        if not self.has_full_name or not is_service(self.service):
            return None
        return service_of(self.host, cluster_domain=self.mesh.domain or facts.cluster_domain)

    def at(self, field: str) -> Any:
        return at(self.mesh.values, "extensionProviders", self.index, self.kind, field)

    def where(self, field: str) -> Place:
        return self.mesh.where("extensionProviders", self.index, self.kind, field)


@view
def mesh_configs(manifests: Manifests) -> tuple[MeshConfig, ...]:
    return (
        *_of_operators(manifests),
        *_of_config_maps(manifests),
        *_of_charts(manifests),
        *_of_files(manifests),
    )


@view
def providers(manifests: Manifests) -> tuple[Provider, ...]:
    """Return the tracing providers that speak OTLP."""
    return tuple(provider for provider in tracers(manifests) if provider.kind == OTLP)


@view
def tracers(manifests: Manifests) -> tuple[Provider, ...]:
    """Return the tracing providers of every kind that names a Service."""
    return tuple(_tracers(manifests))


def _tracers(manifests: Manifests) -> Iterator[Provider]:
    for mesh in mesh_configs(manifests):
        for index, entry in enumerate(sequence(mesh.values.get("extensionProviders"))):
            for kind in WITH_SERVICE:
                settings = mapping(entry).get(kind)
                if isinstance(settings, Mapping):
                    yield Provider(
                        mesh=mesh,
                        index=index,
                        name=text(at(entry, "name")),
                        kind=kind,
                        service=text(settings.get("service")),
                        port=number(settings.get("port")),
                        over_http=settings.get("http") is not None,
                    )


def is_service(service: str) -> bool:
    """Whether istiod takes it for the host of a provider: neither a URL nor a host with a port."""
    return bool(_SERVICE.fullmatch(service))


def same_name(name: str) -> str:
    """What two names of a provider have in common if istiod takes them for the same one.

    It compares them without regard to case (istio: pilot/pkg/model/telemetry.go, fetchProvider).
    """
    return name.lower()


def knows_all(manifests: Manifests) -> bool:
    """Whether there is a mesh configuration among the objects, and nothing of it lies elsewhere."""
    meshes = mesh_configs(manifests)
    return bool(meshes) and all(mesh.whole for mesh in meshes) and not shared_config_elsewhere(manifests)


def is_plain(name: str) -> bool:
    """Whether a name is there, and nothing of it still has to be put in."""
    return bool(name) and not is_unknown(name)


def provider_names(manifests: Manifests) -> frozenset[str] | None:
    """Return each ``same_name`` that a Telemetry may use, or None if not all of them are among the objects."""
    meshes = mesh_configs(manifests)
    if not meshes or shared_config_elsewhere(manifests):
        return None
    # Helm replaces a list by that of a later layer, so a layer that has the list has all of it.
    if not all(mesh.whole or "extensionProviders" in mesh.values for mesh in meshes):
        return None
    entries = (entry for mesh in meshes for entry in sequence(mesh.values.get("extensionProviders")))
    names = frozenset(same_name(text(at(entry, "name"))) for entry in entries)
    if any(mesh.profile == DEMO for mesh in meshes):
        names |= _DEMO_PROVIDERS
    return names | _BUILT_IN_PROVIDERS if all(map(is_plain, names)) else None


def has_mesh(manifests: Manifests) -> bool:
    """Whether anything among the objects says that there is a mesh whose spans are traced."""
    return bool(mesh_configs(manifests)) or any(manifests.of(TELEMETRY, "Telemetry"))


@view
def root_namespaces(manifests: Manifests, facts: Facts) -> frozenset[str]:
    if facts.root_namespace is not None:
        return frozenset({facts.root_namespace})
    return frozenset(mesh.root_namespace for mesh in mesh_configs(manifests)) or frozenset({DEFAULT_ROOT_NAMESPACE})


def _of_operators(manifests: Manifests) -> Iterator[MeshConfig]:
    for obj in manifests.of(SAIL, "Istio", "IstioRevision"):
        yield _of_operator(obj, _OF_CHART, text(obj.at("spec", "namespace")))
    for obj in manifests.of(INSTALL, "IstioOperator"):
        namespace = text(obj.at("spec", "namespace")) or obj.namespace
        own: Path = ("spec", "meshConfig")
        # It takes the chart's own values too.
        if obj.at(*own) is not None or obj.at(*_OF_CHART) is None:
            yield _of_operator(obj, own, namespace)
        if obj.at(*_OF_CHART) is not None:
            yield _of_operator(obj, _OF_CHART, namespace)


def _of_operator(obj: Object, path: Path, namespace: str) -> MeshConfig:
    env: Path = ("spec", "values", "pilot", "env")
    profile = text(obj.at("spec", "profile")) or text(obj.at("spec", "values", "profile"))
    domain = text(obj.at("spec", "values", "global", "proxy", "clusterDomain"))
    return MeshConfig(obj, path, mapping(obj.at(*path)), namespace, mapping(obj.at(*env)), env, profile, domain)


def _of_config_maps(manifests: Manifests) -> Iterator[MeshConfig]:
    for obj in manifests.of("", "ConfigMap"):
        content = parsed(obj.at("data", "mesh"))
        if isinstance(content, Mapping):
            # That of a revision has the revision's label. One without may be read by nobody: it says nothing of the
            # providers that it does not have.
            whole = obj.name == "istio" or "istio.io/rev" in obj.labels
            if whole or "extensionProviders" in content:
                yield MeshConfig(obj, ("data", "mesh"), content, obj.namespace, whole=whole)


def _of_files(manifests: Manifests) -> Iterator[MeshConfig]:
    """A mesh configuration in a file of its own, as istiod reads it with ``--meshConfig``."""
    for obj in manifests.documents():
        if is_mesh_config(obj.raw):
            manifests.recognise(obj)
            yield MeshConfig(obj, (), mapping(obj.raw), "", whole=False)


def is_mesh_config(content: object) -> bool:
    """Whether most keys are those of a mesh configuration, and one of them is of its own."""
    keys = mapping(content).keys()
    known = [key for key in keys if key in _FIELDS or key in FIELDS_OF_MIXER]
    return len(known) * 2 > len(keys) and any(isinstance(mapping(content).get(key), Mapping | list) for key in _SIGNS)


def _of_charts(manifests: Manifests) -> Iterator[MeshConfig]:
    """The root namespace of the chart is `global.istioNamespace`, wherever the chart is installed.

    istio: manifests/charts/istio-control/istio-discovery/templates/configmap.yaml
    """
    for found in values(manifests, "istiod"):
        content = found.at("meshConfig")
        whole = _are_all_values(found)
        if isinstance(content, Mapping) or whole:
            yield MeshConfig(
                owner=found.owner,
                path=(*found.path, "meshConfig"),
                values=mapping(content),
                namespace=text(found.at("global", "istioNamespace")),
                env=mapping(found.at("pilot", "env")),
                env_path=(*found.path, "pilot", "env"),
                profile=text(found.at("profile")),
                domain=text(found.at("global", "proxy", "clusterDomain")),
                whole=whole,
            )


def _are_all_values(found: Values) -> bool:
    """Whether the chart gets no further values from files or ConfigMaps, as far as its owner says."""
    owner = found.owner
    if not owner.kind or owner.kind in {"ApplicationSet", "ConfigMap", "HelmChartConfig"}:
        return False
    if owner.kind == "Application":
        sources = (owner.at("spec", "source"), *sequence(owner.at("spec", "sources")))
        return not any(at(source, "helm", field) for source in sources for field in ("valueFiles", "parameters"))
    return not any(owner.at("spec", field) for field in ("valuesFrom", "valueYamlFiles", "valuesSecrets"))


def shared_config_elsewhere(manifests: Manifests) -> bool:
    """Whether istiod merges a ConfigMap that is not among the objects into its mesh configuration."""
    present = {obj.name for obj in manifests.of("", "ConfigMap") if obj.at("data", "mesh") is not None}
    shared = (text(mesh.env.get("SHARED_MESH_CONFIG")) for mesh in mesh_configs(manifests))
    return any(name and name not in present for name in shared)
