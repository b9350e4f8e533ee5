"""Istio from its own Helm charts: CRDs, CNI plugin and control plane, one release each."""

from typing import Any

import pulumi
from pulumi_kubernetes.helm.v3 import Release

from components._charts import istio_chart
from components._mesh_config import (
    ControlPlane,
    build_base_values,
    build_cni_values,
    build_istiod_values,
    revision_suffix,
)

# Relative to the project, because the state would otherwise hold a path of one machine.
_DROP_CRD_POLICY = "./components/drop_crd_policy.sh"
# The only namespace of OpenShift in which Istio documents its plugin, whose pods are privileged.
_CNI_NAMESPACE_ON_OPENSHIFT = "kube-system"


def declare_istio_charts(
    name: str, plane: ControlPlane, *, timeout_seconds: int, parent: pulumi.Resource
) -> list[pulumi.Resource]:
    """The releases whose presence means an istiod that serves."""

    def release(chart: str, **arguments: Any) -> Release:
        return Release(
            timeout=timeout_seconds,
            # A release that failed is rolled back, so that the next `up` starts from a state Helm accepts.
            atomic=True,
            cleanup_on_fail=True,
            **arguments,
            **istio_chart(plane.mesh, chart),
        )

    namespace = plane.mesh.namespace
    before_istiod = [
        # istiod does not start without its CRDs.
        release(
            "base",
            resource_name=f"{name}-base",
            name="istio-base",
            namespace=namespace,
            values=build_base_values(plane),
            postrender=None if plane.mesh.keep_crds else _DROP_CRD_POLICY,
            opts=pulumi.ResourceOptions(parent=parent),
        )
    ]
    if plane.installs_cni:
        before_istiod.append(
            # Pods that istiod injects without an init container of their own need the plugin.
            release(
                "cni",
                resource_name=f"{name}-cni",
                name="istio-cni",
                namespace=_CNI_NAMESPACE_ON_OPENSHIFT if plane.openshift else namespace,
                values=build_cni_values(plane),
                opts=pulumi.ResourceOptions(parent=parent),
            )
        )
    suffix = revision_suffix(plane.mesh.revision)
    istiod = release(
        "istiod",
        # Against the rule, the logical name holds a setting: so that another revision is another resource. Pulumi
        # makes the new one first, then moves what depends on it, and deletes the old one last. The chart itself
        # puts the revision into the name of everything in it.
        resource_name=f"{name}-istiod{suffix}",
        name=f"istiod{suffix}",
        namespace=namespace,
        values=build_istiod_values(plane),
        opts=pulumi.ResourceOptions(parent=parent, depends_on=before_istiod),
    )
    return [*before_istiod, istiod]
