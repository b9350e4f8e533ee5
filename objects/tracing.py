"""Tracing of the mesh: the collector that takes the sidecars' spans, and the Telemetry that makes them send spans."""

from pydantic import Field

from model import TRACING_PROVIDER, Mesh, Tracing
from model.scalars import Name
from objects.addresses import COLLECTOR, COLLECTOR_JOB, COLLECTOR_TELEMETRY_PORT
from objects.collector import POD_NAME, build_collector_spec
from objects.context import PART_OF, Args, Object, Text, wait_for
from objects.metrics import build_metrics_service

TELEMETRY = PART_OF
_NO_SIDECAR = {"sidecar.istio.io/inject": "false"}


class MeshTelemetryArgs(Args):
    """Arguments of ``MeshTelemetry``."""

    otlp_address: Text = Field(description="Where the collector sends spans by OTLP over gRPC: host and port.")
    tracing: Tracing = Field(default=Tracing(), description="Which requests are traced, and the collector.")
    namespace: Name = Field(default=Mesh().namespace, description="The mesh's root namespace, which is theirs too.")
    control_plane: Text | None = Field(
        default=None,
        description="Any output of a control plane that the same program makes: the Telemetry waits for all that the "
        "output waits for, and the collector does not.",
    )


def build_telemetry(args: MeshTelemetryArgs) -> dict[str, Object]:
    """The collector, the Service for its metrics, and the Telemetry."""
    return {"collector": _collector(args), "metrics": _metrics(args), "telemetry": _telemetry(args)}


def _collector(args: MeshTelemetryArgs) -> Object:
    replicas = args.tracing.collector.replicas
    return {
        "apiVersion": "opentelemetry.io/v1beta1",
        "kind": "OpenTelemetryCollector",
        "metadata": args.context.metadata(
            COLLECTOR,
            args.namespace,
            app=POD_NAME,
            # The operator copies the labels to the pods: there is no other way to keep a sidecar out of them.
            labels=_NO_SIDECAR,
            # The operator has no Ready condition before 0.154. Since long before that it writes, for a Deployment,
            # "<ready pods>/<pods>" here, so equality with what we asked for means that all of them serve.
            annotations=wait_for(f"jsonpath={{.status.scale.statusReplicas}}={replicas}/{replicas}"),
        ),
        "spec": build_collector_spec(args.tracing.collector, otlp_address=args.otlp_address),
    }


def _metrics(args: MeshTelemetryArgs) -> Object:
    # The operator's own Service for metrics has one address for all pods, and its headless one has no port for them.
    return build_metrics_service(
        COLLECTOR_JOB,
        args.namespace,
        port=COLLECTOR_TELEMETRY_PORT,
        selector={"app.kubernetes.io/component": "opentelemetry-collector", "app.kubernetes.io/name": POD_NAME},
        context=args.context,
    )


def _telemetry(args: MeshTelemetryArgs) -> Object:
    # Not awaited: a Telemetry has no status to wait for. Only the spans show that proxies trace.
    return {
        "apiVersion": "telemetry.istio.io/v1",
        "kind": "Telemetry",
        # Only in the root namespace does it apply to the whole mesh.
        "metadata": args.context.metadata(TELEMETRY, args.namespace),
        "spec": {
            "tracing": [
                {
                    "providers": [{"name": TRACING_PROVIDER}],
                    # Beside `providers`: inside the provider's entry the API server drops it without an error, and
                    # one request in a hundred is traced.
                    "randomSamplingPercentage": args.tracing.sampling_percentage,
                }
            ]
        },
    }
