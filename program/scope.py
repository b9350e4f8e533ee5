"""Whose requests are traced in a mesh in which others trace already."""

from collections.abc import Iterator, Mapping
from typing import Any

from cluster.paths import path_of
from cluster.recorded import Recorded
from model import Mesh, TracingScope
from objects.existing_istio import existing_mesh_config
from objects.mesh_config import active_revision
from objects.telemetry import mesh_telemetry_name

# The API path of every Telemetry.
EVERYWHERE = "/apis/telemetry.istio.io/v1/telemetries"


def of_root_namespace(mesh: Mesh) -> str:
    """The API path of the Telemetries in the mesh's root namespace, which is all that may be readable."""
    return f"/apis/telemetry.istio.io/v1/namespaces/{mesh.namespace}/telemetries"


def own_telemetries(before: Recorded) -> set[tuple[str, str]]:
    """Namespace and name of each that the stack has made.

    One that somebody has deleted and made again, as a restored backup does, has another UID.
    """
    made = (one["metadata"] for one in before.objects() if one["kind"] == "Telemetry")
    return {(one["namespace"], one["name"]) for one in made}


def telemetries(mesh: Mesh, answers: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Those that the mesh's istiod reads, as far as they were seen; of another revision it reads none."""
    found = answers.get(EVERYWHERE)
    if found is None:
        found = [{**one, "namespace": mesh.namespace} for one in answers.get(of_root_namespace(mesh)) or []]
    return [one for one in found if one["revision"] in {None, active_revision(mesh)}]


def scope(wanted: TracingScope | None, mesh: Mesh, answers: Mapping[str, Any], before: Recorded) -> TracingScope:
    """What the settings say, or else what the stack has done so far, or else what leaves others their tracing."""
    if wanted is not None or mesh.installer != "existing":
        return wanted or "mesh"
    own = own_telemetries(before)
    if (mesh.namespace, mesh_telemetry_name(mesh)) in own:
        return "mesh"
    if any(namespace != mesh.namespace for namespace, _ in own):
        return "namespaces"
    return "namespaces" if any(traced_by_others(mesh, answers, before)) else "mesh"


def traced_by_others(mesh: Mesh, answers: Mapping[str, Any], before: Recorded) -> Iterator[str]:
    """Each thing by which the owner of an existing mesh, or somebody in it, traces or says how."""
    config = existing_mesh_config(mesh)
    found, named = answers.get(path_of(config)) or {}, f"ConfigMap {mesh.namespace}/{config['metadata']['name']}"
    providers = [name for name in found.get("default_providers", []) if name.lower() != mesh.provider]
    if providers:
        yield f"{named} has defaultProviders.tracing {', '.join(providers)}"
    if found.get("backends"):
        yield f"{named} has defaultConfig.tracing.{', '.join(found['backends'])}"
    own = own_telemetries(before)
    for one in telemetries(mesh, answers):
        # istiod takes one for the whole mesh: what that says of logs alone would hide ours, or ours would hide it.
        for_the_mesh = one["namespace"] == mesh.namespace and not one["selects"]
        if (one["traces"] or for_the_mesh) and (one["namespace"], one["name"]) not in own:
            yield f"Telemetry {one['namespace']}/{one['name']}"
