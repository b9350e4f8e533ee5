"""The graph's rates are those that clients have counted, whatever share of the traces is kept; what matters is kept."""

import random
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from running import Process, collector, prometheus, settled, tempo
from traffic import Clients, Request, requests, send

from model import Tempo, Tracing

# So many requests are sampled at least, for each figure that is compared.
SAMPLED = 4000
WITHIN = 0.05
# Of the longest request, and short for the test's sake.
WAIT = "3s"
# From here on a request is slow, in milliseconds.
SLOW = 1000
EDGES = "traces_service_graph_request_total"
FAILED = "traces_service_graph_request_failed_total"
BUCKETS = "traces_service_graph_request_server_seconds_bucket"


@pytest.fixture(scope="module")
def metrics(programs: Mapping[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    with prometheus(programs["prometheus"], tmp_path_factory.mktemp("prometheus")) as running:
        yield running


@pytest.fixture(scope="module")
def store(
    programs: Mapping[str, Path], metrics: Process, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Process]:
    settings = Tempo(graph_interval="1s", trace_idle_period="1s")
    with tempo(
        programs["tempo"], tmp_path_factory.mktemp("tempo"), settings, f"{metrics.url('http')}/api/v1/write"
    ) as up:
        yield up


@pytest.fixture
def start(programs: Mapping[str, Path], store: Process, tmp_path: Path) -> Iterator[Callable[..., Process]]:
    """Starts a collector with these settings of ``tracing``."""
    with ExitStack() as stack:

        def begin(**tracing: Any) -> Process:
            return stack.enter_context(
                collector(programs["otelcol-full"], tmp_path, Tracing.model_validate(tracing), store)
            )

        yield begin


def thinned(sent: Sequence[Request], percentage: float, seed: int) -> list[Request]:
    """The requests that the proxy traces at which they enter."""
    chance = random.Random(seed)  # noqa: S311  no secret
    return [request for request in sent if chance.random() < percentage / 100]


def series(metrics: Process, name: str, **labels: str) -> dict[tuple[str, str], dict[str, float]]:
    """The values of a metric of Prometheus by edge and bucket."""
    matchers = ",".join(f'{key}="{value}"' for key, value in labels.items())
    answer = httpx.get(
        f"{metrics.url('http')}/api/v1/query", params={"query": f"{name}{{{matchers}}}"}, trust_env=False
    )
    found: dict[tuple[str, str], dict[str, float]] = {}
    for one in answer.raise_for_status().json()["data"]["result"]:
        edge = one["metric"]["client"], one["metric"]["server"]
        found.setdefault(edge, {})[one["metric"].get("le", "")] = float(one["value"][1])
    return found


def scraped(of: Process, name: str) -> dict[tuple[str, str], dict[str, float]]:
    """The values of a metric of the collector by edge and bucket."""
    found: dict[tuple[str, str], dict[str, float]] = {}
    for line in httpx.get(f"{of.url('graph')}/metrics", trust_env=False).text.splitlines():
        if line.startswith(f"{name}{{"):
            labels = dict(re.findall(r'(\w+)="([^"]*)"', line))
            value = float(line.partition("} ")[2].split()[0])
            found.setdefault((labels["client"], labels["server"]), {})[labels.get("le", "")] = value
    return found


def total(found: Mapping[tuple[str, str], Mapping[str, float]]) -> float:
    return sum(values[""] for values in found.values())


def stored(store: Process, service: str) -> set[str]:
    """The ids of all traces in Tempo that this service is in."""
    query = {"q": f'{{resource.service.name="{service}"}}', "limit": "100000"}
    answer = httpx.get(f"{store.url('http')}/api/search", params=query, trust_env=False, timeout=60)
    return {found["traceID"].zfill(32) for found in answer.raise_for_status().json()["traces"]}


def quantile(values: Sequence[float], share: float) -> float:
    return sorted(values)[int(share * len(values))]


def quantile_of(buckets: Mapping[str, float], share: float) -> tuple[float, float]:
    """The bounds of the bucket that the quantile is in."""
    bounds = sorted((float(le), count) for le, count in buckets.items())
    wanted, lower = share * bounds[-1][1], 0.0
    for bound, count in bounds:
        if count >= wanted:
            return lower, bound
        lower = bound
    return lower, float("inf")


@pytest.mark.parametrize("percentage", [1, 5, 25, 100])
def test_of_what_proxies_sample_every_rate_is_that_which_clients_counted(
    start: Callable[..., Process],
    metrics: Process,
    percentage: float,
    record_property: Callable[[str, object], None],
) -> None:
    names = [f"{name}-{percentage}.shop" for name in ("web", "api", "db")]
    clients, made = Clients(), list(requests(round(SAMPLED * 100 / percentage), names, seed=7))
    for request in made:
        clients.count(request)
    sampled = thinned(made, percentage, seed=11)
    running = start(samplingPercentage=percentage, sampling={"wait": WAIT})
    send(running.url("http"), sampled)
    label = {"client": f"web-{percentage}.shop"}, {"client": f"api-{percentage}.shop"}
    for edge, of in zip(clients.requests, label, strict=True):
        enough = clients.requests[edge] * (1 - WITHIN)
        counted = settled(lambda of=of: series(metrics, EDGES, **of), lambda found, least=enough: total(found) >= least)
        record_property(f"rate of {' → '.join(edge)}", counted[edge][""] / clients.requests[edge] - 1)
        assert counted[edge][""] == pytest.approx(clients.requests[edge], rel=WITHIN)
        buckets = series(metrics, BUCKETS, **of)[edge]
        for share in (0.5, 0.9):
            lower, upper = quantile_of(buckets, share)
            assert lower * (1 - WITHIN) <= quantile(clients.seconds[edge], share) <= upper * (1 + WITHIN)
        failed = series(metrics, FAILED, **of)[edge][""]
        # Of the sampled requests, few fail: as many as chance has let through.
        assert failed == pytest.approx(sum(one.fails for one in sampled) * 100 / percentage, rel=0.001)


def test_traces_that_a_client_has_begun_count_once(start: Callable[..., Process], metrics: Process) -> None:
    begun = list(requests(300, ["ours-5.shop", "theirs-5.shop"], seed=3))
    forced = list(requests(200, ["ours-5.shop", "theirs-5.shop"], seed=4, is_begun_by_client=True))
    running = start(samplingPercentage=5, sampling={"wait": WAIT})
    send(running.url("http"), [*begun, *forced])
    counted = settled(lambda: series(metrics, EDGES, client="ours-5.shop"), lambda found: total(found) >= 6200)
    assert counted["ours-5.shop", "theirs-5.shop"][""] == pytest.approx(300 * 20 + 200)


def test_where_shares_differ_each_trace_has_that_of_the_place_where_it_began(
    start: Callable[..., Process], metrics: Process
) -> None:
    exceptions = [
        {"namespace": "noisy", "percentage": 1},
        {"namespace": "noisy", "app": "quiet", "percentage": 50},
        {"namespace": "whole", "percentage": 100},
    ]
    began = {"door.noisy": 100, "quiet.noisy": 2, "door.whole": 1, "door.others": 10}
    running = start(samplingPercentage=10, sampling={"wait": WAIT, "exceptions": exceptions})
    for seed, place in enumerate(began):
        # The applications behind are the same: only the first one tells.
        send(running.url("http"), list(requests(50, [place, "middle.noisy", "end.others"], seed=seed)))
    counted = settled(
        lambda: series(metrics, EDGES, server="middle.noisy"), lambda found: total(found) >= 50 * sum(began.values())
    )
    assert {client: values[""] for (client, _), values in counted.items()} == {
        place: pytest.approx(50 * times) for place, times in began.items()
    }
    assert total(series(metrics, EDGES, server="end.others")) == pytest.approx(50 * sum(began.values()))


@pytest.mark.parametrize("percentage", [1, 5, 25])
def test_of_what_the_tail_keeps_every_rate_is_exact_and_no_error_and_no_slow_trace_is_lost(
    start: Callable[..., Process],
    store: Process,
    percentage: float,
    record_property: Callable[[str, object], None],
) -> None:
    names = [f"{name}-tail-{percentage}.shop" for name in ("web", "api", "db")]
    clients, made = Clients(), list(requests(SAMPLED, names, seed=percentage * 13))
    for request in made:
        clients.count(request)
    tail = {"percentage": percentage, "ceiling": 100_000, "budget": 100_000}
    running = start(sampling={"mode": "tail", "wait": WAIT, "tail": tail})
    send(running.url("http"), made)
    counted = settled(lambda: scraped(running, EDGES), lambda found: total(found) >= clients.requests.total())
    for edge, called in clients.requests.items():
        record_property(f"rate of {' → '.join(edge)}", counted[edge][""] / called - 1)
    assert {edge: values[""] for edge, values in counted.items() if edge in clients.requests} == clients.requests
    failed = scraped(running, FAILED)
    assert {edge: values[""] for edge, values in failed.items() if edge in clients.errors} == clients.errors
    important = {request.trace_id for request in made if request.fails or request.milliseconds >= SLOW}
    others = SAMPLED - len(important)
    kept = settled(lambda: stored(store, names[0]), lambda found: important <= found)
    assert important - kept == set()
    share = (len(kept) - len(important)) / others
    record_property("share of the others", share - percentage / 100)
    assert share == pytest.approx(percentage / 100, abs=0.02)


@pytest.mark.parametrize(("limit", "failing", "percentage"), [("ceiling", 1.0, 0), ("budget", 0.0, 99)])
def test_a_limit_holds_and_what_it_drops_is_counted(
    start: Callable[..., Process], store: Process, limit: str, failing: float, percentage: float
) -> None:
    spans, seconds, names = 150, 6, [f"{name}-{limit}.shop" for name in ("web", "api")]
    tail = {"percentage": percentage, "ceiling": 100_000, "budget": 100_000, limit: spans}
    running = start(sampling={"mode": "tail", "wait": WAIT, "tail": tail})
    sent = list(requests(spans * 4, names, seed=5, failing=failing, slow=0))
    began = time.monotonic()
    for second in range(seconds):
        # Of three spans each: four times what is kept.
        send(running.url("http"), sent[second * len(sent) // seconds : (second + 1) * len(sent) // seconds])
        time.sleep(max(0.0, began + second + 1 - time.monotonic()))
    kind = "important" if limit == "ceiling" else "others"
    chosen = settled(lambda: counted(running, f"chosen.{kind}"), lambda found: found >= len(sent) * 0.95)
    limited = counted(running, f"limited.{kind}")
    kept = settled(lambda: stored(store, names[0]), bool)
    assert len(kept) == limited < chosen
    # Decisions are made once a second, in as many seconds as spans came in, and one more at each end.
    assert limited * sent[0].spans <= spans * (seconds + 2) * (1 + WITHIN)
    assert limited * sent[0].spans >= spans * (seconds - 2) * (1 - WITHIN)


def counted(running: Process, policy: str) -> float:
    """How many traces a policy has kept, as the collector counts."""
    page = httpx.get(f"{running.url('telemetry')}/metrics", trust_env=False).text
    found = re.search(rf'_count_traces_sampled\{{[^}}]*policy="{policy}",sampled="true"[^}}]*\}} (\S+)', page)
    return 0.0 if found is None else float(found[1])


def test_a_request_that_asks_for_it_is_kept(start: Callable[..., Process], store: Process) -> None:
    running = start(sampling={"mode": "tail", "wait": WAIT, "tail": {"percentage": 0}})
    asked, other = requests(2, ["web-asked.shop", "api-asked.shop"], seed=9, failing=0, slow=0)
    send(running.url("http"), [replace(asked, trace_state="mesh-tracing=keep"), other])
    assert settled(lambda: stored(store, "web-asked.shop"), bool) == {asked.trace_id}


def test_a_sampler_that_is_killed_loses_no_more_than_the_traces_of_its_wait(
    start: Callable[..., Process], store: Process
) -> None:
    running = start(sampling={"mode": "tail", "wait": WAIT, "tail": {"ceiling": 100_000}})
    before, within, after = (
        list(requests(100, ["web-killed.shop", "api-killed.shop"], seed=seed, failing=1)) for seed in (1, 2, 3)
    )
    send(running.url("http"), before)
    ids = {request.trace_id for request in before}
    assert settled(lambda: stored(store, "web-killed.shop"), lambda found: ids <= found) == ids
    send(running.url("http"), within)
    running.kill()
    running.start(lambda: httpx.get(f"{running.url('telemetry')}/metrics", trust_env=False).is_success)
    send(running.url("http"), after)
    ids |= {request.trace_id for request in after}
    assert settled(lambda: stored(store, "web-killed.shop"), lambda found: ids <= found) >= ids
