"""Entries of a Telemetry that istiod takes otherwise than they are written."""

from collections.abc import Iterator, Mapping
from typing import Any

from lint.facts import Facts
from lint.findings import Fault, Severity, error, warning
from lint.objects import Manifests, Object, Path, at, mapping, sequence, text
from lint.rule import rule
from lint.views.mesh import KINDS, mesh_configs, same_name
from lint.views.telemetry import telemetries, tracing

# By the list of a Telemetry: the kinds of provider that istiod can use for it, and the one to take
# (istio: pilot/pkg/model/telemetry_logging.go, telemetryAccessLog; pilot/pkg/model/telemetry.go, metricsConfig).
_FOR: Mapping[str, tuple[frozenset[str], str]] = {
    "accessLogging": (
        frozenset({"envoyFileAccessLog", "envoyHttpAls", "envoyOtelAls", "envoyTcpAls"}),
        "envoyOtelAls, or envoyFileAccessLog",
    ),
    "metrics": (frozenset({"prometheus"}), "prometheus"),
}
_GIVEN_UP = "stackdriver"
# By the kind of a tag: the field that istiod does not take it without.
_NEEDED = {"literal": "value", "header": "name", "environment": "name"}


@rule(
    code="N27",
    title="A Telemetry has several entries for tracing",
    levels=(Severity.WARNING,),
    why=(
        "istiod does not support more than one entry of `tracing` in a Telemetry, and warns of it: what applies to "
        "spans belongs into one entry."
    ),
    remedy="Write provider, sampling and tags into one entry.",
    example="""
        apiVersion: telemetry.istio.io/v1
        kind: Telemetry
        metadata: {name: mesh-default, namespace: istio-system}
        spec:
          tracing:
            - providers: [{name: otel}]
              randomSamplingPercentage: 10
            - customTags: {zone: {literal: {value: north}}}
    """,
    source="istio: pkg/config/validation/validation.go, validateTelemetryTracing",
)
def several_entries_for_tracing(manifests: Manifests, _facts: Facts) -> Iterator[Fault]:
    for telemetry in telemetries(manifests):
        entries = sequence(telemetry.at("spec", "tracing"))
        # For one of the two directions, an entry is meant to say something else than the other one.
        if len(entries) > 1 and not any(at(entry, "match") for entry in entries):
            yield warning(
                telemetry.where("spec", "tracing"),
                "istiod does not support several entries, and warns of them",
                "write provider, sampling and tags into one entry",
            )


@rule(
    code="N27",
    title="A provider cannot take access logs or metrics",
    levels=(Severity.WARNING,),
    why=(
        "A Telemetry names a provider of a kind that istiod does not use for this: `opentelemetry` is for spans, "
        "`envoyOtelAls` for access logs, and metrics are for `prometheus`. istiod passes it over, and nothing arrives."
    ),
    remedy="Name a provider of a kind that is for it.",
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
                  opentelemetry: {service: otel-collector.istio-system.svc.cluster.local, port: 4317}
        ---
        apiVersion: telemetry.istio.io/v1
        kind: Telemetry
        metadata: {name: mesh-default, namespace: istio-system}
        spec:
          tracing: [{providers: [{name: otel}], randomSamplingPercentage: 10}]
          accessLogging: [{providers: [{name: otel}]}]
    """,
    source="istio: pilot/pkg/model/telemetry_logging.go, and pilot/pkg/model/telemetry.go",
)
def provider_for_another_signal(manifests: Manifests, _facts: Facts) -> Iterator[Fault]:
    kinds = _kinds_of_providers(manifests)
    for telemetry in telemetries(manifests):
        for field, (able, instead) in _FOR.items():
            for path, name in _named(telemetry, field):
                found = kinds.get(same_name(name), frozenset())
                if found and not found & able and _GIVEN_UP not in found:
                    yield warning(
                        telemetry.where(*path),
                        f"provider {name!r} is of the kind {', '.join(sorted(found))}, which istiod passes over here",
                        f"name a provider of the kind {instead}",
                    )


@rule(
    code="N27",
    title="A tag of spans has no value",
    levels=(Severity.ERROR,),
    why=(
        "istiod refuses a Telemetry with a tag whose literal is empty, or that names no header and no variable: all of "
        "the Telemetry is then missing."
    ),
    remedy="Give the literal a value, and the header or the variable a name; or leave the tag out.",
    example="""
        apiVersion: telemetry.istio.io/v1
        kind: Telemetry
        metadata: {name: mesh-default, namespace: istio-system}
        spec:
          tracing:
            - providers: [{name: otel}]
              randomSamplingPercentage: 10
              customTags: {zone: {literal: {value: ""}}}
    """,
    source="istio: pkg/config/validation/validation.go, validateTelemetryTracing",
)
def tag_without_value(manifests: Manifests, _facts: Facts) -> Iterator[Fault]:
    for telemetry, path in tracing(manifests):
        for tag, content in mapping(telemetry.at(*path, "customTags")).items():
            for kind, field in _NEEDED.items():
                of_kind = at(content, kind)
                if isinstance(tag, str) and isinstance(of_kind, Mapping) and of_kind.get(field) in (None, ""):
                    yield error(
                        telemetry.where(*path, "customTags", tag, kind, field),
                        "istiod refuses the Telemetry for a tag without it",
                        "write it, or leave the tag out",
                    )


def _kinds_of_providers(manifests: Manifests) -> Mapping[str, frozenset[str]]:
    """By the name of each provider of the mesh, its kinds: more than one if several are called so."""
    found: dict[str, set[str]] = {}
    for mesh in mesh_configs(manifests):
        for entry in sequence(mesh.values.get("extensionProviders")):
            kinds: Mapping[Any, Any] = mapping(entry)
            found.setdefault(same_name(text(kinds.get("name"))), set()).update(KINDS & kinds.keys())
    return {name: frozenset(kinds) for name, kinds in found.items()}


def _named(telemetry: Object, field: str) -> Iterator[tuple[Path, str]]:
    """Yield the place and the name of each provider in a list of the Telemetry."""
    for index, entry in enumerate(sequence(telemetry.at("spec", field))):
        for number, provider in enumerate(sequence(at(entry, "providers"))):
            if text(at(provider, "name")):
                yield ("spec", field, index, "providers", number, "name"), text(at(provider, "name"))
