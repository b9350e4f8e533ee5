"""The collector: its pods run, it accepts spans and passes them on to Tempo."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from verify.access.cluster import Object, ServicePort, is_ready, trouble
from verify.causes import Code
from verify.findings import Finding, blocked, fault, ok, starved, unknown, warning
from verify.hops.sidecars import has_sidecar
from verify.obstacles import network_policies
from verify.obstacles.network_policies import Way
from verify.programs import exporters, ownership, startup, symptoms
from verify.programs.exporters import Exporter, Failure
from verify.programs.metrics import Samples, by_pod, growth, growth_by, scrape
from verify.programs.startup import Program
from verify.traffic import delays
from verify.world import Looks, World

NAME = "collector"
TITLE = "Collector"

_METRICS_PORT = 8888
_CONTAINER = "otc-container"
_LOG_SECONDS = 60
_ACCEPTED, _REFUSED = "otelcol_receiver_accepted_spans", "otelcol_receiver_refused_spans"
_SENT, _FAILED = "otelcol_exporter_sent_spans", "otelcol_exporter_send_failed_spans"
# The label with an exporter's name (collector: exporter/exporterhelper/internal/obs_report_sender.go).
_EXPORTER = "exporter"
_RECEIVER = "receiver"
# Of pods that make the service graph: by it each gets the spans of its traces from the others.
_BETWEEN_PODS = "otlp/graph"
SETTINGS = "tracing.collector.extraConfig"


@dataclass(frozen=True)
class Seen:
    """``log`` holds the recent errors of its exporters, ``last_words`` what pods that are not ready have logged.

    ``out_of_memory`` are the pods of which a container was ended for that in the last minutes, ``way`` is the one from
    a pod to Tempo, if an exporter has waited in vain.
    """

    resource: Object | None
    pods: list[Object]
    metrics: Samples | None
    log: Sequence[Failure]
    last_words: Sequence[str] = ()
    out_of_memory: Sequence[str] = ()
    way: Way | None = None

    @property
    def config(self) -> Mapping[str, Any]:
        return config_of(self.resource)


def config_of(resource: Object | None) -> Mapping[str, Any]:
    """The configuration in the collector's resource."""
    return (resource or {}).get("spec", {}).get("config") or {}


def read(world: World) -> Object | None:
    """The collector's resource."""
    tracing = world.deployment.tracing
    space = f"namespaces/{tracing.collector_namespace}"
    return world.cluster.read(f"/apis/opentelemetry.io/v1beta1/{space}/opentelemetrycollectors/{tracing.collector}")


def look(world: World) -> Seen:
    cluster, tracing = world.cluster, world.deployment.tracing
    pods = cluster.pods(
        tracing.collector_namespace,
        {"app.kubernetes.io/instance": f"{tracing.collector_namespace}.{tracing.collector}"},
    )
    lines = [line for pod in pods for line in cluster.log(pod, _CONTAINER, seconds=_LOG_SECONDS)]
    log = exporters.failures(lines)
    return Seen(
        resource=read(world),
        pods=pods,
        metrics=scrape(cluster, [pod for pod in pods if is_ready(pod)], _METRICS_PORT),
        log=log,
        last_words=startup.last_words(cluster, pods),
        out_of_memory=startup.out_of_memory(pods, cluster.now()),
        way=way_to(world, pods, log, _url(tracing.otlp_address)),
    )


def _url(endpoint: str) -> str:
    """An exporter's endpoint as a URL, which it is only for OTLP over HTTP."""
    return endpoint if "//" in endpoint else f"//{endpoint}"


def way_to(world: World, pods: Sequence[Object], log: Sequence[Failure], url: str) -> Way | None:
    """The way from a pod of the collector to ``url``, if an exporter has waited in vain for an answer."""
    target = ServicePort.of(url)
    if target is None or not pods or not any(symptoms.is_silence(one) for one in log):
        return None
    return network_policies.read(world.cluster, pods[0], target)


def flow(seen: Seen) -> dict[str, float]:
    """The spans that it has accepted."""
    return by_pod(seen.metrics, _ACCEPTED)


def judge(world: World, looks: Looks[Seen]) -> Finding:
    after = looks.after
    if after.resource is None:
        return fault(
            NAME, f"no {_place(world)}", code=Code.NO_COLLECTOR, cause="there is no collector", remedy=world.restore
        )
    ready = [pod for pod in after.pods if is_ready(pod)]
    if not ready:
        return _not_running(world, after)
    inside = [pod for pod in ready if has_sidecar(pod)]
    if inside and not world.deployment.tracing.collector_in_mesh:
        return fault(
            NAME,
            f"Pod {inside[0]['metadata']['name']} has a sidecar",
            code=Code.COLLECTOR_IN_MESH,
            cause="the collector is in the mesh, so its own traffic is traced too",
            remedy=world.restore,
        )
    if not any(one.endpoint == world.deployment.tracing.otlp_address for one in exporters.of_traces(after.config)):
        return _elsewhere(world, after)
    return _by_counters(world, looks)


def _place(world: World) -> str:
    tracing = world.deployment.tracing
    return f"OpenTelemetryCollector {tracing.collector_namespace}/{tracing.collector}"


def logs(world: World) -> str:
    """The command that shows what the collector has logged last."""
    tracing = world.deployment.tracing
    return f"kubectl logs deployment/{tracing.collector}-collector -n {tracing.collector_namespace} --tail=50"


def _not_running(world: World, seen: Seen) -> Finding:
    tracing = world.deployment.tracing
    replicas = (seen.resource or {})["spec"].get("replicas")
    evidence = [
        f"{_place(world)}: spec.replicas is {replicas}, no pod is ready",
        *(f"Pod {pod['metadata']['name']}: {trouble(pod)}" for pod in seen.pods),
    ]
    if replicas == 0:
        return fault(
            NAME,
            *evidence,
            code=Code.COLLECTOR_STOPPED,
            cause="the collector is scaled to 0",
            remedy=f"kubectl scale opentelemetrycollector {tracing.collector} -n {tracing.collector_namespace}"
            f" --replicas={tracing.collector_replicas}",
        )
    known = startup.cause_of_end(world, _program(seen), seen.last_words, seen.out_of_memory)
    if known is not None:
        cause, line = known
        return fault(NAME, *evidence, line, code=cause.code, cause=cause.words, remedy=cause.remedy)
    return fault(
        NAME,
        *evidence,
        *seen.last_words[-1:],
        code=Code.COLLECTOR_DOWN,
        cause="the collector's pods do not become ready",
        remedy=logs(world),
    )


def _program(seen: Seen) -> Program:
    return Program(
        name="the collector",
        resource=seen.resource,
        config=("spec", "config"),
        settings=SETTINGS,
        memory="tracing.collector.resources.limits.memory",
        usual_memory="512Mi",
    )


def _elsewhere(world: World, seen: Seen) -> Finding:
    address = world.deployment.tracing.otlp_address
    used = exporters.of_traces(seen.config)
    endpoints = [one.endpoint for one in used if one.endpoint]
    path = _wrong(seen.config, used, address)
    by_settings = ownership.is_by_settings(seen.resource, ("spec", "config", *path))
    setting = ".".join((SETTINGS, *path))
    return fault(
        NAME,
        f"{_place(world)}: its exporters of traces send to {', '.join(endpoints) or 'nowhere'}",
        f"Tempo is {address}",
        *map(str, seen.log[-1:]),
        code=Code.DIFFERENT_BY_SETTINGS if by_settings else Code.COLLECTOR_ELSEWHERE,
        cause="the collector sends to another address than Tempo's"
        + (f", because the stack's setting {setting} says so" if by_settings else ""),
        remedy=world.forget(setting) if by_settings else world.restore,
    )


def _wrong(config: Mapping[str, Any], used: Sequence[Exporter], address: str) -> tuple[str, ...]:
    """Which field keeps spans from Tempo: the endpoint of an exporter, or the list in which Tempo's exporter is not."""
    known = {name: (one or {}).get("endpoint") for name, one in (config.get("exporters") or {}).items()}
    with_endpoint = next((one.name for one in used if one.endpoint), None)
    if address in known.values() or with_endpoint is None:
        pipelines = (config.get("service") or {}).get("pipelines") or {}
        pipeline = next((name for name in pipelines if exporters.type_of(name) == "traces"), "traces")
        return ("service", "pipelines", pipeline, "exporters")
    return ("exporters", with_endpoint, "endpoint")


def _leads_to_tempo(world: World, exporter: Exporter) -> bool:
    """Whether spans of this exporter reach Tempo, or the Tempo beside it that makes the service graph."""
    tempo = world.deployment.tempo
    target = ServicePort.of(_url(exporter.endpoint))
    return exporter.endpoint == world.deployment.tracing.otlp_address or (
        target is not None and (target.service, target.namespace) == (tempo.generator_service, tempo.namespace)
    )


def _accepted(before: Samples | None, after: Samples | None) -> float | None:
    """The spans that came from outside, by either way that collectors count: with the receiver's name, or without."""
    by_receiver = growth_by(_RECEIVER, before, after, _ACCEPTED)
    known = growth(before, after, _ACCEPTED) is not None
    return sum(spans for name, spans in by_receiver.items() if name != _BETWEEN_PODS) if known else None


def _by_counters(world: World, looks: Looks[Seen]) -> Finding:
    before, after, journey = looks.before, looks.after, looks.journey
    if after.metrics is None:
        return unknown(
            NAME,
            f"port {_METRICS_PORT} does not answer",
            code=Code.COLLECTOR_WITHOUT_METRICS,
            cause="the collector does not expose its metrics",
            remedy=logs(world),
        )
    accepted = _accepted(before.metrics, after.metrics)
    if accepted is None:
        return unknown(
            NAME,
            f"none of its {len(after.pods)} pods was there when the check began",
            code=Code.RESTARTED,
            cause="the collector's pods were replaced during the check: check again",
        )
    refused = growth(before.metrics, after.metrics, _REFUSED) or 0
    others = {one.name for one in exporters.of_traces(after.config) if not _leads_to_tempo(world, one)}
    by_exporter = (growth_by(_EXPORTER, before.metrics, after.metrics, name) for name in (_SENT, _FAILED))
    (sent, _), (failed, failed_elsewhere) = (_apart(counted, others) for counted in by_exporter)
    log = [one for one in after.log if one.exporter not in others]
    evidence = f"spans accepted +{accepted:g}, refused +{refused:g}, sent +{sent:g}, failed +{failed:g}"
    # What is held back may be kept or not.
    silent = accepted and not sent and delays.longest(after.config) is None
    # A full queue makes it refuse spans too.
    if failed or silent or (log and not sent):
        return _not_taken(world, evidence, log, after.way)
    if refused:
        return fault(
            NAME,
            evidence,
            code=Code.COLLECTOR_REFUSES,
            cause="the memory limiter refuses spans: the collector has too little memory, or Tempo is too slow",
            remedy=startup.more_memory(world, _program(after)),
        )
    if journey is not None and journey.answered and not accepted:
        return starved(NAME, evidence, code=Code.NO_SPANS, cause="no span reaches the collector", remedy=logs(world))
    if failed_elsewhere:
        return _fails_elsewhere(world, evidence, failed_elsewhere, [one for one in after.log if one.exporter in others])
    if after.out_of_memory:
        cause = startup.too_little_memory(world, _program(after))
        ended = [f"Pod {pod}: a container was ended for its memory" for pod in after.out_of_memory]
        return warning(NAME, evidence, *ended, code=cause.code, cause=cause.words, remedy=cause.remedy)
    outside = [pod for pod in after.pods if is_ready(pod) and not has_sidecar(pod)]
    if outside and world.deployment.tracing.collector_in_mesh:
        tracing = world.deployment.tracing
        return warning(
            NAME,
            evidence,
            f"Pod {outside[0]['metadata']['name']} has no sidecar",
            code=Code.COLLECTOR_WITHOUT_SIDECAR,
            cause="spans reach the collector in plain text: istiod did not inject this pod when it was made",
            remedy=f"kubectl rollout restart deployment/{tracing.collector}-collector -n {tracing.collector_namespace}",
        )
    ill = [pod for pod in after.pods if not is_ready(pod)]
    if ill:
        return _partly_running(world, after, evidence, ill)
    return ok(NAME, evidence if journey else f"{len(after.pods)} pods are ready")


def _partly_running(world: World, seen: Seen, evidence: str, ill: Sequence[Object]) -> Finding:
    """Spans get through older pods, or other ones."""
    known = startup.cause_of_end(world, _program(seen), seen.last_words, ())
    cause, line = known or (None, "")
    return warning(
        NAME,
        evidence,
        *(f"Pod {pod['metadata']['name']}: {trouble(pod)}" for pod in ill),
        line,
        code=cause.code if cause else Code.POD_NOT_READY,
        cause=f"{len(ill)} of the collector's {len(seen.pods)} pods are not ready"
        + (f": {cause.words}" if cause else "; the others take their place"),
        remedy=cause.remedy
        if cause
        else f"kubectl describe pod {ill[0]['metadata']['name']} -n {ill[0]['metadata']['namespace']}",
    )


def _apart(counted: Mapping[str, float], others: set[str]) -> tuple[float, float]:
    """The spans on the way to Tempo, and those on the way elsewhere, of a count by exporter."""
    elsewhere = sum(spans for name, spans in counted.items() if name in others)
    return sum(counted.values()) - elsewhere, elsewhere


def _not_taken(world: World, evidence: str, log: Sequence[Failure], way: Way | None) -> Finding:
    closed = None if way is None else network_policies.closed_behind(world, way)
    if closed is not None:
        said = (evidence, *map(str, log[-1:]), closed.evidence)
        return fault(NAME, *said, code=closed.code, cause=closed.cause, remedy=closed.remedy)
    known = next((found for one in reversed(log) if (found := symptoms.of_failure(world, one))), None)
    tracing = world.deployment.tracing
    return blocked(
        NAME,
        evidence,
        *map(str, log[-1:]),
        code=known.code if known else Code.COLLECTOR_BLOCKED,
        cause=known.words
        if known
        else f"Tempo does not accept what the collector sends to {tracing.otlp_address}; after an interruption it "
        "retries more and more rarely; a restart ends that, but loses the spans in its memory",
        remedy=known.remedy
        if known
        else f"kubectl rollout restart deployment/{tracing.collector}-collector -n {tracing.collector_namespace}",
    )


def _fails_elsewhere(world: World, evidence: str, failed: float, log: Sequence[Failure]) -> Finding:
    names = sorted({one.exporter for one in log})
    return warning(
        NAME,
        evidence,
        f"failed on the way elsewhere +{failed:g}",
        *map(str, log[-1:]),
        code=Code.OTHER_EXPORTER,
        cause=f"another exporter of the collector fails{''.join(f' ({name})' for name in names[:1])}; Tempo gets its "
        "spans",
        remedy=logs(world),
    )
