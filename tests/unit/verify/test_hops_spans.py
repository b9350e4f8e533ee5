"""The findings for the collector."""

from typing import Any

import pytest
from verify_world import (
    COLLECTOR_CONFIG,
    assert_broken,
    journey,
    looks,
    pod,
    resource,
    restore,
    world,
)

from verify.findings import Because, Status
from verify.hops import collector
from verify.metrics import Samples
from verify.world import Journey

UNANSWERED = journey(answered=0, trace_id="", stored_seconds=None, searchable_seconds=None, graphed_seconds=None)


# The collector.

PODS = [pod("otel-collector-1", "istio-system")]
LOGS = "kubectl logs deployment/otel-collector -n istio-system"


def seen_collector(**changes: Any) -> collector.Seen:
    seen: dict[str, Any] = {
        "resource": resource("otel", "istio-system", replicas=2, config=COLLECTOR_CONFIG),
        "pods": PODS,
        "metrics": spans(),
        "log": [],
    }
    return collector.Seen(**seen | changes)


def spans(accepted: int = 100, refused: int = 0, sent: int = 100, failed: int = 0) -> Samples:
    return Samples.parse(
        f'otelcol_receiver_accepted_spans_total{{transport="grpc"}} {accepted}\n'
        f'otelcol_receiver_refused_spans_total{{transport="grpc"}} {refused}\n'
        f"otelcol_exporter_sent_spans_total {sent}\n"
        f"otelcol_exporter_send_failed_spans_total {failed}\n"
    )


def judged_collector(metrics: Samples | None, followed: Journey | None = None, **changes: Any) -> collector.Finding:
    before = seen_collector()
    return collector.judge(world(), looks(seen_collector(metrics=metrics, **changes), before, followed or journey()))


def test_a_collector_that_passes_spans_on_is_ok() -> None:
    finding = judged_collector(spans(accepted=130, sent=128))
    assert (finding.status, finding.evidence) == (
        Status.OK,
        ("spans accepted +30, refused +0, sent +28, failed +0",),
    )


def test_a_missing_collector_is_restored() -> None:
    finding = collector.judge(world(), looks(seen_collector(resource=None, pods=[])))
    assert_broken(finding, Because.FAULT, remedy=restore())


def test_a_collector_scaled_to_nothing_is_scaled_up_to_what_is_meant() -> None:
    stopped = resource("otel", "istio-system", replicas=0, config=COLLECTOR_CONFIG)
    finding = collector.judge(world(), looks(seen_collector(resource=stopped, pods=[])))
    assert_broken(
        finding, Because.FAULT, remedy="kubectl scale opentelemetrycollector otel -n istio-system --replicas=2"
    )


def test_a_collector_that_does_not_start_has_its_log_as_the_remedy() -> None:
    ill = [pod("otel-collector-1", "istio-system", ready=False, waiting="CrashLoopBackOff")]
    finding = collector.judge(world(), looks(seen_collector(pods=ill)))
    assert_broken(finding, Because.FAULT, remedy=LOGS)
    assert "Pod otel-collector-1: otel: CrashLoopBackOff" in finding.evidence


def test_a_collector_in_the_mesh_is_taken_out_of_it() -> None:
    finding = collector.judge(world(), looks(seen_collector(pods=[pod("otel-1", "istio-system", sidecar=True)])))
    assert_broken(finding, Because.FAULT, remedy=restore())
    assert finding.evidence == ("Pod otel-1 has a sidecar",)


def test_a_collector_that_sends_elsewhere_is_corrected() -> None:
    config = COLLECTOR_CONFIG | {"exporters": {"otlp": {"endpoint": "jaeger:4317"}}}
    finding = collector.judge(world(), looks(seen_collector(resource=resource("otel", config=config))))
    assert_broken(finding, Because.FAULT, remedy=restore())
    assert finding.evidence == (
        "OpenTelemetryCollector istio-system/otel: its exporters of traces send to jaeger:4317",
        "Tempo is tempo-tempo.tracing-system.svc.cluster.local:4317",
    )


@pytest.mark.parametrize(("limit", "doubled"), [("256Mi", "512Mi"), ("1.5Gi", "3Gi"), ("500000000", "1000000000")])
def test_an_amount_of_memory_is_doubled(limit: str, doubled: str) -> None:
    assert collector.twice(limit) == doubled


def test_spans_that_the_memory_limiter_refuses_are_a_fault() -> None:
    finding = judged_collector(spans(refused=7))
    assert_broken(
        finding,
        Because.FAULT,
        remedy="pulumi config set --path tracing.collector.resources.limits.memory 1024Mi --stack local && pulumi up",
    )


@pytest.mark.parametrize(
    ("metrics", "log"),
    [
        (spans(accepted=120, sent=100, failed=20), []),
        (spans(accepted=120, sent=100), []),
        (spans(accepted=100, sent=100), ["Exporting failed: connection refused"]),
    ],
    ids=["failed", "accepted and not sent", "waiting to try again"],
)
def test_a_collector_whose_spans_are_not_taken_is_blocked(metrics: Samples, log: list[str]) -> None:
    finding = judged_collector(metrics, log=log)
    assert_broken(finding, Because.BLOCKED, remedy="kubectl rollout restart deployment/otel-collector -n istio-system")
    assert list(finding.evidence[1:]) == log


def test_an_old_failure_does_not_count_if_spans_are_sent() -> None:
    log = ["Exporting failed: connection refused"]
    assert judged_collector(spans(accepted=120, sent=120), log=log).status is Status.OK


def test_a_collector_that_gets_no_spans_is_starved() -> None:
    assert_broken(judged_collector(spans()), Because.STARVED, remedy=LOGS)


def test_a_collector_that_gets_no_spans_is_ok_when_no_request_was_answered() -> None:
    assert judged_collector(spans(), UNANSWERED).status is Status.OK


def test_a_collector_without_metrics_is_reported_as_unknown() -> None:
    finding = judged_collector(None)
    assert (finding.status, finding.evidence) == (Status.UNKNOWN, ("port 8888 does not answer",))


@pytest.mark.parametrize(
    ("pipelines", "endpoints"),
    [
        ({"traces": {"exporters": ["otlp"]}}, ["tempo:4317"]),
        ({"traces/2": {"exporters": ["otlp", "otlp/2"]}}, ["tempo:4317", "other:4317"]),
        ({"traces": {"exporters": ["otlp"]}, "traces/2": {"exporters": ["otlp"]}}, ["tempo:4317"]),
        ({"metrics": {"exporters": ["otlp"]}}, []),
        ({"traces": {"exporters": ["debug", "missing"]}}, []),
        ({"traces": {"exporters": None}}, []),
        (None, []),
    ],
)
def test_only_exporters_of_pipelines_of_traces_count(pipelines: Any, endpoints: list[str]) -> None:
    exporters = {"otlp": {"endpoint": "tempo:4317"}, "otlp/2": {"endpoint": "other:4317"}, "debug": None}
    config = {"exporters": exporters, "service": {"pipelines": pipelines}}
    assert collector.exporter_endpoints(config) == endpoints


def test_an_empty_configuration_sends_nowhere() -> None:
    assert collector.exporter_endpoints({}) == []


def test_the_failure_of_a_real_exporter_is_its_error() -> None:
    line = (
        "2026-11-24T17:10:31.540Z\tinfo\tinternal/retry_sender.go:133\tExporting failed. Will retry the request after"
        ' interval.\t{"resource": {"service.name": "otelcol"}, "otelcol.component.id": "otlp", "error": "rpc error: '
        'code = Unavailable desc = \\"dial tcp 10.96.229.186:4317: connect: connection refused\\"", "interval": "19s"}'
    )
    assert collector.exporter_failure(line) == (
        'Exporting failed: rpc error: code = Unavailable desc = \\"dial tcp 10.96.229.186:4317: connect: connection '
        'refused\\"'
    )


def test_a_failure_without_an_error_is_the_whole_line() -> None:
    assert collector.exporter_failure("error Exporting failed. Dropping data. \n") == (
        "Exporting failed: error Exporting failed. Dropping data."
    )


def test_other_lines_are_not_failures() -> None:
    assert collector.exporter_failure('info Everything is ready. {"error": "none"}') == ""


@pytest.mark.parametrize(("metrics", "flow"), [(spans(accepted=120, sent=80), 120), (None, 0)])
def test_what_flows_through_a_collector_is_what_it_accepted(metrics: Samples | None, flow: float) -> None:
    assert collector.flow(seen_collector(metrics=metrics)) == flow
