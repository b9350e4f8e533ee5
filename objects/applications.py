"""The labels and the one annotation that the program sets on namespaces and Deployments it did not create."""

from pydantic import Field

from model import Application, Mesh, Platform
from objects.context import Args, Object
from objects.mesh_config import injection_labels
from objects.namespaces import build_namespace_labels
from objects.restart import restart_annotation


class ApplicationsArgs(Args):
    """Arguments of ``Applications``."""

    applications: list[Application] = Field(description="The namespaces, and the Deployments in them to restart.")
    mesh: Mesh = Field(default=Mesh(), description="The mesh whose sidecars their pods get.")
    platform: Platform = Field(default="kubernetes", description="What the cluster is.")


def build_labels(application: Application, args: ApplicationsArgs) -> Object:
    """The labels that bring the namespace into the mesh."""
    return build_namespace_labels(application.name, extra_labels=injection_labels(args.mesh.revision))


def build_restart(application: Application, deployment: str, args: ApplicationsArgs) -> Object:
    """The one field that the program sets on such a Deployment; a new hash restarts its pods."""
    annotation = restart_annotation(args.mesh, args.platform, args.context)
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": deployment, "namespace": application.name},
        "spec": {"template": {"metadata": {"annotations": annotation}}},
    }
