"""The spec of the collector: a pipeline of traces from the mesh to Tempo."""

from collections.abc import Sequence
from typing import Any

from model import Collector
from model.parts import to_kubernetes_env
from objects.addresses import COLLECTOR_TELEMETRY_PORT, OTLP_GRPC_PORT, OTLP_HTTP_PORT
from objects.context import Context, Text
from objects.merge import merge
from objects.pod_security import CONTAINER, POD
from objects.pods import pull_account

# The operator copies the resource's labels to the pods, this one as ``app.kubernetes.io/name``.
POD_NAME = "otel-collector"

_FIRST = "memory_limiter"
_LAST = "batch"


def build_collector_spec(collector: Collector, *, otlp_address: Text, context: Context) -> dict[str, Any]:
    """The spec of an OpenTelemetryCollector that passes OTLP on to Tempo.

    Any pod may get any span: Tempo brings the two spans of an edge together by their trace id.
    """
    spec: dict[str, Any] = {
        "mode": "deployment",
        "replicas": collector.replicas,
        "resources": collector.resources.to_kubernetes(),
        "podSecurityContext": POD,
        "securityContext": CONTAINER,
        "config": build_config(collector, otlp_address),
        **context.scheduling.to_kubernetes(),
    }
    if collector.image is not None:
        spec["image"] = context.image(collector.image)
    if context.images.pull_secrets:
        spec["serviceAccount"] = pull_account(POD_NAME)
    if collector.env:
        spec["env"] = to_kubernetes_env(collector.env)
    if collector.replicas > 1:
        # The default of the operator's newer versions, spelled out for the older ones.
        spec["podDisruptionBudget"] = {"maxUnavailable": 1}
        spec["topologySpreadConstraints"] = [
            {
                "maxSkew": 1,
                "topologyKey": "kubernetes.io/hostname",
                # All replicas run on a cluster of one node too.
                "whenUnsatisfiable": "ScheduleAnyway",
                "labelSelector": {"matchLabels": {"app.kubernetes.io/name": POD_NAME}},
            }
        ]
    return spec


def build_config(collector: Collector, otlp_address: Text) -> dict[str, Any]:
    """The collector's configuration, with the user's merged over it."""
    config = merge(_our_config(collector, otlp_address), collector.extra_config)
    traces = config["service"]["pipelines"]["traces"]
    traces["processors"] = in_order(traces["processors"])
    return config


def in_order(processors: Sequence[str]) -> list[str]:
    """``processors`` with the memory limiter first and batching last; what is missing is added.

    The limiter has to refuse spans before any work is spent on them, and processors that look at each
    span get smaller requests before the spans are batched.
    """
    first = _of_type(_FIRST, processors) or [_FIRST]
    last = _of_type(_LAST, processors) or [_LAST]
    return [*first, *(name for name in processors if name not in {*first, *last}), *last]


def _of_type(kind: str, processors: Sequence[str]) -> list[str]:
    """A processor is called by its type, or by its type, a slash and a name."""
    return [name for name in processors if name.partition("/")[0] == kind]


def _our_config(collector: Collector, otlp_address: Text) -> dict[str, Any]:
    return {
        "receivers": {
            "otlp": {
                "protocols": {
                    "grpc": {"endpoint": f"0.0.0.0:{OTLP_GRPC_PORT}"},
                    "http": {"endpoint": f"0.0.0.0:{OTLP_HTTP_PORT}"},
                }
            }
        },
        "processors": {
            # Percentages of the container's memory limit, which the settings therefore require.
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
                # By default the exporter waits up to 30 s between two tries, and the metrics generator counts
                # no span older than 30 s.
                "retry_on_failure": {"enabled": True, "max_interval": "10s", "max_elapsed_time": "300s"},
                "sending_queue": {"enabled": True, "queue_size": collector.queue_size},
            }
        },
        "service": {
            # The older `metrics.address` stops collectors from 0.123 on.
            "telemetry": {
                "metrics": {
                    "readers": [
                        {"pull": {"exporter": {"prometheus": {"host": "0.0.0.0", "port": COLLECTOR_TELEMETRY_PORT}}}}  # noqa: S104
                    ]
                }
            },
            "pipelines": {
                "traces": {
                    "receivers": ["otlp"],
                    "processors": [_FIRST, _LAST],
                    "exporters": ["otlp"],
                }
            },
        },
    }
