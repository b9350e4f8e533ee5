"""A report has a verdict, and its whole content as JSON."""

import datetime
import json
from dataclasses import replace

import pytest

from verify import findings
from verify.causes import Code
from verify.findings import Finding
from verify.report import Report, Request
from verify.service_graph import Calls, Edge

NOON = datetime.datetime(2026, 1, 1, 12, tzinfo=datetime.UTC)
BROKEN = findings.fault(
    "collector", "queue full", code=Code.NO_COLLECTOR, cause="Tempo is slow", remedy="kubectl get pods"
)
UNKNOWN = findings.unknown("grafana", code=Code.NO_COLLECTOR, cause="nobody may look")
OK = findings.ok("sidecars", "6 of 6")
WARNING = findings.warning("operators", code=Code.OPERATOR_STOPPED, cause="the operator does not run")
REPORT = Report(
    stack="dev",
    context="kind",
    at=NOON,
    findings=(OK,),
    titles={"sidecars": "Sidecars are injected"},
    request=Request("ab12", "http://productpage", NOON, 0.5, None, None, ""),
    graph={Edge("a", "b"): Calls(3, 1, 0.1), Edge("x", "b"): Calls(1, 0, 0.1)},
    expected=frozenset({Edge("a", "b"), Edge("b", "c")}),
    trace=None,
)


@pytest.mark.parametrize(
    ("found", "verdict"),
    [
        ((), "works"),
        ((OK, findings.absent("kiali", "not deployed")), "works"),
        ((OK, WARNING), "works"),
        ((WARNING, UNKNOWN), "cannot tell"),
        ((OK, UNKNOWN), "cannot tell"),
        ((UNKNOWN, BROKEN, OK), "broken"),
    ],
)
def test_the_worst_finding_is_the_verdict(found: tuple[Finding, ...], verdict: str) -> None:
    assert replace(REPORT, findings=found).verdict == verdict


@pytest.mark.parametrize(
    ("found", "headline"),
    [
        ((OK, WARNING), "✓ Tracing works, with 1 warning"),
        ((WARNING, WARNING), "✓ Tracing works, with 2 warnings"),
        ((WARNING, BROKEN), "✗ Tracing is broken"),
    ],
)
def test_a_headline_counts_the_warnings_of_a_mesh_that_works(found: tuple[Finding, ...], headline: str) -> None:
    assert replace(REPORT, findings=found).headline == headline


def test_a_finding_in_json_has_its_code() -> None:
    hops = replace(REPORT, findings=(OK, WARNING)).to_json()["hops"]
    assert [hop["code"] for hop in hops] == [None, "operator-stopped"]


def test_a_report_is_json() -> None:
    assert json.loads(json.dumps(REPORT.to_json(), allow_nan=False)) == REPORT.to_json()


def test_the_keys_of_a_report_stay() -> None:
    made = REPORT.to_json()
    assert list(made) == ["stack", "context", "at", "verdict", "warnings", "hops", "request", "graph", "missing"]
    assert set(made["hops"][0]) == {
        "hop", "title", "status", "code", "evidence", "cause", "remedy", "because", "follows_from",
    }  # fmt: skip
    assert set(made["request"]) == {
        "trace_id", "address", "sent_at", "stored_seconds", "searchable_seconds", "graphed_seconds", "note",
    }  # fmt: skip
    assert set(made["graph"][0]) == {
        "client", "server", "requests", "failed", "mean_seconds", "per_second", "failed_share", "p95_seconds",
        "expected",
    }  # fmt: skip


def test_edges_in_json_say_whether_they_were_expected() -> None:
    assert {edge["client"]: edge["expected"] for edge in REPORT.to_json()["graph"]} == {"a": True, "x": False}


def test_missing_edges_are_named_in_json() -> None:
    assert REPORT.to_json()["missing"] == [{"client": "b", "server": "c"}]


def test_a_hop_in_json_has_its_title_and_its_status() -> None:
    hop = REPORT.to_json()["hops"][0]
    assert (hop["title"], hop["status"], hop["because"]) == ("Sidecars are injected", "ok", None)


def test_a_hop_without_a_title_goes_by_its_name() -> None:
    assert replace(REPORT, findings=(BROKEN,)).to_json()["hops"][0]["title"] == "collector"


def test_without_a_request_there_is_none_in_json() -> None:
    assert replace(REPORT, request=None).to_json()["request"] is None
