"""Telemetries of others that would make istiod ignore the stack's own."""

from collections.abc import Iterator
from typing import Any

from cluster.recorded import Recorded
from program.plan import Plan
from program.scope import EVERYWHERE, of_root_namespace, own_telemetries, telemetries, traced_by_others


def to_look_at(plan: Plan) -> Iterator[str]:
    """The API paths of the Telemetries that may be in the way, or that ours may be in the way of."""
    settings = plan.settings
    yield of_root_namespace(settings.mesh)
    if settings.mesh.installer == "existing" or settings.tracing.scope == "namespaces":
        yield EVERYWHERE


def shadowing(plan: Plan, before: Recorded) -> Iterator[str]:
    """One line for each Telemetry of others that wins over ours.

    Of those for the whole mesh, and of those for a whole namespace, istiod uses the oldest alone (istio,
    pilot/pkg/model/telemetry.go).
    """
    mesh, own = plan.mesh, own_telemetries(before)
    for_all = plan.scope == "mesh"
    for namespace in [mesh.namespace] if for_all else plan.settings.mesh_namespaces:
        unselective = [
            one for one in telemetries(mesh, plan.seen.answers) if one["namespace"] == namespace and not one["selects"]
        ]
        ours = next((_age(one) for one in unselective if (namespace, one["name"]) in own), None)
        for one in unselective:
            if (namespace, one["name"]) not in own and (ours is None or _age(one) < ours):
                yield (
                    f"Telemetry {namespace}/{one['name']} is for the whole {'mesh' if for_all else 'namespace'} and "
                    f"older than ours, so istiod would ignore ours: {'set tracing.scope to namespaces, ' * for_all}"
                    f"give it a selector, or move what it says and "
                    f"`kubectl delete telemetry {one['name']} -n {namespace}`"
                )


def kept(plan: Plan, before: Recorded) -> Iterator[str]:
    """In one line, what of the tracing of others stays in an existing mesh, and what does not."""
    if plan.mesh.installer != "existing":
        return
    theirs = "; ".join(traced_by_others(plan.mesh, plan.seen.answers, before))
    if theirs and plan.scope == "mesh":
        yield (
            "tracing.scope is mesh: every namespace without a Telemetry of its own is traced here, although others "
            f"trace: {theirs}"
        )
    elif theirs:
        ours = ", ".join(plan.settings.mesh_namespaces) or "no namespace"
        yield (
            f"traced here: {ours}; the rest of the mesh stays as it is, because others trace: {theirs}; tracing.scope "
            "decides"
        )


def _age(found: dict[str, Any]) -> tuple[str, str]:
    return found["created"], found["name"]
