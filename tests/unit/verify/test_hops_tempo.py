"""The findings for the object store and Tempo."""

from typing import Any

import httpx
import pytest
from verify_world import (
    DEPLOYMENT,
    TRACE_ID,
    Object,
    assert_broken,
    assert_warns,
    deployment,
    healthy,
    journey,
    looks,
    part,
    pod,
    resource,
    restore,
    tempo_labels,
    world,
)

from verify.causes import Code
from verify.findings import Because, Status
from verify.hops import object_store, tempo
from verify.programs.metrics import Samples

UNANSWERED = journey(answered=0, trace_id="", stored_seconds=None, searchable_seconds=None, graphed_seconds=None)

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


def logging(**logs: str) -> list[str]:
    """The errors that are found where the parts of a TempoStack have logged this."""
    cluster = healthy()
    for name, text in logs.items():
        one = name.replace("_", "-")
        cluster.api.put("/api/v1/pods", pod(f"{one}-0", "tracing-system", labels=tempo_labels(one)))
        cluster.api.logs[f"{one}-0", one.partition("-")[0]] = text
    stack = world(deployment(tempo=part(DEPLOYMENT.tempo, mode="stack")), cluster)
    return object_store.look(stack).errors


@pytest.mark.parametrize("name", ["ingester", "compactor", "querier", "query_frontend"])
def test_errors_are_read_from_each_part_that_uses_the_bucket(name: str) -> None:
    assert logging(distributor="", **{name: NO_BUCKET}) == [NO_BUCKET]


def test_a_part_that_does_not_use_the_bucket_is_not_asked_about_it() -> None:
    assert logging(distributor=NO_BUCKET) == []


FLUSHED = 'level=error ts=2026-11-24T17:09:{}Z caller=flush.go:249 msg="error performing op" err="Access Denied."'


@pytest.mark.parametrize("seconds", ["19", "19.999999999", "20"])
def test_a_later_poll_of_another_part_shows_that_the_bucket_works_again(seconds: str) -> None:
    assert logging(ingester=FLUSHED.format(seconds), querier=POLLED) == []


@pytest.mark.parametrize("seconds", ["20.1", "21"])
def test_an_earlier_poll_of_another_part_does_not(seconds: str) -> None:
    line = FLUSHED.format(seconds)
    assert logging(ingester=line, querier=POLLED) == [line]


@pytest.mark.parametrize("written", ["", " ts=yesterday", " ts=2026-11-24T17:09:21"])
def test_a_line_without_a_time_belongs_to_the_one_before_it(written: str) -> None:
    error = f"level=error{written} err=NoSuchBucket"
    assert logging(ingester=f"level=info ts=2026-11-24T17:09:21Z msg=x\n{error}", querier=POLLED) == [error]


# Tempo.

TEMPO_PODS = [pod("tempo-tempo-0", "tracing-system")]


def seen_tempo(**changes: Any) -> tempo.Seen:
    seen: dict[str, Any] = {
        "resource": resource("tempo", "tracing-system", ready="True"),
        "parts": {"tempo": TEMPO_PODS},
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
    finding = tempo.judge(world(), looks(seen_tempo(resource=stopped, parts={})))
    assert_broken(
        finding, Because.FAULT, remedy="kubectl patch tempomonolithics tempo -n tracing-system --type merge --patch '{"
    )


def test_a_tempo_whose_pods_do_not_start_may_be_blocked_by_its_store() -> None:
    ill = [pod("tempo-tempo-0", "tracing-system", ready=False, waiting="CrashLoopBackOff")]
    finding = tempo.judge(world(), looks(seen_tempo(parts={"tempo": ill})))
    assert_broken(finding, Because.BLOCKED, remedy="kubectl describe tempomonolithics tempo -n tracing-system")
    assert "Pod tempo-tempo-0: tempo: CrashLoopBackOff" in finding.evidence


def test_a_tempo_without_a_store_is_at_fault_itself() -> None:
    stack = world(deployment(tempo=part(DEPLOYMENT.tempo, mode="stack", object_store=None)))
    ill = [pod("tempo-tempo-distributor-1", "tracing-system", ready=False)]
    finding = tempo.judge(stack, looks(seen_tempo(parts={"distributor": ill})))
    assert_broken(finding, Because.FAULT, remedy="kubectl describe tempostacks tempo -n tracing-system")


def test_a_search_that_fails_is_a_fault() -> None:
    finding = tempo.judge(world(), looks(seen_tempo(search=tempo.Failure("503 Service Unavailable", Code.NO_SEARCH))))
    assert_broken(finding, Because.FAULT, remedy="kubectl logs -n tracing-system tempo-tempo-0 --tail=50")
    assert "TraceQL: 503 Service Unavailable" in finding.evidence


def test_a_trace_that_is_stored_and_not_found_is_a_fault() -> None:
    followed = journey(searchable_seconds=None, graphed_seconds=None)
    finding = tempo.judge(world(), looks(seen_tempo(metrics=RECEIVED), seen_tempo(), followed))
    assert_broken(finding, Because.FAULT, remedy="kubectl logs -n tracing-system tempo-tempo-0 --tail=50")


def discarding(reason: str, spans: int) -> Samples:
    return Samples.parse(
        f'tempo_discarded_spans_total{{reason="{reason}",tenant="single-tenant"}} {spans}\n'
        "tempo_distributor_spans_received_total 80\n"
    )


@pytest.mark.parametrize(
    ("reason", "code", "limit"),
    [
        ("rate_limited", Code.RATE_LIMITED, "ingestion.rate_limit_bytes 30000000 "),
        ("trace_too_large", Code.TRACE_TOO_LARGE, "global.max_bytes_per_trace 10000000 "),
    ],
)
def test_a_tempo_that_discards_spans_has_the_limit_raised(reason: str, code: Code, limit: str) -> None:
    seen, before = seen_tempo(metrics=discarding(reason, 9)), seen_tempo(metrics=discarding(reason, 2))
    finding = tempo.judge(world(), looks(seen, before, journey()))
    assert_broken(
        finding, Because.FAULT, remedy=f"pulumi config set --path tempo.extraConfig.overrides.defaults.{limit}"
    )
    assert (finding.code, finding.evidence[-1]) == (code, f"spans discarded: {reason} +7")


def test_what_tempo_discarded_long_ago_is_no_fault() -> None:
    seen, before = seen_tempo(metrics=discarding("rate_limited", 9)), seen_tempo(metrics=discarding("rate_limited", 9))
    assert tempo.judge(world(), looks(seen, before, UNANSWERED)).status is Status.OK


def test_a_tempo_that_refuses_its_configuration_says_what_it_does_not_know() -> None:
    words = ["failed parsing config: yaml: unmarshal errors:", "  line 3: field compactr not found in type app.Config"]
    ill = seen_tempo(parts={"tempo": [pod("tempo-tempo-0", "tracing-system", ready=False)]}, last_words=words)
    finding = tempo.judge(world(), looks(ill))
    assert_broken(finding, Because.FAULT, remedy=restore())
    assert (finding.code, finding.evidence[-1]) == (Code.UNKNOWN_KEYS, words[1].strip())


def test_a_tempo_without_enough_memory_is_given_more() -> None:
    ill = seen_tempo(
        parts={"tempo": [pod("tempo-tempo-0", "tracing-system", ready=False)]}, out_of_memory=["tempo-tempo-0"]
    )
    finding = tempo.judge(world(), looks(ill))
    assert_broken(finding, Because.FAULT, remedy="pulumi config set --path tempo.resources.limits.memory 4Gi ")
    assert finding.code is Code.OUT_OF_MEMORY


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
    assert isinstance(found, tempo.Failure)
    assert (found.code, bool(found.said)) == (Code.NO_SEARCH, True)


@pytest.mark.parametrize(("metrics", "flow"), [(RECEIVED, 80), (None, 0), (Samples({}), 0)])
def test_what_flows_through_tempo_is_what_it_received(metrics: Samples | None, flow: float) -> None:
    assert sum(tempo.flow(seen_tempo(metrics=metrics)).values()) == flow


def test_a_tempo_without_the_service_that_takes_spans_is_a_fault() -> None:
    finding = tempo.judge(world(), looks(seen_tempo(has_intake=False)))
    assert_broken(finding, Because.FAULT, remedy="kubectl describe tempomonolithics tempo -n tracing-system")
    assert (finding.code, finding.evidence[-1]) == (
        Code.NO_TEMPO_SERVICE,
        "no Service tracing-system/tempo-tempo",
    )


# The parts of a TempoStack.

STACK = world(deployment(tempo=part(DEPLOYMENT.tempo, mode="stack", distributor_service="tempo-tempo-distributor")))
PARTS = ("compactor", "distributor", "ingester", "querier", "query-frontend")


def part_pod(name: str, number: int = 0, *, ready: bool = True) -> Object:
    return pod(f"{name}-{number}", "tracing-system", ready=ready, waiting="" if ready else "CrashLoopBackOff")


def parts(**changes: list[Object]) -> dict[str, list[Object]]:
    """Each part with a pod that is ready, but for ``changes``."""
    return {name: [part_pod(name)] for name in PARTS} | {name.replace("_", "-"): pods for name, pods in changes.items()}


def judged_stack(pods: dict[str, list[Object]], **spec: Any) -> tempo.Finding:
    before = seen_tempo(parts=pods, resource=resource("tempo", "tracing-system", ready="True", **spec))
    after = seen_tempo(parts=pods, resource=before.resource, metrics=RECEIVED)
    return tempo.judge(STACK, looks(after, before, journey()))


def test_a_stack_whose_parts_run_is_ok() -> None:
    assert judged_stack(parts()).status is Status.OK


@pytest.mark.parametrize(
    ("name", "then"),
    [
        ("distributor", "no span is taken"),
        ("ingester", "no span is stored"),
        ("query-frontend", "no trace is found"),
        ("querier", "no trace is found"),
    ],
)
def test_a_part_without_a_ready_pod_is_named_with_what_it_keeps_from_working(name: str, then: str) -> None:
    finding = judged_stack(parts(**{name.replace("-", "_"): [part_pod(name, ready=False)]}))
    assert (finding.status, finding.code) == (Status.BROKEN, Code.TEMPO_PART_DOWN)
    assert finding.cause == f"no pod of Tempo's {name} is ready: {then}"
    assert f"Pod {name}-0: {name.partition('-')[0]}: CrashLoopBackOff" in finding.evidence
    assert finding.remedy.startswith("kubectl describe deployments,statefulsets,pods -n tracing-system -l ")
    assert finding.remedy.endswith(f"app.kubernetes.io/component={name}")


def test_a_part_that_uses_the_bucket_may_be_blocked_by_it() -> None:
    finding = judged_stack(parts(ingester=[part_pod("ingester", ready=False)]))
    assert finding.because is Because.BLOCKED


@pytest.mark.parametrize("pods", [[], [part_pod("distributor", ready=False)]], ids=["no pod", "none is ready"])
def test_a_part_that_does_not_use_the_bucket_is_at_fault_itself(pods: list[Object]) -> None:
    assert judged_stack(parts(distributor=pods)).because is Because.FAULT


def test_a_gateway_that_the_stack_goes_through_needs_a_ready_pod() -> None:
    url = "https://tempo-tempo-gateway.tracing-system.svc:8080/api/traces/v1/mesh/tempo"
    stack = world(deployment(tempo=part(STACK.deployment.tempo, query_url=url)))
    spec = resource("tempo", "tracing-system", ready="True", template={"gateway": {"enabled": True}})
    pods = parts(gateway=[part_pod("gateway", ready=False)])
    finding = tempo.judge(stack, looks(seen_tempo(parts=pods, resource=spec)))
    assert (finding.code, finding.because) == (Code.TEMPO_PART_DOWN, Because.FAULT)
    assert finding.cause == "no pod of Tempo's gateway is ready: neither spans nor searches get in"


def test_a_part_that_its_operator_leaves_stopped_is_given_back_to_it() -> None:
    finding = judged_stack(parts(ingester=[]), managementState="Unmanaged")
    assert_broken(finding, Because.FAULT, remedy="kubectl patch tempostacks tempo -n tracing-system --type merge")
    assert "TempoStack tracing-system/tempo: it is Unmanaged, and no pod of ingester runs" in finding.evidence


@pytest.mark.parametrize("name", PARTS)
def test_one_of_several_pods_that_is_not_ready_is_a_warning(name: str) -> None:
    pods = [part_pod(name), part_pod(name, 1, ready=False)]
    finding = judged_stack(parts(**{name.replace("-", "_"): pods}))
    assert_warns(finding, Code.POD_NOT_READY, remedy="kubectl describe deployments,statefulsets,pods -n tracing-system")
    assert finding.remedy.endswith(f"app.kubernetes.io/component={name}")


@pytest.mark.parametrize("pods", [[], [part_pod("compactor", ready=False)]], ids=["no pod", "none is ready"])
def test_a_compactor_that_does_not_run_is_a_warning(pods: list[Object]) -> None:
    finding = judged_stack(parts(compactor=pods))
    assert_warns(finding, Code.TEMPO_PART_DOWN, remedy="kubectl describe deployments,statefulsets,pods")
    assert "compactor" in finding.cause


@pytest.mark.parametrize(("version", "status"), [("2.10.8", Status.BROKEN), ("3.0.1", Status.OK)])
def test_tempo_3_has_neither_ingesters_nor_a_compactor(version: str, status: Status) -> None:
    reported = resource("tempo", "tracing-system", ready="True")
    reported["status"]["tempoVersion"] = version
    pods = {name: [part_pod(name)] for name in ("distributor", "live-store", "querier", "query-frontend")}
    assert tempo.judge(STACK, looks(seen_tempo(parts=pods, resource=reported))).status is status


def test_a_metrics_generator_that_does_not_run_is_the_matter_of_another_hop() -> None:
    assert judged_stack(parts(metrics_generator=[part_pod("metrics-generator", ready=False)])).status is Status.OK


def test_a_stack_of_which_nothing_runs_is_one_fault() -> None:
    ill = {name: [part_pod(name, ready=False)] for name in PARTS}
    assert judged_stack(ill).code is Code.TEMPO_DOWN


def test_the_pods_of_another_tempo_in_the_namespace_are_not_its_parts() -> None:
    cluster = healthy()
    for name, instance in (("tempo", "tempo"), ("tempo-monolithic", "graph")):
        labels = tempo_labels("distributor", name, instance)
        cluster.api.put("/api/v1/pods", pod(f"{name}-{instance}", "tracing-system", labels=labels))
    assert [one["metadata"]["name"] for one in tempo.look(world(cluster=cluster)).pods] == ["tempo-tempo-0"]
