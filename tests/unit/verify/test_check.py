"""One check: it looks at the hops, follows a request, looks again, and judges."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import httpx
import pytest
import yaml
from verify_world import (
    DEPLOYMENT,
    EDGE,
    MESH_CONFIG,
    PRODUCTPAGE_URL,
    TRACE_ID,
    config_map,
    deployment,
    healthy,
    journey,
    part,
    world,
)

from verify import check as module
from verify.access.cluster import CannotCheckError, CannotLookError
from verify.access.deadline import TimeOverError
from verify.causes import Code
from verify.check import Wanted, check
from verify.findings import Because, Finding, Status, fault, ok, starved
from verify.hops import HOPS, Hop, graph
from verify.traffic.service_graph import Calls, Edge
from verify.world import Journey, Looks, World


@dataclass
class Stub:
    """A hop that records its calls; ``says`` makes its finding from both looks. By default its flow does not grow."""

    name: str
    flow: Callable[[Any], dict[str, float]] | None = lambda _: {"a": 7.0}
    says: Callable[[Looks[Any]], Finding] | None = None
    sees: Callable[[], Any] = lambda: None
    is_of_minutes: bool = False
    looked: int = 0
    judged: list[Looks[Any]] = field(default_factory=list)

    def look(self, _: World) -> Any:
        self.looked += 1
        return self.sees()

    def judge(self, _: World, looks: Looks[Any]) -> Finding:
        self.judged.append(looks)
        return self.says(looks) if self.says else ok(self.name, "well")

    @property
    def hop(self) -> Hop:
        return Hop(self.name, self.name.title(), self.look, self.judge, self.flow, is_of_minutes=self.is_of_minutes)


@dataclass
class Followed:
    """How ``request.follow`` was called, and what it returns."""

    journey: Journey
    calls: list[tuple[str | None, list[str]]] = field(default_factory=list)

    def __call__(self, _: World, url: str | None, broken: Any, _say: Any) -> Journey:
        self.calls.append((url, list(broken)))
        return self.journey


@pytest.fixture
def followed(monkeypatch: pytest.MonkeyPatch) -> Followed:
    made = Followed(journey())
    monkeypatch.setattr(module.request, "follow", made)
    return made


def run(*hops: Stub, stack: World | None = None, **wanted: Any) -> Any:
    return check(stack or world(), Wanted(hops=[hop.hop for hop in hops], **wanted), lambda _: None)


def test_every_hop_is_looked_at_before_and_after_the_request(followed: Followed) -> None:
    numbers = iter(range(10))
    hop = Stub("collector", sees=lambda: next(numbers))
    run(hop)
    assert (hop.judged[-1].before, hop.judged[-1].after) == (0, 1)
    assert hop.judged[-1].journey is not None


def test_the_first_judgement_is_made_without_a_journey(followed: Followed) -> None:
    hop = Stub("collector")
    run(hop)
    assert [looks.journey is None for looks in hop.judged] == [True, False]


def test_hops_that_need_no_request_are_looked_at_once(followed: Followed) -> None:
    hop = Stub("grafana", flow=None)
    report = run(hop)
    assert (hop.looked, followed.calls, report.request) == (1, [], None)


def test_what_is_of_the_last_minutes_is_looked_at_once_beside_what_is_looked_at_twice(followed: Followed) -> None:
    slow, quick = Stub("propagation", flow=None, sees=lambda: "seen", is_of_minutes=True), Stub("collector")
    report = run(slow, quick)
    assert (slow.looked, quick.looked) == (1, 2)
    assert [(looks.before, looks.after, looks.journey is None) for looks in slow.judged] == [("seen", "seen", False)]
    assert [one.hop for one in report.findings] == ["propagation", "collector"]


def test_the_findings_are_in_the_order_of_the_hops(followed: Followed) -> None:
    report = run(Stub("collector"), Stub("tempo"), Stub("operators", flow=None))
    assert [one.hop for one in report.findings] == ["collector", "tempo", "operators"]
    assert report.titles == {"collector": "Collector", "tempo": "Tempo", "operators": "Operators"}


def test_what_a_visible_fault_prevents_is_not_waited_for(followed: Followed) -> None:
    run(
        Stub("provider", says=lambda _: fault("provider", code=Code.NO_COLLECTOR, cause="c", remedy="r")),
        Stub("collector", says=lambda _: starved("collector", code=Code.NO_COLLECTOR, cause="c", remedy="r")),
        Stub("tempo"),
    )
    assert followed.calls == [(PRODUCTPAGE_URL, ["provider"])]


def test_causes_are_attributed(followed: Followed) -> None:
    report = run(
        Stub("provider", says=lambda _: fault("provider", code=Code.NO_COLLECTOR, cause="c", remedy="mend")),
        Stub("collector", says=lambda _: starved("collector", code=Code.NO_COLLECTOR, cause="c", remedy="look")),
    )
    assert [(one.follows_from, one.remedy) for one in report.findings] == [(None, "mend"), ("provider", "")]
    assert report.verdict == "broken"


def raising(error: Exception) -> Callable[[], Any]:
    def see() -> Any:
        raise error

    return see


def test_a_hop_that_may_not_be_looked_at_is_reported_as_unknown(followed: Followed) -> None:
    hop = Stub("collector", sees=raising(CannotLookError("not allowed: GET /pods", "kubectl apply")))
    (finding,) = run(hop).findings
    assert (finding.status, finding.evidence, finding.remedy) == (
        Status.UNKNOWN,
        ("not allowed: GET /pods",),
        "kubectl apply",
    )
    assert hop.judged == []


def test_a_hop_that_can_no_longer_be_looked_at_is_reported_as_unknown(followed: Followed) -> None:
    hop = Stub("collector")
    hop.sees = lambda: "seen" if hop.looked == 1 else raising(CannotLookError("gone"))()
    (finding,) = run(hop).findings
    assert (finding.status, finding.evidence) == (Status.UNKNOWN, ("gone",))


def test_one_hop_that_cannot_be_looked_at_leaves_the_others(followed: Followed) -> None:
    report = run(Stub("collector", sees=raising(CannotLookError("no"))), Stub("tempo"))
    assert [one.status for one in report.findings] == [Status.UNKNOWN, Status.OK]


@pytest.mark.parametrize("error", [KeyError("spec"), TypeError("None"), ValueError("no JSON"), AttributeError("get")])
def test_an_answer_that_cannot_be_read_affects_only_its_hop(followed: Followed, error: Exception) -> None:
    report = run(Stub("collector", sees=raising(error)), Stub("tempo"))
    assert [one.status for one in report.findings] == [Status.UNKNOWN, Status.OK]
    assert type(error).__name__ in report.findings[0].evidence[0]


def test_an_unexpected_error_of_one_hop_leaves_the_others(followed: Followed) -> None:
    def stumble(_: Looks[Any]) -> Finding:
        raise ZeroDivisionError("by nothing")

    report = run(Stub("collector", sees=raising(RuntimeError("odd"))), Stub("tempo", says=stumble), Stub("kiali"))
    assert [(one.status, one.code) for one in report.findings] == [
        (Status.UNKNOWN, Code.UNEXPECTED),
        (Status.UNKNOWN, Code.UNEXPECTED),
        (Status.OK, None),
    ]
    for finding, words in zip(
        report.findings, ("RuntimeError: odd at ", "ZeroDivisionError: by nothing at "), strict=False
    ):
        assert finding.evidence[0].startswith("an error in verify itself; please report this line to its maintainers: ")
        assert words in finding.evidence[0]


def test_what_was_found_before_the_time_was_over_stays(followed: Followed) -> None:
    hops = [
        Stub("provider"),
        Stub("collector", says=lambda _: fault("collector", code=Code.NO_COLLECTOR, cause="c", remedy="r")),
    ]
    for hop in hops:
        hop.sees = lambda hop=hop: "seen" if hop.looked == 1 else raising(TimeOverError("the time is over"))()
    report = run(*hops)
    assert [one.code for one in report.findings] == [Code.TIME_OVER, Code.NO_COLLECTOR]


def test_a_journey_that_the_time_ends_proves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def follow(*_: Any) -> Journey:
        raise TimeOverError("the time is over")

    monkeypatch.setattr(module.request, "follow", follow)
    (finding,) = run(Stub("collector")).findings
    assert (finding.status, finding.evidence) == (Status.UNKNOWN, ("well", "the time is over"))


def test_what_is_not_allowed_has_the_command_that_allows_it(followed: Followed) -> None:
    error = CannotLookError("not allowed: GET /pods", code=Code.NOT_ALLOWED)
    (finding,) = run(Stub("collector", sees=raising(error))).findings
    assert (finding.status, finding.code) == (Status.UNKNOWN, Code.NOT_ALLOWED)
    role = "mesh-tracing-local-verify"
    assert finding.remedy == (
        ".venv/bin/python -m mesh_tracing roles verify --stack local | kubectl apply -f -"
        f" && kubectl create clusterrolebinding {role} --clusterrole {role} --user USER"
    )


def test_a_login_that_has_expired_ends_the_check(followed: Followed) -> None:
    with pytest.raises(CannotCheckError, match="expired"):
        run(Stub("collector", sees=raising(CannotCheckError("expired", code=Code.LOGIN_REFUSED))))


def test_without_a_request_a_hop_that_needs_one_is_reported_as_unknown(followed: Followed) -> None:
    followed.journey = Journey(address=PRODUCTPAGE_URL, problem="Connection refused")
    report = run(Stub("collector"), Stub("grafana", flow=None))
    assert [(one.status, one.evidence) for one in report.findings] == [
        (Status.UNKNOWN, ("well", "Connection refused")),
        (Status.OK, ("well",)),
    ]


def test_without_a_request_those_of_other_clients_are_enough(followed: Followed) -> None:
    followed.journey = Journey(note="no request was sent")
    hop = Stub("collector", flow=lambda seen: {"a": float(seen)})
    hop.sees = lambda: hop.looked
    (finding,) = run(hop).findings
    assert finding == ok("collector", "well")


def test_what_a_new_pod_has_counted_before_did_not_go_through_it_now(followed: Followed) -> None:
    followed.journey = Journey(note="no request was sent")
    hop = Stub("collector", flow=lambda seen: {"a": 7.0} if seen == 1 else {"a": 7.0, "new": 4000.0})
    hop.sees = lambda: hop.looked
    assert run(hop).findings[0].code is Code.NO_TRAFFIC


def test_without_a_request_what_is_broken_stays_broken(followed: Followed) -> None:
    followed.journey = Journey(problem="Connection refused")
    (finding,) = run(
        Stub("collector", says=lambda _: fault("collector", code=Code.NO_COLLECTOR, cause="c", remedy="r"))
    ).findings
    assert (finding.status, finding.because) == (Status.BROKEN, Because.FAULT)


def test_the_request_is_in_the_report(followed: Followed) -> None:
    found = run(Stub("collector")).request
    assert (found.trace_id, found.address, found.stored_seconds, found.searchable_seconds, found.graphed_seconds) == (
        TRACE_ID,
        PRODUCTPAGE_URL,
        2.0,
        4.0,
        14.0,
    )
    assert found.sent_at.timestamp() == 1_800_000_000.0


def test_a_request_that_nobody_answered_is_not_in_the_report(followed: Followed) -> None:
    followed.journey = Journey(address=PRODUCTPAGE_URL, problem="Connection refused")
    assert run(Stub("collector")).request is None


def test_requests_go_where_it_was_asked_for(followed: Followed) -> None:
    run(Stub("collector"), probe="http://web.shop.svc/")
    assert followed.calls[0][0] == "http://web.shop.svc/"


def test_without_bookinfo_there_is_no_address_of_its_own(followed: Followed) -> None:
    run(Stub("collector"), stack=world(deployment(bookinfo=None)))
    assert followed.calls[0][0] is None


def test_the_graph_that_was_seen_last_is_in_the_report(followed: Followed) -> None:
    graphs = iter([graph.Seen({}, ""), graph.Seen({EDGE: Calls(3, 0, 0.1)}, "")])
    assert run(Stub("graph", sees=lambda: next(graphs))).graph == {EDGE: Calls(3, 0, 0.1)}


def test_a_graph_that_cannot_be_looked_at_is_empty(followed: Followed) -> None:
    assert run(Stub("graph", sees=raising(CannotLookError("no")))).graph == {}


def test_bookinfos_edges_and_those_that_were_asked_for_are_expected(followed: Followed) -> None:
    mine = Edge("cart.shop", "web.shop")
    expected = run(Stub("graph"), edges=frozenset({mine})).expected
    assert {mine, EDGE, Edge("sleep.bookinfo", "productpage.bookinfo")} <= expected


def test_no_edge_of_bookinfo_is_expected_where_services_have_other_names(followed: Followed) -> None:
    cluster, mine = healthy(), Edge("web", "cart")
    mesh = yaml.safe_load(MESH_CONFIG)
    mesh["extensionProviders"][0]["opentelemetry"]["serviceAttributeEnrichment"] = "OTEL_SEMANTIC_CONVENTIONS"
    cluster.api.put("/api/v1/configmaps", config_map("istio", "istio-system", mesh=yaml.safe_dump(mesh)))
    report = run(Stub("graph"), stack=world(cluster=cluster), edges=frozenset({mine}))
    assert report.expected == frozenset({mine})


def test_without_traffic_no_edge_of_its_clients_is_expected(followed: Followed) -> None:
    stack = world(deployment(bookinfo=part(DEPLOYMENT.bookinfo, traffic=False)))
    assert Edge("sleep.bookinfo", "productpage.bookinfo") not in run(Stub("graph"), stack=stack).expected


def test_without_bookinfo_nothing_is_expected_of_it(followed: Followed) -> None:
    assert run(Stub("graph"), stack=world(deployment(bookinfo=None))).expected == frozenset()


def test_an_edge_that_has_gone_is_not_drawn_as_one_that_is_missing(
    followed: Followed, monkeypatch: pytest.MonkeyPatch
) -> None:
    still, gone = Edge("cart.shop", "web.shop"), Edge("old.shop", "web.shop")
    monkeypatch.setattr(module, "learnt_edges", lambda _: frozenset({still, gone}))
    hop = Stub("graph", sees=lambda: graph.Seen({still: Calls(3, 0, 0.1)}, ""))
    report = run(hop, stack=world(deployment(bookinfo=None)))
    assert report.expected == {still}
    assert hop.judged[-1].journey.learnt == {still, gone}


def test_what_is_expected_is_known_when_hops_are_judged(followed: Followed) -> None:
    hop = Stub("graph")
    run(hop)
    assert EDGE in hop.judged[-1].journey.expected


def test_a_mesh_that_works_is_reported_to_work(followed: Followed) -> None:
    """With the real hops: each counter grows between the two looks."""
    stack = world(cluster=healthy())
    counted = iter(range(0, 1000, 10))
    tempo = stack.cluster.answers["tempo-tempo-0", 3200]

    def growing(request: httpx.Request) -> httpx.Response:
        if request.url.path != "/metrics":
            return tempo(request)
        number = next(counted)
        names = ("distributor_spans_received_total", "metrics_generator_spans_received_total")
        edges = f"tempo_metrics_generator_processor_service_graphs_edges {number}\n"
        return httpx.Response(200, text=edges + "".join(f"tempo_{name} {number}\n" for name in names))

    def collector(_: httpx.Request) -> httpx.Response:
        number = next(counted)
        spans = ("receiver_accepted", "exporter_sent")
        return httpx.Response(200, text="".join(f"otelcol_{name}_spans {number}\n" for name in spans))

    envoy = stack.cluster.answers["productpage-v1-1", 15000]

    def proxy(request: httpx.Request) -> httpx.Response:
        answer = envoy(request)
        if request.url.path != "/clusters":
            return answer
        return httpx.Response(200, text=answer.text.replace('"value": "4"', f'"value": "{next(counted) + 4}"'))

    stack.cluster.answers |= {
        ("tempo-tempo-0", 3200): growing,
        ("otc-container-1", 8888): collector,
        ("productpage-v1-1", 15000): proxy,
    }
    stack = replace(stack, deployment=deployment(bookinfo=None))
    report = check(stack, Wanted(HOPS, frozenset({EDGE}), PRODUCTPAGE_URL), lambda _: None)
    assert report.verdict == "works", [one for one in report.findings if one.status is not Status.OK]


@pytest.mark.usefixtures("followed")
def test_a_secret_address_of_prometheus_is_not_printed() -> None:
    url = "https://metrics.example.com/hunter2"
    secret = DEPLOYMENT.prometheus.model_copy(
        update={"query_url": url, "write_url": f"{url}/api/v1/write", "secret": True}
    )

    def says(_: Looks[Any]) -> Finding:
        return fault(
            "one",
            f"{url}: 503",
            f"goes to {url}/api/v1/write",
            code=Code.NO_COLLECTOR,
            cause=f"{url} is gone",
            remedy=f"curl {url}",
        )

    report = check(world(deployment(prometheus=secret)), Wanted([Stub("one", says=says).hop]), lambda _: None)
    (finding,) = report.findings
    assert "hunter2" not in str(finding)
    assert finding.evidence[0] == "[hidden URL of Prometheus]: 503"
    assert finding.remedy == ""
