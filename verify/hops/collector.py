"""The collector: its pods run, it accepts spans and passes them on to Tempo."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from verify.causes import Code
from verify.cluster import Object, is_ready, trouble
from verify.findings import Finding, blocked, fault, ok, starved, unknown
from verify.hops.sidecars import has_sidecar
from verify.metrics import Samples, growth, scrape, total
from verify.world import Looks, World

NAME = "collector"
TITLE = "Collector"

_METRICS_PORT = 8888
_CONTAINER = "otc-container"
_LOG_SECONDS = 60
_ERROR = re.compile(r'"error":\s*"((?:[^"\\]|\\.)*)"')
_MAX_LENGTH = 200
_ACCEPTED, _REFUSED = "otelcol_receiver_accepted_spans", "otelcol_receiver_refused_spans"
_SENT, _FAILED = "otelcol_exporter_sent_spans", "otelcol_exporter_send_failed_spans"


@dataclass(frozen=True)
class Seen:
    """``log`` holds the recent errors of its exporters."""

    resource: Object | None
    pods: list[Object]
    metrics: Samples | None
    log: list[str]


def look(world: World) -> Seen:
    cluster, tracing = world.cluster, world.deployment.tracing
    space = f"namespaces/{tracing.collector_namespace}"
    pods = cluster.pods(
        tracing.collector_namespace,
        {"app.kubernetes.io/instance": f"{tracing.collector_namespace}.{tracing.collector}"},
    )
    lines = [line for pod in pods for line in cluster.log(pod, _CONTAINER, seconds=_LOG_SECONDS)]
    return Seen(
        resource=cluster.read(f"/apis/opentelemetry.io/v1beta1/{space}/opentelemetrycollectors/{tracing.collector}"),
        pods=pods,
        metrics=scrape(cluster, [pod for pod in pods if is_ready(pod)], _METRICS_PORT),
        log=[failure for line in lines if (failure := exporter_failure(line))],
    )


def exporter_failure(line: str) -> str:
    """The error of an exporter in a line of the log; empty for any other line."""
    if "Exporting failed" not in line:
        return ""
    error = _ERROR.search(line)
    return f"Exporting failed: {error[1] if error else line.strip()[:_MAX_LENGTH]}"


def flow(seen: Seen) -> float:
    """The spans that it has accepted."""
    return total(seen.metrics, _ACCEPTED)


def judge(world: World, looks: Looks[Seen]) -> Finding:
    after = looks.after
    tracing = world.deployment.tracing
    place = f"OpenTelemetryCollector {tracing.collector_namespace}/{tracing.collector}"
    name = f"{tracing.collector} -n {tracing.collector_namespace}"
    if after.resource is None:
        return fault(NAME, f"no {place}", code=Code.NO_COLLECTOR, cause="there is no collector", remedy=world.restore)
    ready = [pod for pod in after.pods if is_ready(pod)]
    if not ready:
        stopped = after.resource["spec"].get("replicas") == 0
        return fault(
            NAME,
            f"{place}: spec.replicas is {after.resource['spec'].get('replicas')}, no pod is ready",
            *(f"Pod {pod['metadata']['name']}: {trouble(pod)}" for pod in after.pods),
            code=Code.COLLECTOR_STOPPED if stopped else Code.COLLECTOR_DOWN,
            cause="the collector is scaled to 0" if stopped else "the collector's pods do not become ready",
            remedy=f"kubectl scale opentelemetrycollector {name} --replicas={tracing.collector_replicas}"
            if stopped
            else f"kubectl logs deployment/{tracing.collector}-collector -n {tracing.collector_namespace}",
        )
    inside = [pod for pod in ready if has_sidecar(pod)]
    if inside:
        return fault(
            NAME,
            f"Pod {inside[0]['metadata']['name']} has a sidecar",
            code=Code.COLLECTOR_IN_MESH,
            cause="the collector is in the mesh, so its own traffic is traced too",
            remedy=world.restore,
        )
    endpoints = exporter_endpoints(after.resource["spec"].get("config") or {})
    if tracing.otlp_address not in endpoints:
        return fault(
            NAME,
            f"{place}: its exporters of traces send to {', '.join(endpoints) or 'nowhere'}",
            f"Tempo is {tracing.otlp_address}",
            *after.log[-1:],
            code=Code.COLLECTOR_ELSEWHERE,
            cause="the collector sends to another address than Tempo's",
            remedy=world.restore,
        )
    return _by_counters(world, looks)


def exporter_endpoints(config: Mapping[str, Any]) -> list[str]:
    """The endpoints that the pipelines of traces export to."""
    pipelines = (config.get("service") or {}).get("pipelines") or {}
    names = [
        name
        for kind, pipeline in pipelines.items()
        if kind.partition("/")[0] == "traces"
        for name in pipeline.get("exporters") or []
    ]
    exporters = config.get("exporters") or {}
    found = [(exporters.get(name) or {}).get("endpoint", "") for name in names]
    return [endpoint for endpoint in dict.fromkeys(found) if endpoint]


def twice(quantity: str) -> str:
    """Double a quantity of memory in Kubernetes' notation."""
    number = quantity.rstrip("kKMGTPEi")
    return f"{float(number) * 2:.12g}{quantity.removeprefix(number)}"


def _limit(seen: Seen) -> str:
    """The memory limit of a collector; the program always sets one."""
    resources = (seen.resource or {}).get("spec", {}).get("resources") or {}
    return str((resources.get("limits") or {}).get("memory", "512Mi"))


def _by_counters(world: World, looks: Looks[Seen]) -> Finding:
    before, after, journey = looks.before, looks.after, looks.journey
    tracing = world.deployment.tracing
    logs = f"kubectl logs deployment/{tracing.collector}-collector -n {tracing.collector_namespace} --tail=50"
    if after.metrics is None:
        return unknown(
            NAME,
            f"port {_METRICS_PORT} does not answer",
            code=Code.COLLECTOR_WITHOUT_METRICS,
            cause="the collector does not expose its metrics",
            remedy=logs,
        )
    accepted, refused, sent, failed = (
        growth(before.metrics, after.metrics, name) or 0 for name in (_ACCEPTED, _REFUSED, _SENT, _FAILED)
    )
    evidence = f"spans accepted +{accepted:g}, refused +{refused:g}, sent +{sent:g}, failed +{failed:g}"
    if refused:
        return fault(
            NAME,
            evidence,
            code=Code.COLLECTOR_REFUSES,
            cause="the memory limiter refuses spans: the collector has too little memory, or Tempo is too slow",
            remedy=f"pulumi config set --path tracing.collector.resources.limits.memory {twice(_limit(after))}"
            f" --stack {world.stack} && pulumi up --stack {world.stack}",
        )
    if failed or (accepted and not sent) or (after.log and not sent):
        return blocked(
            NAME,
            evidence,
            *after.log[-1:],
            code=Code.COLLECTOR_BLOCKED,
            cause=f"Tempo does not accept what the collector sends to {tracing.otlp_address}; after an interruption it "
            "retries more and more rarely; a restart ends that, but loses the spans in its memory",
            remedy=f"kubectl rollout restart deployment/{tracing.collector}-collector -n {tracing.collector_namespace}",
        )
    if journey is not None and journey.answered and not accepted:
        return starved(NAME, evidence, code=Code.NO_SPANS, cause="no span reaches the collector", remedy=logs)
    return ok(NAME, evidence if journey else f"{len(after.pods)} pods are ready")
