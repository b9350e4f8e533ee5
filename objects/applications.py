"""The labels and the one field that the program sets on namespaces and workloads it did not create.

A Deployment, a StatefulSet or a DaemonSet restarts for a new annotation of its pods. A Rollout of Argo would run the
steps of its strategy for one, and wait for people; it restarts its pods for a new moment in a field of its own.
"""

from typing import Any

from pydantic import Field

from model import Application, Mesh, Platform, WorkloadKind
from objects.context import Args, Object, Text, not_awaited
from objects.mesh_config import injection_labels
from objects.namespaces import build_namespace_labels
from objects.restart import ANNOTATION, restart_annotation
from objects.rollout import Rollout

_API_VERSIONS: dict[WorkloadKind, str] = {"Rollout": "argoproj.io/v1alpha1"}


class ApplicationsArgs(Args):
    """Arguments of ``Applications``."""

    applications: list[Application] = Field(description="The namespaces, and the workloads in them to restart.")
    mesh: Mesh = Field(default=Mesh(), description="The mesh whose sidecars their pods get.")
    platform: Platform = Field(default="kubernetes", description="What the cluster is.")


def build_labels(application: Application, args: ApplicationsArgs) -> Object:
    """The labels that bring the namespace into the mesh."""
    return build_namespace_labels(application.name, extra_labels=injection_labels(args.mesh.revision))


def build_restart(
    application: Application, kind: WorkloadKind, name: str, revision: Text, *, awaited: bool = True
) -> Object:
    """The one field that the program sets on such a workload; a new ``revision`` restarts its pods.

    ``awaited``: whether Pulumi's provider waits for the pods, which it does for every kind but a Rollout.
    """
    metadata: Object = {"name": name, "namespace": application.name}
    if kind == "Rollout":
        # Whoever restarts it by hand writes the same field, and the newest moment is what counts.
        metadata["annotations"] = {"pulumi.com/patchForce": "true"}
        spec: dict[str, Any] = {"restartAt": revision}
    else:
        if not awaited:
            metadata["annotations"] = not_awaited()
        spec = {"template": {"metadata": {"annotations": {ANNOTATION: revision}}}}
    return {"apiVersion": _API_VERSIONS.get(kind, "apps/v1"), "kind": kind, "metadata": metadata, "spec": spec}


def restart_rollout(application: Application, kind: WorkloadKind, args: ApplicationsArgs) -> Rollout:
    """The workloads of one namespace and kind that restart."""
    return Rollout(
        title=f"namespaces.applications {application.name}",
        namespace=application.name,
        kind=kind,
        workloads=tuple(application.workloads[kind]),
        seconds=args.context.timeouts.bookinfo,
        annotation=ANNOTATION,
    )


def restart_revision(args: ApplicationsArgs) -> str:
    """What the pods of such a workload run once they have restarted."""
    return restart_annotation(args.mesh, args.platform, args.context)[ANNOTATION]
