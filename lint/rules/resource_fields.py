"""Fields of resources of operators that do not exist."""

import difflib
from collections.abc import Iterator

from lint.crd_fields import KINDS, fields
from lint.facts import Facts
from lint.findings import Fault, Severity, warning
from lint.objects import Manifests, Object, dotted, text
from lint.rule import rule
from lint.tempo_keys import Keys, below, unknown


@rule(
    code="N30",
    title="A resource has a field that its kind does not have",
    levels=(Severity.WARNING,),
    why=(
        "The API server drops a field of a TempoStack, a TempoMonolithic or an OpenTelemetryCollector that no release "
        "of its operator knows, and kubectl mentions it in a warning at most; what it should set has no effect."
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
    source="the CustomResourceDefinitions of tempo-operator 0.19 to 0.22 and of opentelemetry-operator 0.144 to 0.158",
)
def field_that_the_kind_does_not_have(manifests: Manifests, _facts: Facts) -> Iterator[Fault]:
    for kind, group in KINDS.items():
        for obj in manifests.of(group, kind):
            known = fields(kind, text(obj.at("apiVersion")).rpartition("/")[2])
            for path in unknown(obj.at("spec"), known):
                yield warning(
                    obj.where("spec", *path),
                    f"a {kind} has no such field, and the API server drops it without an error",
                    _remedy(obj, known, path),
                )


def _remedy(obj: Object, known: Keys | None, path: tuple[str | int, ...]) -> str:
    near = difflib.get_close_matches(str(path[-1]), below(known, path[:-1]) or (), 1)
    if near:
        return f"write {near[0]}"
    around = dotted(tuple(key for key in ("spec", *path[:-1]) if isinstance(key, str)))
    return f"take one that it has: kubectl explain {obj.kind.lower()}.{around}"
