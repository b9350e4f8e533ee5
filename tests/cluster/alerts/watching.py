"""What Prometheus tells of a stack, and faults that it has to tell of."""

import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from embedded import Host, Project, eventually, prometheus_query
from faults import BOOKINFO, MESH, Stack, patch, run_remedy
from recording import stack_config, with_settings

OPTIONS = ("--yes", "--skip-preview")
# A queue of a thousand spans, and fifty values of a label.
SMALL = {"tracing.collector.queueSize": 1, "graph.maxSeries": 20_000, "tempo.graphInterval": "5s"}
HEALTHY_SECONDS = 600
# From the fault to the alert, and from its end to that of the alert: a label's values are forgotten after minutes.
TOLD_WITHIN, OVER_WITHIN = 120, 900
CLIENTS = ("deployment/sleep", "deployment/spiffe-test-productpage")
COLLECTOR = "deployment/otel-collector"
OTLP = 4318
MANY = [f"GET /orders/{number}" for number in range(80)]


@dataclass(frozen=True)
class Told:
    """A fault, the alerts that have to tell of it, and what ends it.

    ``goes_on`` is done again and again until they have.
    """

    name: str
    alerts: Collection[str]
    inject: Callable[[Host], None]
    goes_on: Callable[[Host], None] = lambda _: None
    # After the stack's own settings are restored.
    mend: Callable[[Host], None] = lambda _: None


def deployed(cluster: Host, folder: Path, name: str, changes: Mapping[str, Any]) -> Iterator[Stack]:
    """The stack with these changes, once there is a graph and nothing is told any more."""
    project = Project.copy(cluster, folder / "project", name)
    project.configure(with_settings(stack_config("local"), {**SMALL, **changes}))
    project.pulumi("up", *OPTIONS)
    address = cluster.address("prometheus")
    assert eventually(lambda: prometheus_query(address, "traces_service_graph_request_total > 10"), bool, 240)
    assert calm(cluster) == set()
    yield Stack(name, project.folder)
    project.pulumi("destroy", *OPTIONS)


def told_meanwhile(cluster: Host) -> set[str]:
    """The alerts that fire while nothing is wrong."""
    time.sleep(HEALTHY_SECONDS)
    query = f'count_over_time(ALERTS{{alertstate="firing"}}[{HEALTHY_SECONDS}s])'
    return {one["metric"]["alertname"] for one in prometheus_query(cluster.address("prometheus"), query)}


def firing(host: Host) -> set[str]:
    found = prometheus_query(host.address("prometheus"), 'ALERTS{alertstate="firing"}')
    return {one["metric"]["alertname"] for one in found}


def calm(host: Host) -> set[str]:
    """The alerts that still fire when there is no patience left; none, if all is well."""
    return eventually(lambda: firing(host), lambda seen: not seen, OVER_WITHIN)


def prove(host: Host, told: Told, stack: Stack) -> None:
    """Assert that the alerts fire in time, and end once the fault does."""
    wanted, so_far = set(told.alerts), set[str]()

    def seen() -> set[str]:
        told.goes_on(host)
        so_far.update(firing(host) & wanted)
        return so_far

    try:
        told.inject(host)
        assert eventually(seen, lambda now: now == wanted, TOLD_WITHIN) == wanted
    finally:
        run_remedy(host, stack.restore, stack.folder)
        told.mend(host)
    left = eventually(lambda: firing(host) & wanted, lambda now: not now, OVER_WITHIN)
    assert left == set()


def stop_the_clients(host: Host) -> None:
    host.kubectl("scale", "-n", BOOKINFO, "--replicas=0", *CLIENTS)


def start_the_clients(host: Host) -> None:
    host.kubectl("scale", "-n", BOOKINFO, "--replicas=1", *CLIENTS)


def visit(host: Host) -> None:
    """Some requests of a person, beside those of the stack's clients."""
    with httpx.Client(base_url=host.address("productpage"), trust_env=False, timeout=10) as client:
        for _ in range(10):
            client.get("/productpage")


def send(host: Host, names: Collection[str], *, seconds_ago: float = 0) -> None:
    """Send a span of each name straight to the collector, that ended so many seconds ago."""
    end = time.time_ns() - round(seconds_ago * 1_000_000_000)
    spans = [
        {
            "traceId": f"{time.time_ns():032x}",
            "spanId": f"{number + 1:016x}",
            "name": name,
            "kind": 2,
            "startTimeUnixNano": str(end - 1_000_000),
            "endTimeUnixNano": str(end),
        }
        for number, name in enumerate(names)
    ]
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": "batch.elsewhere"}}]}
    content = {"resourceSpans": [{"resource": resource, "scopeSpans": [{"spans": spans}]}]}
    with ExitStack() as stack:
        address = stack.enter_context(host.forwarded(MESH, COLLECTOR, OTLP))
        httpx.post(f"{address}/v1/traces", json=content, trust_env=False, timeout=10).raise_for_status()


def configure_the_collector(host: Host, config: Mapping[str, Any]) -> None:
    """Merge into the collector's configuration, and wait until its pod runs with it."""
    version = "jsonpath={.metadata.generation}"
    before = host.kubectl("get", COLLECTOR, "-n", MESH, "-o", version)
    patch(host, MESH, "opentelemetrycollector/otel", {"spec": {"config": dict(config)}})
    eventually(lambda: host.kubectl("get", COLLECTOR, "-n", MESH, "-o", version), lambda now: now != before, 60)
    host.kubectl("rollout", "status", "-n", MESH, COLLECTOR, "--timeout=120s")
