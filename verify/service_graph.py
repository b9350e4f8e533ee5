"""The service graph that Tempo's metrics generator wrote to Prometheus: read it, compare it, draw it.

The metrics are those that Grafana's service graph reads (tempo: modules/generator/processor/servicegraphs).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import httpx

REQUESTS = "sum by (client, server) (traces_service_graph_request_total)"
FAILED = "sum by (client, server) (traces_service_graph_request_failed_total)"
SECONDS = (
    "sum by (client, server) (traces_service_graph_request_server_seconds_sum)"
    " / sum by (client, server) (traces_service_graph_request_server_seconds_count)"
)
QUERY_TIMEOUT_SECONDS = 10.0


@dataclass(frozen=True, order=True)
class Edge:
    """Calls of one service by another; names are ``<app>.<namespace>``, as Istio's sidecars report them."""

    client: str
    server: str


@dataclass(frozen=True)
class Calls:
    """What was seen on an edge since the generator started; ``mean_seconds`` is measured at the server."""

    requests: int
    failed: int
    mean_seconds: float


Graph = Mapping[Edge, Calls]


def bookinfo_edges(namespace: str) -> frozenset[Edge]:
    """Return the edges that Bookinfo and its traffic clients make, and no other."""
    calls = [
        ("sleep", "productpage"),
        ("spiffe-test-productpage", "productpage"),
        ("productpage", "details"),
        ("productpage", "reviews"),
        ("reviews", "ratings"),
    ]
    return frozenset(Edge(f"{a}.{namespace}", f"{b}.{namespace}") for a, b in calls)


def read(prometheus: str) -> Graph:
    """Return the graph that the Prometheus at ``prometheus`` (its root URL) holds; raises ``httpx.HTTPError``."""
    with httpx.Client(base_url=prometheus, timeout=QUERY_TIMEOUT_SECONDS, trust_env=False) as client:
        requests, failed, seconds = (_vector(client, query) for query in (REQUESTS, FAILED, SECONDS))
    return {
        edge: Calls(int(count), int(failed.get(edge, 0)), seconds.get(edge, 0.0)) for edge, count in requests.items()
    }


def draw(graph: Graph) -> str:
    """Return the graph as indented trees, one per service that nobody calls; a service met again is not repeated."""
    callees: dict[str, list[str]] = {}
    for edge in sorted(graph):
        callees.setdefault(edge.client, []).append(edge.server)
    called = {edge.server for edge in graph}
    # A cycle that nobody outside calls has no root: its first service stands in for one.
    roots = [name for name in callees if name not in called] or sorted(callees)[:1]
    drawn: set[str] = set()
    lines: list[str] = []
    for root in roots:
        lines.append(root)
        lines.extend(_branches(root, "", callees, graph, drawn))
    return "\n".join(lines)


def _branches(
    service: str,
    indent: str,
    callees: Mapping[str, Iterable[str]],
    graph: Graph,
    drawn: set[str],
) -> list[str]:
    drawn.add(service)
    lines: list[str] = []
    servers = list(callees.get(service, []))
    for position, server in enumerate(servers, start=1):
        last = position == len(servers)
        calls = graph[Edge(service, server)]
        name = f"{indent}{'└─' if last else '├─'} {server}"
        failed = f", {calls.failed} failed" if calls.failed else ""
        again = " (see above)" if server in drawn and callees.get(server) else ""
        lines.append(
            f"{name:<44}{calls.requests:>7} requests  {calls.mean_seconds * 1000:>7.1f} ms mean{failed}{again}"
        )
        if server not in drawn:
            lines.extend(_branches(server, f"{indent}{'   ' if last else '│  '}", callees, graph, drawn))
    return lines


def _vector(client: httpx.Client, query: str) -> dict[Edge, float]:
    answer = client.get("/api/v1/query", params={"query": query}).raise_for_status().json()
    return {
        Edge(series["metric"]["client"], series["metric"]["server"]): float(series["value"][1])
        for series in answer["data"]["result"]
    }
