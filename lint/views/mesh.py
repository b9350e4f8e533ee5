"""The mesh's configuration, wherever it is kept: in an Istio, an IstioOperator or a ConfigMap."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from lint.facts import Facts
from lint.objects import Key, Manifests, Object, Path, Place, at, mapping, number, parsed, sequence, text
from lint.views.hosts import ServiceName, service_of

SAIL = "sailoperator.io"
TELEMETRY = "telemetry.istio.io"
DEFAULT_ROOT_NAMESPACE = "istio-system"

# istiod adds these to every mesh's list (istio: pkg/config/mesh/mesh.go).
_BUILT_IN_PROVIDERS = frozenset({"prometheus", "stackdriver", "envoy"})
_DOTS_IN_FULL_NAME = 3


@dataclass(frozen=True)
class MeshConfig:
    """One mesh configuration and the object that holds it."""

    owner: Object
    path: Path
    values: Mapping[Any, Any]
    namespace: str

    @property
    def root_namespace(self) -> str:
        return text(self.values.get("rootNamespace")) or self.namespace or DEFAULT_ROOT_NAMESPACE

    def where(self, *path: Key) -> Place:
        return self.owner.where(*self.path, *path)


@dataclass(frozen=True)
class Provider:
    """A tracing provider that speaks OTLP; ``over_http`` is false for gRPC."""

    mesh: MeshConfig
    index: int
    name: str
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
        return service_of(self.host, cluster_domain=facts.cluster_domain) if self.has_full_name else None

    def at(self, field: str) -> Any:
        return at(self.mesh.values, "extensionProviders", self.index, "opentelemetry", field)

    def where(self, field: str) -> Place:
        return self.mesh.where("extensionProviders", self.index, "opentelemetry", field)


def mesh_configs(manifests: Manifests) -> list[MeshConfig]:
    return [*_of_operators(manifests), *_of_config_maps(manifests)]


def providers(manifests: Manifests) -> Iterator[Provider]:
    for mesh in mesh_configs(manifests):
        for index, entry in enumerate(sequence(mesh.values.get("extensionProviders"))):
            otlp = at(entry, "opentelemetry")
            if isinstance(otlp, Mapping):
                yield Provider(
                    mesh=mesh,
                    index=index,
                    name=text(at(entry, "name")),
                    service=text(otlp.get("service")),
                    port=number(otlp.get("port")),
                    over_http=otlp.get("http") is not None,
                )


def provider_names(manifests: Manifests) -> frozenset[str] | None:
    """Return the names a Telemetry may use, or None if a part of the mesh configuration is not among the objects."""
    meshes = mesh_configs(manifests)
    if not meshes or _shared_config_elsewhere(manifests):
        return None
    entries = (entry for mesh in meshes for entry in sequence(mesh.values.get("extensionProviders")))
    return frozenset(text(at(entry, "name")) for entry in entries) | _BUILT_IN_PROVIDERS


def root_namespaces(manifests: Manifests, facts: Facts) -> frozenset[str]:
    if facts.root_namespace is not None:
        return frozenset({facts.root_namespace})
    return frozenset(mesh.root_namespace for mesh in mesh_configs(manifests)) or frozenset({DEFAULT_ROOT_NAMESPACE})


def _of_operators(manifests: Manifests) -> Iterator[MeshConfig]:
    for obj in manifests.of(SAIL, "Istio", "IstioRevision"):
        path: Path = ("spec", "values", "meshConfig")
        yield MeshConfig(obj, path, mapping(obj.at(*path)), text(obj.at("spec", "namespace")))
    for obj in manifests.of("install.istio.io", "IstioOperator"):
        path = ("spec", "meshConfig")
        yield MeshConfig(obj, path, mapping(obj.at(*path)), text(obj.at("spec", "namespace")) or obj.namespace)


def _of_config_maps(manifests: Manifests) -> Iterator[MeshConfig]:
    for obj in manifests.of("", "ConfigMap"):
        content = parsed(obj.at("data", "mesh"))
        if isinstance(content, Mapping):
            yield MeshConfig(obj, ("data", "mesh"), content, obj.namespace)


def _shared_config_elsewhere(manifests: Manifests) -> bool:
    present = {obj.name for obj in manifests.of("", "ConfigMap") if obj.at("data", "mesh") is not None}
    shared = (
        text(obj.at("spec", "values", "pilot", "env", "SHARED_MESH_CONFIG"))
        for obj in manifests.objects
        if obj.group in {SAIL, "install.istio.io"}
    )
    return any(name and name not in present for name in shared)
