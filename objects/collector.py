"""The spec of the collector: a pipeline of traces from the mesh to Tempo."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from model import STORE, Collector, Destination, Tracing
from model.parts import to_kubernetes_env, value_at
from objects import backends
from objects.addresses import COLLECTOR, COLLECTOR_TELEMETRY_PORT, OTLP_GRPC_PORT, OTLP_HTTP_PORT
from objects.collector_graph import CONNECTORS, GRAPH, CollectorGraph, add_graph
from objects.context import Context, Text
from objects.merge import merge
from objects.pod_security import CONTAINER, POD
from objects.pods import pull_account, spread_over_nodes
from objects.redaction import redacting
from objects.resource_attributes import placing
from objects.sampling import build_parts, needs_whole_traces
from objects.whole_traces import TRACES, Part, add_parts

# The operator copies the resource's labels to the pods, this one as ``app.kubernetes.io/name``.
POD_NAME = "otel-collector"
POD_LABELS = {"app.kubernetes.io/component": "opentelemetry-collector", "app.kubernetes.io/name": POD_NAME}

# The release whose connectors are known to count as Tempo does, which is also that of Red Hat's build. The operator's
# own default has neither them nor samplers.
FULL_IMAGE = "ghcr.io/open-telemetry/opentelemetry-collector-releases/opentelemetry-collector-contrib:0.152.0"

_FIRST = "memory_limiter"
# Between the pipelines and the exporters that stand apart: of the spans that are kept, and of every one.
_KEPT, _EVERY = "forward/kept", "forward/every"
_EXPORTER = "otlp_grpc"
# The exporter's name before collectors 0.144, and the processor that batched before exporters did. Both still work, and
# are used where the user's own configuration speaks of one of them.
_OLDER_EXPORTER = "otlp"
_BATCH_PROCESSOR = "batch"

# Spans, of about half a kilobyte each, in a request to Tempo: its receiver takes 4 MiB, which is gRPC's default.
_BATCH = {"flush_timeout": "200ms", "min_size": 1000, "max_size": 4000}
_SPANS_IN_A_BATCH = 1000


def build_collector_spec(  # noqa: PLR0913  each decides over a part of it
    tracing: Tracing,
    *,
    otlp_address: Text,
    peers: Text,
    store: Destination | None = None,
    graph_address: Text | None = None,
    graph: CollectorGraph | None = None,
    full_image: str | None = FULL_IMAGE,
    context: Context,
) -> dict[str, Any]:
    """The spec of an OpenTelemetryCollector that passes OTLP on to Tempo.

    ``store`` says how the store at ``otlp_address`` is called, if that is somebody else's.
    With a ``graph_address`` it passes all spans on to that one too; with ``graph`` it makes the service graph itself.
    ``peers`` is a host whose addresses are those of all its pods. ``full_image`` is for what the operator's default has
    not; none takes the operator's, which has it.
    """
    collector = tracing.collector
    spec: dict[str, Any] = {
        "mode": "deployment",
        "replicas": collector.replicas,
        "resources": collector.resources.to_kubernetes(),
        "podSecurityContext": POD,
        "securityContext": CONTAINER,
        "config": build_config(
            tracing, otlp_address, peers=peers, store=store, graph_address=graph_address, graph=graph
        ),
        **context.scheduling.to_kubernetes(),
    }
    needs_more = (
        graph is not None or needs_whole_traces(tracing, multiplies=graph is None) or tracing.resource.kubernetes
    )
    image = collector.image or (full_image if needs_more else None)
    if image:
        spec["image"] = context.image(image)
    if context.images.pull_secrets:
        spec["serviceAccount"] = collector_account(context)
    if env := {**collector.env, **(graph.env if graph else {}), **backends.variables(tracing.exporters, store)}:
        spec["env"] = to_kubernetes_env(env)
    if collector.replicas > 1:
        # The default of the operator's newer versions, spelled out for the older ones.
        spec["podDisruptionBudget"] = {"maxUnavailable": 1}
        spec["topologySpreadConstraints"] = spread_over_nodes({"app.kubernetes.io/name": POD_NAME})
    return spec


def collector_account(context: Context) -> str:
    """The name of its pods' ServiceAccount: ours, or the one that the operator makes."""
    return pull_account(POD_NAME) if context.images.pull_secrets else f"{COLLECTOR}-collector"


def build_config(  # noqa: PLR0913  each decides over a part of it
    tracing: Tracing,
    otlp_address: Text,
    *,
    peers: Text,
    store: Destination | None = None,
    graph_address: Text | None = None,
    graph: CollectorGraph | None = None,
) -> dict[str, Any]:
    """The collector's configuration, with the user's merged over it."""
    collector = tracing.collector
    ours = _our_config(tracing, otlp_address, store, graph_address)
    if graph is not None:
        ours = add_graph(ours, graph)
    redaction, place = redacting(tracing.redaction), placing(tracing.resource)
    config = merge(merge(ours, {"processors": {**redaction, **place}}), collector.extra_config)
    config["service"]["pipelines"] = _redacted(config["service"]["pipelines"], redaction)
    traces = config["service"]["pipelines"][TRACES]
    traces["processors"] = in_order(
        _with_first(traces["processors"], [*redaction, *place]), batching=_is_older(collector.extra_config)
    )
    kept, every = _exporters(tracing, traces["exporters"])
    processors, parts = build_parts(tracing, list(kept), multiplies=graph is None)
    # What is sampled goes on from there, and not from here.
    traces["exporters"] = list(every if parts else kept | every)
    config = merge({"processors": processors}, config) if parts else config
    counted = [] if graph is None else [Part(GRAPH, [], CONNECTORS)]
    config = add_parts(
        config, [*counted, *parts], replicas=collector.replicas, delivery=_delivery(collector), peers=peers
    )
    for connector, apart in (kept | every).items():
        config = merge(config, backends.set_apart(apart, connector)) if apart else config
    return config


def in_order(processors: Sequence[str], *, batching: bool) -> list[str]:
    """``processors`` with the memory limiter first and, with ``batching``, that last; what is missing is added.

    The limiter has to refuse spans before any work is spent on them, and processors that look at each
    span get smaller requests before the spans are batched.
    """
    first = _of_type(_FIRST, processors) or [_FIRST]
    last = (_of_type(_BATCH_PROCESSOR, processors) or [_BATCH_PROCESSOR]) if batching else []
    return [*first, *(name for name in processors if name not in {*first, *last}), *last]


def _with_first(processors: Sequence[str], ours: Iterable[str]) -> list[str]:
    """``processors`` with ``ours`` before all but the memory limiter, so that nothing passes them by."""
    limiter = _of_type(_FIRST, processors)
    return list(dict.fromkeys([*limiter, *ours, *processors]))


def _redacted(pipelines: Mapping[str, Any], redaction: Iterable[str]) -> dict[str, Any]:
    """``pipelines`` with the processors of ``redaction`` in each one of traces, be it ours or the user's own."""
    return {
        # What has another shape is for the collector to refuse.
        name: {**pipeline, "processors": _with_first(pipeline.get("processors") or [], redaction)}
        if name.partition("/")[0] == TRACES and isinstance(pipeline, Mapping)
        else pipeline
        for name, pipeline in pipelines.items()
    }


def _of_type(kind: str, processors: Iterable[str]) -> list[str]:
    """A processor is called by its type, or by its type, a slash and a name."""
    return [name for name in processors if name.partition("/")[0] == kind]


def _exporters(tracing: Tracing, tempos: Sequence[str]) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    """What gets the spans that are kept, and what gets every span, each with the exporters that stand apart behind it.

    They do where there are others than ``tempos``.
    """
    if not tracing.exporters:
        return {name: [] for name in tempos}, {}
    older = _is_older(tracing.collector.extra_config)
    kept, every = list(tempos), list[str]()
    for name, backend in tracing.exporters.items():
        (every if backend.all_traces else kept).append(backends.exporter_name(name, backend, older=older))
    return {_KEPT: kept}, ({_EVERY: every} if every else {})


def _our_config(
    tracing: Tracing, otlp_address: Text, store: Destination | None, graph_address: Text | None
) -> dict[str, Any]:
    collector = tracing.collector
    older = _is_older(collector.extra_config)
    exporter = _OLDER_EXPORTER if older else _EXPORTER
    tempos = {exporter: otlp_address, **({} if graph_address is None else {f"{exporter}/graph": graph_address})}
    queues = len(tempos) + len(tracing.exporters)

    def delivery(thousands: int) -> dict[str, Any]:
        if not tracing.exporters:
            return _delivery(collector)
        spans = backends.queued_spans(thousands * _SPANS_IN_A_BATCH, collector, queues)
        return _delivery(collector, spans)

    if store is None:
        exporters = {
            name: {"endpoint": address, "tls": {"insecure": True}, **delivery(collector.queue_size)}
            for name, address in tempos.items()
        }
    else:
        name = backends.exporter_name(None, store, older=older)
        exporters = {name: backends.build_exporter(STORE, store, delivery(collector.queue_size))}
    further = {
        backends.exporter_name(name, backend, older=older): backends.build_exporter(
            name, backend, delivery(backend.queue_size)
        )
        for name, backend in tracing.exporters.items()
    }
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
            **({_BATCH_PROCESSOR: {}} if older else {}),
        },
        "exporters": {**exporters, **further},
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
                    "processors": [_FIRST],
                    "exporters": list(exporters),
                }
            },
        },
    }


def _delivery(collector: Collector, spans: int | None = None) -> dict[str, Any]:
    """What becomes of spans that cannot be sent at once, of which so many may wait, or as many as the settings say."""
    return {
        # Survives a restart of Tempo of up to five minutes; beyond that, or a full queue, spans are lost and
        # otelcol_exporter_send_failed_spans counts them. By default the exporter waits up to 30 s between two tries,
        # and the metrics generator counts no span older than 30 s.
        "retry_on_failure": {"enabled": True, "max_interval": "10s", "max_elapsed_time": "300s"},
        "sending_queue": {"enabled": True, **_queue(collector, spans)},
    }


def _queue(collector: Collector, spans: int | None) -> dict[str, Any]:
    if spans is None:
        spans = collector.queue_size * _SPANS_IN_A_BATCH
    if _is_older(collector.extra_config):
        # It is requests that are counted there.
        return {"queue_size": max(1, spans // _SPANS_IN_A_BATCH)}
    # Sidecars send many small requests, so it is spans that are counted.
    return {"sizer": "items", "queue_size": spans, "batch": _BATCH}


def _is_older(extra: Mapping[str, Any]) -> bool:
    """Whether the user's configuration speaks of the older exporter or of the batch processor."""
    pipelines = list((value_at(extra, "service.pipelines") or {}).values())
    exporters = [*(extra.get("exporters") or {}), *(name for one in pipelines for name in one.get("exporters") or [])]
    processors = [
        *(extra.get("processors") or {}),
        *(name for one in pipelines for name in one.get("processors") or []),
    ]
    return _OLDER_EXPORTER in exporters or bool(_of_type(_BATCH_PROCESSOR, processors))
