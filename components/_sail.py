"""Istio by the Sail operator, which OpenShift Service Mesh 3 is made of."""

import json
from typing import Any

import pulumi
from pulumi_kubernetes.apiextensions import CustomResource

from components._mesh_config import (
    ControlPlane,
    active_revision,
    build_mesh_values,
    sail_version,
)
from components._package import labels, wait_for, within
from components.namespaces import declare_namespace
from model import Mesh

API_VERSION = "sailoperator.io/v1"
CNI_NAMESPACE = "istio-cni"
# The operator accepts no other name for the plugin, and only a tag or revision of this name obeys the short label.
NAME = "default"


def declare_sail(
    name: str, plane: ControlPlane, *, cni_namespace_exists: bool, timeout_seconds: int, parent: pulumi.Resource
) -> list[pulumi.Resource]:
    """The resources that the operator has turned into an istiod that serves."""

    def create(kind: str, role: str, ready: str, spec: dict[str, Any], after: list[pulumi.Resource]) -> CustomResource:
        return CustomResource(
            f"{name}-{role}",
            api_version=API_VERSION,
            kind=kind,
            metadata={"name": NAME, "labels": labels(role), "annotations": wait_for(ready)},
            spec=spec,
            opts=pulumi.ResourceOptions(parent=parent, depends_on=after, custom_timeouts=within(timeout_seconds)),
        )

    created: list[pulumi.Resource] = []
    if plane.installs_cni:
        namespace = declare_namespace(
            f"{name}-cni-namespace",
            namespace=CNI_NAMESPACE,
            exists=cni_namespace_exists,
            extra_labels={},
            opts=pulumi.ResourceOptions(parent=parent),
        )
        # The operator does not make the namespace.
        created.append(create("IstioCNI", "cni", "condition=Ready", build_istio_cni(plane), [namespace]))
    # The operator says that a dependency is missing until the plugin is there.
    istio = create("Istio", "istio", "condition=Ready", build_istio(plane), list(created))
    created.append(istio)
    if plane.mesh.sail.update_strategy == "RevisionBased":
        # A tag has no meaning before what it points to.
        created.append(create("IstioRevisionTag", "tag", tag_moved(plane.mesh), build_tag(), [istio]))
    return created


def build_istio(plane: ControlPlane) -> dict[str, Any]:
    """The spec of an Istio; the operator itself knows the platform, and names the revision."""
    mesh = plane.mesh
    strategy: dict[str, Any] = {"type": mesh.sail.update_strategy}
    if mesh.sail.update_strategy == "RevisionBased":
        strategy["inactiveRevisionDeletionGracePeriodSeconds"] = (
            mesh.sail.inactive_revision_deletion_grace_period_seconds
        )
    spec: dict[str, Any] = {
        # Without one, the operator takes the version that its own release prefers.
        "version": sail_version(mesh),
        "namespace": mesh.namespace,
        "updateStrategy": strategy,
        "values": build_mesh_values(plane),
    }
    if mesh.sail.profile is not None:
        spec["profile"] = mesh.sail.profile
    return spec


def build_istio_cni(plane: ControlPlane) -> dict[str, Any]:
    """The spec of an IstioCNI: the plugin and the control plane have the same version and the same images."""
    spec: dict[str, Any] = {"version": sail_version(plane.mesh), "namespace": CNI_NAMESPACE}
    images = {"hub": plane.mesh.hub, "tag": plane.mesh.tag}
    chart_global = {key: value for key, value in images.items() if value is not None}
    if chart_global:
        spec["values"] = {"global": chart_global}
    return spec


def build_tag() -> dict[str, Any]:
    """The spec of the tag that keeps ``istio-injection=enabled`` working when revisions have names of their own."""
    return {"targetRef": {"kind": "Istio", "name": NAME}}


def tag_moved(mesh: Mesh) -> str:
    """What to wait for, so that pods restart only when the injector is that of the new revision.

    The tag's own spec never changes. The revision in this text does, and so makes Pulumi wait again.
    """
    # There is no Ready, and InUse comes only with the first workload.
    return json.dumps(["condition=Reconciled", f"jsonpath={{.status.istioRevision}}={active_revision(mesh)}"])
