"""The service graph that Tempo's metrics generator wrote to Prometheus: read it, compare it, draw it.

The metrics are those that Grafana's service graph reads (tempo: modules/generator/processor/servicegraphs).
"""

import json
import math
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field

import httpx

_METRIC = "traces_service_graph_request"
_BY_EDGE = "sum by (client, server)"
WINDOW_SECONDS = 300


@dataclass(frozen=True, order=True)
class Edge:
    """Calls of one service by another; names are ``<app>.<namespace>``, as Istio's sidecars report them."""

    client: str
    server: str


@dataclass(frozen=True)
class Calls:
    """What was seen on an edge; times are measured at the server.

    ``requests``, ``failed`` and ``mean_seconds`` are since the generator started. ``per_second``, ``failed_share``
    (0 to 1) and ``p95_seconds`` are of a window that ends now; ``p95_seconds`` is None if it is unknown.
    """

    requests: int
    failed: int
    mean_seconds: float
    per_second: float = 0.0
    failed_share: float = 0.0
    p95_seconds: float | None = None


Graph = Mapping[Edge, Calls]


@dataclass(frozen=True)
class Scope:
    """The edges that are read: those with ``labels``, and with a service of ``namespaces`` if these are not None.

    ``exemplars`` are the buckets whose exemplars have the ids of the traces that were counted.
    """

    labels: Mapping[str, str] = field(default_factory=dict)
    namespaces: frozenset[str] | None = None
    exemplars: str = f"{_METRIC}_server_seconds_bucket"

    @property
    def selector(self) -> str:
        """The labels as Prometheus' language has them."""
        pairs = ",".join(f"{name}={json.dumps(value)}" for name, value in sorted(self.labels.items()))
        return f"{{{pairs}}}" if pairs else ""

    def has(self, edge: Edge) -> bool:
        services = (edge.client, edge.server)
        return self.namespaces is None or any(name.rpartition(".")[2] in self.namespaces for name in services)


EVERYTHING = Scope()


@dataclass(frozen=True)
class Comparison:
    """The graph that was found, and the edges that are expected; if none are, no edge is unexpected."""

    found: Graph
    expected: frozenset[Edge]

    @property
    def missing(self) -> frozenset[Edge]:
        return self.expected - self.found.keys()

    @property
    def further(self) -> frozenset[Edge]:
        """The edges that were found and not expected."""
        return frozenset(self.found.keys() - self.expected) if self.expected else frozenset()

    @property
    def edges(self) -> list[Edge]:
        """All edges, found or missing, in order."""
        return sorted(self.found.keys() | self.expected)


@dataclass(frozen=True)
class Branch:
    """One line of a graph that is printed as trees: ``edge`` is None for a root; ``stem`` is the text before the name.

    ``again``: the services that this one calls are listed where it stands first.
    """

    stem: str
    service: str
    edge: Edge | None
    again: bool


def bookinfo_edges(namespace: str, *, traffic: bool = True, gateway: str | None = None) -> frozenset[Edge]:
    """Return all edges of Bookinfo and, with ``traffic``, those of its two clients, and that of its ``gateway``."""
    calls = [("productpage", "details"), ("productpage", "reviews"), ("reviews", "ratings")]
    if traffic:
        calls += [("sleep", "productpage"), ("spiffe-test-productpage", "productpage")]
    if gateway is not None:
        calls += [(gateway, "productpage")]
    return frozenset(Edge(f"{a}.{namespace}", f"{b}.{namespace}") for a, b in calls)


def exemplars_of(scope: Scope) -> str:
    """The series whose exemplars have the ids of the traces that were counted."""
    return f"{scope.exemplars}{scope.selector}"


def counted(prometheus: httpx.Client, scope: Scope = EVERYTHING) -> tuple[float, float]:
    """How many requests the graph has counted, and the Unix time of the newest sample; both 0 if it has none.

    Raises ``httpx.HTTPError``.
    """
    total = f"{_METRIC}_total{scope.selector}"
    requests = _vector(prometheus, f"{_BY_EDGE} ({total})", scope)
    latest = _vector(prometheus, f"max by (client, server) (timestamp({total}))", scope)
    return sum(requests.values()), max(latest.values(), default=0.0)


def known(prometheus: httpx.Client, scope: Scope = EVERYTHING) -> frozenset[Edge]:
    """The edges that the graph has, whatever was seen on them; raises ``httpx.HTTPError``."""
    return frozenset(_vector(prometheus, f"{_BY_EDGE} ({_METRIC}_total{scope.selector})", scope))


def read(prometheus: httpx.Client, window_seconds: int = WINDOW_SECONDS, scope: Scope = EVERYTHING) -> Graph:
    """Return the graph that Prometheus, the client's base, holds; raises ``httpx.HTTPError``."""

    def sums(suffix: str) -> str:
        return f"{_BY_EDGE} ({_METRIC}_{suffix}{scope.selector})"

    def rates(suffix: str, by: str = _BY_EDGE) -> str:
        return f"{by} (rate({_METRIC}_{suffix}{scope.selector}[{window_seconds}s]))"

    requests, failed, mean, rate, failed_rate, p95 = (
        _vector(prometheus, query, scope)
        for query in (
            sums("total"),
            sums("failed_total"),
            f"{sums('server_seconds_sum')} / {sums('server_seconds_count')}",
            rates("total"),
            rates("failed_total"),
            f"histogram_quantile(0.95, {rates('server_seconds_bucket', 'sum by (client, server, le)')})",
        )
    )
    return {
        edge: Calls(
            requests=int(count),
            failed=int(failed.get(edge, 0)),
            mean_seconds=mean.get(edge, 0.0),
            per_second=rate.get(edge, 0.0),
            # The two rates are queried one after the other, so that of the failures may be the larger.
            failed_share=min(failed_rate.get(edge, 0.0) / rate[edge], 1.0) if rate.get(edge) else 0.0,
            p95_seconds=p95.get(edge),
        )
        for edge, count in requests.items()
    }


def branches(edges: Collection[Edge]) -> Iterator[Branch]:
    """Yield the lines of one tree for each service that nobody calls; what a service calls is listed once."""
    callees: dict[str, list[str]] = {}
    for edge in sorted(edges):
        callees.setdefault(edge.client, []).append(edge.server)
    called = {edge.server for edge in edges if edge.server != edge.client}
    drawn: set[str] = set()
    # A cycle that no other service calls has no root: its first service is taken as one.
    for root in [name for name in callees if name not in called] + list(callees):
        if root not in drawn:
            drawn.add(root)
            yield Branch("", root, None, again=False)
            yield from _below(root, "", callees, drawn)


def _below(service: str, indent: str, callees: Mapping[str, list[str]], drawn: set[str]) -> Iterator[Branch]:
    servers = callees.get(service, [])
    for server in servers:
        last = server == servers[-1]
        new = server not in drawn
        drawn.add(server)
        yield Branch(f"{indent}{'└─' if last else '├─'} ", server, Edge(service, server), not new and server in callees)
        if new:
            yield from _below(server, f"{indent}{'   ' if last else '│  '}", callees, drawn)


def draw(graph: Graph) -> str:
    """Return the graph as indented trees, with what was seen on each edge since the generator started."""
    lines = []
    for branch in branches(graph):
        if branch.edge is None:
            lines.append(branch.service)
            continue
        calls = graph[branch.edge]
        failed = f", {calls.failed} failed" if calls.failed else ""
        again = " (see above)" if branch.again else ""
        lines.append(
            f"{branch.stem + branch.service:<44}{calls.requests:>7} requests"
            f"  {calls.mean_seconds * 1000:>7.1f} ms mean{failed}{again}"
        )
    return "\n".join(lines)


def _vector(prometheus: httpx.Client, query: str, scope: Scope) -> dict[Edge, float]:
    """Return the value of each edge in scope; series without both names, or without a finite value, are left out."""
    answer = prometheus.get("/api/v1/query", params={"query": query}).raise_for_status()
    try:
        series = [(one["metric"], float(one["value"][1])) for one in answer.json()["data"]["result"]]
    except (ValueError, KeyError, TypeError) as error:
        raise httpx.DecodingError("the answer is not in Prometheus' format", request=answer.request) from error
    found = {
        Edge(labels["client"], labels["server"]): value
        for labels, value in series
        if labels.keys() >= {"client", "server"} and math.isfinite(value)
    }
    return {edge: value for edge, value in found.items() if scope.has(edge)}
