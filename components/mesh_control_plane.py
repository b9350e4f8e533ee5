"""Istio's CRDs and control plane, from its own Helm charts.

It owns the two releases. It stops at the mesh configuration: which requests are traced is
MeshTelemetry's.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
from pulumi_kubernetes.helm.v3 import Release, RepositoryOptsArgs

from components._mesh_config import build_base_values, build_istiod_values
from components._package import PACKAGE
from components._tracing import TracingProvider
from model import Mesh

# Relative to the project, because the state would otherwise hold a path of one machine.
_DROP_CRD_POLICY = "./components/drop_crd_policy.sh"


@dataclass(frozen=True, kw_only=True)
class MeshControlPlaneArgs:
    """``namespaces`` are those istiod looks into when ``mesh.discovery_namespaces_only`` is set."""

    mesh: Mesh
    provider: TracingProvider
    cluster_domain: str
    namespaces: Sequence[str]
    timeout_seconds: int


class MeshControlPlane(pulumi.ComponentResource):
    """An istiod that serves; ``namespace`` is the mesh's root namespace."""

    namespace: pulumi.Output[str]
    chart_version: pulumi.Output[str]

    def __init__(self, name: str, args: MeshControlPlaneArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(f"{PACKAGE}:MeshControlPlane", name, None, opts)
        self._name = name
        self._args = args

        self._base = self._release(
            "base",
            release="istio-base",
            values=build_base_values(args.mesh),
            opts=pulumi.ResourceOptions(parent=self),
            postrender=None if args.mesh.keep_crds else _DROP_CRD_POLICY,
        )
        self._istiod = self._release(
            "istiod",
            release="istiod",
            values=build_istiod_values(
                args.mesh,
                provider=args.provider,
                cluster_domain=args.cluster_domain,
                namespaces=args.namespaces,
            ),
            # istiod does not start without its CRDs.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[self._base]),
        )

        self.namespace = self._istiod.namespace
        self.chart_version = self._istiod.version
        self.register_outputs({"namespace": self.namespace, "chart_version": self.chart_version})

    def _release(
        self,
        chart: str,
        *,
        release: str,
        values: dict[str, Any],
        opts: pulumi.ResourceOptions,
        postrender: str | None = None,
    ) -> Release:
        return Release(
            f"{self._name}-{chart}",
            name=release,
            namespace=self._args.mesh.namespace,
            values=values,
            timeout=self._args.timeout_seconds,
            # A release that failed is rolled back, so that the next `up` starts from a state Helm
            # accepts.
            atomic=True,
            cleanup_on_fail=True,
            postrender=postrender,
            opts=opts,
            **chart_source(self._args.mesh, chart),
        )


def chart_source(mesh: Mesh, chart: str) -> dict[str, Any]:
    """Where Helm finds ``chart``: in a folder, in an OCI registry, or in a chart repository."""
    repository = mesh.chart_repository.rstrip("/")
    if repository.startswith("oci://"):
        return {"chart": f"{repository}/{chart}", "version": mesh.version}
    if repository.startswith("https://"):
        return {
            "chart": chart,
            "version": mesh.version,
            "repository_opts": RepositoryOptsArgs(repo=repository),
        }
    # A chart in a folder carries its own version.
    return {"chart": f"{repository}/{chart}"}
