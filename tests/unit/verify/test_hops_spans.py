"""The findings for the collector, the object store and Tempo."""

from typing import Any

import httpx
import pytest
from verify_world import (
    COLLECTOR_CONFIG,
    DEPLOYMENT,
    TRACE_ID,
    assert_broken,
    deployment,
    healthy,
    journey,
    looks,
    part,
    pod,
    resource,
    restore,
    world,
)

from verify.findings import Because, Status
from verify.hops import collector, object_store, tempo
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


# The object store.

STORE = [pod("seaweedfs-1", "tracing-system")]
NO_BUCKET = 'level=error msg="failed to cut traces" err="error writing: The specified bucket does not exist"'
# The messages of MinIO, then of SeaweedFS, for a user and a password that are wrong.
REFUSALS = [
    f'level=error caller=tempodb.go msg="blocklist poll failed" err="{said}"'
    for said in (
        "The Access Key Id you provided does not exist in our records.",
        "The access key ID you provided does not exist in our records.",
        "The request signature we calculated does not match the signature you provided.",
        "Access Denied.",
    )
]
REFUSED = REFUSALS[0]
POLLED = 'level=info ts=2026-11-24T17:09:20Z caller=poller.go:251 msg="blocklist poll complete" seconds=0.007'


def stores(**changes: Any) -> Any:
    store = part(DEPLOYMENT.tempo.object_store, **changes)
    return world(deployment(tempo=part(DEPLOYMENT.tempo, object_store=store)))


def test_a_store_that_tempo_may_use_is_ok() -> None:
    finding = object_store.judge(world(), looks(object_store.Seen(STORE, [])))
    assert (finding.status, finding.evidence) == (
        Status.OK,
        ("Service tracing-system/seaweedfs has 1 ready pods", "Tempo logs no error about bucket tempo"),
    )


def test_a_store_that_does_not_run_is_restored() -> None:
    ill = [pod("seaweedfs-1", "tracing-system", ready=False, waiting="ImagePullBackOff")]
    finding = object_store.judge(world(), looks(object_store.Seen(ill, [])))
    assert_broken(finding, Because.FAULT, remedy=restore())
    assert finding.evidence == (
        "Service tracing-system/seaweedfs has no ready pod",
        "Pod seaweedfs-1: seaweedfs: ImagePullBackOff",
    )


def test_a_missing_bucket_is_restored_by_its_job() -> None:
    finding = object_store.judge(world(), looks(object_store.Seen(STORE, [NO_BUCKET])))
    assert_broken(
        finding,
        Because.FAULT,
        remedy=f"kubectl delete job seaweedfs-bucket -n tracing-system --ignore-not-found && {restore()}",
    )
    assert finding.evidence == (NO_BUCKET,)


def test_a_missing_bucket_of_an_external_store_is_created_there() -> None:
    stack = stores(service=None, job=None, bucket="traces")
    finding = object_store.judge(stack, looks(object_store.Seen([], [NO_BUCKET])))
    assert_broken(finding, Because.FAULT, remedy="aws s3 mb s3://traces")


def test_a_missing_bucket_that_only_a_secret_names_is_a_placeholder_in_the_remedy() -> None:
    stack = stores(service=None, job=None, bucket=None)
    finding = object_store.judge(stack, looks(object_store.Seen([], [NO_BUCKET])))
    assert_broken(finding, Because.FAULT, remedy="aws s3 mb s3://BUCKET")


@pytest.mark.parametrize("said", REFUSALS)
def test_credentials_that_are_not_accepted_are_corrected(said: str) -> None:
    finding = object_store.judge(world(), looks(object_store.Seen(STORE, object_store.errors([said]))))
    assert_broken(finding, Because.FAULT, remedy=restore())


def test_an_external_store_needs_no_pods() -> None:
    stack = stores(service=None, job=None)
    assert object_store.judge(stack, looks(object_store.Seen([], []))).status is Status.OK


def test_a_stack_without_an_object_store_has_none_to_check() -> None:
    stack = world(deployment(tempo=part(DEPLOYMENT.tempo, object_store=None)))
    assert object_store.judge(stack, looks(object_store.Seen([], []))).status is Status.ABSENT


@pytest.mark.parametrize(
    ("lines", "found"),
    [
        ([NO_BUCKET], [NO_BUCKET]),
        ([REFUSED, NO_BUCKET], [REFUSED, NO_BUCKET]),
        ([NO_BUCKET, POLLED], []),
        ([NO_BUCKET, POLLED, REFUSED], [REFUSED]),
        ([POLLED, "level=error msg=other"], []),
        (["err=NoSuchBucket"], ["err=NoSuchBucket"]),
        (["err=SignatureDoesNotMatch"], ["err=SignatureDoesNotMatch"]),
        ([], []),
    ],
)
def test_errors_count_since_tempo_last_polled_its_bucket(lines: list[str], found: list[str]) -> None:
    assert object_store.errors(lines) == found


def test_errors_are_read_from_tempos_log() -> None:
    cluster = healthy()
    cluster.api.logs["tempo-tempo-0", "tempo"] = f"{POLLED}\n{NO_BUCKET}\n"
    assert object_store.look(world(cluster=cluster)).errors == [NO_BUCKET]


# Tempo.

TEMPO_PODS = [pod("tempo-tempo-0", "tracing-system")]


def seen_tempo(**changes: Any) -> tempo.Seen:
    seen: dict[str, Any] = {
        "resource": resource("tempo", "tracing-system", ready="True"),
        "pods": TEMPO_PODS,
        "metrics": Samples.parse("tempo_distributor_spans_received_total 50\n"),
        "search": 12,
    }
    return tempo.Seen(**seen | changes)


RECEIVED = Samples.parse("tempo_distributor_spans_received_total 80\n")


def test_a_tempo_that_finds_what_was_sent_is_ok() -> None:
    finding = tempo.judge(world(), looks(seen_tempo(metrics=RECEIVED), seen_tempo(), journey()))
    assert (finding.status, finding.evidence) == (
        Status.OK,
        ("spans received +30, 12 traces of the last 5 minutes found",),
    )


def test_a_missing_tempo_is_restored() -> None:
    finding = tempo.judge(world(), looks(seen_tempo(resource=None)))
    assert_broken(finding, Because.FAULT, remedy=restore())
    assert finding.evidence == ("no TempoMonolithic tracing-system/tempo",)


def test_a_tempo_that_its_operator_leaves_stopped_is_given_back_to_it() -> None:
    stopped = resource("tempo", "tracing-system", ready="True", management="Unmanaged")
    finding = tempo.judge(world(), looks(seen_tempo(resource=stopped, pods=[])))
    assert_broken(
        finding, Because.FAULT, remedy="kubectl patch tempomonolithics tempo -n tracing-system --type merge --patch '{"
    )


def test_a_tempo_whose_pods_do_not_start_may_be_blocked_by_its_store() -> None:
    ill = [pod("tempo-tempo-0", "tracing-system", ready=False, waiting="CrashLoopBackOff")]
    finding = tempo.judge(world(), looks(seen_tempo(pods=ill)))
    assert_broken(finding, Because.BLOCKED, remedy="kubectl describe tempomonolithics tempo -n tracing-system")
    assert "Pod tempo-tempo-0: tempo: CrashLoopBackOff" in finding.evidence


def test_a_tempo_without_a_store_is_at_fault_itself() -> None:
    stack = world(deployment(tempo=part(DEPLOYMENT.tempo, mode="stack", object_store=None)))
    ill = [pod("tempo-tempo-distributor-1", "tracing-system", ready=False)]
    finding = tempo.judge(stack, looks(seen_tempo(pods=ill)))
    assert_broken(finding, Because.FAULT, remedy="kubectl describe tempostacks tempo -n tracing-system")


def test_a_search_that_fails_is_a_fault() -> None:
    finding = tempo.judge(world(), looks(seen_tempo(search="503 Service Unavailable")))
    assert_broken(finding, Because.FAULT, remedy="kubectl logs -n tracing-system tempo-tempo-0 --tail=50")
    assert "TraceQL: 503 Service Unavailable" in finding.evidence


def test_a_trace_that_is_stored_and_not_found_is_a_fault() -> None:
    followed = journey(searchable_seconds=None, graphed_seconds=None)
    finding = tempo.judge(world(), looks(seen_tempo(metrics=RECEIVED), seen_tempo(), followed))
    assert_broken(finding, Because.FAULT, remedy="kubectl logs -n tracing-system tempo-tempo-0 --tail=50")


def test_a_tempo_that_gets_no_spans_is_starved() -> None:
    finding = tempo.judge(world(), looks(seen_tempo(), seen_tempo(), journey()))
    assert_broken(finding, Because.STARVED, remedy="kubectl logs -n tracing-system tempo-tempo-0 --tail=50")


def test_a_tempo_that_gets_no_spans_is_ok_when_no_request_was_answered() -> None:
    assert tempo.judge(world(), looks(seen_tempo(), seen_tempo(), UNANSWERED)).status is Status.OK


def test_a_tempo_without_metrics_is_reported_as_unknown() -> None:
    finding = tempo.judge(world(), looks(seen_tempo(metrics=None), seen_tempo(), journey()))
    assert finding.status is Status.UNKNOWN


def test_fresh_traces_of_the_meshs_namespaces_are_searched() -> None:
    asked: list[httpx.URL] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url)
        return httpx.Response(200, json={"traces": [{"traceID": TRACE_ID}]} if "search" in request.url.path else {})

    cluster = healthy()
    cluster.answers["tempo-tempo-0", 3200] = answer
    assert tempo.look(world(cluster=cluster)).search == 1
    (search,) = [url for url in asked if url.path == "/api/search"]
    assert search.params["q"] == r'{resource.service.name=~".*\\.bookinfo"}'
    assert int(search.params["end"]) - int(search.params["start"]) == 300


@pytest.mark.parametrize(
    "answer", [httpx.Response(500), httpx.Response(200, text="<html>"), httpx.ConnectError("refused")]
)
def test_a_search_without_an_answer_is_a_reason(answer: httpx.Response | Exception) -> None:
    def say(request: httpx.Request) -> httpx.Response:
        if isinstance(answer, Exception):
            raise answer
        return answer

    cluster = healthy()
    cluster.answers["tempo-tempo-0", 3200] = say
    found = tempo.look(world(cluster=cluster)).search
    assert isinstance(found, str)
    assert found


@pytest.mark.parametrize(("metrics", "flow"), [(RECEIVED, 80), (None, 0), (Samples({}), 0)])
def test_what_flows_through_tempo_is_what_it_received(metrics: Samples | None, flow: float) -> None:
    assert tempo.flow(seen_tempo(metrics=metrics)) == flow
