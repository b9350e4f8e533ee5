"""Istio's names and values, computed from the mesh's settings: revision, labels, and the values of its charts."""

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import Field

from model import Mesh, Platform
from model.mesh import DEFAULT_ISTIO
from model.scalars import Name
from objects.access_logs import build_logs_provider
from objects.addresses import OTLP_GRPC_PORT, collector_host
from objects.context import Args, Context
from objects.merge import merge
from objects.pod_security import SECCOMP
from objects.pods import spread_over_nodes

DEFAULT_REVISION = "default"
# That of the released charts. Those of 1.30 have registry.istio.io/release, with the same images, which goes away.
_RELEASED_HUB = "docker.io/istio"
# The most pods of istiod that its chart's autoscaler makes, unless told otherwise.
_CHARTS_AUTOSCALE_MAX = 5
# The API version of the Sail operator's resources.
SAIL_API_VERSION = "sailoperator.io/v1"

# The Sail operator's default.
ZTUNNEL_NAMESPACE = "ztunnel"


class MeshControlPlaneArgs(Args):
    """Arguments of ``MeshControlPlane``."""

    mesh: Mesh = Field(default=Mesh(), description="The control plane.")
    platform: Platform = Field(default="kubernetes", description="What the cluster is.")
    namespaces: list[Name] = Field(
        default=[], description="Those that istiod has to see when `mesh.discoveryNamespacesOnly` is on."
    )
    existing_namespaces: list[Name] = Field(default=[], description="Namespaces that somebody else made.")


def installs_cni(mesh: Mesh, platform: Platform) -> bool:
    """Whether the control plane comes with Istio's CNI plugin."""
    if mesh.installer == "existing":
        return False
    if mesh.is_ambient:
        return True
    return platform == "openshift" if mesh.cni is None else mesh.cni


def cni_namespace(mesh: Mesh, platform: Platform) -> str:
    """The namespace of the plugin's agent."""
    # The only one of OpenShift in which Istio documents its chart.
    default = "kube-system" if mesh.installer == "helm" and platform == "openshift" else "istio-cni"
    return mesh.cni_namespace or default


def active_revision(mesh: Mesh) -> str:
    """The revision whose istiod injects and configures the workloads, which `mesh.revision` may be a tag of."""
    if mesh.installer == "existing" and mesh.existing.revision is not None:
        return mesh.existing.revision
    if mesh.installer == "sail" and mesh.sail.update_strategy == "RevisionBased":
        # The operator derives the revision's name from the resource's name and the full version.
        return f"{DEFAULT_REVISION}-{sail_version(mesh).replace('.', '-')}"
    return mesh.revision


def sail_version(mesh: Mesh) -> str:
    """The version as the Sail operator spells it."""
    return f"v{istio_version(mesh)}"


def istio_version(mesh: Mesh) -> str | None:
    """The Istio that the settings name or, unless somebody else installed it, the default."""
    return mesh.version or (None if mesh.installer == "existing" else DEFAULT_ISTIO)


def injection_labels(revision: str) -> dict[str, str]:
    """The label that injects sidecars; ``istio-injection`` works only for a revision, or tag, called ``default``."""
    if revision == DEFAULT_REVISION:
        return {"istio-injection": "enabled"}
    return {"istio.io/rev": revision}


def revision_suffix(revision: str) -> str:
    """What Istio's charts append to a name."""
    return "" if revision == DEFAULT_REVISION else f"-{revision}"


def build_base_values(args: MeshControlPlaneArgs) -> dict[str, Any]:
    """The values of the chart `base`."""
    return {
        # The revision that is responsible for configuration without a revision. The value changes before the new istiod
        # serves: until then validation has to let everything pass, and istiod itself then makes it strict.
        "defaultRevision": args.mesh.revision,
        "base": {"validationFailurePolicy": "Ignore"},
        "global": {"istioNamespace": args.mesh.namespace, **_platform(args)},
    }


def build_cni_values(args: MeshControlPlaneArgs) -> dict[str, Any]:
    """The values of the chart `cni`."""
    # Nothing about its pods: they belong on every node, tolerate all taints, and are in the highest class.
    ours = {"global": {**image_values(args.mesh, args.context), **_platform(args)}}
    return merge(ours, args.mesh.cni_values)


def build_istiod_values(args: MeshControlPlaneArgs) -> dict[str, Any]:
    """The values that every installer shares, and those that the Sail operator would set itself."""
    revision = args.mesh.revision
    installer_values = {
        "revision": "" if revision == DEFAULT_REVISION else revision,
        "global": _platform(args),
    }
    return merge(installer_values, build_mesh_values(args))


def build_mesh_values(args: MeshControlPlaneArgs) -> dict[str, Any]:
    """Our values, with the user's merged over them and our providers first in their list.

    ``model.Mesh`` refuses the user's values that would contradict ours.
    """
    mesh = args.mesh
    # No default tracing provider: the Telemetry resource alone switches tracing on, once the
    # collector serves.
    mesh_config: dict[str, Any] = {"enableTracing": True}
    if mesh.discovery_namespaces_only:
        # ztunnel does not start without the root certificate, which istiod writes to these namespaces only.
        node_proxies = [ZTUNNEL_NAMESPACE] if mesh.is_ambient else []
        mesh_config["discoverySelectors"] = [_namespace_selector([*args.namespaces, *node_proxies])]
    scheduling = args.context.scheduling
    ours: dict[str, Any] = {
        "global": {
            "istioNamespace": mesh.namespace,
            "proxy": {"clusterDomain": args.context.cluster_domain},
            **image_values(mesh, args.context),
            **scheduling.to_kubernetes("priorityClassName"),
        },
        "meshConfig": mesh_config,
        # All that istiod's pods lack for Pod Security `restricted`, and where they run.
        "pilot": {
            "seccompProfile": SECCOMP,
            **scheduling.to_kubernetes("nodeSelector", "tolerations", "affinity"),
            **_replicas(mesh),
        },
    }
    if installs_cni(mesh, args.platform):
        ours["pilot"]["cni"] = {"enabled": True}
        if mesh.installer == "helm":
            # All that a pod with a sidecar then lacks for Pod Security `restricted`. Sail's Istio has no such field
            # before Service Mesh 3.4; OpenShift gives every pod the profile, and ours have it for the whole pod.
            ours["global"]["proxy"]["seccompProfile"] = SECCOMP
    if mesh.is_ambient:
        # By default istiod trusts a ztunnel in its own namespace only.
        ours["pilot"]["trustedZtunnelNamespace"] = ZTUNNEL_NAMESPACE

    values = merge(ours, mesh.values)
    # A merge replaces lists, so the providers are joined by hand.
    others = values["meshConfig"].get("extensionProviders") or []
    values["meshConfig"]["extensionProviders"] = [*build_providers(mesh, args.context), *others]
    return values


def build_providers(mesh: Mesh, context: Context) -> list[dict[str, Any]]:
    """Our entries of the mesh configuration's ``extensionProviders``: that of tracing, and that of access logs."""
    logs = mesh.access_logs
    named = [build_logs_provider(logs, mesh.access_logs_provider)] if logs.enabled else []
    return [build_provider(mesh, context), *named]


def build_provider(mesh: Mesh, context: Context) -> dict[str, Any]:
    """The entry of tracing; the collector runs in the root namespace."""
    service = collector_host(mesh.namespace, context)
    return {"name": mesh.provider, "opentelemetry": {"service": service, "port": OTLP_GRPC_PORT}}


def released_hub(mesh: Mesh) -> str | None:
    """The registry of Istio's images without a mirror; none where the Sail operator knows each version's by itself."""
    return mesh.hub or (_RELEASED_HUB if mesh.installer == "helm" else None)


def mirrored_hub(mesh: Mesh, context: Context) -> str | None:
    """The registry of Istio's images as the installer is told; none leaves it the choice."""
    released = released_hub(mesh)
    mirrored = None if released is None else context.image(released)
    return mesh.hub if mirrored == released else mirrored


def image_values(mesh: Mesh, context: Context) -> dict[str, Any]:
    """Where Istio's images are, and with which Secrets its pods, and those with sidecars, pull; for every installer.

    If hub or tag is not set, the installer chooses it.
    """
    images = {
        "hub": mirrored_hub(mesh, context),
        "tag": mesh.tag,
        "imagePullSecrets": list(context.images.pull_secrets),
    }
    return {key: value for key, value in images.items() if value}


def _replicas(mesh: Mesh) -> dict[str, Any]:
    """The values of istiod for its number of pods; the chart adds the disruption budget from two on."""
    if mesh.replicas is None:
        return {}
    return {
        "autoscaleMin": mesh.replicas,
        "autoscaleMax": max(mesh.replicas, _CHARTS_AUTOSCALE_MAX),
        # Counts where the user's values switch the autoscaler off.
        "replicaCount": mesh.replicas,
        "topologySpreadConstraints": spread_over_nodes({"app": "istiod"}),
    }


def _platform(args: MeshControlPlaneArgs) -> Mapping[str, str]:
    return {"platform": "openshift"} if args.platform == "openshift" else {}


def _namespace_selector(namespaces: Sequence[str]) -> dict[str, Any]:
    # The API server itself puts this label on every namespace, so it cannot be missing or stale.
    return {
        "matchExpressions": [
            {
                "key": "kubernetes.io/metadata.name",
                "operator": "In",
                "values": sorted(namespaces),
            }
        ]
    }
