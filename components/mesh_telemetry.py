"""The collector that takes every sidecar's spans, and the Telemetry that makes them send some.

The mesh configuration names the provider (MeshControlPlane); here it gets its collector and is
switched on.
"""

from dataclasses import dataclass
from typing import Any

import pulumi
from pulumi_kubernetes.apiextensions import CustomResource

import model
from components._package import PACKAGE, labels, once_ready, wait_for, within
from components._tracing import (
    OTLP_GRPC_PORT,
    OTLP_HTTP_PORT,
    TELEMETRY_PORT,
    TracingProvider,
)

TELEMETRY_NAME = "mesh-tracing"


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
                "labels": {**labels("otel-collector"), "sidecar.istio.io/inject": "false"},
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


def build_collector(collector: model.Collector, *, otlp_address: pulumi.Input[str]) -> dict[str, Any]:
    """The spec of an OpenTelemetryCollector that passes OTLP on to Tempo."""
    return {
        "mode": "deployment",
        "replicas": collector.replicas,
        "resources": collector.resources.to_kubernetes(),
        "config": {
            "receivers": {
                "otlp": {
                    "protocols": {
                        "grpc": {"endpoint": f"0.0.0.0:{OTLP_GRPC_PORT}"},
                        "http": {"endpoint": f"0.0.0.0:{OTLP_HTTP_PORT}"},
                    }
                }
            },
            "processors": {
                # Percentages of the container's memory limit, which settings.py therefore requires.
                "memory_limiter": {
                    "check_interval": "1s",
                    "limit_percentage": 75,
                    "spike_limit_percentage": 15,
                },
                "batch": {},
            },
            "exporters": {
                "otlp": {
                    "endpoint": otlp_address,
                    "tls": {"insecure": True},
                    # Survives a restart of Tempo of up to five minutes; beyond that, or a full
                    # queue, spans are lost and otelcol_exporter_send_failed_spans counts them.
                    "retry_on_failure": {"enabled": True, "max_elapsed_time": "300s"},
                    "sending_queue": {"enabled": True, "queue_size": collector.queue_size},
                }
            },
            "service": {
                # The older `metrics.address` stops collectors from 0.123 on.
                "telemetry": {
                    "metrics": {
                        "readers": [
                            {"pull": {"exporter": {"prometheus": {"host": "0.0.0.0", "port": TELEMETRY_PORT}}}}  # noqa: S104
                        ]
                    }
                },
                "pipelines": {
                    "traces": {
                        "receivers": ["otlp"],
                        "processors": ["memory_limiter", "batch"],
                        "exporters": ["otlp"],
                    }
                },
            },
        },
    }
