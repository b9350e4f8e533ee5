"""The collector that takes every sidecar's spans, and the Telemetry that makes them send some.

The mesh configuration names the provider (MeshControlPlane); here it gets its collector and is
switched on.
"""

from dataclasses import dataclass

import pulumi
from pulumi_kubernetes.apiextensions import CustomResource

import model
from components._collector import POD_NAME, build_collector
from components._package import PACKAGE, labels, once_ready, wait_for, within
from components._tracing import TracingProvider

TELEMETRY_NAME = "mesh-tracing"
NO_SIDECAR = {"sidecar.istio.io/inject": "false"}


@dataclass(frozen=True, kw_only=True)
class MeshTelemetryArgs:
    """``control_plane`` is awaited by the Telemetry only: the collector starts beside it."""

    tracing: model.Tracing
    provider: TracingProvider
    root_namespace: str
    otlp_address: pulumi.Input[str]
    control_plane: pulumi.Resource
    timeout_seconds: int


class MeshTelemetry(pulumi.ComponentResource):
    """Tracing for the whole mesh; ``collector_service`` carries the wait for the collector."""

    provider_name: pulumi.Output[str]
    collector_service: pulumi.Output[str]

    def __init__(self, name: str, args: MeshTelemetryArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(f"{PACKAGE}:MeshTelemetry", name, None, opts)
        self._collector = self._create_collector(name, args)
        self._telemetry = self._create_telemetry(name, args)

        self.provider_name = once_ready(args.provider.name, self._telemetry)
        self.collector_service = once_ready(args.provider.service, self._collector)
        self.register_outputs({"provider_name": self.provider_name, "collector_service": self.collector_service})

    def _create_collector(self, name: str, args: MeshTelemetryArgs) -> CustomResource:
        replicas = args.tracing.collector.replicas
        return CustomResource(
            f"{name}-collector",
            api_version="opentelemetry.io/v1beta1",
            kind="OpenTelemetryCollector",
            metadata={
                "name": args.provider.collector,
                "namespace": args.provider.namespace,
                # The operator copies these labels to the pods: there is no other way to keep a
                # sidecar out of them.
                "labels": {**labels(POD_NAME), **NO_SIDECAR},
                # The operator has no Ready condition before 0.154. Since long before that it
                # writes, for a Deployment, "<ready pods>/<pods>" here, so equality with what we
                # asked for means that all of them serve.
                "annotations": wait_for(f"jsonpath={{.status.scale.statusReplicas}}={replicas}/{replicas}"),
            },
            spec=build_collector(args.tracing.collector, otlp_address=args.otlp_address),
            opts=pulumi.ResourceOptions(parent=self, custom_timeouts=within(args.timeout_seconds)),
        )

    def _create_telemetry(self, name: str, args: MeshTelemetryArgs) -> CustomResource:
        # Not awaited: a Telemetry has no status to wait for. That proxies trace can only be seen
        # from their spans.
        return CustomResource(
            f"{name}-telemetry",
            api_version="telemetry.istio.io/v1",
            kind="Telemetry",
            metadata={
                "name": TELEMETRY_NAME,
                # Only in the root namespace does it apply to the whole mesh.
                "namespace": args.root_namespace,
                "labels": labels(TELEMETRY_NAME),
            },
            spec=args.provider.telemetry_spec(args.tracing.sampling_percentage),
            opts=pulumi.ResourceOptions(
                parent=self,
                # The control plane brings its CRD and checks it; istiod drops a provider whose
                # collector it cannot find.
                depends_on=[args.control_plane, self._collector],
            ),
        )
