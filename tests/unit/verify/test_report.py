"""A report has a verdict, and its whole content as JSON."""

import datetime
import json
import re
from dataclasses import replace
from typing import Any

import pytest
import sample_report
from jsonschema import Draft202012Validator

from verify import findings
from verify.causes import Code
from verify.findings import Finding
from verify.output.report import Report, Request, failure, schema
from verify.traffic.service_graph import Calls, Edge

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
    assert list(made) == [
        "schema", "stack", "context", "at", "verdict", "warnings", "hops", "request", "graph", "missing", "error",
    ]  # fmt: skip
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


# The published schema.


def strict(part: Any) -> Any:
    """The schema, which accepts keys that it does not know, without that."""
    if isinstance(part, list):
        return [strict(one) for one in part]
    if not isinstance(part, dict):
        return part
    closed = {"additionalProperties": False} if "properties" in part else {}
    return {key: strict(value) for key, value in part.items()} | closed


VALIDATOR = Draft202012Validator(strict(json.loads(schema())))
FAILURE = failure("dev", NOON, Code.NO_LOGIN, "the kubeconfig has no usable context", "kubectl config get-contexts")


@pytest.mark.parametrize(
    "document",
    [
        REPORT.to_json(),
        replace(REPORT, findings=(OK, WARNING, UNKNOWN, BROKEN), request=None).to_json(),
        sample_report.REPORT.to_json(),
        FAILURE,
        failure(None, NOON, Code.WRONG_OPTION, "expected a duration", ""),
    ],
    ids=["works", "every status", "the sample", "no report", "no report of no stack"],
)
def test_every_report_is_as_the_schema_says_and_has_nothing_else(document: dict[str, Any]) -> None:
    assert [error.message for error in VALIDATOR.iter_errors(json.loads(json.dumps(document)))] == []


@pytest.mark.parametrize(
    "changes",
    [{"schema": "mesh-tracing.verify/2"}, {"verdict": "fine"}, {"warnings": "none"}, {"at": 5}, {"new": 1}],
)
def test_the_schema_refuses_what_is_no_report(changes: dict[str, Any]) -> None:
    assert list(VALIDATOR.iter_errors(REPORT.to_json() | changes))


def test_what_stands_for_a_report_has_the_same_keys() -> None:
    assert list(FAILURE) == list(REPORT.to_json())


def test_every_code_is_one_of_the_schema() -> None:
    assert {str(code) for code in Code if not re.fullmatch(r"[a-z][a-z0-9-]*", code)} == set()
    assert len({code.meaning for code in Code}) == len(Code)
