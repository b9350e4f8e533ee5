"""Tempo: it runs, accepts spans, and finds recent traces by TraceQL."""

import time
from dataclasses import dataclass

import httpx

from verify.causes import Code
from verify.cluster import CannotLookError, Object, condition, is_ready, trouble
from verify.findings import Finding, blocked, fault, ok, starved, unknown
from verify.metrics import Samples, growth, scrape, total
from verify.trace import of_namespaces
from verify.world import Looks, World

NAME = "tempo"
TITLE = "Tempo"

_HTTP_PORT = 3200
_RECEIVED = "tempo_distributor_spans_received_total"
_KINDS = {"monolithic": ("TempoMonolithic", "tempomonolithics"), "stack": ("TempoStack", "tempostacks")}
# How far back traces are searched.
_RECENT_SECONDS = 300


@dataclass(frozen=True)
class Seen:
    """``search`` is the number of recent traces, or why the search failed."""

    resource: Object | None
    pods: list[Object]
    metrics: Samples | None
    search: int | str


def look(world: World) -> Seen:
    tempo, cluster = world.deployment.tempo, world.cluster
    _, plural = _KINDS[tempo.mode]
    pods = cluster.pods_of(tempo.namespace, tempo.distributor_service)
    return Seen(
        resource=cluster.read(f"/apis/tempo.grafana.com/v1alpha1/namespaces/{tempo.namespace}/{plural}/{tempo.name}"),
        pods=pods,
        metrics=scrape(cluster, [pod for pod in pods if is_ready(pod)], _HTTP_PORT),
        search=_search(world),
    )


def flow(seen: Seen) -> float:
    """The spans that it has received."""
    return total(seen.metrics, _RECEIVED)


def judge(world: World, looks: Looks[Seen]) -> Finding:
    after = looks.after
    tempo = world.deployment.tempo
    kind, plural = _KINDS[tempo.mode]
    place, name = f"{kind} {tempo.namespace}/{tempo.name}", f"{tempo.name} -n {tempo.namespace}"
    if after.resource is None:
        return fault(NAME, f"no {place}", code=Code.NO_TEMPO, cause="there is no Tempo", remedy=world.restore)
    ready = condition(after.resource, "Ready") or {}
    evidence = [
        f"{place}: Ready is {ready.get('status', 'not reported')}",
        *(f"Pod {pod['metadata']['name']}: {trouble(pod)}" for pod in after.pods if not is_ready(pod)),
    ]
    if after.resource["spec"].get("management") == "Unmanaged" and not after.pods:
        return fault(
            NAME,
            *evidence,
            f"{place}: spec.management is Unmanaged, and no pod runs",
            code=Code.TEMPO_STOPPED,
            cause="Tempo is stopped, and its operator was told not to manage it",
            remedy=f"kubectl patch {plural} {name} --type merge"
            """ --patch '{"spec":{"management":"Managed","managementState":"Managed"}}'""",
        )
    if not any(is_ready(pod) for pod in after.pods):
        found = blocked if after.pods and tempo.object_store else fault
        return found(
            NAME,
            *evidence,
            code=Code.TEMPO_DOWN,
            cause="no pod of Tempo is ready",
            remedy=f"kubectl describe {plural} {name}",
        )
    if isinstance(after.search, str):
        return fault(
            NAME,
            *evidence,
            f"TraceQL: {after.search}",
            code=Code.NO_SEARCH,
            cause="Tempo does not answer searches",
            remedy=f"kubectl logs -n {tempo.namespace} {after.pods[0]['metadata']['name']} --tail=50",
        )
    return _by_counters(world, looks)


def _by_counters(world: World, looks: Looks[Seen]) -> Finding:
    before, after, journey = looks.before, looks.after, looks.journey
    tempo = world.deployment.tempo
    logs = f"kubectl logs -n {tempo.namespace} {after.pods[0]['metadata']['name']} --tail=50"
    if after.metrics is None:
        return unknown(NAME, code=Code.TEMPO_WITHOUT_METRICS, cause="Tempo does not expose its metrics", remedy=logs)
    received = growth(before.metrics, after.metrics, _RECEIVED) or 0
    evidence = f"spans received +{received:g}, {after.search} traces of the last {_RECENT_SECONDS // 60} minutes found"
    if journey is None:
        return ok(NAME, f"{len(after.pods)} pods are ready")
    if journey.answered and not received:
        return starved(NAME, evidence, code=Code.NO_SPANS, cause="no span reaches Tempo", remedy=logs)
    if journey.answered and journey.stored_seconds is not None and journey.searchable_seconds is None:
        return fault(
            NAME,
            evidence,
            code=Code.NOT_SEARCHABLE,
            cause="the trace of the request is stored, but TraceQL does not find it",
            remedy=logs,
        )
    return ok(NAME, evidence)


def _search(world: World) -> int | str:
    now = int(time.time())
    try:
        with world.cluster.client(world.deployment.tempo.query_url) as client:
            query = {"q": of_namespaces(world.deployment.mesh.namespaces), "limit": "100"}
            answer = client.get("/api/search", params=query | {"start": str(now - _RECENT_SECONDS), "end": str(now)})
            return len(answer.raise_for_status().json().get("traces") or [])
    except (httpx.HTTPError, CannotLookError, ValueError) as error:
        return str(error)
