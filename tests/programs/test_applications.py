"""Applications that trace themselves: one trace with the mesh's spans, and each edge of the graph counted once."""

import re
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from applications import Proxies, application, call
from running import Process, collector, prometheus, settled, tempo

from model import Tempo, Tracing

REQUESTS = 50
DATABASE = "orders"
EDGES = "traces_service_graph_request_total"
# What makes the graph waits ten seconds for the other span of an edge, and then takes it for one that leads outside.
WAITS = 20
Edge = tuple[str, str]


@dataclass
class Sent:
    """What runs, and the traces of the requests that went through it, by their first application."""

    store: Process
    counts: Mapping[Edge, float]
    traces: Mapping[str, list[str]]


def of_prometheus(metrics: Process) -> dict[Edge, float]:
    answer = httpx.get(f"{metrics.url('http')}/api/v1/query", params={"query": EDGES}, trust_env=False)
    found = answer.raise_for_status().json()["data"]["result"]
    return {(one["metric"]["client"], one["metric"]["server"]): float(one["value"][1]) for one in found}


def of_collector(running: Process) -> dict[Edge, float]:
    found: dict[Edge, float] = {}
    for line in httpx.get(f"{running.url('graph')}/metrics", trust_env=False).text.splitlines():
        if line.startswith(f"{EDGES}{{"):
            labels = dict(re.findall(r'(\w+)="([^"]*)"', line))
            found[labels["client"], labels["server"]] = float(line.partition("} ")[2].split()[0])
    return found


@pytest.fixture(scope="module", params=["tempo", "collector"])
def sent(
    request: pytest.FixtureRequest, programs: Mapping[str, Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Sent]:
    """The requests, and the graph that Tempo, or the collector, has made of them."""
    by_tempo = request.param == "tempo"
    folders = {name: tmp_path_factory.mktemp(name) for name in ("prometheus", "tempo", "collector")}
    settings = Tempo(graph_interval="1s", trace_idle_period="1s")
    with ExitStack() as stack:
        metrics = stack.enter_context(prometheus(programs["prometheus"], folders["prometheus"]))
        store = stack.enter_context(
            tempo(programs["tempo"], folders["tempo"], settings, f"{metrics.url('http')}/api/v1/write")
        )
        running = stack.enter_context(
            collector(programs["otelcol-full"], folders["collector"], Tracing(), store, makes_graph=not by_tempo)
        )
        traces = send(running.url("http"))
        edges = settled(
            lambda: of_prometheus(metrics) if by_tempo else of_collector(running),
            lambda found: sum(found.values()) >= REQUESTS * 6,
        )
        # An edge that is counted a second time comes only then.
        assert len(edges) > 1
        edges = settled(
            lambda: of_prometheus(metrics) if by_tempo else of_collector(running), bool, seconds=WAITS, rests=WAITS
        )
        yield Sent(store, edges, traces)


def send(address: str) -> Mapping[str, list[str]]:
    """Requests to an application with a sidecar, from two with one and from one without."""
    proxies, traces = Proxies(), dict[str, list[str]]()
    with (
        application(address, "web", proxied="web.shop") as web,
        application(address, "desk", proxied="desk.shop", names_peers=True) as desk,
        application(address, "cron") as cron,
        application(address, "api", proxied="api.shop") as api,
    ):
        for first in (web, desk, cron):
            traces[first.name] = [call(proxies, [first, api], DATABASE) for _ in range(REQUESTS)]
    proxies.send(address)
    return traces


def spans(store: Process, trace_id: str) -> list[str]:
    """The service of each span of a trace."""
    answer = httpx.get(f"{store.url('http')}/api/traces/{trace_id}", trust_env=False)
    found: list[str] = []
    for batch in answer.raise_for_status().json()["batches"]:
        names: list[dict[str, Any]] = [one for one in batch["resource"]["attributes"] if one["key"] == "service.name"]
        for scope in batch["scopeSpans"]:
            found += [names[0]["value"]["stringValue"]] * len(scope["spans"])
    return sorted(found)


def test_each_edge_is_counted_once_for_each_request(sent: Sent) -> None:
    between = {edge: count for edge, count in sent.counts.items() if edge[0] != "user"}
    assert between == {
        # By the two sidecars; what the applications say of the same request makes no second edge.
        ("web.shop", "api.shop"): REQUESTS,
        ("desk.shop", "api.shop"): REQUESTS,
        # By the application, whose caller has no sidecar, and the sidecar of the other.
        ("cron", "api.shop"): REQUESTS,
        # By the application alone.
        ("api", DATABASE): 3 * REQUESTS,
    }


def test_the_spans_of_applications_and_sidecars_are_one_trace(sent: Sent) -> None:
    for trace_id in sent.traces["web"]:
        assert spans(sent.store, trace_id) == ["api", "api", "api.shop", "web", "web", "web.shop", "web.shop"]
