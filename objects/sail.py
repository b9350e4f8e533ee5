"""Istio by the Sail operator, which OpenShift Service Mesh 3 is made of."""

import json
from typing import Any

from model import Mesh
from objects.context import Context, Object, wait_for
from objects.merge import merge
from objects.mesh_config import (
    SAIL_API_VERSION,
    ZTUNNEL_NAMESPACE,
    MeshControlPlaneArgs,
    active_revision,
    build_mesh_values,
    cni_namespace,
    image_values,
    installs_cni,
    sail_version,
)
from objects.namespaces import build_namespace
from objects.pod_security import PRIVILEGED

# The operator accepts no other name for the plugin, and only a tag or revision of this name obeys the label
# `istio-injection`.
_NAME = "default"


def build_sail(args: MeshControlPlaneArgs) -> dict[str, Object]:
    """The resources that the operator turns into an istiod; each comes after those that it refers to."""
    mesh, context = args.mesh, args.context
    built: dict[str, Object] = {}
    if installs_cni(mesh, args.platform):
        built["cni"] = _object("IstioCNI", "cni", "condition=Ready", _istio_cni(args), context)
    built["istio"] = _object("Istio", "istio", "condition=Ready", _istio(args), context)
    if mesh.sail.update_strategy == "RevisionBased":
        built["tag"] = _object("IstioRevisionTag", "tag", _tag_moved(mesh), _tag(), context)
    if mesh.is_ambient:
        if ZTUNNEL_NAMESPACE not in args.existing_namespaces:
            # The operator does not create this one either.
            built["ztunnel-namespace"] = build_namespace(ZTUNNEL_NAMESPACE, context, extra_labels=PRIVILEGED)
        built["ztunnel"] = _object("ZTunnel", "ztunnel", "condition=Ready", _ztunnel(mesh), context)
    return built


def _object(kind: str, app: str, ready: str, spec: dict[str, Any], context: Context) -> Object:
    metadata = context.metadata(_NAME, app=app, annotations=wait_for(ready))
    return {"apiVersion": SAIL_API_VERSION, "kind": kind, "metadata": metadata, "spec": spec}


def _istio(args: MeshControlPlaneArgs) -> dict[str, Any]:
    """The spec of an Istio; the operator itself knows the platform, and names the revision."""
    mesh = args.mesh
    strategy: dict[str, Any] = {"type": mesh.sail.update_strategy}
    if mesh.sail.update_strategy == "RevisionBased":
        strategy["inactiveRevisionDeletionGracePeriodSeconds"] = (
            mesh.sail.inactive_revision_deletion_grace_period_seconds
        )
    spec: dict[str, Any] = {
        # Without a version, the operator takes its own release's default.
        "version": sail_version(mesh),
        "namespace": mesh.namespace,
        "updateStrategy": strategy,
        "values": build_mesh_values(args),
    }
    if mesh.sail.profile is not None:
        spec["profile"] = mesh.sail.profile
    return spec


def _istio_cni(args: MeshControlPlaneArgs) -> dict[str, Any]:
    """The spec of an IstioCNI: the plugin and the control plane have the same version and the same images."""
    mesh = args.mesh
    # The operator does not create the namespace.
    spec: dict[str, Any] = {"version": sail_version(mesh), "namespace": cni_namespace(mesh, args.platform)}
    if mesh.is_ambient:
        spec["profile"] = mesh.sail.profile
    images = image_values(mesh, args.context)
    values = merge({"global": images} if images else {}, mesh.cni_values)
    if values:
        spec["values"] = values
    return spec


def _ztunnel(mesh: Mesh) -> dict[str, Any]:
    """The spec of a ZTunnel, which takes images and mesh configuration from the Istio that it names."""
    return {"version": sail_version(mesh), "namespace": ZTUNNEL_NAMESPACE, "targetRef": _istio_reference()}


def _tag() -> dict[str, Any]:
    """The spec of the tag that keeps ``istio-injection=enabled`` working when revisions have names of their own."""
    return {"targetRef": _istio_reference()}


def _istio_reference() -> dict[str, str]:
    return {"kind": "Istio", "name": _NAME}


def _tag_moved(mesh: Mesh) -> str:
    """What to wait for, so that pods restart only when the injector is that of the new revision.

    The tag's spec never changes. The revision in this text does, which makes Pulumi wait again.
    """
    # A tag has no Ready condition, and InUse becomes true only with the first workload.
    return json.dumps(["condition=Reconciled", f"jsonpath={{.status.istioRevision}}={active_revision(mesh)}"])
