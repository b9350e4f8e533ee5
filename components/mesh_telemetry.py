"""The collector that takes every sidecar's spans, and the Telemetry that makes sidecars send them.

MeshControlPlane names the tracing provider in the mesh configuration; this component deploys the
collector behind it and switches tracing on.
"""

import pulumi

from components._declare import PACKAGE, declare, once_ready, waited_for, within
from components._revision import Watch, once_served, revision, revision_key, served_by
from objects.addresses import collector_host
from objects.tracing import MeshTelemetryArgs, build_telemetry, collector_rollout


class MeshTelemetry(pulumi.ComponentResource):
    """Tracing for the whole mesh: an OpenTelemetry Collector, and Istio's Telemetry that sends it spans."""

    provider_name: pulumi.Output[str]
    """The tracing provider's name in the mesh configuration, once tracing is switched on."""
    collector_service: pulumi.Output[str]
    """The full name of the collector's Service, once the collector serves."""

    def __init__(
        self,
        name: str,
        args: MeshTelemetryArgs,
        opts: pulumi.ResourceOptions | None = None,
        *,
        watch: Watch | None = None,
    ) -> None:
        """With ``watch``, the collector serves once this update's pods do; without it, once its operator says so."""
        super().__init__(f"{PACKAGE}:MeshTelemetry", name, None, opts)
        args = MeshTelemetryArgs.model_validate(args)
        key = revision_key(f"{name}-revision-key", pulumi.ResourceOptions(parent=self))
        # More or fewer pods are no other revision, nor is who may connect to them: those that run go on.
        same_pods = build_telemetry(args.model_copy(update={"lets_everybody_in": None}))
        # The login is read at the start only, so a new one is a new revision too.
        login = [same_pods["login"]["stringData"]] if "login" in same_pods else []
        made = revision(key, {**same_pods["collector"]["spec"], "replicas": None}, *login)
        objects = build_telemetry(args, revision=made, awaited=watch is None)
        child = pulumi.ResourceOptions(parent=self)
        before_the_pods: list[pulumi.Resource] = [
            # Its pods run as the account, read the login, and look up other pods.
            declare(f"{name}-{role}", obj, child)
            for role, obj in objects.items()
            if role in {"account", "login", "cluster-role", "cluster-role-binding"}
        ]
        if "untraced" in objects:
            # istiod injects the pods, and checks the Telemetry.
            control_plane = waited_for(args.control_plane)
            made_after = pulumi.ResourceOptions(parent=self, depends_on=[control_plane])
            before_the_pods += [control_plane, declare(f"{name}-untraced", objects["untraced"], made_after)]
        self._collector = declare(
            f"{name}-collector",
            objects["collector"],
            pulumi.ResourceOptions(
                parent=self,
                depends_on=before_the_pods,
                custom_timeouts=within(args.context.timeouts.collector),
            ),
        )
        for role in ("metrics", "metrics-monitor", "graph", "graph-monitor"):
            if role in objects:
                declare(f"{name}-{role}", objects[role], child)
        served = served_by(self._collector, made, collector_rollout(args), watch)
        # The control plane brings its CRD and checks it; istiod drops a provider whose collector it cannot find.
        before_tracing = [waited_for(args.control_plane), waited_for(served), self._collector]
        self._telemetries = [
            declare(f"{name}-{role}", obj, pulumi.ResourceOptions(parent=self, depends_on=before_tracing))
            for role, obj in objects.items()
            if obj["kind"] == "Telemetry" and role != "untraced"
        ]

        self.provider_name = once_ready(args.mesh.provider, *self._telemetries)
        self.collector_service = once_served(collector_host(args.namespace, args.context), served)
        self.register_outputs({"provider_name": self.provider_name, "collector_service": self.collector_service})
