"""The hash of what a sidecar reads only when it starts.

It goes into the annotations of the pod templates of the mesh's workloads, so that a change of it
restarts them. It is computed from plain values: were it taken from another resource's output, then
a replacement of that resource would make the whole pod template unknown, and Pulumi would replace
the Deployment instead of rolling it.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from model import TRACING_PROVIDER, Mesh, Platform
from objects.addresses import COLLECTOR, OTLP_GRPC_PORT
from objects.context import Context, Object
from objects.digest import digest
from objects.mesh_config import active_revision, injection_labels, injector_values, installs_cni, proxy_config

ANNOTATION = "mesh-tracing/sidecar-config"


@dataclass(frozen=True, kw_only=True)
class SidecarConfig:
    """Everything that a sidecar reads only at its start, as plain values.

    Sampling is not among them: istiod pushes it to running proxies. The image is: a proxy keeps the version that it was
    injected with, whatever happens to its control plane.
    """

    revision: str
    injection_labels: Mapping[str, str]
    injector: Mapping[str, Any]
    proxy_image: Mapping[str, str | None]
    proxy_config: Mapping[str, Any]
    provider: Mapping[str, Any]

    def restart_hash(self) -> str:
        """The hash; every field counts."""
        return digest(asdict(self))


def sidecar_config(mesh: Mesh, platform: Platform, context: Context) -> SidecarConfig:
    """What the sidecars of ``mesh`` read at their start."""
    return SidecarConfig(
        revision=active_revision(mesh),
        injection_labels=injection_labels(mesh.revision),
        # With the CNI plugin, pods get different init containers.
        injector={**injector_values(mesh), "cni": installs_cni(mesh, platform)},
        proxy_image={"version": mesh.version, "hub": mesh.hub, "tag": mesh.tag},
        proxy_config=proxy_config(mesh),
        provider={
            "namespace": mesh.namespace,
            "cluster_domain": context.cluster_domain,
            "name": TRACING_PROVIDER,
            "collector": COLLECTOR,
            "port": OTLP_GRPC_PORT,
        },
    )


def restart_annotation(mesh: Mesh, platform: Platform, context: Context) -> dict[str, str]:
    """The annotation of a pod with a sidecar; it changes when the pod has to restart."""
    return {ANNOTATION: sidecar_config(mesh, platform, context).restart_hash()}


def restarted_with(manifest: Object, annotation: Mapping[str, str], context: Context) -> Object:
    """A copy of a Deployment in the mesh, whose pods are rolled when ``annotation`` changes."""
    spec = manifest["spec"]
    template = spec["template"]
    metadata = template["metadata"]
    metadata = {
        **metadata,
        "labels": {**context.owner_labels(), **metadata["labels"]},
        "annotations": {**metadata.get("annotations", {}), **annotation},
    }
    return {**manifest, "spec": {**spec, "template": {**template, "metadata": metadata}}}
