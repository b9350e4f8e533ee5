"""An attribute with ever new values fills neither who counts nor Prometheus, and an alert names it."""

import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
import yaml
from running import Process, collector, prometheus, tempo

from model import Tempo, Tracing
from objects.alerts.rules import build_rules
from objects.alerts.watched import Watched
from objects.series import SERIES_OF_ONE, many_values, of_one_service

VALUES, BATCH = 10_000, 1000
ATTRIBUTE, LABEL = "user.id", "user_id"
LIMIT = 4000
PATIENCE = 90
SERIES = 'count({__name__=~"traces_.+"})'


@contextmanager
def alerting(programs: Mapping[str, Path], folder: Path, watched: Watched, **settings: Any) -> Iterator[Process]:
    """A Prometheus with the rules on what is watched."""
    folder.mkdir()
    (folder / "rules.yml").write_text(yaml.safe_dump(build_rules(watched, ["graph"])))
    with prometheus(programs["prometheus"], folder, {"rule_files": ["rules.yml"], **settings}) as running:
        yield running


def watched(source: str) -> Watched:
    return Watched.model_validate(
        {
            "graph_source": source,
            "labels": ["span_name", LABEL],
            "many_values": many_values(LIMIT),
            "scrape_interval": "1s",
            "graph_interval": "1s",
        }
    )


def send(url: str) -> None:
    """So many spans of one service, each with a value of its own, and one of another service after them."""
    for begin in range(0, VALUES, BATCH):
        post(url, "cart.shop", range(begin, begin + BATCH))
    post(url, "late.shop", range(1))


def post(url: str, service: str, values: range) -> None:
    now = time.time_ns()
    spans = [
        {
            "traceId": f"{hash((service, value)) & (2**64 - 1) | 1:032x}",
            "spanId": f"{value + 1:016x}",
            "name": "call",
            "kind": 2,
            "startTimeUnixNano": str(now - 1_000_000),
            "endTimeUnixNano": str(now),
            "attributes": [{"key": ATTRIBUTE, "value": {"stringValue": f"user-{value}"}}],
        }
        for value in values
    ]
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": service}}]}
    content = {"resourceSpans": [{"resource": resource, "scopeSpans": [{"spans": spans}]}]}
    httpx.post(f"{url}/v1/traces", json=content, trust_env=False, timeout=60).raise_for_status()


def query(metrics: Process, expression: str) -> list[dict[str, Any]]:
    answer = httpx.get(f"{metrics.url('http')}/api/v1/query", params={"query": expression}, trust_env=False)
    found: list[dict[str, Any]] = answer.raise_for_status().json()["data"]["result"]
    return found


def eventually(look: Callable[[], Any]) -> Any:
    """What ``look`` sees once it is something, or when there is no patience left."""
    deadline = time.monotonic() + PATIENCE
    while not (seen := look()) and time.monotonic() < deadline:
        time.sleep(1)
    return seen


def number(metrics: Process, expression: str) -> float:
    found = query(metrics, expression)
    return float(found[0]["value"][1]) if found else 0.0


def firing(metrics: Process, alert: str) -> list[dict[str, str]]:
    """The labels of an alert that fires."""
    return [one["metric"] for one in query(metrics, f'ALERTS{{alertname="{alert}",alertstate="firing"}}')]


def test_tempo_makes_no_more_series_than_it_may_and_alerts_name_the_label(
    programs: Mapping[str, Path], tmp_path: Path
) -> None:
    settings, limits = Tempo(graph_interval="1s", trace_idle_period="1s"), {"dimensions": [ATTRIBUTE]}
    (tmp_path / "collector").mkdir()
    with ExitStack() as stack:
        metrics = stack.enter_context(alerting(programs, tmp_path / "prometheus", watched("tempo")))
        url = f"{metrics.url('http')}/api/v1/write"
        store = stack.enter_context(tempo(programs["tempo"], tmp_path, settings, url, max_series=LIMIT, **limits))
        running = stack.enter_context(collector(programs["otelcol"], tmp_path / "collector", Tracing(), store))
        send(running.url("http"))
        told = eventually(lambda: firing(metrics, "MeshTracingLabelWithManyValues"))
        assert [(one["service"], one["label"]) for one in told] == [("cart.shop", LABEL)]
        assert LIMIT / 2 < number(metrics, SERIES) <= LIMIT
        refused = httpx.get(f"{store.url('http')}/metrics", trust_env=False).text
        assert re.search(r"^tempo_metrics_generator_registry_series_limited_total\{.*\} [1-9]", refused, re.MULTILINE)


def test_the_collector_gives_each_service_its_part_and_counts_all_requests(
    programs: Mapping[str, Path], tmp_path: Path
) -> None:
    (tmp_path / "tempo").mkdir()
    with ExitStack() as stack:
        # Its graph goes nowhere: the collector makes it.
        settings = Tempo(graph_interval="1s", trace_idle_period="1s")
        nowhere = "http://127.0.0.1:1/api/v1/write"
        store = stack.enter_context(tempo(programs["tempo"], tmp_path / "tempo", settings, nowhere, makes_graph=False))
        tracing = Tracing.model_validate({"sampling": {"mode": "tail", "wait": "1s"}})
        limits = {"dimensions": [ATTRIBUTE], "max_series": LIMIT}
        running = stack.enter_context(collector(programs["otelcol-full"], tmp_path, tracing, store, **limits))
        job = {
            "job_name": "service-graph",
            "static_configs": [{"targets": [f"127.0.0.1:{running.ports['graph']}"]}],
            "scrape_interval": "1s",
        }
        folder = tmp_path / "prometheus"
        metrics = stack.enter_context(alerting(programs, folder, watched("collector"), scrape_configs=[job]))
        send(running.url("http"))
        told = eventually(lambda: firing(metrics, "MeshTracingLabelWithManyValues"))
        assert [(one["service"], one["label"]) for one in told] == [("cart.shop", LABEL)]
        assert eventually(lambda: number(metrics, 'sum(traces_spanmetrics_calls_total{service="cart.shop"})') >= VALUES)
        # A service that comes later has its own.
        assert number(metrics, f'count(traces_spanmetrics_calls_total{{service="late.shop",{LABEL}!=""}})') == 1
        assert number(metrics, SERIES) <= (of_one_service(LIMIT) + 2) * SERIES_OF_ONE
        assert eventually(lambda: overflowing(metrics, running)) == [{"service": "cart.shop"}]


def overflowing(metrics: Process, running: Process) -> list[dict[str, str]]:
    """The services of which the alert tells that they overflow, while they go on sending."""
    post(running.url("http"), "cart.shop", range(BATCH))
    told = firing(metrics, "MeshTracingServiceOverflows")
    return [{"service": one["service"]} for one in told]
