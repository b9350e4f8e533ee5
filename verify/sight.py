"""How far whoever runs this may look: in the whole cluster, or in some of the mesh's namespaces."""

from dataclasses import replace

from verify.access.cluster import CannotLookError
from verify.access.deadline import TimeOverError
from verify.world import World


def narrowed(world: World) -> World:
    """The world without the namespaces of the mesh whose pods may not be listed, which ``unseen`` then has.

    If that is every one, the world stays as it is, and its hops say what is not allowed.
    """
    deployment, names = world.deployment, world.deployment.mesh.namespaces
    try:
        if world.cluster.may_list("/api/v1/pods"):
            return world
        seen = [name for name in names if world.cluster.may_list(f"/api/v1/namespaces/{name}/pods")]
    except (CannotLookError, TimeOverError):
        return world
    if not seen or seen == names:
        return world
    bookinfo = deployment.bookinfo if deployment.bookinfo and deployment.bookinfo.namespace in seen else None
    mesh = deployment.mesh.model_copy(update={"namespaces": seen})
    return replace(
        world,
        deployment=deployment.model_copy(update={"mesh": mesh, "bookinfo": bookinfo}),
        unseen=tuple(name for name in names if name not in seen),
    )
