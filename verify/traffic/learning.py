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
# Tempo returns the newest traces first, and a busy service fills an answer: so the time is searched piece by piece, and
# each service by itself. In a mesh of more services the rare calls of those beyond the limit are not learnt.
_PIECES = 5
_TRACES_IN_A_PIECE = 4
_SERVICES = 60
_TRACES_OF_A_SERVICE = 2


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
    """The ids of some traces of each piece of the time, and of each service."""
    oldest, newest = now - _OLDEST_SECONDS, now - _NEWEST_SECONDS
    seconds = (newest - oldest) / _PIECES
    for number in range(_PIECES):
        start = oldest + number * seconds
        yield from _search(tempo, trace.of_namespaces(namespaces), _TRACES_IN_A_PIECE, start, start + seconds)
    for service in _services(tempo, namespaces, oldest, newest)[:_SERVICES]:
        yield from _search(tempo, trace.of_service(service), _TRACES_OF_A_SERVICE, oldest, newest)


def _search(tempo: httpx.Client, query: str, limit: int, start: float, end: float) -> Iterator[str]:
    parameters = {"q": query, "limit": str(limit), **_window(start, end)}
    found = tempo.get("/api/search", params=parameters).raise_for_status().json().get("traces") or []
    yield from (one["traceID"] for one in found)


def _services(tempo: httpx.Client, namespaces: Sequence[str], start: float, end: float) -> list[str]:
    """The services of ``namespaces`` that Tempo has spans of, in the order of their names."""
    answer = tempo.get("/api/v2/search/tag/resource.service.name/values", params=_window(start, end))
    values = answer.raise_for_status().json().get("tagValues") or []
    return sorted({str(one["value"]) for one in values if _namespace(str(one["value"])) in namespaces})


def _window(start: float, end: float) -> dict[str, str]:
    return {"start": str(int(start)), "end": str(int(end))}


def _namespace(service: str) -> str:
    return service.rpartition(".")[2]
