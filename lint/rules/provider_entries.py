"""Entries of the mesh's list of providers that make istiod refuse the whole mesh configuration."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from lint.facts import Facts
from lint.findings import Fault, Severity, error
from lint.objects import Manifests, Path, at, dotted, mapping, number, sequence, text
from lint.rule import rule
from lint.views.mesh import INSTALL, KINDS, OTLP, PROVIDERS, SAIL, WITH_SERVICE, is_plain, is_service, mesh_configs
from lint.views.values import values

_MAX_PORT = 65535
_ELSEWHERE: tuple[Path, ...] = (("spec",), ("spec", "values"), ("spec", "values", "global"))

_ELSEWHERE_IN_CHART: tuple[Path, ...] = ((), ("global",), ("pilot",))


@rule(
    code="N3",
    title="istiod refuses the mesh configuration for one of its providers",
    levels=(Severity.ERROR,),
    why=(
        "Each provider needs a name of its own, a kind, a host without a scheme and a port, and a port. If one entry is"
        " wrong, istiod refuses the whole mesh configuration, not just that entry, and goes on with the one before."
    ),
    remedy="Correct the entry.",
    example="""
        apiVersion: sailoperator.io/v1
        kind: Istio
        metadata: {name: default}
        spec:
          version: v1.30.4
          values:
            meshConfig:
              extensionProviders:
                - name: otel
                  opentelemetry: {service: "http://otel-collector.istio-system.svc.cluster.local", port: 4317}
    """,
    source="istio: pkg/config/validation/agent/extensionprovider.go; istio: pkg/config/mesh/mesh.go",
)
def provider_that_istiod_refuses(manifests: Manifests, _facts: Facts) -> Iterator[Fault]:
    for mesh in mesh_configs(manifests):
        names: set[str] = set()
        for index, entry in enumerate(sequence(mesh.values.get("extensionProviders"))):
            path: Path = ("extensionProviders", index)
            for field, what, remedy in _faults(mapping(entry), names):
                yield error(mesh.where(*path, *field), f"istiod refuses the whole mesh configuration: {what}", remedy)
            names.add(text(at(entry, "name")))


@rule(
    code="N3",
    title="Providers are outside the mesh configuration",
    levels=(Severity.ERROR,),
    why=(
        "istiod reads its providers from `meshConfig.extensionProviders`, which an Istio has below `spec.values`. "
        "Anywhere else, nobody reads them, and the proxies get no tracer."
    ),
    remedy="Move them to `meshConfig.extensionProviders`; in an Istio, to `spec.values.meshConfig.extensionProviders`.",
    example="""
        apiVersion: sailoperator.io/v1
        kind: Istio
        metadata: {name: default}
        spec:
          version: v1.30.4
          values:
            global:
              extensionProviders:
                - name: otel
                  opentelemetry: {service: otel-collector.istio-system.svc.cluster.local, port: 4317}
    """,
    source="istio/api: mesh/v1alpha1/config.proto; sail-operator: api/v1/values_types.gen.go",
)
def providers_outside_the_mesh_configuration(manifests: Manifests, _facts: Facts) -> Iterator[Fault]:
    for mesh in mesh_configs(manifests):
        if mesh.owner.group not in {SAIL, INSTALL}:
            continue
        elsewhere = [*_ELSEWHERE, ("spec", "meshConfig")] if mesh.owner.group == SAIL else _ELSEWHERE
        for path in elsewhere:
            if sequence(mesh.owner.at(*path, PROVIDERS)):
                yield error(
                    mesh.owner.where(*path, PROVIDERS),
                    "istiod does not read providers from here, and the proxies get no tracer",
                    f"move them to {dotted((*mesh.path, PROVIDERS))}",
                )
    for chart in values(manifests, "istiod"):
        for path in _ELSEWHERE_IN_CHART:
            if sequence(chart.at(*path, PROVIDERS)):
                yield error(
                    chart.where(*path, PROVIDERS),
                    "the chart does not read providers from here, and the proxies get no tracer",
                    f"move them to meshConfig.{PROVIDERS}",
                )


def _faults(entry: Mapping[Any, Any], names: set[str]) -> Iterator[tuple[Path, str, str]]:
    """Yield the field, what is wrong and what to do (istio: pkg/config/validation/agent/extensionprovider.go)."""
    name = text(entry.get("name"))
    if is_plain(name) and name in names:
        yield ("name",), f"two providers are called {name!r}", "give each a name of its own"
    kinds = [kind for kind in entry if kind != "name"]
    if name and not kinds:
        yield (), f"provider {name!r} has no kind", f"add a kind, such as {OTLP}"
    for kind in kinds:
        meant = _KINDS_BY_LETTERS.get(_letters(kind)) if kind not in _SPELLINGS else None
        if meant:
            yield (kind,), f"there is no kind {kind!r}", f"write {meant}"
        settings = entry[kind]
        if kind in WITH_SERVICE and isinstance(settings, Mapping):
            yield from _faults_of_service(kind, settings)


def _faults_of_service(kind: str, settings: Mapping[Any, Any]) -> Iterator[tuple[Path, str, str]]:
    service, port = settings.get("service"), settings.get("port")
    if is_plain(text(service)) and not is_service(text(service)):
        yield (kind, "service"), f"{service!r} is not the name of a host", "write the host alone, as [namespace/]host"
    if not service:
        yield (kind, "service"), "the provider has no service", "name the Service that takes the spans"
    if port is None or (number(port) is not None and not 0 < (number(port) or 0) <= _MAX_PORT):
        yield (kind, "port"), "the provider has no valid port", "write the port of the Service"
    if settings.get("http") is not None and settings.get("grpc") is not None:
        yield (kind,), "a provider speaks either gRPC or HTTP", "remove one of the two"


def _letters(kind: object) -> str:
    return re.sub("[_-]", "", text(kind)).lower()


_KINDS_BY_LETTERS = {_letters(kind): kind for kind in KINDS}
# Istio's API takes names with underscores too.
_SPELLINGS = KINDS | {re.sub("([A-Z])", lambda match: f"_{match[1].lower()}", kind) for kind in KINDS}
