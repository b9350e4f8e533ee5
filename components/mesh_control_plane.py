"""The Istio control plane, by whichever installer, with our tracing provider in its mesh configuration.

It stops at the mesh configuration: which requests are traced is MeshTelemetry's.
"""

from dataclasses import dataclass
from typing import Literal

import pulumi
import pulumi_kubernetes as k8s

from components._existing_istio import declare_provider_in_existing_istio
from components._istio_charts import declare_istio_charts
from components._mesh_config import ISTIOD_METRICS, ISTIOD_METRICS_PORT, ControlPlane
from components._package import PACKAGE, labels, once_ready
from components._sail import declare_sail


@dataclass(frozen=True, kw_only=True)
class MeshControlPlaneArgs:
    """``cni_namespace_exists`` matters to the Sail operator only: the charts use a namespace that is there."""

    installer: Literal["helm", "sail", "existing"]
    plane: ControlPlane
    cni_namespace_exists: bool
    timeout_seconds: int


class MeshControlPlane(pulumi.ComponentResource):
    """An istiod that serves and knows our provider; ``namespace`` is the mesh's root namespace."""

    namespace: pulumi.Output[str]

    def __init__(self, name: str, args: MeshControlPlaneArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(f"{PACKAGE}:MeshControlPlane", name, None, opts)
        self._create_metrics_service(name, args.plane.mesh.namespace)
        self._control_plane = self._install(name, args)

        self.namespace = once_ready(args.plane.mesh.namespace, *self._control_plane)
        self.register_outputs({"namespace": self.namespace})

    def _install(self, name: str, args: MeshControlPlaneArgs) -> list[pulumi.Resource]:
        timeout = args.timeout_seconds
        if args.installer == "helm":
            return declare_istio_charts(name, args.plane, timeout_seconds=timeout, parent=self)
        if args.installer == "existing":
            return declare_provider_in_existing_istio(name, args.plane, timeout_seconds=timeout, parent=self)
        return declare_sail(
            name,
            args.plane,
            cni_namespace_exists=args.cni_namespace_exists,
            timeout_seconds=timeout,
            parent=self,
        )

    def _create_metrics_service(self, name: str, namespace: str) -> k8s.core.v1.Service:
        return k8s.core.v1.Service(
            f"{name}-istiod-metrics",
            metadata={"name": ISTIOD_METRICS, "namespace": namespace, "labels": labels(ISTIOD_METRICS)},
            spec={
                # Only a name in DNS: nothing to wait for, and istiods of two revisions may be behind it.
                "clusterIP": "None",
                # On the pods of every revision, whoever installed them.
                "selector": {"app": "istiod"},
                "ports": [{"name": "http-monitoring", "port": ISTIOD_METRICS_PORT}],
            },
            opts=pulumi.ResourceOptions(parent=self),
        )
