"""The labels and the one annotation that the program sets on namespaces and Deployments it did not create."""

from pydantic import Field

from model import Application, Mesh, Platform
from objects.context import Args, Object, not_awaited
from objects.mesh_config import injection_labels
from objects.namespaces import build_namespace_labels
from objects.restart import ANNOTATION, restart_annotation
from objects.rollout import Rollout


class ApplicationsArgs(Args):
    """Arguments of ``Applications``."""

    applications: list[Application] = Field(description="The namespaces, and the Deployments in them to restart.")
    mesh: Mesh = Field(default=Mesh(), description="The mesh whose sidecars their pods get.")
    platform: Platform = Field(default="kubernetes", description="What the cluster is.")


def build_labels(application: Application, args: ApplicationsArgs) -> Object:
    """The labels that bring the namespace into the mesh."""
    return build_namespace_labels(application.name, extra_labels=injection_labels(args.mesh.revision))


def build_restart(application: Application, deployment: str, args: ApplicationsArgs, *, awaited: bool = True) -> Object:
    """The one field that the program sets on such a Deployment; a new hash restarts its pods.

    ``awaited``: whether Pulumi's provider waits for the pods.
    """
    annotation = restart_annotation(args.mesh, args.platform, args.context)
    metadata: Object = {"name": deployment, "namespace": application.name}
    if not awaited:
        metadata["annotations"] = not_awaited()
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": metadata,
        "spec": {"template": {"metadata": {"annotations": annotation}}},
    }


def restart_rollout(application: Application, args: ApplicationsArgs) -> Rollout:
    """The Deployments of one namespace that restart."""
    return Rollout(
        title=f"namespaces.applications {application.name}",
        namespace=application.name,
        workloads=tuple(application.deployments),
        seconds=args.context.timeouts.bookinfo,
        annotation=ANNOTATION,
    )


def restart_revision(args: ApplicationsArgs) -> str:
    """What the pods of such a Deployment run once they have restarted."""
    return restart_annotation(args.mesh, args.platform, args.context)[ANNOTATION]
