"""The control plane, for each installer: the objects that we create for it, and the releases of Istio's charts."""

from objects.addresses import ISTIOD_JOB, ISTIOD_METRICS_PORT
from objects.charts import Chart, istio_chart
from objects.context import Object
from objects.existing_istio import build_shared_mesh_config
from objects.mesh_config import (
    MeshControlPlaneArgs,
    build_base_values,
    build_cni_values,
    build_istiod_values,
    cni_namespace,
    installs_cni,
    revision_suffix,
)
from objects.metrics import build_metrics_service
from objects.namespaces import build_namespace
from objects.pod_security import PRIVILEGED
from objects.rollout import Rollout
from objects.sail import build_sail

_ON_EVERY_CLUSTER = "kube-system"


def build_control_plane(args: MeshControlPlaneArgs) -> dict[str, Object]:
    """The objects that we create beside the Helm releases, or instead of them."""
    built = {
        # istiod's own Service is named after its revision: if Prometheus scraped that one, each new revision would
        # change its configuration, and it would restart and lose what it holds in memory.
        "istiod-metrics": build_metrics_service(
            ISTIOD_JOB,
            args.mesh.namespace,
            port=ISTIOD_METRICS_PORT,
            # The pods of every revision have this label, whoever installed them.
            selector={"app": "istiod"},
            context=args.context,
        )
    }
    if installs_cni(args.mesh, args.platform):
        name = cni_namespace(args.mesh, args.platform)
        if name not in {_ON_EVERY_CLUSTER, *args.existing_namespaces}:
            built["cni-namespace"] = build_namespace(name, args.context, extra_labels=PRIVILEGED)
    if args.mesh.installer == "sail":
        built |= build_sail(args)
    elif args.mesh.installer == "existing":
        built["shared-mesh-config"] = build_shared_mesh_config(args)
    return built


def istio_base(args: MeshControlPlaneArgs) -> Chart:
    """Istio's CRDs."""
    return {
        **istio_chart(args.mesh, "base"),
        "name": "istio-base",
        "namespace": args.mesh.namespace,
        "values": build_base_values(args),
    }


def istio_cni(args: MeshControlPlaneArgs) -> Chart | None:
    """Istio's CNI plugin, where it is installed."""
    if not installs_cni(args.mesh, args.platform):
        return None
    return {
        **istio_chart(args.mesh, "cni"),
        "name": "istio-cni",
        "namespace": cni_namespace(args.mesh, args.platform),
        "values": build_cni_values(args),
    }


def cni_rollout(args: MeshControlPlaneArgs) -> Rollout:
    """The plugin's agents, one on every node."""
    return Rollout(
        title="Istio's CNI plugin",
        namespace=cni_namespace(args.mesh, args.platform),
        kind="DaemonSet",
        workloads=("istio-cni-node",),
        seconds=args.context.timeouts.control_plane,
        annotation=None,
    )


def istiod(args: MeshControlPlaneArgs) -> Chart:
    """The control plane itself; the chart puts the revision into the name of everything in it."""
    return {
        **istio_chart(args.mesh, "istiod"),
        "name": f"istiod{revision_suffix(args.mesh.revision)}",
        "namespace": args.mesh.namespace,
        "values": build_istiod_values(args),
    }
