"""Tracing of the mesh: the collector that takes the sidecars' spans, and the Telemetry that makes them send spans."""

from pydantic import Field

from model import Destination, Mesh, Platform, Tracing
from model.scalars import Image, Name
from objects.addresses import (
    COLLECTOR,
    COLLECTOR_GRAPH_PORT,
    COLLECTOR_JOB,
    COLLECTOR_PEER_PORT,
    COLLECTOR_TELEMETRY_PORT,
    GRAPH_JOB,
    collector_peers,
)
from objects.collector import FULL_IMAGE, POD_LABELS, POD_NAME, build_collector_spec, collector_account
from objects.collector_graph import CollectorGraph
from objects.context import PART_OF, Args, Object, Text, wait_for
from objects.mesh_config import injection_labels
from objects.metrics import Monitor, build_metrics_service, build_monitor
from objects.pods import build_pull_account
from objects.prometheus_access import build_credentials
from objects.resource_attributes import build_pod_reader
from objects.restart import restart_annotation
from objects.rollout import REVISION, Rollout
from objects.sampling import needs_whole_traces
from objects.telemetry import build_mesh_telemetry, build_namespace_telemetries

_INJECT = "sidecar.istio.io/inject"


class MeshTelemetryArgs(Args):
    """Arguments of ``MeshTelemetry``."""

    otlp_address: Text = Field(
        description="Where the collector sends spans by OTLP: host and port, or a URL for OTLP over HTTP."
    )
    store: Destination | None = Field(
        default=None, description="How the store there is called, if it is somebody else's; none means without TLS."
    )
    graph_address: Text | None = Field(
        default=None,
        description="Where it sends every span too, to a Tempo that makes the service graph: host and port.",
    )
    graph: CollectorGraph | None = Field(
        default=None, description="What the collector has to know to make the service graph, if it makes it."
    )
    full_image: Image | None = Field(
        default=FULL_IMAGE,
        description="The collector's image where it samples, makes the graph or looks up pods, and its settings name "
        "none; none takes the operator's.",
    )
    prometheus_credentials: Text | None = Field(
        default=None,
        description="Password or token of the Prometheus that it then writes to; required for its login without a "
        "`secret`.",
    )
    monitor: Monitor | None = Field(
        default=None, description="How an existing Prometheus scrapes the collector, where it is to find it itself."
    )
    tracing: Tracing = Field(default=Tracing(), description="Which requests are traced, and the collector.")
    namespace: Name = Field(default=Mesh().namespace, description="The mesh's root namespace, which is theirs too.")
    traced: list[Name] | None = Field(
        default=None, description="The namespaces that are traced; none means all of the mesh."
    )
    made_later: list[Name] = Field(
        default=[], description="Namespaces that come later, and whose Telemetries come with them."
    )
    mesh: Mesh = Field(default=Mesh(), description="The mesh that is traced.")
    platform: Platform = Field(default="kubernetes", description="What the cluster is.")
    lets_everybody_in: bool | None = Field(
        default=None,
        description="Whether the collector's operator makes a NetworkPolicy that lets everybody in; none leaves it to "
        "the operator.",
    )
    control_plane: Text | None = Field(
        default=None,
        description="Any output of a control plane that the same program makes: the Telemetry waits for all that the "
        "output waits for, and the collector only if it is in the mesh.",
    )

    @property
    def has_peers(self) -> bool:
        """Whether each trace is handed to one of the collector's pods; with a single pod, nothing is."""
        return self.graph is not None or needs_whole_traces(self.tracing, multiplies=True)


def build_telemetry(
    args: MeshTelemetryArgs, *, revision: Text | None = None, awaited: bool = True
) -> dict[str, Object]:
    """The collector, the Services that are scraped, the Telemetry, and what the collector's pods need at their start.

    In the mesh, there is a second Telemetry, for the collector's own sidecar. ``awaited``: whether Pulumi's provider
    waits for the collector as far as it can.
    """
    graph, namespace = args.graph, args.namespace
    existing = None if graph is None else graph.prometheus
    built: dict[str, Object | None] = {
        "account": build_pull_account(POD_NAME, namespace, args.context),
        "login": build_credentials(
            existing, args.prometheus_credentials, consumer=COLLECTOR, namespace=namespace, context=args.context
        ),
        **(
            build_pod_reader(collector_account(args.context), POD_NAME, namespace, args.context)
            if args.tracing.resource.kubernetes
            else {}
        ),
        "collector": _collector(args, revision, awaited=awaited),
        **_scraped("metrics", COLLECTOR_JOB, COLLECTOR_TELEMETRY_PORT, args),
        **(_scraped("graph", GRAPH_JOB, COLLECTOR_GRAPH_PORT, args) if graph and graph.write_url is None else {}),
        **_telemetries(args),
        "untraced": _untraced(args) if args.tracing.collector.in_mesh else None,
    }
    return {role: obj for role, obj in built.items() if obj is not None}


def collector_rollout(args: MeshTelemetryArgs) -> Rollout:
    """The Deployment that the operator makes."""
    return Rollout(
        title="The collector",
        namespace=args.namespace,
        workloads=(f"{COLLECTOR}-collector",),
        seconds=args.context.timeouts.collector,
    )


def _collector(args: MeshTelemetryArgs, revision: Text | None, *, awaited: bool) -> Object:
    replicas = args.tracing.collector.replicas
    # The operator has no Ready condition before 0.154. Since long before that it writes, for a Deployment, "<ready
    # pods>/<pods>" here, so equality with what we asked for means that all of them serve. After an update it counts the
    # old pods for a while.
    all_serve = wait_for(f"jsonpath={{.status.scale.statusReplicas}}={replicas}/{replicas}")
    spec = build_collector_spec(
        args.tracing,
        otlp_address=args.otlp_address,
        peers=collector_peers(args.namespace, args.context),
        store=args.store,
        graph_address=args.graph_address,
        graph=args.graph,
        full_image=args.full_image,
        context=args.context,
    )
    annotations: dict[str, Text] = _of_sidecar(args) if args.tracing.collector.in_mesh else {}
    if revision is not None:
        annotations[REVISION] = revision
    if annotations:
        spec["podAnnotations"] = annotations
    if args.lets_everybody_in is not None:
        spec["networkPolicy"] = {"enabled": args.lets_everybody_in}
    return {
        "apiVersion": "opentelemetry.io/v1beta1",
        "kind": "OpenTelemetryCollector",
        "metadata": args.context.metadata(
            COLLECTOR,
            args.namespace,
            app=POD_NAME,
            # The operator copies the labels to the pods: there is no other way to keep a sidecar out of them.
            labels=_injection(args),
            annotations=all_serve if awaited else None,
        ),
        "spec": spec,
    }


def _telemetries(args: MeshTelemetryArgs) -> dict[str, Object]:
    mesh = args.mesh.model_copy(update={"namespace": args.namespace})
    for_the_mesh = {"telemetry": build_mesh_telemetry(mesh, args.tracing, args.context)} if args.traced is None else {}
    namespaces = dict.fromkeys([*(args.traced or []), *(one.namespace for one in args.tracing.sampling.exceptions)])
    of_namespaces = {
        "-".join(filter(None, ["telemetry", namespace, app])): built
        for namespace in namespaces
        if namespace not in args.made_later
        for app, built in build_namespace_telemetries(
            namespace, mesh, args.tracing, args.context, in_mesh_telemetry=args.traced is None
        ).items()
    }
    return {**for_the_mesh, **of_namespaces}


def _injection(args: MeshTelemetryArgs) -> dict[str, str]:
    """The labels by which the collector's pods have a sidecar, whatever the namespace's say, or have none."""
    if not args.tracing.collector.in_mesh:
        return {_INJECT: "false"}
    revision = injection_labels(args.mesh.revision).get("istio.io/rev")
    return {_INJECT: "true", **({} if revision is None else {"istio.io/rev": revision})}


def _of_sidecar(args: MeshTelemetryArgs) -> dict[str, Text]:
    """The annotations of a collector with a sidecar, through which spans come in, and nothing else passes."""
    traffic = "traffic.sidecar.istio.io"
    return {
        **restart_annotation(args.mesh, args.platform, args.context),
        # Prometheus has no sidecar: where the mesh demands mTLS, it could not scrape these ports. Nor do the other
        # collectors send through theirs.
        f"{traffic}/excludeInboundPorts": ",".join(map(str, _around_the_sidecar(args))),
        # No range: Tempo has no sidecar either, and a proxy that ends first would keep the last spans from it.
        f"{traffic}/includeOutboundIPRanges": "",
    }


def _around_the_sidecar(args: MeshTelemetryArgs) -> list[int]:
    graph = [] if args.graph is None else [COLLECTOR_GRAPH_PORT]
    return [COLLECTOR_TELEMETRY_PORT, *graph, *([COLLECTOR_PEER_PORT] if args.has_peers else [])]


def _untraced(args: MeshTelemetryArgs) -> Object:
    """The Telemetry by which the collector's sidecar reports no spans: each would come in as a request of its own."""
    return {
        "apiVersion": "telemetry.istio.io/v1",
        "kind": "Telemetry",
        "metadata": args.context.metadata(f"{PART_OF}-collector", args.namespace),
        "spec": {"selector": {"matchLabels": POD_LABELS}, "tracing": [{"disableSpanReporting": True}]},
    }


def _scraped(role: str, job: str, port: int, args: MeshTelemetryArgs) -> dict[str, Object]:
    """By its role, what is there for the pods to be scraped by ``job``."""
    # The operator's own Service for metrics has one address for all pods, and its headless one has no port for them.
    service = build_metrics_service(job, args.namespace, port=port, selector=POD_LABELS, context=args.context)
    if args.monitor is None:
        return {role: service}
    monitor = build_monitor(job, args.namespace, args.monitor, has_graph=job == GRAPH_JOB)
    return {role: service, f"{role}-monitor": monitor}
