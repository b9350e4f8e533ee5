"""Telemetries of others that would make istiod ignore the stack's own."""

from collections.abc import Iterator
from typing import Any

from cluster.recorded import Recorded
from program.plan import Plan


def mesh_wide(plan: Plan) -> str:
    """The API path of the Telemetries in the mesh's root namespace."""
    return f"/apis/telemetry.istio.io/v1/namespaces/{plan.settings.mesh.namespace}/telemetries"


def shadowing(plan: Plan, before: Recorded) -> Iterator[str]:
    """One line for each Telemetry of others that wins over ours.

    Of those for the whole mesh istiod uses the oldest alone (istio, pilot/pkg/model/telemetry.go). Ours is known by its
    name: somebody who has deleted it and made it again, as a restored backup does, has given it another UID.
    """
    namespace = plan.settings.mesh.namespace
    own = {made["metadata"]["name"] for made in before.objects() if made["kind"] == "Telemetry"}
    for_the_mesh = [found for found in plan.seen.answers.get(mesh_wide(plan)) or [] if not found["selects"]]
    ours = next((_age(found) for found in for_the_mesh if found["name"] in own), None)
    for found in for_the_mesh:
        if found["name"] not in own and (ours is None or _age(found) < ours):
            yield (
                f"Telemetry {namespace}/{found['name']} is for the whole mesh and older than ours, so istiod would "
                "ignore ours: give it a selector, or move what it says and "
                f"`kubectl delete telemetry {found['name']} -n {namespace}`"
            )


def _age(found: dict[str, Any]) -> tuple[str, str]:
    return found["created"], found["name"]
