"""Which broken hop is named as the cause of another's trouble."""

import itertools
from collections.abc import Sequence
from typing import Any

import pytest

from verify.causes import Code
from verify.findings import Finding, Status, absent, attribute, blocked, fault, ok, stalled, starved, unknown, warning

FAULT: Any = {"code": Code.NO_COLLECTOR, "cause": "it is wrong", "remedy": "mend it"}


def of_all(*troubled: Finding) -> dict[str, Finding]:
    """The attributed findings if these hops are in trouble and all others work."""
    names = [
        "operators", "dns", "control-plane", "sidecars", "provider", "proxies", "collector", "object-store", "tempo",
        "prometheus", "generator", "propagation", "graph", "grafana", "kiali",
    ]  # fmt: skip
    by_hop = {name: ok(name) for name in names} | {finding.hop: finding for finding in troubled}
    return {finding.hop: finding for finding in attribute(list(by_hop.values()))}


def test_what_is_starved_by_a_hop_that_was_restarted_is_not_known_to_be_broken() -> None:
    restarted = unknown("tempo", code=Code.RESTARTED, cause="its pods were replaced", remedy="")
    found = of_all(restarted, starved("graph", **FAULT))["graph"]
    assert (found.status, found.follows_from, found.remedy) == (Status.UNKNOWN, "tempo", "")


def test_a_warning_explains_nothing_and_is_explained_by_nothing() -> None:
    found = of_all(warning("collector", **FAULT), starved("tempo", **FAULT), fault("dns", **FAULT))
    assert (found["collector"].follows_from, found["tempo"].follows_from) == (None, "dns")


def cannot_tell(hop: str) -> Finding:
    return unknown(hop, code=Code.NO_COLLECTOR, cause="it could not be looked at", remedy="look")


@pytest.mark.parametrize(
    ("troubled", "roots"),
    [
        pytest.param([fault("collector", **FAULT)], {"collector": None}, id="a fault of its own"),
        pytest.param(
            [fault("provider", **FAULT), starved("collector", **FAULT), starved("tempo", **FAULT)],
            {"provider": None, "collector": "provider", "tempo": "provider"},
            id="starved follows a fault before it",
        ),
        pytest.param(
            [fault("sidecars", **FAULT), fault("provider", **FAULT), starved("collector", **FAULT)],
            {"sidecars": None, "provider": None, "collector": "provider"},
            id="starved follows the nearest of two faults",
        ),
        pytest.param([starved("collector", **FAULT)], {"collector": None}, id="starved by nobody"),
        pytest.param(
            [fault("dns", **FAULT), blocked("collector", **FAULT), starved("graph", **FAULT)],
            {"dns": None, "collector": "dns", "graph": "dns"},
            id="without names nothing finds what it calls",
        ),
        pytest.param(
            [starved("collector", **FAULT), starved("graph", **FAULT)],
            {"collector": None, "graph": "collector"},
            id="starved by one that is starved by nobody",
        ),
        pytest.param(
            [fault("tempo", **FAULT), starved("collector", **FAULT)],
            {"tempo": None, "collector": None},
            id="starved does not follow what comes behind it",
        ),
        pytest.param(
            [fault("collector", **FAULT), blocked("proxies", **FAULT)],
            {"collector": None, "proxies": "collector"},
            id="blocked follows a fault behind it",
        ),
        pytest.param(
            [fault("provider", **FAULT), stalled("proxies", **FAULT), starved("collector", **FAULT)],
            {"provider": None, "proxies": "provider", "collector": "provider"},
            id="stalled follows a fault before it",
        ),
        pytest.param(
            [stalled("proxies", **FAULT), fault("collector", **FAULT)],
            {"proxies": "collector", "collector": None},
            id="stalled follows a fault behind it",
        ),
        pytest.param(
            [stalled("proxies", **FAULT), starved("collector", **FAULT)],
            {"proxies": None, "collector": "proxies"},
            id="stalled by nobody",
        ),
        pytest.param(
            [fault("provider", **FAULT), blocked("collector", **FAULT)],
            {"provider": None, "collector": None},
            id="blocked does not follow what comes before it",
        ),
        pytest.param(
            [
                blocked("proxies", **FAULT), starved("collector", **FAULT), starved("tempo", **FAULT),
                starved("generator", **FAULT), starved("graph", **FAULT), starved("kiali", **FAULT),
            ],
            {
                "proxies": None, "collector": "proxies", "tempo": "proxies", "generator": "proxies",
                "graph": "proxies", "kiali": "proxies",
            },
            id="packets to the collector are dropped",
        ),
        pytest.param(
            [
                fault("object-store", **FAULT), blocked("tempo", **FAULT), blocked("collector", **FAULT),
                starved("generator", **FAULT), starved("graph", **FAULT),
            ],
            {
                "object-store": None, "tempo": "object-store", "collector": "object-store",
                "generator": "object-store", "graph": "object-store",
            },
            id="Tempo's bucket is missing",
        ),
        pytest.param(
            [fault("prometheus", **FAULT), blocked("generator", **FAULT), starved("graph", **FAULT)],
            {"prometheus": None, "generator": "prometheus", "graph": "prometheus"},
            id="Prometheus takes no remote write",
        ),
        pytest.param(
            [fault("control-plane", **FAULT), fault("sidecars", **FAULT), cannot_tell("proxies")],
            {"control-plane": None, "sidecars": None, "proxies": "sidecars"},
            id="what cannot be told follows a fault before it",
        ),
        pytest.param(
            [fault("tempo", **FAULT), cannot_tell("collector")],
            {"tempo": None, "collector": "tempo"},
            id="what cannot be told follows a fault behind it",
        ),
        pytest.param(
            [fault("object-store", **FAULT), blocked("collector", **FAULT)],
            {"object-store": None, "collector": None},
            id="beyond one that works",
        ),
        pytest.param(
            [fault("propagation", **FAULT), starved("graph", **FAULT)],
            {"propagation": None, "graph": "propagation"},
            id="an application forgets the trace context",
        ),
        pytest.param(
            [fault("tempo", **FAULT), cannot_tell("propagation"), starved("graph", **FAULT)],
            {"tempo": None, "propagation": "tempo", "graph": "tempo"},
            id="without traces nothing is known of applications",
        ),
        pytest.param(
            [fault("propagation", **FAULT), starved("generator", **FAULT)],
            {"propagation": None, "generator": None},
            id="an application does not keep spans away",
        ),
        pytest.param(
            [fault("grafana", **FAULT), starved("graph", **FAULT)],
            {"grafana": None, "graph": None},
            id="Grafana feeds nobody",
        ),
        pytest.param(
            [fault("provider", **FAULT), cannot_tell("collector"), starved("graph", **FAULT)],
            {"provider": None, "collector": "provider", "graph": "provider"},
            id="beyond one that cannot be told",
        ),
    ],
)  # fmt: skip
def test_trouble_follows_from(troubled: Sequence[Finding], roots: dict[str, str | None]) -> None:
    found = of_all(*troubled)
    assert {finding.hop: found[finding.hop].follows_from for finding in troubled} == roots


def test_only_the_cause_has_a_remedy() -> None:
    found = of_all(fault("tempo", **FAULT), blocked("collector", **FAULT))
    assert {name: finding.remedy for name, finding in found.items() if finding.remedy} == {"tempo": "mend it"}


def test_a_consequence_keeps_its_evidence_and_its_own_words() -> None:
    found = of_all(
        fault("tempo", **FAULT),
        blocked("collector", "failed +3", code=Code.NO_COLLECTOR, cause="not taken", remedy="x"),
    )
    assert (found["collector"].evidence, found["collector"].cause) == (("failed +3",), "not taken")


def test_nothing_is_a_consequence_if_everything_works() -> None:
    assert {finding.follows_from for finding in of_all().values()} == {None}


def test_an_absent_hop_explains_nothing() -> None:
    found = of_all(absent("object-store", "kept in memory"), blocked("tempo", **FAULT))
    assert (found["tempo"].follows_from, found["object-store"].follows_from) == (None, None)


def test_a_hop_that_was_not_asked_for_explains_nothing() -> None:
    (alone,) = attribute([starved("graph", **FAULT)])
    assert (alone.follows_from, alone.remedy) == (None, "mend it")


def test_what_works_keeps_its_finding_beside_a_fault() -> None:
    assert of_all(fault("provider", **FAULT))["grafana"] == ok("grafana")


def test_the_order_of_the_findings_stays() -> None:
    found = attribute([starved("graph", **FAULT), fault("tempo", **FAULT), ok("grafana")])
    assert [finding.hop for finding in found] == ["graph", "tempo", "grafana"]


def test_hops_of_unknown_status_do_not_explain_each_other() -> None:
    """This happens if no port-forward is allowed."""
    found = of_all(*map(cannot_tell, ("provider", "proxies", "collector", "tempo", "prometheus", "generator")))
    assert {finding.follows_from for finding in found.values()} == {None}


def test_two_blocked_hops_do_not_explain_each_other() -> None:
    found = of_all(blocked("proxies", **FAULT), blocked("collector", **FAULT), cannot_tell("tempo"))
    assert (found["proxies"].follows_from, found["collector"].follows_from) == ("collector", None)


def test_in_any_combination_a_cause_is_broken_and_follows_from_nothing() -> None:
    makers = (
        ok,
        cannot_tell,
        lambda hop: fault(hop, **FAULT),
        lambda hop: starved(hop, **FAULT),
        lambda hop: blocked(hop, **FAULT),
    )
    hops = ("proxies", "collector", "object-store", "tempo", "generator")
    for chosen in itertools.product(makers, repeat=len(hops)):
        found = {one.hop: one for one in attribute([make(hop) for make, hop in zip(chosen, hops, strict=True)])}
        causes = [found[one.follows_from] for one in found.values() if one.follows_from]
        assert all(one.status is Status.BROKEN and one.follows_from is None for one in causes), found
