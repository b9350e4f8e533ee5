"""Somebody else's Istio: it gets our tracing provider, and keeps everything that is its owner's.

The list ``extensionProviders`` has one owner: to put a provider into it would be to take it, with the providers of
others, and to delete theirs on destroy. But istiod joins the providers of two mesh configurations by their names, and
takes the second one from a ConfigMap that a variable of its environment names. So our provider is in a ConfigMap of
our own. Of an Istio resource only that variable and one switch are ours. Of an istiod from Istio's charts nothing is:
its owner sets the variable, and istiod reads the ConfigMap as soon as it is there.
"""

import yaml

from model import Mesh
from objects.context import PART_OF, Object, wait_for
from objects.mesh_config import (
    SAIL_API_VERSION,
    MeshControlPlaneArgs,
    active_revision,
    build_providers,
    revision_suffix,
)

SHARED_MESH_CONFIG = "mesh-tracing"
# The variable of istiod that names the second mesh configuration. The first one wins over it (istio:
# pilot/pkg/bootstrap/mesh.go).
SHARED_MESH_VARIABLE = "SHARED_MESH_CONFIG"
_USUAL_NAMESPACE = "istio-system"


def existing_istiod(mesh: Mesh) -> Object:
    """The Deployment of the existing istiod, by its name."""
    name = f"istiod{revision_suffix(active_revision(mesh))}"
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name, "namespace": mesh.namespace}}


def existing_mesh_config(mesh: Mesh) -> Object:
    """The ConfigMap with the first mesh configuration of the existing istiod, by its name."""
    name = f"istio{revision_suffix(active_revision(mesh))}"
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": mesh.namespace}}


def revision_tag(mesh: Mesh) -> Object:
    """The webhook that `mesh.revision` has if it is a tag, by its name; its label names the revision behind the tag."""
    # As Istio's chart and istioctl name it (istio: istio-discovery/templates/revision-tags-mwc.yaml).
    elsewhere = "" if mesh.namespace == _USUAL_NAMESPACE else f"-{mesh.namespace}"
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "MutatingWebhookConfiguration",
        "metadata": {"name": f"istio-revision-tag-{mesh.revision}{elsewhere}"},
    }


def build_shared_mesh_config(args: MeshControlPlaneArgs) -> Object:
    """The ConfigMap with our providers, which istiod reads when the variable names it."""
    config = {"extensionProviders": build_providers(args.mesh, args.context)}
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        # istiod looks for it only beside its own.
        "metadata": args.context.metadata(SHARED_MESH_CONFIG, args.mesh.namespace),
        "data": {"mesh": yaml.safe_dump(config)},
    }


def build_istio_patch(args: MeshControlPlaneArgs) -> Object:
    """The two fields that the program owns; both are leaves of maps, so the rest of each map stays its owner's."""
    annotations = {
        # A name that a conflict's message can show to the owner, and never force: what the owner has set otherwise
        # stays, and `up` fails with both names.
        "pulumi.com/patchFieldManager": PART_OF,
        **wait_for("condition=Ready"),
    }
    return {
        "apiVersion": SAIL_API_VERSION,
        "kind": "Istio",
        "metadata": {"name": args.mesh.existing.istio, "annotations": annotations},
        "spec": {
            "values": {
                "pilot": {"env": {SHARED_MESH_VARIABLE: SHARED_MESH_CONFIG}},
                "meshConfig": {"enableTracing": True},
            }
        },
    }
