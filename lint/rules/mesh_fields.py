"""Fields of the mesh's configuration that do not exist."""

import re
from collections.abc import Iterator

from lint.crd_fields import Difference, Fields, below, differences, fields, names
from lint.facts import Facts
from lint.findings import Fault, Severity, error, warning
from lint.lifecycle import lifecycle
from lint.nearest import nearest
from lint.objects import Manifests, Path, Place, at, view
from lint.rule import rule
from lint.views.mesh import FIELDS_OF_MIXER, PROVIDERS, SAIL, MeshConfig, mesh_configs

_WITHOUT_MIXER = ".".join(map(str, lifecycle().first_release("a mesh configuration without Mixer")))
# An entry's index and its kind.
_OF_ENTRY = 3
_NUMBER = re.compile(r"[-+]?[0-9]+(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?")
_OF_PROXIES = "defaultConfig"
_OF_THE_MESH: tuple[Path, ...] = ((PROVIDERS,), ("defaultProviders",))
# Any value may be there, whatever the definition of the resource says (istio/api: mesh/v1alpha1/config.proto).
_STRUCT = ("logFormat", "labels")


@rule(
    code="N3",
    title="A provider has a field that does not exist",
    levels=(Severity.WARNING,),
    why=(
        "istiod passes over fields of a provider that it does not know, and the API server drops them from an Istio. "
        "`opentelemetry`, for instance, has no `protocol`: it speaks gRPC unless `http` is set."
    ),
    remedy="Write the field as Istio calls it, or leave it out.",
    example="""
        apiVersion: sailoperator.io/v1
        kind: Istio
        metadata: {name: default}
        spec:
          version: v1.31.0
          values:
            meshConfig:
              extensionProviders:
                - name: otel
                  opentelemetry:
                    {service: otel-collector.istio-system.svc.cluster.local, port: 4317, protocol: grpc}
    """,
    source="istio/api: mesh/v1alpha1/config.proto; istio: pkg/util/protomarshal/protomarshal.go, ApplyJSON",
)
def provider_field_that_does_not_exist(manifests: Manifests, _facts: Facts) -> Iterator[Fault]:
    for mesh, path in _unknown(manifests):
        # Another rule reports a kind that does not exist.
        if path[0] == PROVIDERS and len(path) > _OF_ENTRY:
            yield _missing(mesh.where(*path), names(below(_known(), _named(path[:-1]))))


@rule(
    code="N3",
    title="The mesh's configuration has a field that does not exist",
    levels=(Severity.ERROR, Severity.WARNING),
    why=(
        "istiod passes over fields of the mesh configuration, and of `defaultConfig.tracing` in it, that it does not "
        "know, and the API server drops them from an Istio; what they should set has no effect. Those of Mixer, such "
        "as `mixerCheckServer`, are gone since Istio 1.8. It is an error for providers below `defaultConfig`, which is "
        "for the proxies: without them there are no spans."
    ),
    remedy="Write the field as Istio calls it, at its place.",
    example="""
        apiVersion: sailoperator.io/v1
        kind: Istio
        metadata: {name: default}
        spec:
          version: v1.31.0
          values:
            meshConfig:
              accessLogFile: /dev/stdout
              tracing: {sampling: 100}
    """,
    source="istio/api: mesh/v1alpha1/config.proto and proxy.proto",
)
def mesh_field_that_does_not_exist(manifests: Manifests, _facts: Facts) -> Iterator[Fault]:
    for mesh, path in _unknown(manifests):
        if path[0] in FIELDS_OF_MIXER:
            yield warning(
                mesh.where(*path),
                f"there is no such field since Istio {_WITHOUT_MIXER}, which came without Mixer",
                "leave it out",
            )
        elif path[0] == _OF_PROXIES and path[1:] in _OF_THE_MESH:
            yield error(
                mesh.where(*path),
                f"istiod reads no providers from {_OF_PROXIES}, and the proxies get no tracer",
                f"move them up, as {path[1]} beside {_OF_PROXIES}",
            )
        elif path[0] != PROVIDERS:
            yield _missing(mesh.where(*path), names(below(_known(), _named(path[:-1]))))


@rule(
    code="N3",
    title="istiod refuses the mesh configuration for a value of another type",
    levels=(Severity.ERROR,),
    why=(
        "If one value is of another type than Istio wants, istiod refuses the whole mesh configuration and goes on "
        "with the one before, or does not start; of an Istio, the API server refuses it. In YAML, `true` and `15` are "
        "texts only in quotes: the values of `proxyMetadata` are texts."
    ),
    remedy="Put a text into quotes, and write a number, true or false without.",
    example="""
        apiVersion: sailoperator.io/v1
        kind: Istio
        metadata: {name: default}
        spec:
          version: v1.31.0
          values:
            meshConfig:
              defaultConfig: {proxyMetadata: {ISTIO_META_DNS_CAPTURE: true}}
    """,
    source="istio/api: mesh/v1alpha1/config.proto and proxy.proto; istio: pkg/util/protomarshal/protomarshal.go",
)
def value_that_the_mesh_refuses(manifests: Manifests, _facts: Facts) -> Iterator[Fault]:
    for mesh, one in _different(manifests):
        if one.wanted and not _takes(mesh, one.path):
            yield error(
                mesh.where(*one.path),
                f"istiod refuses the whole mesh configuration: this is not {one.wanted}",
                "put it into quotes" if one.wanted == "a text" else f"write {one.wanted}",
            )


def _known() -> Fields | None:
    known: Fields | None = below(fields("Istio"), ("values", "meshConfig"))
    return known


def _named(path: Path) -> Path:
    return tuple(_in_camel_case(key) if isinstance(key, str) else key for key in path)


@view
def _different(manifests: Manifests) -> tuple[tuple[MeshConfig, Difference], ...]:
    known = _known()
    return tuple(
        (mesh, one) for mesh in mesh_configs(manifests) for one in differences(mesh.values, known, named=_in_camel_case)
    )


def _unknown(manifests: Manifests) -> Iterator[tuple[MeshConfig, Path]]:
    return ((mesh, one.path) for mesh, one in _different(manifests) if not one.wanted)


def _takes(mesh: MeshConfig, path: Path) -> bool:
    """Whether the value is right, though of another type: JSON of a protobuf has numbers in quotes, and words as
    numbers."""
    wanted, value = below(_known(), _named(path)), at(mesh.values, *path)
    if _named(path)[-3:-1] == _STRUCT or wanted is None:
        return True
    if mesh.owner.group == SAIL:
        return False
    if wanted.get("=") in ("integer", "number"):
        return isinstance(value, str) and _NUMBER.fullmatch(value) is not None
    return isinstance(wanted.get("="), list) and isinstance(value, int) and not isinstance(value, bool)


def _missing(place: Place, known: list[str]) -> Fault:
    near = nearest(str(place.path[-1]), known)
    return warning(
        place,
        "there is no such field, and what it should set has no effect",
        f"write {near}" if near else "leave it out",
    )


def _in_camel_case(field: str) -> str:
    """The name by which Istio's API knows a field that is written with underscores."""
    return re.sub("_([a-z0-9])", lambda match: match[1].upper(), field) if "_" in field else field
