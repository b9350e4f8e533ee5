"""The Telemetry resource: what it switches on, with which provider, for which namespaces."""

from collections.abc import Iterator

from lint._mesh import TELEMETRY, mesh_configs, provider_names, root_namespaces
from lint._objects import Cluster, Object, Path, at, mapping, sequence, text
from lint.facts import Facts
from lint.findings import Fault, error, warning

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


def sampling_inside_provider(cluster: Cluster, _facts: Facts) -> Iterator[Fault]:
    """N1: a provider's entry has no field but its name."""
    for obj, path in _tracing(cluster):
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


def provider_that_the_mesh_lacks(cluster: Cluster, _facts: Facts) -> Iterator[Fault]:
    """N2: istiod answers an unknown provider by tracing nothing."""
    known = provider_names(cluster)
    if known is None:
        return
    for where, name in _used_providers(cluster):
        if name and name not in known:
            yield error(
                where,
                f"the mesh configuration has no extension provider {name!r}, so istiod switches tracing off and "
                "reports nothing",
                "use the name of an entry of meshConfig.extensionProviders, or add that entry",
            )


def mesh_wide_outside_root_namespace(cluster: Cluster, facts: Facts) -> Iterator[Fault]:
    """N14: beside one in the root namespace, a further one is an exception for its own namespace, and meant so."""
    roots = root_namespaces(cluster, facts)
    unselective = [
        obj
        for obj in cluster.of(TELEMETRY, "Telemetry")
        if sequence(obj.at("spec", "tracing"))
        and not any(obj.at("spec", field) for field in ("selector", "targetRef", "targetRefs"))
    ]
    if any(obj.namespace in roots for obj in unselective):
        return
    for obj in unselective:
        if obj.namespace:
            yield warning(
                obj.where("metadata", "namespace"),
                f"outside the root namespace ({', '.join(sorted(roots))}) it traces the workloads of its own namespace "
                "only",
                "put it into the root namespace if it is meant for the whole mesh",
            )


def _tracing(cluster: Cluster) -> Iterator[tuple[Object, Path]]:
    for obj in cluster.of(TELEMETRY, "Telemetry"):
        for index, _ in enumerate(sequence(obj.at("spec", "tracing"))):
            yield obj, ("spec", "tracing", index)


def _used_providers(cluster: Cluster) -> Iterator[tuple[str, str]]:
    for obj, path in _tracing(cluster):
        # istiod looks at the first one only.
        first: Path = (*path, "providers", 0, "name")
        yield obj.where(*first), text(obj.at(*first))
    for mesh in mesh_configs(cluster):
        default: Path = ("defaultProviders", "tracing", 0)
        yield mesh.where(*default), text(at(mesh.values, *default))
