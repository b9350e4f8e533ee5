"""Somebody else's Istio resource: it gets our tracing provider, and keeps everything that is its owner's.

The list ``extensionProviders`` has one owner: to put a provider into it would be to take it, with the providers of
others, and to delete theirs on destroy. But istiod joins the providers of two mesh configurations by their names, and
takes the second one from a ConfigMap that a variable of its environment names. So our provider is in a ConfigMap of
our own, and of the resource only that variable and one switch are ours.
"""

from typing import Any

import pulumi
import pulumi_kubernetes as k8s
import yaml
from pulumi_kubernetes.apiextensions import CustomResource, CustomResourcePatch

from components._mesh_config import ControlPlane, build_shared_mesh_config
from components._package import PART_OF, labels, wait_for, within
from components._sail import API_VERSION

SHARED_MESH_CONFIG = "mesh-tracing"


def declare_provider_in_existing_istio(
    name: str, plane: ControlPlane, *, timeout_seconds: int, parent: pulumi.Resource
) -> list[pulumi.Resource]:
    """The patch after which an istiod of others knows our provider."""
    istio = plane.mesh.existing.istio
    # Only read. Server-side apply would not fail on a resource that is missing: it would install a mesh.
    existing = CustomResource.get(
        f"{name}-existing-istio",
        api_version=API_VERSION,
        kind="Istio",
        id=istio,
        opts=pulumi.ResourceOptions(parent=parent),
    )
    shared = k8s.core.v1.ConfigMap(
        f"{name}-shared-mesh-config",
        metadata={
            "name": SHARED_MESH_CONFIG,
            # istiod looks for it only beside its own.
            "namespace": plane.mesh.namespace,
            "labels": labels(SHARED_MESH_CONFIG),
        },
        data={"mesh": yaml.safe_dump(build_shared_mesh_config(plane.provider))},
        opts=pulumi.ResourceOptions(parent=parent),
    )
    patch = CustomResourcePatch(
        f"{name}-istio-patch",
        api_version=API_VERSION,
        kind="Istio",
        metadata={
            "name": istio,
            "annotations": {
                # A name that a conflict's message can show to the owner, and never force: what the owner has set
                # otherwise stays, and `up` fails with both names.
                "pulumi.com/patchFieldManager": PART_OF,
                **wait_for("condition=Ready"),
            },
        },
        spec=build_istio_patch(),
        opts=pulumi.ResourceOptions(
            parent=parent,
            # istiod reads the ConfigMap when it starts with the variable; on destroy the variable goes first.
            depends_on=[existing, shared],
            custom_timeouts=within(timeout_seconds),
        ),
    )
    return [patch]


def build_istio_patch() -> dict[str, Any]:
    """The fields that are ours: two leaves of maps, so that the rest of each map stays its owner's."""
    return {
        "values": {
            "pilot": {"env": {"SHARED_MESH_CONFIG": SHARED_MESH_CONFIG}},
            "meshConfig": {"enableTracing": True},
        }
    }
