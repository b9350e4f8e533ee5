"""The edges that are learnt from traces: what applications other than Bookinfo have lately called."""

from collections.abc import Iterator, Sequence

import httpx

from verify.access.cluster import UNREADABLE, CannotLookError
from verify.traffic import trace
from verify.traffic.service_graph import Edge
from verify.world import World

# The generator forgets an edge a quarter of an hour after the last call (tempo: modules/generator/registry/config.go),
# and it takes up to a minute until Prometheus has a new one. In between, an edge of a trace is in the graph.
_OLDEST_SECONDS, _NEWEST_SECONDS = 600, 90
# Tempo returns the newest traces first, and a busy service fills an answer: so the time is searched piece by piece.
_PIECES = 5
_TRACES_IN_A_PIECE = 4


def learnt_edges(world: World) -> frozenset[Edge]:
    """The calls in the traces of the last minutes, between services of the mesh other than Bookinfo's."""
    deployment = world.deployment
    sample = deployment.bookinfo.namespace if deployment.bookinfo else None
    namespaces = [name for name in deployment.mesh.namespaces if name != sample]
    found: set[Edge] = set()
    try:
        if namespaces:
            with world.tempo() as tempo:
                found = {edge for one in _traces(tempo, namespaces, world.cluster.now()) for edge in trace.edges(one)}
    except (httpx.HTTPError, CannotLookError, *UNREADABLE):
        return frozenset()
    return frozenset(edge for edge in found if {_namespace(edge.client), _namespace(edge.server)} <= {*namespaces})


def _traces(tempo: httpx.Client, namespaces: Sequence[str], now: float) -> Iterator[trace.Trace]:
    for identity in dict.fromkeys(_identities(tempo, namespaces, now)):
        answer = tempo.get(f"/api/traces/{identity}")
        # A search still finds a trace that has just been deleted.
        if answer.status_code != httpx.codes.NOT_FOUND:
            yield trace.parse(answer.raise_for_status().json())


def _identities(tempo: httpx.Client, namespaces: Sequence[str], now: float) -> Iterator[str]:
    """The ids of some traces of each piece of the time."""
    seconds = (_OLDEST_SECONDS - _NEWEST_SECONDS) / _PIECES
    for number in range(_PIECES):
        start = now - _OLDEST_SECONDS + number * seconds
        window = {"start": str(int(start)), "end": str(int(start + seconds))}
        query = {"q": trace.of_namespaces(namespaces), "limit": str(_TRACES_IN_A_PIECE), **window}
        found = tempo.get("/api/search", params=query).raise_for_status().json().get("traces") or []
        yield from (one["traceID"] for one in found)


def _namespace(service: str) -> str:
    return service.rpartition(".")[2]
