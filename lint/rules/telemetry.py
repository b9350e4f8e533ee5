"""The Telemetry resource: its fields, its provider and its namespace."""

from collections.abc import Iterator

from lint.facts import Facts
from lint.findings import Fault, Severity, error, warning
from lint.objects import Manifests, Object, Path, Place, at, mapping, sequence, text
from lint.rule import rule
from lint.views.mesh import TELEMETRY, is_plain, mesh_configs, provider_names, root_namespaces, same_name

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
)
def sampling_inside_provider(manifests: Manifests, _facts: Facts) -> Iterator[Fault]:
    for obj, path in _tracing(manifests):
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
    """,
)
def provider_that_the_mesh_lacks(manifests: Manifests, _facts: Facts) -> Iterator[Fault]:
    known = provider_names(manifests)
    if known is None:
        return
    for where, name in _used_providers(manifests):
        if name and same_name(name) not in known:
            yield error(
                where,
                f"the mesh configuration has no extension provider {name!r}, so istiod switches tracing off and "
                "reports nothing",
                "use the name of an entry of meshConfig.extensionProviders, or add that entry",
            )


@rule(
    code="N14",
    title="A Telemetry without a selector is outside the root namespace",
    levels=(Severity.WARNING,),
    why=(
        "Only in the mesh's root namespace does a Telemetry without a selector apply to the whole mesh; elsewhere it "
        "applies to its own namespace. Beside one in the root namespace it is an exception that somebody wants, so "
        "nothing is reported then; nor where the root namespace is not known, unless its name says that it is meant "
        "for the mesh."
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
)
def mesh_wide_outside_root_namespace(manifests: Manifests, facts: Facts) -> Iterator[Fault]:
    roots = root_namespaces(manifests, facts)
    unselective = [
        obj
        for obj in manifests.of(TELEMETRY, "Telemetry")
        if sequence(obj.at("spec", "tracing"))
        and not any(obj.at("spec", field) for field in ("selector", "targetRef", "targetRefs"))
    ]
    if any(obj.namespace in roots for obj in unselective):
        return
    root_is_known = facts.root_namespace is not None or bool(mesh_configs(manifests))
    for obj in unselective:
        if is_plain(obj.namespace) and (root_is_known or "mesh" in obj.name):
            yield warning(
                obj.where("metadata", "namespace"),
                f"outside the root namespace ({', '.join(sorted(roots))}) it traces the workloads of its own namespace "
                "only",
                "put it into the root namespace if it is meant for the whole mesh",
            )


def _tracing(manifests: Manifests) -> Iterator[tuple[Object, Path]]:
    for obj in manifests.of(TELEMETRY, "Telemetry"):
        for index, _ in enumerate(sequence(obj.at("spec", "tracing"))):
            yield obj, ("spec", "tracing", index)


def _used_providers(manifests: Manifests) -> Iterator[tuple[Place, str]]:
    for obj, path in _tracing(manifests):
        # istiod looks at the first one only.
        first: Path = (*path, "providers", 0, "name")
        yield obj.where(*first), text(obj.at(*first))
    for mesh in mesh_configs(manifests):
        default: Path = ("defaultProviders", "tracing", 0)
        yield mesh.where(*default), text(at(mesh.values, *default))
