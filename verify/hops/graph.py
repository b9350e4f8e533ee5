"""The service graph: Prometheus has an edge for every expected call, and its counters grow."""

import shlex
from dataclasses import dataclass

import httpx

from verify import service_graph
from verify.causes import Code
from verify.cluster import CannotLookError
from verify.findings import Finding, ok, starved, unknown
from verify.service_graph import Edge, Graph
from verify.world import Looks, World

NAME = "graph"
TITLE = "Service graph"


@dataclass(frozen=True)
class Seen:
    """``problem`` is why there is no graph."""

    graph: Graph
    problem: str


def look(world: World) -> Seen:
    try:
        with world.prometheus() as client:
            return Seen(service_graph.read(client), "")
    except (httpx.HTTPError, CannotLookError, ValueError, KeyError) as error:
        return Seen({}, str(error))


def flow(seen: Seen) -> float:
    """The requests that the graph has counted."""
    return sum(calls.requests for calls in seen.graph.values())


def judge(world: World, looks: Looks[Seen]) -> Finding:
    after, journey = looks.after, looks.journey
    prometheus = world.deployment.prometheus
    ask = "kubectl get --raw /readyz"
    if after.problem:
        return starved(
            NAME,
            f"{prometheus.query_url}: {after.problem}",
            code=Code.GRAPH_UNREADABLE,
            cause="the graph cannot be read",
            remedy=ask,
        )
    if journey is None:
        return ok(NAME, f"{len(after.graph)} edges")
    if journey.answered and journey.graphed_seconds is None:
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
    missing = sorted(journey.expected - after.graph.keys())
    if missing:
        return starved(
            NAME,
            *(f"no edge {edge.client} → {edge.server}" for edge in missing),
            code=Code.EDGE_MISSING,
            cause="these calls are not made, or the calling application does not pass the trace headers on",
            remedy=_logs(missing[0]),
        )
    if not after.graph:
        return unknown(
            NAME,
            "no edge, and none is expected",
            code=Code.NO_GRAPH,
            cause="no request was seen; name an address with --probe",
        )
    return ok(NAME, f"{len(after.graph)} edges, with all {len(journey.expected)} that are expected")


def _logs(edge: Edge) -> str:
    """The command for the caller's log; it quotes the names, since any program can put anything into a span."""
    app, namespace = edge.client.partition(".")[0], edge.client.rpartition(".")[2]
    return f"kubectl logs -n {shlex.quote(namespace)} -l {shlex.quote(f'app={app}')} --tail=20"
