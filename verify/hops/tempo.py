"""Tempo: its parts run, it accepts spans, and finds recent traces by TraceQL."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import httpx

from verify.access.cluster import CannotLookError, Object, condition, is_ready, trouble
from verify.causes import Code
from verify.findings import Finding, Status, blocked, fault, ok, starved, unknown, warning
from verify.programs import placement, startup, symptoms
from verify.programs.metrics import Samples, by_pod, growth, growth_by, scrape
from verify.programs.placement import Stranded
from verify.programs.startup import Program
from verify.programs.tempo_parts import (
    API_PORT,
    COMPACTOR,
    DISTRIBUTOR,
    GATEWAY,
    INGESTER,
    INTERNAL_DOORS,
    ONE,
    QUERIER,
    QUERY_FRONTEND,
    USERS_OF_THE_BUCKET,
    common_labels,
    labels,
    pods_by_part,
)
from verify.programs.tempo_tenants import gateway_service, needs, take_away, tenancy_of
from verify.traffic.trace import of_namespaces
from verify.world import Looks, World

NAME = "tempo"
TITLE = "Tempo"

_DISCARDED = "tempo_discarded_spans_total"
_RECEIVED = "tempo_distributor_spans_received_total"
_KINDS = {"monolithic": ("TempoMonolithic", "tempomonolithics"), "stack": ("TempoStack", "tempostacks")}
# How far back traces are searched.
_RECENT_SECONDS = 300
_WITHOUT_INGESTERS = 3
_NOT_ALLOWED = {401, 403}
# What Tempo answers to a question without a tenant (dskit: user/id.go).
_NO_TENANT = "no org id"
_MAX_LENGTH = 120


@dataclass(frozen=True)
class Failure:
    """Why a search failed."""

    said: str
    code: Code


@dataclass(frozen=True)
class Seen:
    """``parts`` has the pods of each part, ``search`` the number of recent traces.

    ``has_intake``: whether the Service exists that takes spans; ``gateway`` is the Service of the gateway.
    ``last_words`` are what pods that are not ready have logged, ``out_of_memory`` those that were ended for that, and
    ``stranded`` is one that waits for the node with its volume.
    """

    resource: Object | None
    parts: Mapping[str, Sequence[Object]]
    metrics: Samples | None
    search: int | Failure
    has_intake: bool = True
    gateway: Object | None = None
    last_words: Sequence[str] = ()
    out_of_memory: Sequence[str] = ()
    stranded: Stranded | None = None

    @property
    def pods(self) -> list[Object]:
        return [pod for pods in self.parts.values() for pod in pods]

    def has_ready(self, part: str) -> bool:
        return any(is_ready(pod) for pod in self.parts.get(part, ()))


def look(world: World) -> Seen:
    tempo, cluster = world.deployment.tempo, world.cluster
    _, plural = _KINDS[tempo.mode]
    parts = pods_by_part(cluster, tempo)
    pods = [pod for found in parts.values() for pod in found]
    taking = [pod for part in (ONE, DISTRIBUTOR) for pod in parts.get(part, []) if is_ready(pod)]
    services = f"/api/v1/namespaces/{tempo.namespace}/services"
    return Seen(
        resource=cluster.read(f"/apis/tempo.grafana.com/v1alpha1/namespaces/{tempo.namespace}/{plural}/{tempo.name}"),
        parts=parts,
        metrics=scrape(cluster, taking, API_PORT, INTERNAL_DOORS),
        search=search(world),
        has_intake=cluster.read(f"{services}/{tempo.distributor_service}") is not None,
        gateway=cluster.read(f"{services}/{gateway_service(tempo)}"),
        last_words=startup.last_words(cluster, pods),
        out_of_memory=startup.out_of_memory(pods, cluster.now()),
        # Of several ingesters, that of a node that does not answer is no pod of a part any more: it is being deleted.
        stranded=placement.of_labels(cluster, tempo.namespace, common_labels(tempo)),
    )


def flow(seen: Seen) -> dict[str, float]:
    """The spans that it has received."""
    return by_pod(seen.metrics, _RECEIVED)


def judge(world: World, looks: Looks[Seen]) -> Finding:
    after = looks.after
    if after.resource is None:
        return fault(NAME, f"no {_place(world)}", code=Code.NO_TEMPO, cause="there is no Tempo", remedy=world.restore)
    ready = condition(after.resource, "Ready") or {}
    evidence = [
        f"{_place(world)}: Ready is {ready.get('status', 'not reported')}",
        *(f"Pod {pod['metadata']['name']}: {trouble(pod)}" for pod in after.pods if not is_ready(pod)),
    ]
    return (
        _waiting_for_its_volume(world, after, after.resource, evidence)
        or _refusing_to_run(world, after, after.resource, evidence)
        or _not_running(world, after, after.resource, evidence)
        or _with_tenants(world, after, after.resource, evidence)
        or _part_not_running(world, after, after.resource, evidence)
        or _without_service(world, after, after.resource, evidence)
        or _not_searching(world, after, evidence)
        or _with_what_wants_attention(world, after, after.resource, _by_counters(world, looks))
    )


def _waiting_for_its_volume(world: World, seen: Seen, resource: Object, evidence: Sequence[str]) -> Finding | None:
    """A part that is needed does not run, and one waits for the node with its volume."""
    if seen.stranded is None or all(seen.has_ready(part) for part in _parts_needed(world, resource)):
        return None
    cause = placement.cause(world, seen.stranded)
    return fault(NAME, *evidence, seen.stranded.said, code=cause.code, cause=cause.words, remedy=cause.remedy)


def _refusing_to_run(world: World, seen: Seen, resource: Object, evidence: Sequence[str]) -> Finding | None:
    """A part that is needed does not run, and has said why, or was ended for its memory."""
    if all(seen.has_ready(part) for part in _parts_needed(world, resource)):
        return None
    program = Program(
        name="Tempo",
        resource=resource,
        config=("spec", "extraConfig", "tempo"),
        settings="tempo.extraConfig",
        memory="tempo.resources.limits.memory",
        usual_memory="2Gi",
    )
    known = startup.cause_of_end(world, program, seen.last_words, seen.out_of_memory)
    if known is None:
        return None
    cause, line = known
    return fault(NAME, *evidence, line, code=cause.code, cause=cause.words, remedy=cause.remedy)


def _place(world: World) -> str:
    tempo = world.deployment.tempo
    return f"{_KINDS[tempo.mode][0]} {tempo.namespace}/{tempo.name}"


def _resource(world: World) -> str:
    """The resource, as an argument of kubectl."""
    tempo = world.deployment.tempo
    return f"{_KINDS[tempo.mode][1]} {tempo.name} -n {tempo.namespace}"


def _parts_needed(world: World, resource: Object) -> dict[str, str]:
    """The parts without which spans do not pass, or are not found, each with what happens then."""
    if world.deployment.tempo.mode == "monolithic":
        return {ONE: "no span is taken"}
    gateway = (resource["spec"].get("template") or {}).get("gateway") or {}
    return {
        **({GATEWAY: "neither spans nor searches get in"} if gateway.get("enabled") else {}),
        DISTRIBUTOR: "no span is taken",
        **({INGESTER: "no span is stored"} if _has_ingesters(resource) else {}),
        QUERY_FRONTEND: "no trace is found",
        QUERIER: "no trace is found",
    }


def _has_ingesters(resource: Object) -> bool:
    """Whether it has ingesters and a compactor, as every Tempo before 3."""
    major = str(resource.get("status", {}).get("tempoVersion", "")).partition(".")[0]
    return not major.isdigit() or int(major) < _WITHOUT_INGESTERS


def _not_running(world: World, seen: Seen, resource: Object, evidence: Sequence[str]) -> Finding | None:
    needed = _parts_needed(world, resource)
    # Each of the two kinds has a field of its own.
    unmanaged = "Unmanaged" in {resource["spec"].get("management"), resource["spec"].get("managementState")}
    stopped = [part for part in needed if not seen.parts.get(part)]
    if unmanaged and stopped:
        none = "no pod runs" if not seen.pods else f"no pod of {', '.join(stopped)} runs"
        return fault(
            NAME,
            *evidence,
            f"{_place(world)}: it is Unmanaged, and {none}",
            code=Code.TEMPO_STOPPED,
            cause="Tempo is stopped, and its operator was told not to manage it",
            remedy=f"kubectl patch {_resource(world)} --type merge"
            """ --patch '{"spec":{"management":"Managed","managementState":"Managed"}}'""",
        )
    if any(is_ready(pod) for pod in seen.pods):
        return None
    found = blocked if seen.pods and world.deployment.tempo.object_store else fault
    return found(
        NAME,
        *evidence,
        code=Code.TEMPO_DOWN,
        cause="no pod of Tempo is ready",
        remedy=f"kubectl describe {_resource(world)}",
    )


def _with_tenants(world: World, seen: Seen, resource: Object, evidence: Sequence[str]) -> Finding | None:
    """Tempo has tenants, and the stack, which was deployed without, sends and asks without naming one."""
    tempo = world.deployment.tempo
    tenancy = tenancy_of(resource, tempo.mode)
    refused = isinstance(seen.search, Failure) and seen.search.code is Code.NO_TENANT
    is_shut = tenancy.has_gateway and tempo.tenant is None
    if not (refused or is_shut):
        return None
    exporter = needs(tenancy, tempo, seen.gateway)
    return fault(
        NAME,
        *evidence,
        f"{_place(world)} has tenants: {', '.join(tenancy.names) or 'none is named'}",
        *([f"Service {tempo.namespace}/{tempo.distributor_service} does not exist"] if not seen.has_intake else []),
        *([f"TraceQL: {seen.search.said}"] if isinstance(seen.search, Failure) else []),
        code=Code.NO_TENANT,
        cause=f"Tempo has tenants, and the stack is deployed without: an exporter to it needs {exporter}; else take "
        "the tenants away",
        remedy=take_away(tenancy, _resource(world), world) or f"kubectl describe {_resource(world)}",
    )


def _part_not_running(world: World, seen: Seen, resource: Object, evidence: Sequence[str]) -> Finding | None:
    tempo = world.deployment.tempo
    down = [(part, then) for part, then in _parts_needed(world, resource).items() if not seen.has_ready(part)]
    if not down:
        return None
    part, then = down[0]
    needs_the_bucket = tempo.object_store is not None and part in USERS_OF_THE_BUCKET
    found = blocked if needs_the_bucket and seen.parts.get(part) else fault
    return found(
        NAME,
        *evidence,
        *(f"no pod of {one} is ready" for one, _ in down),
        code=Code.TEMPO_PART_DOWN,
        cause=f"no pod of Tempo's {part} is ready: {then}",
        remedy=_describe(world, part),
    )


def _without_service(world: World, seen: Seen, resource: Object, evidence: Sequence[str]) -> Finding | None:
    tempo = world.deployment.tempo
    if seen.has_intake or tenancy_of(resource, tempo.mode).has_gateway:
        return None
    return fault(
        NAME,
        *evidence,
        f"no Service {tempo.namespace}/{tempo.distributor_service}",
        code=Code.NO_TEMPO_SERVICE,
        cause="the Service that takes spans does not exist, and its operator does not make it again",
        remedy=f"kubectl describe {_resource(world)}",
    )


def _not_searching(world: World, seen: Seen, evidence: Sequence[str]) -> Finding | None:
    if not isinstance(seen.search, Failure) or seen.search.code is not Code.NO_SEARCH:
        return None
    return fault(
        NAME,
        *evidence,
        f"TraceQL: {seen.search.said}",
        code=Code.NO_SEARCH,
        cause="Tempo does not answer searches",
        remedy=_logs(seen, QUERY_FRONTEND),
    )


def _by_counters(world: World, looks: Looks[Seen]) -> Finding:
    before, after, journey = looks.before, looks.after, looks.journey
    logs = _logs(after, DISTRIBUTOR)
    if after.metrics is None:
        return unknown(NAME, code=Code.TEMPO_WITHOUT_METRICS, cause="Tempo does not expose its metrics", remedy=logs)
    discarded = growth_by("reason", before.metrics, after.metrics, _DISCARDED)
    exceeded = symptoms.of_discards(world, discarded)
    if exceeded is not None:
        counts = ", ".join(f"{reason} +{spans:g}" for reason, spans in discarded.items() if spans)
        return fault(
            NAME, f"spans discarded: {counts}", code=exceeded.code, cause=exceeded.words, remedy=exceeded.remedy
        )
    received = growth(before.metrics, after.metrics, _RECEIVED)
    if received is None:
        return unknown(
            NAME,
            "none of its pods was there when the check began",
            code=Code.RESTARTED,
            cause="Tempo's pods were replaced during the check: check again",
        )
    evidence = f"spans received +{received:g}" + (
        ""
        if isinstance(after.search, Failure)
        else f", {after.search} traces of the last {_RECENT_SECONDS // 60} minutes found"
    )
    if journey is None:
        return ok(NAME, f"{sum(map(is_ready, after.pods))} pods are ready")
    if journey.answered and not received:
        return starved(NAME, evidence, code=Code.NO_SPANS, cause="no span reaches Tempo", remedy=logs)
    if journey.answered and journey.stored_seconds is not None and journey.searchable_seconds is None:
        return fault(
            NAME,
            evidence,
            code=Code.NOT_SEARCHABLE,
            cause="the trace of the request is stored, but TraceQL does not find it",
            remedy=_logs(after, QUERY_FRONTEND),
        )
    return ok(NAME, evidence)


def _with_what_wants_attention(world: World, seen: Seen, resource: Object, finding: Finding) -> Finding:
    """``finding``, or what is not known or not right although spans get through."""
    if finding.status is not Status.OK:
        return finding
    if isinstance(seen.search, Failure):
        return unknown(
            NAME,
            *finding.evidence,
            f"TraceQL: {seen.search.said}",
            code=seen.search.code,
            cause="Tempo, or the gateway in front of it, does not let the kubeconfig's user search",
        )
    if seen.stranded is not None:
        cause = placement.cause(world, seen.stranded)
        return warning(
            NAME,
            *finding.evidence,
            seen.stranded.said,
            code=cause.code,
            cause=f"{cause.words}; the others take its place",
            remedy=cause.remedy,
        )
    # A part of which nothing runs is the matter of another hop, as the generator, or was judged before.
    unready = [
        (part, pod)
        for part, pods in seen.parts.items()
        for pod in pods
        if not is_ready(pod) and (seen.has_ready(part) or part == COMPACTOR)
    ]
    said = [f"Pod {pod['metadata']['name']}: {trouble(pod)}" for _, pod in unready]
    has_compactor = world.deployment.tempo.mode == "stack" and _has_ingesters(resource)
    if has_compactor and not seen.has_ready(COMPACTOR):
        return warning(
            NAME,
            *finding.evidence,
            *said,
            code=Code.TEMPO_PART_DOWN,
            cause="no pod of Tempo's compactor is ready: what is stored is neither merged nor deleted",
            remedy=_describe(world, COMPACTOR),
        )
    if unready:
        return warning(
            NAME,
            *finding.evidence,
            *said,
            code=Code.POD_NOT_READY,
            cause=f"a pod of Tempo's {unready[0][0]} is not ready; the others take its place",
            remedy=_describe(world, unready[0][0]),
        )
    return finding


def _describe(world: World, part: str) -> str:
    """What Kubernetes says of a part: of its pods, and why there are none."""
    tempo = world.deployment.tempo
    selector = ",".join(f"{key}={value}" for key, value in labels(tempo, part).items())
    return f"kubectl describe deployments,statefulsets,pods -n {tempo.namespace} -l {selector}"


def _logs(seen: Seen, part: str) -> str:
    """The command for the log of a part, or of all of Tempo where that is one process."""
    pod = next(pod for name in (part, ONE) for pod in seen.parts.get(name, ()))["metadata"]
    return f"kubectl logs -n {pod['namespace']} {pod['name']} --tail=50"


def search(world: World) -> int | Failure:
    """The number of recent traces that it finds."""
    now = int(world.cluster.now())
    try:
        with world.tempo() as client:
            query = {"q": of_namespaces(world.deployment.mesh.namespaces), "limit": "100"}
            answer = client.get("/api/search", params=query | {"start": str(now - _RECENT_SECONDS), "end": str(now)})
            # The gateway leads those without a token to a page where people log in.
            if answer.status_code in _NOT_ALLOWED or answer.is_redirect:
                return _refusal(answer)
            return len(answer.raise_for_status().json().get("traces") or [])
    except (httpx.HTTPError, CannotLookError, ValueError) as error:
        return Failure(str(error), Code.NO_SEARCH)


def _refusal(answer: httpx.Response) -> Failure:
    words = " ".join(answer.text.split())[:_MAX_LENGTH]
    code = Code.NO_TENANT if _NO_TENANT in words else Code.LOGIN_REFUSED
    return Failure(" ".join(filter(None, [f"it answered {answer.status_code}", words])), code)
