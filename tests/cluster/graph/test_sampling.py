"""Real proxies, and the rates of the graph when only some traces are kept, or only some requests are traced.

The stack's own clients are off: the test sends the requests, and knows how many were answered.
"""

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from embedded import Host, Project, eventually, prometheus_query
from faults import BOOKINFO, PATIENCE, report
from recording import stack_config, with_settings

STACK = "sampled"
OPTIONS = ("--yes", "--skip-preview")
SENDERS = 8
WITHIN = 0.05
# Of each request, whatever version of reviews answers it.
EDGES = (("productpage.bookinfo", "details.bookinfo"), ("productpage.bookinfo", "reviews.bookinfo"))
QUIET = {"bookinfo.traffic.enabled": False, "tempo.graphInterval": "5s", "tracing.collector.replicas": 2}
TAIL = {"tracing.sampling": {"mode": "tail", "wait": "10s", "tail": {"percentage": 5, "slowerThan": "20s"}}}
# Of which at least 1,600 are traced.
HEAD, HEAD_PERCENTAGE = 6800, 25
TAIL_REQUESTS = 400


@pytest.fixture(scope="module")
def project(cluster: Host, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    project = Project.copy(cluster, tmp_path_factory.mktemp(STACK) / "project", STACK)
    yield project
    project.pulumi("destroy", *OPTIONS)


@pytest.fixture(scope="module")
def tail(project: Project) -> Project:
    """The stack, whose collectors choose."""
    project.configure(with_settings(stack_config("local"), {**QUIET, **TAIL}))
    project.pulumi("up", *OPTIONS)
    return project


@pytest.fixture(scope="module")
def started(cluster: Host, tail: Project) -> Mapping[str, str]:
    """When the applications' pods were made, before sampling changes."""
    assert tail
    return ages(cluster)


@pytest.fixture(scope="module")
def head(project: Project, started: Mapping[str, str]) -> Project:
    """The same stack, whose proxies trace a share."""
    assert started
    project.configure(with_settings(stack_config("local"), {**QUIET, "tracing.samplingPercentage": HEAD_PERCENTAGE}))
    project.pulumi("up", *OPTIONS)
    return project


def ages(cluster: Host) -> Mapping[str, str]:
    return {pod["metadata"]["name"]: pod["metadata"]["creationTimestamp"] for pod in cluster.pods("-n", BOOKINFO)}


def visit(cluster: Host, times: int) -> int:
    """How many of so many requests for the product page were answered with it."""
    address = cluster.address("productpage")

    def ask(number: int) -> int:
        answered = 0
        with httpx.Client(base_url=address, trust_env=False, timeout=30) as client:
            for _ in range(number):
                answered += client.get("/productpage").status_code == httpx.codes.OK
        return answered

    with ThreadPoolExecutor(SENDERS) as pool:
        return sum(pool.map(ask, [times // SENDERS] * SENDERS))


def counted(cluster: Host) -> dict[tuple[str, str], float]:
    """The requests of each edge, of all collectors and of Tempo together."""
    query = "sum by (client, server) (traces_service_graph_request_total)"
    found = prometheus_query(cluster.address("prometheus"), query)
    return {(one["metric"]["client"], one["metric"]["server"]): float(one["value"][1]) for one in found}


def grown(cluster: Host, before: Mapping[tuple[str, str], float], least: float) -> dict[tuple[str, str], float]:
    """How much each edge has grown since, once all have grown enough and have come to rest."""

    def growth() -> dict[tuple[str, str], float]:
        now = counted(cluster)
        return {edge: now.get(edge, 0.0) - before.get(edge, 0.0) for edge in EDGES}

    eventually(growth, lambda seen: min(seen.values()) >= least, 90)
    last: list[dict[tuple[str, str], float]] = []

    def has_come_to_rest(seen: dict[tuple[str, str], Any]) -> bool:
        last.append(seen)
        return len(last) > 25 and last[-25] == seen

    return eventually(growth, has_come_to_rest, 120)


def test_the_graph_counts_every_request_of_which_the_collectors_keep_few(cluster: Host, tail: Project) -> None:
    assert tail
    # From a pod that is new, the first request may go another way.
    grown(cluster, {}, visit(cluster, SENDERS))
    before = counted(cluster)
    answered = visit(cluster, TAIL_REQUESTS)
    assert grown(cluster, before, answered) == dict.fromkeys(EDGES, answered)
    query = {"q": '{resource.service.name="details.bookinfo"}', "limit": "10000"}
    stored = httpx.get(f"{cluster.address('tempo')}/api/search", params=query, trust_env=False, timeout=30)
    assert 0 < len(stored.json()["traces"]) < TAIL_REQUESTS / 4


def test_verify_is_content_with_a_collector_that_chooses(cluster: Host, tail: Project) -> None:
    found = report(cluster, "--stack", tail.stack, *PATIENCE)
    assert found["exit"] == 0, found["hops"]


def test_the_graph_counts_requests_and_not_the_traces_that_proxies_send(cluster: Host, head: Project) -> None:
    assert head
    before = counted(cluster)
    answered = visit(cluster, HEAD)
    found = grown(cluster, before, answered * (1 - WITHIN))
    assert found == {edge: pytest.approx(answered, rel=WITHIN) for edge in EDGES}


def test_verify_is_content_with_proxies_that_trace_a_share(cluster: Host, head: Project) -> None:
    found = report(cluster, "--stack", head.stack, *PATIENCE)
    assert found["exit"] == 0, found["hops"]


def test_no_application_has_restarted(cluster: Host, head: Project, started: Mapping[str, str]) -> None:
    assert head
    assert ages(cluster) == started


def test_a_share_that_somebody_has_changed_is_named(cluster: Host, head: Project) -> None:
    patch = '{"spec":{"tracing":[{"providers":[{"name":"otel"}],"randomSamplingPercentage":80}]}}'
    cluster.kubectl("patch", "telemetry", "mesh-tracing", "-n", "istio-system", "--type=merge", "--patch", patch)
    found = report(cluster, "--stack", head.stack)
    assert [hop["code"] for hop in found["hops"] if hop["status"] == "broken" and not hop["follows_from"]] == [
        "rates-differ"
    ]
