"""Which applications are said to drop the trace context, over a matrix of meshes in which it is known which do.

An application that drops it counts as one that can be told from the spans if some fifteen of the calls that it makes
without it were sampled together with the request that they were made for, and stand out: where such requests are under
way nearly all the time, each call is made during one. Less may be noticed, and need not be.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import httpx
import pytest
from simulated_mesh import NAMESPACE, NOW, SECONDS, App, Mesh, Tempo
from verify_world import Api, StubCluster

from verify.propagation.applications import beginners
from verify.propagation.conduct import Verdict

PRODUCTPAGE, DETAILS, REVIEWS, RATINGS = "productpage-v1", "details-v1", "reviews-v2", "ratings-v1"
_TELLING = 15
# With fewer traces sampled, it takes more requests to have some of them.
_RATES = {1.0: 1.0, 0.1: 4.0, 0.01: 12.0}
Change = Callable[[list[App]], list[App]]


def bookinfo(rate: float) -> list[App]:
    return [
        App("sleep", by_itself={"productpage": rate}),
        App(PRODUCTPAGE, "productpage", calls={"details": 1, "reviews": 1}),
        App(DETAILS, "details"),
        App("reviews-v1", "reviews"),
        App(REVIEWS, "reviews", calls={"ratings": 1}),
        App("reviews-v3", "reviews", calls={"ratings": 1}),
        App(RATINGS, "ratings"),
    ]


def changed(name: str, **changes: object) -> Change:
    return lambda apps: [replace(app, **changes) if app.name == name else app for app in apps]  # type: ignore[arg-type]


def all_changed(**changes: object) -> Change:
    return lambda apps: [replace(app, **changes) for app in apps]  # type: ignore[arg-type]


def also(*further: App) -> Change:
    return lambda apps: [*apps, *further]


def drops(name: str, share: float, *services: str) -> Change:
    return changed(name, drops=dict.fromkeys(services, share))


def calls_by_itself(name: str, rate: float) -> Change:
    return changed(name, by_itself={"metrics": rate})


@dataclass(frozen=True)
class Case:
    """``kind`` is its row in the table.

    ``requests`` is the share of all requests that reach one pod of the application that drops. ``blurred``: requests
    without a call in their own trace are under way nearly all the time.
    """

    kind: str
    sampled: float
    changes: Sequence[Change] = ()
    requests: float = 1.0
    rate: float | None = None
    blurred: bool = False

    def apps(self) -> list[App]:
        apps = bookinfo(self.rate or _RATES[self.sampled])
        for change in self.changes:
            apps = change(apps)
        return apps


def cases() -> Iterator[Case]:
    positions = (
        (PRODUCTPAGE, ("details",), 1.0),
        (PRODUCTPAGE, ("reviews",), 1.0),
        (PRODUCTPAGE, ("details", "reviews"), 1.0),
        (REVIEWS, ("ratings",), 1 / 3),
    )
    for sampled in _RATES:
        yield Case("nobody drops", sampled)
        for name, services, requests in positions:
            for share in (1.0, 0.5, 0.1):
                yield Case(f"drops on {share:.0%} of the calls", sampled, [drops(name, share, *services)], requests)
        yield Case(
            "two of three versions drop",
            sampled,
            [drops(REVIEWS, 1, "ratings"), drops("reviews-v3", 1, "ratings")],
            1 / 3,
        )
        yield Case(
            "a job begins traces", sampled, [also(App("report", by_itself={"productpage": 0.2, "ratings": 0.5}))]
        )
        gateway = App("gateway", by_itself={"productpage": 3}, node="router", namespace="istio-ingress")
        yield Case("a gateway begins traces", sampled, [also(gateway)])
        yield Case("a gateway, and one drops", sampled, [also(gateway), drops(PRODUCTPAGE, 1, "details", "reviews")])
        for name in ("sleep", PRODUCTPAGE, DETAILS, REVIEWS, RATINGS):
            bare = changed(name, sidecar=False)
            yield Case("a sidecar is missing", sampled, [bare])
            if name != PRODUCTPAGE:
                yield Case(
                    "a sidecar is missing, and one drops", sampled, [bare, drops(PRODUCTPAGE, 1, "details", "reviews")]
                )
        yield Case(
            "what drops has no sidecar",
            sampled,
            [drops(PRODUCTPAGE, 1, "details", "reviews"), changed(PRODUCTPAGE, sidecar=False)],
        )
        yield Case("calls are tried again", sampled, [all_changed(retries=0.2)])
        yield Case(
            "calls are tried again, and one drops",
            sampled,
            [all_changed(retries=0.2), drops(PRODUCTPAGE, 0.5, "reviews")],
        )
        itself = changed(DETAILS, calls={"stock": 1})
        stock = App("stock", calls={"stock": 0.5})
        yield Case("one calls itself", sampled, [itself, also(stock)])
        yield Case("one calls itself, and drops", sampled, [itself, also(replace(stock, drops={"stock": 1}))], 0.5)
        for name in (PRODUCTPAGE, REVIEWS, RATINGS, DETAILS):
            yield Case("one has tasks of its own", sampled, [calls_by_itself(name, 0.4)])
        yield Case(
            "all send their metrics",
            sampled,
            [all_changed(by_itself={"metrics": 0.1}), changed("sleep", by_itself={"productpage": 3})],
        )
        yield Case(
            "tasks of its own, and drops",
            sampled,
            [calls_by_itself(PRODUCTPAGE, 0.4), drops(PRODUCTPAGE, 1, "reviews")],
        )
        yield Case("several pods", sampled, [changed(PRODUCTPAGE, pods=5), drops(PRODUCTPAGE, 1, "reviews")], 2 / 5)
    for busy in (0.1, 0.4):
        overlapping = Case("requests overlap", 1.0, [all_changed(busy=busy)], rate=6)
        yield overlapping
        for kind, blurred, *changes in (
            ("requests overlap, and tasks", False, calls_by_itself(PRODUCTPAGE, 1), calls_by_itself(DETAILS, 1)),
            ("requests overlap, and one drops", False, drops(PRODUCTPAGE, 1, "details", "reviews")),
            ("requests overlap, and one drops some", busy > 0.1, drops(PRODUCTPAGE, 0.1, "details")),
        ):
            yield replace(overlapping, kind=kind, changes=[*overlapping.changes, *changes], blurred=blurred)


@dataclass(frozen=True)
class Outcome:
    """The names of the applications that drop the context, of those that can be told to, and of those that were."""

    case: Case
    dropping: frozenset[str]
    telling: frozenset[str]
    named: frozenset[str]
    suspected: frozenset[str]


def outcome(case: Case) -> Outcome:
    mesh = Mesh(case.apps(), case.sampled)
    dropping = {app.name: max(app.drops.values()) for app in mesh.apps if app.drops and app.sidecar}
    rate = (case.rate or _RATES[case.sampled]) * case.requests * SECONDS
    seen = Counter({name: rate * share * case.sampled**2 for name, share in dropping.items()})
    api = Api()
    api.put("/api/v1/pods", *mesh.pods())
    with httpx.Client(base_url="http://tempo", transport=httpx.MockTransport(Tempo(mesh.spans))) as tempo:
        found = beginners(StubCluster(api), tempo, [NAMESPACE], NOW, case.sampled).applications
    by_verdict = {
        verdict: frozenset(one.workload.name for one in found if one.conduct.verdict is verdict) for verdict in Verdict
    }
    return Outcome(
        case,
        frozenset(dropping),
        frozenset(name for name, number in seen.items() if number >= _TELLING and not case.blurred),
        by_verdict[Verdict.DROPS],
        by_verdict[Verdict.PERHAPS],
    )


@pytest.fixture(scope="module")
def outcomes() -> list[Outcome]:
    return [outcome(case) for case in cases()]


def table(outcomes: Sequence[Outcome]) -> str:
    """Precision and recall, by the kind of mesh."""
    rows: Mapping[str, Counter[str]] = {one.case.kind: Counter() for one in outcomes} | {"all": Counter()}
    for one in outcomes:
        for row in (rows[one.case.kind], rows["all"]):
            row["meshes"] += 1
            row["drop"] += len(one.dropping)
            row["can be told"] += len(one.telling)
            row["told"] += len(one.telling & one.named)
            row["also told"] += len((one.dropping - one.telling) & one.named)
            row["suspected"] += len(one.suspected & one.dropping)
            row["wrong"] += len((one.named | one.suspected) - one.dropping)
    heads = ("meshes", "drop", "can be told", "told", "also told", "suspected", "wrong")
    lines = [f"{'applications that':<38}" + "".join(f"{head:>13}" for head in heads)]
    lines += [f"{kind:<38}" + "".join(f"{row[head]:>13}" for head in heads) for kind, row in rows.items()]
    total = rows["all"]
    right = total["told"] + total["also told"]
    named = right + total["wrong"]
    lines.append(
        f"precision {right / named:.1%}, recall of what can be told {total['told'] / total['can be told']:.1%}"
    )
    return "\n".join(lines)


def test_every_application_that_can_be_told_to_drop_it_is_named(
    outcomes: list[Outcome], record_property: Callable[[str, object], None]
) -> None:
    record_property("table", table(outcomes))
    missed = [(one.case, one.telling - one.named) for one in outcomes if one.telling - one.named]
    assert not missed, f"{table(outcomes)}\n{missed}"


def test_no_application_is_named_that_passes_it_on(outcomes: list[Outcome]) -> None:
    wrong = [(one.case, one.named - one.dropping) for one in outcomes if one.named - one.dropping]
    assert not wrong, f"{table(outcomes)}\n{wrong}"


def test_no_application_is_suspected_that_passes_it_on(outcomes: list[Outcome]) -> None:
    wrong = [(one.case, one.suspected - one.dropping) for one in outcomes if one.suspected - one.dropping]
    assert not wrong, f"{table(outcomes)}\n{wrong}"
