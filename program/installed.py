"""What the settings leave open of an Istio that somebody else has installed, as it was seen."""

from collections.abc import Mapping
from typing import Any

from cluster.paths import path_of
from cluster.recorded import Recorded
from model import SPARE_PROVIDER, TRACING_PROVIDER, Mesh
from objects.addresses import OTLP_GRPC_PORT, collector_host
from objects.context import Context
from objects.existing_istio import existing_istiod, existing_mesh_config, revision_tag


def as_seen(mesh: Mesh, answers: Mapping[str, Any], context: Context, before: Recorded) -> Mesh:
    """``mesh`` with who has installed it, the revision that a tag leads to, and the name that our provider gets."""
    mesh = _with(
        mesh, revision=mesh.existing.revision or (answers.get(path_of(revision_tag(mesh))) or {}).get("revision")
    )
    istiod = answers.get(path_of(existing_istiod(mesh)))
    if mesh.existing.revision is None and istiod is not None:
        mesh = _with(mesh, revision=mesh.revision)
    if mesh.existing.installed_by is None:
        mesh = _with(mesh, installed_by="helm" if (istiod or {}).get("by_sail") is False else "sail")
    if mesh.existing.provider is None:
        mesh = _with(mesh, provider=_free_name(mesh, answers, context, before))
    return mesh


def foreign_providers(mesh: Mesh, answers: Mapping[str, Any], context: Context) -> dict[str, str]:
    """Where the owner's providers lead to that have a name of ours, in lower case; but for those that lead to us."""
    found = answers.get(path_of(existing_mesh_config(mesh))) or {}
    ours = collector_address(mesh, context)
    # The host may have its namespace before it.
    return {name: to for name, to in (found.get("providers") or {}).items() if to.rpartition("/")[2] != ours}


def leads_to_us(mesh: Mesh, answers: Mapping[str, Any], context: Context) -> bool:
    """Whether the owner has added our provider to the first mesh configuration."""
    found = answers.get(path_of(existing_mesh_config(mesh))) or {}
    return mesh.provider in (found.get("providers") or {}).keys() - foreign_providers(mesh, answers, context).keys()


def collector_address(mesh: Mesh, context: Context) -> str:
    """Host and port of the collector, as a provider has them."""
    return f"{collector_host(mesh.namespace, context)}:{OTLP_GRPC_PORT}"


def _free_name(mesh: Mesh, answers: Mapping[str, Any], context: Context, before: Recorded) -> str:
    """The name that the stack uses already, unless its owner has taken it; another one restarts the workloads."""
    taken = foreign_providers(mesh, answers, context)
    tracing = (before.outputs.get("deployment") or {}).get("tracing") or {}
    first = SPARE_PROVIDER if tracing.get("provider") == SPARE_PROVIDER else TRACING_PROVIDER
    second = TRACING_PROVIDER if first == SPARE_PROVIDER else SPARE_PROVIDER
    return second if first in taken and second not in taken else first


def _with(mesh: Mesh, **changes: Any) -> Mesh:
    return mesh.model_copy(update={"existing": mesh.existing.model_copy(update=changes)})
