"""Fields of resources that do not exist, and values that they cannot have."""

from collections.abc import Iterator

from lint.crd_fields import below, names
from lint.facts import Facts
from lint.findings import Fault, Severity, error, warning
from lint.nearest import nearest
from lint.objects import Manifests, Path, dotted
from lint.rule import rule
from lint.views.kiali import TRACING
from lint.views.mesh import PROVIDERS
from lint.views.resource_fields import Different, different

# The values and fields of which other rules are; and the fields alone.
_CONFIGURATIONS: tuple[tuple[str, Path], ...] = (
    ("Istio", ("spec", "values", "meshConfig")),
    ("OpenTelemetryCollector", ("spec", "config")),
)
_ELSEWHERE: tuple[tuple[str, Path], ...] = (*_CONFIGURATIONS, ("Kiali", ("spec", *TRACING)), ("Telemetry", ("spec",)))


@rule(
    code="N30",
    title="A resource has a field that its kind does not have",
    levels=(Severity.WARNING,),
    why=(
        "The API server drops a field that no release of a resource's kind knows, and kubectl mentions it in a warning "
        "at most; what it should set has no effect. It is checked of the resources that tracing depends on: the "
        "Telemetry, the egress of a Sidecar, and those of the operators of Istio, Kiali, Tempo and collectors."
    ),
    remedy="Write the field as the kind has it, at its place: `kubectl explain` shows them.",
    example="""
        apiVersion: tempo.grafana.com/v1alpha1
        kind: TempoStack
        metadata: {name: tempo, namespace: tracing-system}
        spec:
          storage: {secret: {type: s3, name: tempo-s3}}
          limits: {global: {ingestion: {rate: 10000}}}
    """,
    source=(
        "the CustomResourceDefinitions of Istio 1.16 to 1.31, of the Sail operator 0.1 to 1.31, of Maistra 2.0 to 2.5, "
        "of Kiali 1.50 to 2.29, of tempo-operator 0.19 to 0.22 and of opentelemetry-operator 0.144 to 0.158"
    ),
)
def field_that_the_kind_does_not_have(manifests: Manifests, _facts: Facts) -> Iterator[Fault]:
    for one in different(manifests):
        if not one.difference.wanted and not _is_elsewhere(one):
            yield warning(
                one.owner.where(*one.difference.path),
                f"a {one.owner.kind} has no such field, and the API server drops it without an error",
                _remedy(one),
            )


@rule(
    code="N30",
    title="A resource is refused for a value of another type",
    levels=(Severity.ERROR,),
    why=(
        "The API server refuses the whole resource if one of its values is a number where its kind has a text, a text "
        "where it has a boolean, or a word that is none of those that may be there. In YAML, `true` and `15` are texts "
        "only in quotes."
    ),
    remedy="Write a value of the type that the kind has: `kubectl explain` shows it.",
    example="""
        apiVersion: sailoperator.io/v1
        kind: Istio
        metadata: {name: default}
        spec:
          version: v1.31.0
          values: {pilot: {env: {PILOT_ENABLE_STATUS: true}}}
    """,
    source="the same definitions",
)
def value_that_the_kind_refuses(manifests: Manifests, _facts: Facts) -> Iterator[Fault]:
    for one in different(manifests):
        if one.difference.wanted and not _is_of_configuration(one):
            yield error(
                one.owner.where(*one.difference.path),
                f"the API server refuses the {one.owner.kind}: this is not {one.difference.wanted}",
                "put it into quotes" if one.difference.wanted == "a text" else f"write {one.difference.wanted}",
            )


def _is_of_configuration(one: Different) -> bool:
    return any(one.owner.kind == kind and one.difference.path[: len(place)] == place for kind, place in _CONFIGURATIONS)


def _is_elsewhere(one: Different) -> bool:
    path = one.difference.path
    if path[-1] == PROVIDERS or one.owner.at(*path, PROVIDERS) is not None:
        return True
    return any(one.owner.kind == kind and path[: len(place)] == place for kind, place in _ELSEWHERE)


def _remedy(one: Different) -> str:
    if one.difference.path[0] != "spec":
        top = one.difference.path[0]
        return f"move it below spec, as spec.{top}" if top in names(one.known) else "move it below spec"
    *around, field = one.difference.path[1:]
    near = nearest(str(field), names(below(one.known, tuple(around))))
    if near:
        return f"write {near}"
    place = dotted(tuple(key for key in ("spec", *around) if isinstance(key, str)))
    return f"take one that it has: kubectl explain {one.owner.kind.lower()}.{place}"
