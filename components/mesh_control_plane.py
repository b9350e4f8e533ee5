"""The Istio control plane, by each installer, with our tracing provider in its mesh configuration.

The component stops at the mesh configuration: MeshTelemetry decides which requests are traced.
"""

from collections.abc import Mapping
from typing import Any

import pulumi

from components._declare import (
    PACKAGE,
    declare,
    declare_namespace,
    declare_patch,
    declare_release,
    once_ready,
    read,
    waited_for,
    within,
)
from components._revision import Watch
from objects.charts import Chart
from objects.context import Object
from objects.control_plane import build_control_plane, cni_rollout, istio_base, istio_cni, istiod
from objects.existing_istio import build_istio_patch
from objects.mesh_config import ZTUNNEL_NAMESPACE, MeshControlPlaneArgs, cni_namespace, revision_suffix
from objects.rollout import without

# Relative to the project, because the state would otherwise hold a path of one machine.
_DROP_CRD_POLICY = "./components/drop_crd_policy.sh"


class MeshControlPlane(pulumi.ComponentResource):
    """An istiod that serves and knows our provider."""

    namespace: pulumi.Output[str]
    """The mesh's root namespace, once the control plane serves."""

    def __init__(
        self,
        name: str,
        args: MeshControlPlaneArgs,
        opts: pulumi.ResourceOptions | None = None,
        *,
        watch: Watch | None = None,
    ) -> None:
        """With ``watch``, istiod waits until the CNI plugin of Istio's chart serves on every node."""
        super().__init__(f"{PACKAGE}:MeshControlPlane", name, None, opts)
        self._name = name
        self._watch = watch
        self._args = args = MeshControlPlaneArgs.model_validate(args)
        objects = build_control_plane(args)
        self._create("istiod-metrics", objects, pulumi.ResourceOptions(parent=self))
        if args.mesh.installer == "helm":
            self._release_charts(objects)
        elif args.mesh.installer == "existing":
            self._bring_into_existing(objects)
        else:
            self._create_for_sail(objects)

        self.namespace = once_ready(args.mesh.namespace, self)
        self.register_outputs({"namespace": self.namespace})

    def _release_charts(self, objects: Mapping[str, Object]) -> None:
        """Istio from its own Helm charts: CRDs, CNI plugin and control plane, one release each."""
        name, mesh, timeout = self._name, self._args.mesh, self._args.context.timeouts.control_plane
        child = pulumi.ResourceOptions(parent=self)
        before_istiod: list[Any] = [
            # istiod does not start without its CRDs.
            declare_release(
                f"{name}-base",
                istio_base(self._args),
                timeout=timeout,
                opts=child,
                postrender=None if mesh.keep_crds else _DROP_CRD_POLICY,
            )
        ]
        cni = istio_cni(self._args)
        if cni is not None:
            # With the plugin, istiod injects no `istio-init` container: such pods need the plugin to be there first.
            before_istiod.append(self._release_cni(cni, objects))
        declare_release(
            # No other logical name holds a setting. Another revision is another resource, so Pulumi creates the new
            # one first, then moves what depends on it, and deletes the old one last.
            f"{name}-istiod{revision_suffix(mesh.revision)}",
            istiod(self._args),
            timeout=timeout,
            opts=pulumi.ResourceOptions(parent=self, depends_on=before_istiod),
        )

    def _release_cni(self, chart: Chart, objects: Mapping[str, Object]) -> Any:
        """The plugin, as an entry of ``depends_on``."""
        agents, watch = cni_rollout(self._args), self._watch
        # On a node that is down already, nobody waits for it.
        broken = None if watch is None else watch.broken(agents)
        opts = pulumi.ResourceOptions(
            parent=self,
            depends_on=[self._create_cni_namespace(objects), waited_for(broken)],
            # In another namespace it is a release that would claim the same ClusterRole.
            delete_before_replace=True,
        )
        timeout = self._args.context.timeouts.control_plane
        release = declare_release(f"{self._name}-cni", chart, timeout=timeout, opts=opts)
        if watch is None or broken is None:
            return release
        # For Helm, one agent may always be missing: on a single node, the only one.
        awaited = broken.apply(lambda names: without(agents, names))
        return waited_for(watch.served(awaited, once_ready(agents.title, release)))

    def _create_for_sail(self, objects: Mapping[str, Object]) -> None:
        """What the Sail operator turns into an istiod that serves."""
        before_istio: list[pulumi.Resource] = []
        if "cni" in objects:
            namespace = self._create_cni_namespace(objects)
            # Until the plugin is there, the operator reports a missing dependency.
            before_istio.append(self._create_awaited("cni", objects, after=[namespace]))
        istio = self._create_awaited("istio", objects, after=before_istio)
        if "tag" in objects:
            # A tag needs the revision that it points to.
            self._create_awaited("tag", objects, after=[istio])
        if "ztunnel" in objects:
            namespace = self._create_namespace("ztunnel-namespace", ZTUNNEL_NAMESPACE, objects)
            # A ztunnel needs the revision that its Istio leads to, and an istiod that signs its certificates.
            self._create_awaited("ztunnel", objects, after=[namespace, istio])

    def _create_cni_namespace(self, objects: Mapping[str, Object]) -> pulumi.Resource:
        namespace = cni_namespace(self._args.mesh, self._args.platform)
        return self._create_namespace("cni-namespace", namespace, objects)

    def _bring_into_existing(self, objects: Mapping[str, Object]) -> None:
        """Bring our provider before an existing istiod, which is sent to it where an Istio resource can say so."""
        shared = self._create("shared-mesh-config", objects, pulumi.ResourceOptions(parent=self))
        if not self._args.mesh.is_patched:
            return
        patch = build_istio_patch(self._args)
        # Read, not patched: server-side apply would create a missing resource, and so install a mesh.
        name = f"{self._name}-existing-istio"
        child = pulumi.ResourceOptions(parent=self)
        existing = read(name, patch, self._args.mesh.existing.istio, child, self._args.context)
        declare_patch(
            f"{self._name}-istio-patch",
            patch,
            pulumi.ResourceOptions(
                parent=self,
                # istiod reads the ConfigMap when it starts with the variable; on destroy the variable goes first.
                depends_on=[existing, shared],
                custom_timeouts=within(self._args.context.timeouts.control_plane),
            ),
        )

    def _create_namespace(self, role: str, namespace: str, objects: Mapping[str, Object]) -> pulumi.Resource:
        name, child = f"{self._name}-{role}", pulumi.ResourceOptions(parent=self)
        return declare_namespace(name, namespace, objects.get(role), child, self._args.context)

    def _create_awaited(
        self, role: str, objects: Mapping[str, Object], *, after: list[pulumi.Resource]
    ) -> pulumi.CustomResource:
        limit = within(self._args.context.timeouts.control_plane)
        return self._create(role, objects, pulumi.ResourceOptions(parent=self, depends_on=after, custom_timeouts=limit))

    def _create(self, role: str, objects: Mapping[str, Object], opts: pulumi.ResourceOptions) -> pulumi.CustomResource:
        return declare(f"{self._name}-{role}", objects[role], opts)
