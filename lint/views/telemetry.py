"""The Telemetry resources: their entries for tracing, what they apply to, and the providers that they name."""

from collections.abc import Iterator

from lint.facts import Facts
from lint.objects import Manifests, Object, Path, Place, mapping, sequence, text
from lint.views.mesh import TELEMETRY, mesh_configs, root_namespaces


def telemetries(manifests: Manifests) -> Iterator[Object]:
    return manifests.of(TELEMETRY, "Telemetry")


def tracing_entries(telemetry: Object) -> Iterator[Path]:
    for index, _ in enumerate(sequence(telemetry.at("spec", "tracing"))):
        yield ("spec", "tracing", index)


def tracing(manifests: Manifests) -> Iterator[tuple[Object, Path]]:
    """Yield each Telemetry with the path to each of its entries for tracing."""
    for telemetry in telemetries(manifests):
        for path in tracing_entries(telemetry):
            yield telemetry, path


def is_for_all(telemetry: Object) -> bool:
    """Whether it applies to a whole namespace, or in the root namespace to the mesh.

    To istiod a selector without labels is none (istio: pilot/pkg/model/telemetry.go).
    """
    return not mapping(telemetry.at("spec", "selector", "matchLabels")) and not any(
        telemetry.at("spec", field) for field in ("targetRef", "targetRefs")
    )


def for_the_mesh(manifests: Manifests, facts: Facts) -> list[Object]:
    """Return each Telemetry that applies to the whole mesh."""
    roots = root_namespaces(manifests, facts)
    return [one for one in telemetries(manifests) if one.namespace in roots and is_for_all(one)]


def names_provider(telemetry: Object) -> bool:
    return any(sequence(telemetry.at(*path, "providers")) for path in tracing_entries(telemetry))


def is_switched_off(telemetry: Object) -> bool:
    """Whether every entry says that no spans are wanted."""
    entries = [*tracing_entries(telemetry)]
    return bool(entries) and all(telemetry.at(*path, "disableSpanReporting") is True for path in entries)


def used_providers(manifests: Manifests) -> Iterator[tuple[Place, str]]:
    """Yield each place that names a tracing provider, and the name; istiod looks at the first one of a list only."""
    for obj, path in tracing(manifests):
        first: Path = (*path, "providers", 0, "name")
        yield obj.where(*first), text(obj.at(*first))
    for mesh in mesh_configs(manifests):
        yield mesh.where("defaultProviders", "tracing", 0), mesh.default_provider


def metric_tags(manifests: Manifests) -> Iterator[tuple[Object, Path]]:
    """Yield each Telemetry with the path to each tag of a metric that it overrides."""
    for telemetry in telemetries(manifests):
        for path in metric_overrides(telemetry):
            for tag in mapping(telemetry.at(*path, "tagOverrides")):
                if isinstance(tag, str):
                    yield telemetry, (*path, "tagOverrides", tag)


def metric_overrides(telemetry: Object) -> Iterator[Path]:
    for index, entry in enumerate(sequence(telemetry.at("spec", "metrics"))):
        for place, _ in enumerate(sequence(mapping(entry).get("overrides"))):
            yield ("spec", "metrics", index, "overrides", place)
