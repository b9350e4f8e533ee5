"""A request is followed by its trace id, for a limited time, as far as it gets."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from verify_world import DEPLOYMENT, PRODUCTPAGE_URL, StubCluster, deployment, part, pod, resource, service, world

from verify.access.clock import Clock
from verify.access.cluster import CannotLookError
from verify.traffic import request
from verify.world import Journey

ROUND = 1.0


@dataclass
class Time:
    """The cluster's time, and this machine's, which is ``skew`` seconds ahead; both advance only by sleeping."""

    now: float = 1_800_000_000.0
    skew: float = 0.0

    def time(self) -> float:
        return self.now + self.skew

    def monotonic(self) -> float:
        return self.now - 1_799_999_000.0

    def sleep(self, seconds: float) -> None:
        self.now += seconds


class ClusterClock(Clock):
    """What the cluster says of its time."""

    def __init__(self, time: Time) -> None:
        super().__init__()
        self._time = time

    def now(self) -> float:
        return self._time.now


@dataclass
class Mesh:
    """An application, a Tempo and a Prometheus; seconds say how long after a request each has it, None for never.

    ``kept`` are the requests, by number, of which Prometheus has an exemplar. It has the only edge of their traces
    ``last_edge`` seconds after the first exemplar.
    """

    clock: Time
    status: int = 200
    stored: float | None = 2.0
    searchable: float | None = 4.0
    graphed: float | None = 14.0
    kept: Callable[[int], bool] = lambda _: True
    last_edge: float = 0.0
    requests: list[httpx.Request] = field(default_factory=list)
    sent: dict[str, float] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    refusing: bool = False
    knows_trace_id: bool = True
    passes_on: bool = True
    crowd: int = 0
    collector: dict[str, Any] = field(default_factory=dict)
    kept_trace_state: str | None = None

    def application(self, one: httpx.Request) -> httpx.Response:
        self.requests.append(one)
        if self.refusing:
            raise httpx.ConnectError("Connection refused", request=one)
        self.sent[one.headers["traceparent"].split("-")[1]] = self.clock.now
        return httpx.Response(self.status)

    def tempo(self, one: httpx.Request) -> httpx.Response:
        self.asked.append(one.url.path)
        if one.url.path == "/api/search":
            return self.search(one.url.params)
        trace = one.url.path.rpartition("/")[2]
        if trace not in self._seen(self.stored):
            return httpx.Response(404)
        return httpx.Response(200, json={"batches": self.spans(trace)})

    def spans(self, trace: str) -> list[dict[str, Any]]:
        """A call of one service by another, of which there is only the first half if the context is not passed on."""

        def batch(service: str, **span: str) -> dict[str, Any]:
            name = {"key": "service.name", "value": {"stringValue": service}}
            spans = [{"traceId": trace, **span}]
            return {"resource": {"attributes": [name]}, "scopeSpans": [{"spans": spans}]}

        caller = batch("productpage.bookinfo", spanId="0000000000000001", kind="SPAN_KIND_CLIENT")
        called = batch(
            "details.bookinfo", spanId="0000000000000002", parentSpanId="0000000000000001", kind="SPAN_KIND_SERVER"
        )
        return [caller, called] if self.passes_on else [caller]

    def search(self, params: httpx.QueryParams) -> httpx.Response:
        """Like Tempo: the newest traces of the window, of which the ``crowd`` of each second is newer than ours."""
        wanted = re.fullmatch(r'{ trace:id = "(\w+)" }', params["q"])
        if wanted and not self.knows_trace_id:
            return httpx.Response(400, text="unknown identifier: trace:id")
        start, end, limit = (int(params[key]) for key in ("start", "end", "limit"))
        inside = [trace for trace in self._seen(self.searchable) if start <= self.sent[trace] <= end]
        if wanted:
            shown = [trace for trace in inside if trace == wanted[1]]
        else:
            shown = inside[: max(0, limit - self.crowd * (min(end, int(self.clock.now)) - start))]
        return httpx.Response(200, json={"traces": [{"traceID": trace} for trace in shown]})

    def prometheus(self, one: httpx.Request) -> httpx.Response:
        self.asked.append(one.url.path)
        there = self._seen(self.graphed)
        if one.url.path.endswith("/query_exemplars"):
            numbers = {trace: number for number, trace in enumerate(self.sent)}
            kept = [{"labels": {"traceID": trace}} for trace in there if self.kept(numbers[trace])]
            return httpx.Response(200, json={"data": [{"exemplars": kept}]})
        count = 100 + len(there) if "sum" in one.url.params["query"] else self.clock.now
        late = self.clock.now - min(self.sent.values()) < (self.graphed or 0) + self.last_edge
        edge = {"client": "sleep.bookinfo" if late else "productpage.bookinfo", "server": "details.bookinfo"}
        return httpx.Response(200, json={"data": {"result": [{"metric": edge, "value": [0, str(count)]}]}})

    def _seen(self, after: float | None) -> list[str]:
        return [trace for trace, at in self.sent.items() if after is not None and self.clock.now - at >= after]

    def cluster(self) -> StubCluster:
        stub = StubCluster(clock=ClusterClock(self.clock))
        for name, namespace, port, handler in (
            ("productpage", "bookinfo", 9080, self.application),
            ("tempo-tempo", "tracing-system", 3200, self.tempo),
            ("prometheus", "istio-system", 9090, self.prometheus),
        ):
            stub.api.put("/api/v1/services", service(name, namespace, {"app": name}, {"port": port}))
            stub.api.put("/api/v1/pods", pod(f"{name}-1", namespace, labels={"app": name}))
            stub.answers[f"{name}-1", port] = handler
        stub.api.put(
            "/apis/opentelemetry.io/v1beta1/opentelemetrycollectors",
            resource("otel", "istio-system", config=self.collector),
        )
        return stub

    def follow(self, broken: Sequence[str] = (), url: str | None = PRODUCTPAGE_URL) -> Journey:
        tracing = part(DEPLOYMENT.tracing, kept_trace_state=self.kept_trace_state)
        return request.follow(world(deployment(tracing=tracing), cluster=self.cluster()), url, broken, lambda _: None)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Time:
    made = Time()
    # Only the module under test sees this clock.
    monkeypatch.setattr(request, "time", made)
    return made


@pytest.fixture
def mesh(clock: Time) -> Mesh:
    return Mesh(clock)


def test_the_trace_that_is_followed_is_the_requests_own(mesh: Mesh) -> None:
    found = mesh.follow()
    version, trace_id, span_id, flags = mesh.requests[0].headers["traceparent"].split("-")
    assert found.trace_id == trace_id
    assert (version, len(trace_id), len(span_id), flags) == ("00", 32, 16, "01")


def test_a_collector_that_chooses_traces_is_asked_to_keep_it(mesh: Mesh) -> None:
    mesh.kept_trace_state = "mesh-tracing=keep"
    mesh.follow()
    assert {one.headers["tracestate"] for one in mesh.requests} == {"mesh-tracing=keep"}


def test_a_collector_that_keeps_all_is_asked_for_nothing(mesh: Mesh) -> None:
    mesh.follow()
    assert not any("tracestate" in one.headers for one in mesh.requests)


def test_each_request_has_a_trace_id_of_its_own(mesh: Mesh) -> None:
    mesh.follow()
    assert len(mesh.sent) == len(mesh.requests) > 1


def test_a_request_names_the_host_that_it_is_for(mesh: Mesh) -> None:
    mesh.follow(url="http://productpage.bookinfo.svc.cluster.local:9080/productpage?u=test")
    one = mesh.requests[0]
    assert (one.headers["Host"], one.url.raw_path) == (
        "productpage.bookinfo.svc.cluster.local:9080",
        b"/productpage?u=test",
    )


def test_a_request_is_seen_stored_then_searchable_then_in_the_graph(mesh: Mesh) -> None:
    found = mesh.follow()
    assert (found.stored_seconds, found.searchable_seconds, found.graphed_seconds) == (2.0, 4.0, 14.0)


def test_following_ends_as_soon_as_one_request_is_seen_everywhere(mesh: Mesh) -> None:
    found = mesh.follow()
    assert (found.answered, len(mesh.requests)) == (15, 15)


def test_an_edge_of_the_trace_that_the_graph_gets_later_is_waited_for(mesh: Mesh) -> None:
    mesh.last_edge = 12.0
    found = mesh.follow()
    assert (found.graphed_seconds, len(mesh.requests)) == (14.0, 15 + 12)


def test_an_edge_of_the_trace_that_the_graph_never_gets_is_not_waited_for_until_the_end(mesh: Mesh) -> None:
    mesh.last_edge, began = 1000.0, mesh.clock.now
    mesh.follow()
    assert mesh.clock.now - began < 60


def test_the_trace_itself_is_fetched(mesh: Mesh) -> None:
    found = mesh.follow()
    assert found.trace is not None
    assert found.trace.trace_id == found.trace_id


def test_no_id_begins_with_a_zero(mesh: Mesh, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tempo shows ids without leading zeros, and some versions do not find them by ``trace:id``."""
    numbers = iter(range(1, 1000))
    monkeypatch.setattr(request.secrets, "token_hex", lambda size: f"{next(numbers):0{size * 2}x}")
    mesh.follow()
    assert not [trace for trace in mesh.sent if trace.startswith("0")]
    assert {len(trace) for trace in mesh.sent} == {32}


@pytest.mark.parametrize("knows_trace_id", [True, False])
def test_a_trace_is_found_among_thousands_of_newer_ones(mesh: Mesh, knows_trace_id: bool) -> None:
    mesh.knows_trace_id, mesh.crowd = knows_trace_id, 40
    assert mesh.follow().searchable_seconds == 4.0


@pytest.mark.parametrize("skew", [-90.0, 90.0])
def test_the_time_of_this_machine_changes_nothing(mesh: Mesh, skew: float) -> None:
    mesh.clock.skew = skew
    found = mesh.follow()
    assert (found.stored_seconds, found.searchable_seconds, found.graphed_seconds) == (2.0, 4.0, 14.0)
    assert found.sent_at == 1_800_000_000.0


@pytest.mark.parametrize("skew", [-90.0, 90.0])
def test_the_time_of_this_machine_does_not_change_what_is_counted(mesh: Mesh, skew: float) -> None:
    mesh.clock.skew, mesh.kept = skew, lambda _: False
    assert mesh.follow().graphed_seconds is not None


def test_the_request_of_which_an_exemplar_is_kept_is_the_one_that_is_shown(mesh: Mesh) -> None:
    mesh.kept = lambda number: number == 3
    found = mesh.follow()
    assert (found.trace_id, found.note) == (list(mesh.sent)[3], "")


def test_without_exemplars_the_graphs_counters_are_used_and_the_note_says_so(mesh: Mesh) -> None:
    mesh.kept = lambda _: False
    found = mesh.follow()
    assert found.graphed_seconds is not None
    assert found.note == "Prometheus has no exemplar of it, but its counters show that the graph grew"


def test_what_others_send_is_no_proof_for_a_trace_without_an_edge(mesh: Mesh) -> None:
    mesh.kept, mesh.passes_on = lambda _: False, False
    assert mesh.follow().graphed_seconds is None


def test_a_prometheus_that_has_no_exemplars_at_all_is_counted_too(mesh: Mesh) -> None:
    answer = mesh.prometheus

    def without(one: httpx.Request) -> httpx.Response:
        return httpx.Response(404) if one.url.path.endswith("/query_exemplars") else answer(one)

    mesh.prometheus = without
    assert mesh.follow().graphed_seconds is not None


def test_a_step_that_never_happens_has_no_time(mesh: Mesh) -> None:
    mesh.graphed = None
    found = mesh.follow()
    assert (found.stored_seconds, found.searchable_seconds, found.graphed_seconds) == (2.0, 4.0, None)


def test_the_number_of_requests_is_bounded(mesh: Mesh) -> None:
    mesh.graphed = None
    mesh.follow()
    assert len(mesh.requests) == request.MAX_REQUESTS


def test_waiting_for_the_graph_ends(mesh: Mesh) -> None:
    mesh.graphed, began = None, mesh.clock.now
    mesh.follow()
    assert 60 < mesh.clock.now - began < 90


@pytest.mark.parametrize(("stored", "most"), [(None, 25), (2.0, 45)])
def test_waiting_for_tempo_ends_sooner(mesh: Mesh, stored: float | None, most: float) -> None:
    mesh.stored, mesh.searchable, mesh.graphed = stored, None, None
    began = mesh.clock.now
    mesh.follow()
    assert mesh.clock.now - began < most


def test_what_the_collector_holds_back_is_waited_for(mesh: Mesh) -> None:
    """A decision after 40 s is no reason to say that nothing arrives."""
    mesh.stored, mesh.searchable, mesh.graphed = 45.0, 47.0, 60.0
    mesh.collector = {
        "processors": {"tail_sampling": {"decision_wait": "40s"}},
        "service": {"pipelines": {"traces": {"processors": ["tail_sampling"]}}},
    }
    found = mesh.follow()
    assert (found.stored_seconds, found.searchable_seconds, found.graphed_seconds) == (45.0, 47.0, 60.0)


def test_following_ends_at_once_when_nobody_answers(mesh: Mesh) -> None:
    mesh.refusing = True
    found = mesh.follow()
    assert (found.answered, found.problem, len(mesh.requests)) == (0, "Connection refused", 5)


def test_an_error_of_the_application_is_why_nothing_was_followed(mesh: Mesh) -> None:
    mesh.status = 503
    found = mesh.follow()
    assert (found.answered, found.problem) == (0, f"{PRODUCTPAGE_URL} answered 503")


def test_a_page_that_is_not_found_was_a_request_all_the_same(mesh: Mesh) -> None:
    mesh.status = 404
    assert mesh.follow().stored_seconds == 2.0


def test_an_application_without_a_ready_pod_is_why_nothing_was_sent(mesh: Mesh) -> None:
    cluster = mesh.cluster()
    del cluster.api.objects["/api/v1/namespaces/bookinfo/pods/productpage-1"]
    found = request.follow(world(cluster=cluster), PRODUCTPAGE_URL, [], lambda _: None)
    assert (found.address, found.problem) == (PRODUCTPAGE_URL, "Service bookinfo/productpage has no ready pod")


def test_a_tempo_that_is_not_there_ends_nothing(mesh: Mesh) -> None:
    cluster = mesh.cluster()
    del cluster.api.objects["/api/v1/namespaces/tracing-system/pods/tempo-tempo-1"]
    found = request.follow(world(cluster=cluster), PRODUCTPAGE_URL, [], lambda _: None)
    assert found.stored_seconds is None
    assert found.answered > 0


def test_a_store_that_may_not_be_asked_has_seen_nothing(mesh: Mesh) -> None:
    def refused(_: httpx.Request) -> httpx.Response:
        raise CannotLookError("not allowed: a port-forward to Pod tracing-system/tempo-tempo-1")

    mesh.tempo = refused
    found = mesh.follow()
    assert (found.stored_seconds, found.trace) == (None, None)


@pytest.mark.parametrize(
    "answer", [httpx.Response(200, text="<html>"), httpx.Response(500), httpx.Response(200, json=[])]
)
def test_a_store_that_answers_something_else_has_seen_nothing(mesh: Mesh, answer: httpx.Response) -> None:
    mesh.prometheus = lambda _: answer
    found = mesh.follow()
    assert (found.searchable_seconds, found.graphed_seconds) == (4.0, None)


@pytest.mark.parametrize("hop", ["sidecars", "provider", "proxies", "collector", "object-store", "tempo"])
def test_behind_a_broken_hop_on_the_way_to_tempo_nothing_is_waited_for(mesh: Mesh, hop: str) -> None:
    began = mesh.clock.now
    mesh.follow([hop])
    assert mesh.asked == []
    assert mesh.clock.now - began < 12


@pytest.mark.parametrize("hop", ["prometheus", "generator"])
def test_behind_a_broken_hop_on_the_way_to_the_graph_only_tempo_is_waited_for(mesh: Mesh, hop: str) -> None:
    began = mesh.clock.now
    found = mesh.follow([hop])
    assert (found.searchable_seconds, found.graphed_seconds) == (4.0, None)
    assert not [path for path in mesh.asked if "query" in path]
    assert mesh.clock.now - began < 12


def test_a_broken_hop_beside_the_way_changes_nothing(mesh: Mesh) -> None:
    assert mesh.follow(["grafana", "kiali"]).graphed_seconds == 14.0


def test_proxies_have_time_to_send_even_where_nothing_is_waited_for(mesh: Mesh) -> None:
    began = mesh.clock.now
    mesh.follow(["collector"])
    assert mesh.clock.now - began > 5
    assert len(mesh.requests) > 5


def test_without_an_address_only_time_passes(mesh: Mesh) -> None:
    began = mesh.clock.now
    found = mesh.follow(url=None)
    assert (found.answered, mesh.requests, found.note) == (
        0,
        [],
        "no request was sent: name an address with --probe",
    )
    assert mesh.clock.now - began > 5


def test_progress_is_reported(mesh: Mesh) -> None:
    told: list[str] = []
    request.follow(world(cluster=mesh.cluster()), PRODUCTPAGE_URL, [], told.append)
    assert (told[0], told[-1]) == ("1 requests: sent", "15 requests: in the graph")
