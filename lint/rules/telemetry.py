"""The Telemetry resource: its provider and its namespace."""

from collections.abc import Iterator, Mapping
from typing import Any

from lint.facts import Facts
from lint.findings import Fault, Severity, advice, error, warning
from lint.lifecycle import lifecycle
from lint.objects import Manifests, at, mapping, sequence, text
from lint.rule import rule
from lint.views.destinations import destinations
from lint.views.mesh import (
    BUILT_IN_GIVEN_UP,
    GIVEN_UP,
    KINDS,
    TRACING_KINDS,
    is_plain,
    knows_all,
    mesh_configs,
    provider_names,
    root_namespaces,
    same_name,
)
from lint.views.namespaces import ambient, injected, known
from lint.views.products import uses
from lint.views.telemetry import (
    for_the_mesh,
    is_for_all,
    is_switched_off,
    names_provider,
    telemetries,
    tracing,
    tracing_entries,
    used_providers,
)
from lint.views.versions import minor

# What stands beside `providers` in an entry of `spec.tracing` (istio: telemetry/v1alpha1/telemetry.proto).
_BESIDE_PROVIDERS = (
    "customTags",
    "disableContextPropagation",
    "disableSpanReporting",
    "enableIstioTags",
    "match",
    "randomSamplingPercentage",
    "useRequestIdForTraceSampling",
)


_WITHOUT_STACKDRIVER = lifecycle().first_release("Istio without the tracers of Stackdriver and OpenCensus")
# The API group of the mesh that Google runs.
_GOOGLE = "mesh.cloud.google.com"
# What Istio's documentation calls the Telemetry for the whole mesh, and the short form of it.
_FOR_THE_MESH = ("mesh", "mesh-default")
# istiod has these without any configuration (istio: pkg/config/mesh/mesh.go).
_BUILT_IN_WITHOUT_TRACING = ("envoy", "prometheus")


@rule(
    code="N1",
    title="Sampling is set inside a provider's entry",
    levels=(Severity.ERROR,),
    why=(
        "An entry of `providers` has one field, its name. The API server drops any other field without an error, so "
        "`randomSamplingPercentage` written there has no effect, and Istio samples its default of 1 % of the "
        "requests."
    ),
    remedy="Move the field one level up, beside `providers`.",
    example="""
        apiVersion: telemetry.istio.io/v1
        kind: Telemetry
        metadata: {name: mesh-default, namespace: istio-system}
        spec:
          tracing:
            - providers: [{name: otel, randomSamplingPercentage: 100}]
    """,
    source="istio/api: telemetry/v1alpha1/telemetry.proto; istio: pilot/pkg/networking/core/tracing.go",
)
def sampling_inside_provider(manifests: Manifests, _facts: Facts) -> Iterator[Fault]:
    for obj, path in tracing(manifests):
        for index, provider in enumerate(sequence(obj.at(*path, "providers"))):
            for field in _BESIDE_PROVIDERS:
                if field in mapping(provider):
                    yield error(
                        obj.where(*path, "providers", index, field),
                        "the API server drops an unknown field of a provider without an error, so "
                        + (
                            "one request in a hundred is traced"
                            if field == "randomSamplingPercentage"
                            else "it has no effect"
                        ),
                        f"move {field} one level up, beside `providers`",
                    )


@rule(
    code="N2",
    title="The mesh configuration has no provider of this name",
    levels=(Severity.ERROR,),
    why=(
        "istiod looks the name up in `meshConfig.extensionProviders`, without regard to case. If it is not there, "
        "istiod switches tracing off and reports nothing."
    ),
    remedy="Use the name of an entry of `meshConfig.extensionProviders`, or add that entry.",
    example="""
        apiVersion: sailoperator.io/v1
        kind: Istio
        metadata: {name: default}
        spec:
          version: v1.30.4
          values:
            meshConfig:
              extensionProviders:
                - name: otel-tracing
                  opentelemetry: {service: otel-collector.istio-system.svc.cluster.local, port: 4317}
        ---
        apiVersion: telemetry.istio.io/v1
        kind: Telemetry
        metadata: {name: mesh-default, namespace: istio-system}
        spec:
          tracing:
            - providers: [{name: otel}]
              randomSamplingPercentage: 100
    """,
    source="istio: pilot/pkg/model/telemetry.go, fetchProvider",
)
def provider_that_the_mesh_lacks(manifests: Manifests, _facts: Facts) -> Iterator[Fault]:
    known = provider_names(manifests)
    if known is None:
        return
    for where, name in used_providers(manifests):
        if name and same_name(name) not in known:
            yield error(
                where,
                f"the mesh configuration has no extension provider {name!r}, so istiod switches tracing off and "
                "reports nothing",
                "use the name of an entry of meshConfig.extensionProviders, or add that entry",
            )


@rule(
    code="N27",
    title="A provider cannot trace",
    levels=(Severity.ERROR, Severity.WARNING),
    why=(
        "A Telemetry or `defaultProviders` uses a provider of a kind that is for metrics, access logs or authorization"
        " only, such as `envoyOtelAls` or the built-in `envoy`. istiod writes a warning into its log, and the proxies "
        "get no tracer. It is a warning for kinds with which only older releases trace, such as `opencensus`, or the "
        "built-in `stackdriver`, with which Google's own mesh still does."
    ),
    remedy="Use a provider of the kind `opentelemetry`.",
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
                  envoyOtelAls: {service: otel-collector.istio-system.svc.cluster.local, port: 4317}
              defaultProviders: {tracing: [otel]}
    """,
    source="istio: pilot/pkg/networking/core/tracing.go; istio: pkg/config/mesh/mesh.go",
)
def provider_that_cannot_trace(manifests: Manifests, facts: Facts) -> Iterator[Fault]:
    entries: dict[str, list[Mapping[Any, Any]]] = {}
    for mesh in mesh_configs(manifests):
        for entry in sequence(mesh.values.get("extensionProviders")):
            entries.setdefault(same_name(text(at(entry, "name"))), []).append(mapping(entry))
    for where, name in used_providers(manifests):
        called_so = entries.get(same_name(name), []) if name else []
        if not called_so and name in BUILT_IN_GIVEN_UP and not _may_trace_with_it(manifests, facts):
            called_so = [{name: {}}]
        if any((TRACING_KINDS - GIVEN_UP) & entry.keys() for entry in called_so):
            continue
        kinds = sorted({str(kind) for entry in called_so for kind in entry if kind != "name"})
        # An entry of a kind that does not exist is refused, which another rule reports.
        if not KINDS.isdisjoint(kinds) or (not called_so and name in _BUILT_IN_WITHOUT_TRACING):
            what = f"of the kind {', '.join(kinds)}" if called_so else "for other signals"
            given_up = not GIVEN_UP.isdisjoint(kinds)
            yield (warning if given_up else error)(
                where,
                f"provider {name!r} is {what}, which "
                + ("today's Istio does not trace with" if given_up else "cannot trace, so the proxies get no tracer"),
                "use a provider of the kind opentelemetry",
            )


def _may_trace_with_it(manifests: Manifests, facts: Facts) -> bool:
    """Whether a release that still has the tracer is named, or an object is of Google's mesh."""
    releases = (minor(use.release) for use in uses(manifests, facts) if use.product == "istio")
    return any(release is not None and release < _WITHOUT_STACKDRIVER for release in releases) or any(
        obj.group == _GOOGLE or text(obj.labels.get("istio.io/rev")).startswith("asm-") for obj in manifests.objects
    )


@rule(
    code="N27",
    title="A Telemetry switches tracing off, because it has no provider",
    levels=(Severity.ERROR, Severity.WARNING),
    why=(
        "An entry of `spec.tracing` without `providers` takes that of the Telemetry above it, in the same namespace or"
        " in the root namespace, or else the first of `meshConfig.defaultProviders.tracing`. If none of them names "
        "one, istiod switches tracing off, even if `meshConfig.enableTracing` and `defaultConfig.tracing` are set. It "
        "is a warning if the Telemetry above may be somewhere else."
    ),
    remedy="Name a provider in the entry, or in `meshConfig.defaultProviders.tracing`.",
    example="""
        apiVersion: sailoperator.io/v1
        kind: Istio
        metadata: {name: default}
        spec: {version: v1.30.4}
        ---
        apiVersion: telemetry.istio.io/v1
        kind: Telemetry
        metadata: {name: mesh-default, namespace: istio-system}
        spec:
          tracing:
            - randomSamplingPercentage: 100
    """,
    source="istio: pilot/pkg/model/telemetry.go",
)
def telemetry_without_provider(manifests: Manifests, facts: Facts) -> Iterator[Fault]:
    if not knows_all(manifests) or any(mesh.default_provider for mesh in mesh_configs(manifests)):
        return
    above = for_the_mesh(manifests, facts)
    has_provider = any(map(names_provider, above))
    supplied = {one.namespace for one in telemetries(manifests) if names_provider(one)}
    for obj in telemetries(manifests):
        if has_provider or obj.namespace in supplied:
            continue
        if any(tracing_entries(obj)) and not is_switched_off(obj):
            yield (error if above else warning)(
                obj.where("spec", "tracing", 0, "providers"),
                "neither it nor the mesh configuration names a provider, so istiod switches tracing off",
                "name a provider here, or in meshConfig.defaultProviders.tracing",
            )


@rule(
    code="N14",
    title="A Telemetry without a selector is outside the root namespace",
    levels=(Severity.WARNING, Severity.ADVICE),
    why=(
        "Only in the mesh's root namespace does a Telemetry without a selector apply to the whole mesh; elsewhere it "
        "applies to its own namespace. Beside one in the root namespace it is an exception that somebody wants. It is "
        "reported only if it seems to be meant for the mesh: by its name, `mesh` or `mesh-default`, or because its "
        "namespace is the collector's, or one without sidecars. It is advice if its name only has `mesh` in it."
    ),
    remedy="Put it into the root namespace if it is meant for the whole mesh.",
    example="""
        apiVersion: telemetry.istio.io/v1
        kind: Telemetry
        metadata: {name: mesh-default, namespace: bookinfo}
        spec:
          tracing:
            - providers: [{name: otel}]
    """,
    source="istio: pilot/pkg/model/telemetry.go",
)
def mesh_wide_outside_root_namespace(manifests: Manifests, facts: Facts) -> Iterator[Fault]:
    roots = root_namespaces(manifests, facts)
    unselective = [obj for obj in telemetries(manifests) if any(tracing_entries(obj)) and is_for_all(obj)]
    if any(obj.namespace in roots for obj in unselective) or not all(map(is_plain, roots)):
        return
    without_workloads = {to.namespace for to in destinations(manifests, facts)} | known(manifests)
    without_workloads -= injected(manifests) | ambient(manifests)
    for obj in unselective:
        if is_plain(obj.namespace) and ("mesh" in obj.name or obj.namespace in without_workloads):
            is_meant = obj.name in _FOR_THE_MESH or obj.namespace in without_workloads
            yield (warning if is_meant else advice)(
                obj.where("metadata", "namespace"),
                f"outside the root namespace ({', '.join(sorted(roots))}) it traces the workloads of its own namespace "
                "only",
                "put it into the root namespace if it is meant for the whole mesh",
            )
