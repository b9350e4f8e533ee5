"""The service graph: Prometheus has an edge for every expected call, and its counters grow."""

import shlex
from dataclasses import dataclass

from verify.causes import Code
from verify.findings import Finding, ok, starved, unknown, warning
from verify.programs import answers
from verify.programs.answers import NoAnswer
from verify.programs.metrics import gain
from verify.traffic import graph_scope, service_graph, trace
from verify.traffic.service_graph import Graph
from verify.world import Journey, Looks, World

NAME = "graph"
TITLE = "Service graph"


@dataclass(frozen=True)
class Seen:
    """``problem`` is why there is no graph; ``allowed``: not because of the login."""

    graph: Graph
    problem: str
    allowed: bool = True


def look(world: World) -> Seen:
    try:
        with world.prometheus() as client:
            return Seen(service_graph.read(client, scope=graph_scope.of(world)), "")
    except answers.ERRORS as error:
        none = NoAnswer.of(error)
        return Seen({}, none.said, allowed=not none.wants_login)


def flow(seen: Seen) -> dict[str, float]:
    """The requests that the graph has counted, on new edges too."""
    return {"": float(sum(calls.requests for calls in seen.graph.values()))}


def judge(world: World, looks: Looks[Seen]) -> Finding:
    after, journey = looks.after, looks.journey
    prometheus = world.deployment.prometheus
    if not after.allowed:
        return unknown(
            NAME,
            f"{prometheus.query_url}: {after.problem}",
            code=Code.LOGIN_REFUSED,
            cause="Prometheus does not accept the credentials that verify has",
        )
    if after.problem:
        return starved(
            NAME,
            f"{prometheus.query_url}: {after.problem}",
            code=Code.GRAPH_UNREADABLE,
            cause="the graph cannot be read",
            remedy="kubectl get --raw /readyz",
        )
    if journey is None:
        return ok(NAME, f"{len(after.graph)} edges")
    if journey.answered and journey.graphed_seconds is None:
        return _not_stored(world, journey) or _without_edges(world, looks, journey) or _not_counted(world, looks)
    missing = sorted(journey.expected - after.graph.keys())
    if missing:
        return starved(
            NAME,
            *(f"no edge {edge.client} → {edge.server}" for edge in missing),
            code=Code.EDGE_MISSING,
            cause="these calls are not made, or the calling application does not pass the trace headers on",
            remedy=_logs(missing[0].client),
        )
    if not after.graph:
        return unknown(
            NAME,
            "no edge, and none is expected",
            code=Code.NO_GRAPH,
            cause="no request was seen; name an address with --probe",
        )
    gone = sorted(journey.learnt - after.graph.keys())
    if gone:
        return warning(
            NAME,
            *(f"no edge {edge.client} → {edge.server}, and traces of the last minutes have it" for edge in gone),
            code=Code.EDGE_GONE,
            cause="earlier traces have calls that the graph has not: they are not made any more, or are not counted",
            remedy=_logs(gone[0].client),
        )
    return ok(NAME, f"{len(after.graph)} edges, with all {len(journey.expected | journey.learnt)} that are expected")


def _not_stored(world: World, journey: Journey) -> Finding | None:
    """What is wrong if none of the requests has come as far as to Tempo."""
    if journey.stored_seconds is not None:
        return None
    tracing = world.deployment.tracing
    return starved(
        NAME,
        f"none of the traces of {journey.answered} requests is in Tempo",
        code=Code.NOT_STORED,
        cause="the graph has nothing to count: the spans of these requests are lost, or taken out, on the way to Tempo",
        remedy=f"kubectl logs deployment/{tracing.collector}-collector -n {tracing.collector_namespace} --tail=50",
    )


def _without_edges(world: World, looks: Looks[Seen], journey: Journey) -> Finding | None:
    """What is wrong if there is nothing in the trace of the request for Prometheus to count."""
    found = journey.trace
    if found is None or trace.edges(found):
        return None
    services = list(dict.fromkeys(span.service for span in found.spans if span.service))
    evidence = f"trace {journey.trace_id} has spans of {', '.join(services) or 'no service'}, and no call between two"
    if any(span.is_call for span in found.spans):
        return starved(
            NAME,
            evidence,
            code=Code.NO_EDGES,
            cause="what is called sends no span: it has no sidecar, or its spans are dropped",
            remedy=f"kubectl get pods -n {shlex.quote(_namespace(services[0]))}" if services else world.restore,
        )
    service = services[0] if services else ""
    known = journey.expected | journey.learnt | looks.after.graph.keys()
    if any(edge.client == service for edge in known):
        return starved(
            NAME,
            evidence,
            code=Code.CONTEXT_NOT_PASSED_ON,
            cause=f"{service} does not pass the trace context on: each of its calls begins a trace of its own",
            remedy=_logs(service),
        )
    return unknown(
        NAME,
        evidence,
        code=Code.CONTEXT_NOT_PASSED_ON,
        cause=f"{service or 'the application'} calls nobody, or does not pass the trace context on: name an address "
        "with --probe whose application calls others",
    )


def _not_counted(world: World, looks: Looks[Seen]) -> Finding:
    if not gain(flow(looks.before), flow(looks.after)):
        return _nothing_new(world, looks.after)
    return unknown(
        NAME,
        "other edges grow, and none of the requests that were sent was added to any",
        code=Code.NOT_COUNTED,
        cause="the requests that were sent are not among those that the graph has counted: check again",
    )


def _nothing_new(world: World, after: Seen) -> Finding:
    prometheus = world.deployment.prometheus
    is_scraped = prometheus.scraped_url is not None
    return starved(
        NAME,
        f"{len(after.graph)} edges, and none of the requests that were sent was added to any",
        code=Code.NOTHING_NEW,
        cause="nothing new arrives in Prometheus" + (", which has to scrape ours" if is_scraped else ""),
        remedy=f"kubectl describe servicemonitor {prometheus.deployment} -n {prometheus.namespace}"
        if is_scraped
        else world.restore,
    )


def _logs(service: str) -> str:
    """The command for a service's log; it quotes the names, since any program can put anything into a span."""
    app = service.partition(".")[0]
    return f"kubectl logs -n {shlex.quote(_namespace(service))} -l {shlex.quote(f'app={app}')} --tail=20"


def _namespace(service: str) -> str:
    return service.rpartition(".")[2]
