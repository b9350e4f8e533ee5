"""Fields of a Telemetry that do not exist."""

from collections.abc import Callable, Iterator, Mapping

from lint.facts import Facts
from lint.findings import Fault, Severity, error, warning
from lint.nearest import nearest
from lint.objects import Manifests, Object, Path, Place, mapping, sequence
from lint.rule import rule
from lint.views.mesh import is_plain
from lint.views.telemetry import metric_overrides, metric_tags, telemetries, tracing_entries

_SPEC = ("selector", "targetRef", "targetRefs", "tracing", "metrics", "accessLogging")
_TRACING = (
    "match",
    "providers",
    "randomSamplingPercentage",
    "disableSpanReporting",
    "customTags",
    "useRequestIdForTraceSampling",
    "enableIstioTags",
    "disableContextPropagation",
)
_ENTRIES: Mapping[str, tuple[str, ...]] = {
    "metrics": ("providers", "overrides", "reportingInterval"),
    "accessLogging": ("match", "providers", "disabled", "filter"),
}
_OVERRIDE = ("match", "disabled", "tagOverrides")
_TAG_OVERRIDE = ("operation", "value")
_TAG = ("literal", "environment", "header", "formatter")


@rule(
    code="N27",
    title="A Telemetry has a field that does not exist",
    levels=(Severity.ERROR, Severity.WARNING),
    why=(
        "The API server drops a field that it does not know, and kubectl mentions it in a warning at most; what it "
        "should set has no effect. It is a warning where the field is not about tracing."
    ),
    remedy="Write the field as Istio calls it, at its place.",
    example="""
        apiVersion: telemetry.istio.io/v1
        kind: Telemetry
        metadata: {name: mesh-default, namespace: istio-system}
        spec:
          tracing:
            - providers: [{name: otel}]
              samplingPercentage: 100
    """,
    source="istio/api: telemetry/v1alpha1/telemetry.proto; istio: manifests/charts/base/files/crd-all.gen.yaml",
)
def telemetry_field_that_does_not_exist(manifests: Manifests, _facts: Facts) -> Iterator[Fault]:
    for telemetry in telemetries(manifests):
        yield from _unknown(telemetry, ("spec",), _SPEC)
        for path in tracing_entries(telemetry):
            yield from _unknown(telemetry, path, _TRACING)
            yield from _unknown(telemetry, (*path, "match"), ("mode",))
            for tag in mapping(telemetry.at(*path, "customTags")):
                if isinstance(tag, str):
                    yield from _unknown(telemetry, (*path, "customTags", tag), _TAG)
            for index, _ in enumerate(sequence(telemetry.at(*path, "providers"))):
                # Another rule reports those of the entry.
                yield from _unknown(telemetry, (*path, "providers", index), ("name", *_TRACING))
        for section, known in _ENTRIES.items():
            for index, _ in enumerate(sequence(telemetry.at("spec", section))):
                yield from _unknown(telemetry, ("spec", section, index), known, warning)
        for path in metric_overrides(telemetry):
            yield from _unknown(telemetry, path, _OVERRIDE, warning)
            yield from _unknown(telemetry, (*path, "match"), ("metric", "customMetric", "mode"), warning)
            for tag in mapping(telemetry.at(*path, "tagOverrides")):
                if isinstance(tag, str):
                    yield from _unknown(telemetry, (*path, "tagOverrides", tag), _TAG_OVERRIDE, warning)


@rule(
    code="N27",
    title="A Telemetry is refused for the value of a tag",
    levels=(Severity.ERROR,),
    why=(
        "A tag of a metric has a `value` with the operation `UPSERT`, and none with `REMOVE`. Otherwise the API server "
        "refuses the whole Telemetry, with its tracing."
    ),
    remedy="Add the value, or take it out.",
    example="""
        apiVersion: telemetry.istio.io/v1
        kind: Telemetry
        metadata: {name: mesh-default, namespace: istio-system}
        spec:
          metrics:
            - providers: [{name: prometheus}]
              overrides: [{tagOverrides: {request_host: {operation: UPSERT}}}]
    """,
    source="istio/api: telemetry/v1alpha1/telemetry.proto, the validation of TagOverride",
)
def tag_that_is_refused(manifests: Manifests, _facts: Facts) -> Iterator[Fault]:
    for telemetry, path in metric_tags(manifests):
        operation, value = telemetry.at(*path, "operation"), telemetry.at(*path, "value")
        if operation == "UPSERT" and not value:
            yield error(
                telemetry.where(*path),
                "the API server refuses the Telemetry: with UPSERT a tag has a value",
                "add the value, an expression such as request.host",
            )
        elif operation == "REMOVE" and value is not None:
            yield error(
                telemetry.where(*path, "value"),
                "the API server refuses the Telemetry: with REMOVE a tag has no value",
                "take it out",
            )


def _unknown(
    telemetry: Object, path: Path, known: tuple[str, ...], severity: Callable[[Place, str, str], Fault] = error
) -> Iterator[Fault]:
    for field in mapping(telemetry.at(*path)):
        if isinstance(field, str) and is_plain(field) and field not in known:
            yield severity(
                telemetry.where(*path, field),
                "there is no such field, and the API server drops it without an error",
                _remedy(field, known),
            )


def _remedy(field: str, known: tuple[str, ...]) -> str:
    if field in _TRACING:
        return "move it into an entry of tracing"
    by_letters = {name.lower(): name for name in known}
    near = nearest(field.replace("_", "").replace("-", "").lower(), by_letters)
    return f"write {by_letters[near]}" if near else f"use one of {', '.join(known)}"
