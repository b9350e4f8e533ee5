"""The findings for the collector: whether it runs, and what becomes of the spans that it sends."""

from typing import Any

import pytest
from verify_world import (
    COLLECTOR_CONFIG,
    DEPLOYMENT,
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
    world,
)

from verify.causes import Code
from verify.findings import Because, Finding, Status
from verify.hops import collector
from verify.obstacles.network_policies import Way
from verify.programs.exporters import Failure
from verify.programs.metrics import Samples
from verify.world import Journey

UNANSWERED = journey(answered=0, trace_id="", stored_seconds=None, searchable_seconds=None, graphed_seconds=None)
PODS = [pod("otel-collector-1", "istio-system")]
ILL = [pod("otel-collector-1", "istio-system", ready=False, waiting="CrashLoopBackOff")]
LOGS = "kubectl logs deployment/otel-collector -n istio-system"
TEMPO = "tempo-tempo.tracing-system.svc.cluster.local:4317"
REFUSED = Failure("otlp", "dial tcp 10.96.229.186:4317: connect: connection refused")


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
        f'otelcol_exporter_sent_spans_total{{exporter="otlp"}} {sent}\n'
        f'otelcol_exporter_send_failed_spans_total{{exporter="otlp"}} {failed}\n'
    )


def judged(metrics: Samples | None, followed: Journey | None = None, **changes: Any) -> Finding:
    before = seen_collector()
    return collector.judge(world(), looks(seen_collector(metrics=metrics, **changes), before, followed or journey()))


def of(config: dict[str, Any], *managers: tuple[str, dict[str, Any]]) -> dict[str, Any]:
    """The resource with ``config``, and what each manager owns in it."""
    made = resource("otel", "istio-system", replicas=2, config=config)
    made["metadata"]["managedFields"] = [
        {"manager": name, "operation": "Apply", "fieldsV1": {"f:spec": {"f:config": owned}}} for name, owned in managers
    ]
    return made


def test_a_collector_that_passes_spans_on_is_ok() -> None:
    finding = judged(spans(accepted=130, sent=128))
    assert (finding.status, finding.evidence) == (Status.OK, ("spans accepted +30, refused +0, sent +28, failed +0",))


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
    finding = collector.judge(world(), looks(seen_collector(pods=ILL)))
    assert_broken(finding, Because.FAULT, remedy=LOGS)
    assert "Pod otel-collector-1: otel: CrashLoopBackOff" in finding.evidence


def test_a_collector_in_the_mesh_is_taken_out_of_it() -> None:
    finding = collector.judge(world(), looks(seen_collector(pods=[pod("otel-1", "istio-system", sidecar=True)])))
    assert_broken(finding, Because.FAULT, remedy=restore())
    assert finding.evidence == ("Pod otel-1 has a sidecar",)


IN_MESH = deployment(tracing=part(DEPLOYMENT.tracing, collector_in_mesh=True))


def test_a_collector_that_is_meant_to_be_in_the_mesh_is_ok_there() -> None:
    inside = [pod("otel-collector-1", "istio-system", sidecar=True)]
    finding = collector.judge(world(IN_MESH), looks(seen_collector(pods=inside)))
    assert finding.status is Status.OK


def test_a_collector_that_is_meant_to_be_in_the_mesh_and_was_not_injected_is_restarted() -> None:
    pods = [pod("otel-collector-1", "istio-system", sidecar=True), pod("otel-collector-2", "istio-system")]
    finding = collector.judge(world(IN_MESH), looks(seen_collector(pods=pods)))
    assert (finding.status, finding.code) == (Status.WARNING, Code.COLLECTOR_WITHOUT_SIDECAR)
    assert "Pod otel-collector-2 has no sidecar" in finding.evidence
    assert finding.remedy == "kubectl rollout restart deployment/otel-collector -n istio-system"


# Where it sends to.


def test_a_collector_that_sends_elsewhere_is_corrected() -> None:
    config = COLLECTOR_CONFIG | {"exporters": {"otlp": {"endpoint": "jaeger:4317"}}}
    finding = collector.judge(world(), looks(seen_collector(resource=of(config))))
    assert_broken(finding, Because.FAULT, remedy=restore())
    assert finding.evidence == (
        "OpenTelemetryCollector istio-system/otel: its exporters of traces send to jaeger:4317",
        f"Tempo is {TEMPO}",
    )


ONLY_DEBUG = {
    "exporters": {"otlp": {"endpoint": TEMPO}, "debug": {}},
    "service": {"pipelines": {"traces": {"receivers": ["otlp"], "exporters": ["debug"]}}},
}
OWN_PIPELINE: dict[str, Any] = {"f:service": {"f:pipelines": {"f:traces": {"f:exporters": {}}}}}


def test_an_exporter_that_the_settings_replace_is_taken_out_of_the_settings() -> None:
    """To apply the same settings again would change nothing."""
    found = of(ONLY_DEBUG, ("pulumi-kubernetes-1a2b3c4d", OWN_PIPELINE))
    finding = collector.judge(world(), looks(seen_collector(resource=found)))
    assert_broken(
        finding,
        Because.FAULT,
        remedy="pulumi config rm --path tracing.collector.extraConfig.service.pipelines.traces.exporters --stack local"
        f" && {restore()}",
    )
    assert finding.code is Code.DIFFERENT_BY_SETTINGS
    assert "tracing.collector.extraConfig.service.pipelines.traces.exporters" in finding.cause


def test_an_exporter_that_somebody_has_replaced_by_hand_is_restored() -> None:
    found = of(ONLY_DEBUG, ("pulumi-kubernetes-1a2b3c4d", {"f:exporters": {}}), ("kubectl-edit", OWN_PIPELINE))
    finding = collector.judge(world(), looks(seen_collector(resource=found)))
    assert_broken(finding, Because.FAULT, remedy=restore())
    assert finding.code is Code.COLLECTOR_ELSEWHERE


def test_an_endpoint_that_the_settings_replace_is_taken_out_of_the_settings() -> None:
    config = COLLECTOR_CONFIG | {"exporters": {"otlp": {"endpoint": "jaeger:4317"}}}
    owned = {"f:exporters": {"f:otlp": {"f:endpoint": {}}}}
    finding = collector.judge(
        world(), looks(seen_collector(resource=of(config, ("pulumi-kubernetes-1a2b3c4d", owned))))
    )
    assert finding.remedy.startswith("pulumi config rm --path tracing.collector.extraConfig.exporters.otlp.endpoint ")


# Why it does not run.


def refusing(line: str, config: dict[str, Any], *managers: tuple[str, dict[str, Any]]) -> Finding:
    seen = seen_collector(pods=ILL, resource=of(config, *managers), last_words=["Starting", line])
    return collector.judge(world(), looks(seen))


INVALID = "Error: failed to get config: cannot unmarshal the configuration: 'exporters' has invalid keys: endpiont"


def test_a_key_that_the_settings_brought_in_is_taken_out_of_the_settings() -> None:
    config = {"exporters": {"otlp": {"endpiont": "tempo:4317"}}}
    owned = {"f:exporters": {"f:otlp": {"f:endpiont": {}}}}
    finding = refusing(INVALID, config, ("pulumi-kubernetes-1a2b3c4d", owned))
    assert_broken(
        finding,
        Because.FAULT,
        remedy="pulumi config rm --path tracing.collector.extraConfig.exporters.otlp.endpiont --stack local && ",
    )
    assert (finding.code, finding.evidence[-1]) == (Code.UNKNOWN_KEYS, INVALID)


def test_a_key_that_somebody_brought_in_by_hand_is_restored() -> None:
    finding = refusing(INVALID, {"exporters": {"otlp": {"endpiont": "tempo:4317"}}}, ("kubectl-patch", {}))
    assert_broken(finding, Because.FAULT, remedy=restore())
    assert finding.code is Code.UNKNOWN_KEYS


def test_a_component_that_a_pipeline_names_and_nobody_configures_is_found_in_its_list() -> None:
    line = 'service::pipelines::traces: references processor "batsh" which is not configured'
    config = {"service": {"pipelines": {"traces": {"processors": ["batsh"]}}}}
    owned = {"f:service": {"f:pipelines": {"f:traces": {"f:processors": {}}}}}
    finding = refusing(line, config, ("pulumi-kubernetes-1a2b3c4d", owned))
    assert "tracing.collector.extraConfig.service.pipelines.traces.processors" in finding.remedy


def test_a_collector_without_enough_memory_is_given_more() -> None:
    finding = collector.judge(world(), looks(seen_collector(pods=ILL, out_of_memory=["otel-collector-1"])))
    assert_broken(
        finding, Because.FAULT, remedy="pulumi config set --path tracing.collector.resources.limits.memory 1024Mi "
    )
    assert finding.code is Code.OUT_OF_MEMORY


def test_a_collector_that_runs_again_after_it_had_too_little_memory_is_a_warning() -> None:
    finding = judged(spans(accepted=130, sent=130), out_of_memory=["otel-collector-1"])
    assert_warns(
        finding, Code.OUT_OF_MEMORY, remedy="pulumi config set --path tracing.collector.resources.limits.memory 1024Mi "
    )


def test_the_last_words_of_a_collector_are_those_of_its_run_before() -> None:
    cluster = healthy()
    ended = pod(
        "otc-container-1", "istio-system", ready=False, labels={"app.kubernetes.io/instance": "istio-system.otel"}
    )
    cluster.api.put("/api/v1/pods", ended)
    cluster.api.previous["otc-container-1", "otc"] = f"{INVALID}\n"
    assert list(collector.look(world(cluster=cluster)).last_words) == [INVALID]


# What becomes of its spans.


def test_spans_that_the_memory_limiter_refuses_are_a_fault() -> None:
    finding = judged(spans(refused=7))
    assert_broken(
        finding,
        Because.FAULT,
        remedy="pulumi config set --path tracing.collector.resources.limits.memory 1024Mi --stack local && ",
    )


@pytest.mark.parametrize(
    ("metrics", "log"),
    [
        (spans(accepted=120, sent=100, failed=20), []),
        (spans(accepted=120, sent=100), []),
        (spans(accepted=100, sent=100), [Failure("otlp", "context deadline exceeded")]),
        (spans(accepted=100, refused=7, sent=100), [Failure("otlp", "context deadline exceeded")]),
    ],
    ids=["failed", "accepted and not sent", "waiting to try again", "the queue is full"],
)
def test_a_collector_whose_spans_are_not_taken_is_blocked(metrics: Samples, log: list[Failure]) -> None:
    finding = judged(metrics, log=log)
    assert_broken(finding, Because.BLOCKED, remedy="kubectl rollout restart deployment/otel-collector -n istio-system")
    assert list(finding.evidence[1:]) == [str(one) for one in log]


def test_a_collector_that_holds_spans_back_to_choose_among_them_need_not_have_sent_any() -> None:
    pipeline = {"receivers": ["otlp"], "processors": ["tail_sampling/chosen"], "exporters": ["otlp"]}
    config = COLLECTOR_CONFIG | {
        "processors": {"tail_sampling/chosen": {"decision_wait": "15s"}},
        "service": {"pipelines": {"traces": pipeline}},
    }
    holding = resource("otel", "istio-system", replicas=2, config=config)
    assert judged(spans(accepted=150), resource=holding).status is Status.OK
    assert judged(spans(accepted=150, failed=50), resource=holding).code is Code.COLLECTOR_BLOCKED


def test_what_the_error_says_is_the_cause_and_no_restart_is_asked_for() -> None:
    limited = Failure(
        "otlp",
        "rpc error: code = ResourceExhausted desc = RATE_LIMITED: ingestion rate limit (local: 1000 bytes/s, global: 0 "
        "bytes/s, burst: 1000 bytes) exceeded while adding 5000 bytes for user single-tenant.",
    )
    finding = judged(spans(accepted=120, failed=20), log=[limited])
    assert_broken(finding, Because.BLOCKED, remedy="pulumi config set --path tempo.extraConfig.overrides.defaults.")
    assert finding.code is Code.RATE_LIMITED


SILENT = Failure("otlp", "rpc error: code = DeadlineExceeded desc = context deadline exceeded")


def closing(**spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": "shut", "namespace": "istio-system"}, "spec": {"podSelector": {}, **spec}}


def test_a_policy_that_keeps_the_collector_from_tempo_is_the_cause_and_not_what_the_error_says() -> None:
    asked_in_vain = Failure("otlp", "lookup tempo-tempo.tracing-system on 10.96.0.10:53: read udp: i/o timeout")
    way = Way(
        pod("otel-1", "istio-system"), pod("tempo-0", "tracing-system"), 4317, [closing(policyTypes=["Egress"])], {}, {}
    )
    finding = judged(spans(accepted=120, failed=20), log=[asked_in_vain], way=way)
    assert_broken(finding, Because.FAULT, remedy="echo ")
    assert finding.code is Code.POLICY_IN_THE_WAY


@pytest.mark.parametrize(("failure", "looked"), [(SILENT, True), (REFUSED, False)], ids=["silence", "an answer"])
def test_the_policies_on_the_way_to_tempo_are_looked_at_where_nothing_answers(
    failure: Failure, *, looked: bool
) -> None:
    cluster = healthy()
    cluster.api.put("/apis/networking.k8s.io/v1/networkpolicies", closing(policyTypes=["Egress"]))
    cluster.api.logs["otc-container-1", "otc-container"] = (
        f'error Exporting failed {{"otelcol.component.id": "otlp", "error": "{failure.error}"}}'
    )
    found = collector.look(world(cluster=cluster)).way
    assert (None if found is None else [one["metadata"]["name"] for one in found.policies]) == (
        ["shut"] if looked else None
    )


def test_an_old_failure_does_not_count_if_spans_are_sent() -> None:
    assert judged(spans(accepted=120, sent=120), log=[REFUSED]).status is Status.OK


def test_a_collector_that_gets_no_spans_is_starved() -> None:
    assert_broken(judged(spans()), Because.STARVED, remedy=LOGS)


def test_a_collector_that_gets_no_spans_is_ok_when_no_request_was_answered() -> None:
    assert judged(spans(), UNANSWERED).status is Status.OK


def test_a_collector_without_metrics_is_reported_as_unknown() -> None:
    finding = judged(None)
    assert (finding.status, finding.evidence) == (Status.UNKNOWN, ("port 8888 does not answer",))


def test_of_a_collector_whose_pods_were_all_replaced_nothing_is_known() -> None:
    finding = judged(Samples({"new": next(iter(spans(accepted=9000).pods.values()))}))
    assert (finding.status, finding.code) == (Status.UNKNOWN, Code.RESTARTED)


# Exporters that lead elsewhere.

TWO = {
    "exporters": {"otlp": {"endpoint": TEMPO}, "otlp/vendor": {"endpoint": "vendor.example.com:4317"}},
    "service": {"pipelines": {"traces": {"exporters": ["otlp", "otlp/vendor"]}}},
}


def two(sent: int, failed: int, vendor_sent: int, vendor_failed: int, accepted: int = 100) -> Samples:
    return Samples.parse(
        f"otelcol_receiver_accepted_spans_total {accepted}\n"
        f'otelcol_exporter_sent_spans_total{{exporter="otlp"}} {sent}\n'
        f'otelcol_exporter_send_failed_spans_total{{exporter="otlp"}} {failed}\n'
        f'otelcol_exporter_sent_spans_total{{exporter="otlp/vendor"}} {vendor_sent}\n'
        f'otelcol_exporter_send_failed_spans_total{{exporter="otlp/vendor"}} {vendor_failed}\n'
    )


def judged_two(after: Samples, config: dict[str, Any] | None = None, log: Any = (), stack: Any = None) -> Finding:
    found = resource("otel", "istio-system", replicas=2, config=config or TWO)
    before = seen_collector(resource=found, metrics=two(0, 0, 0, 0, accepted=0))
    seen = seen_collector(resource=found, metrics=after, log=log)
    return collector.judge(stack or world(), looks(seen, before, journey()))


def test_another_exporter_that_fails_is_a_warning() -> None:
    log = [Failure("otlp/vendor", "code = Unauthenticated")]
    finding = judged_two(two(100, 0, 0, 100), log=log)
    assert_warns(finding, Code.OTHER_EXPORTER, remedy=LOGS)
    assert "otlp/vendor" in finding.cause


def test_what_another_exporter_sends_does_not_hide_that_nothing_reaches_tempo() -> None:
    log = [REFUSED, Failure("otlp/vendor", "code = Unauthenticated")]
    finding = judged_two(two(0, 0, 100, 0), log=log)
    assert (finding.because, finding.code) == (Because.BLOCKED, Code.CONNECTION_REFUSED)


def test_an_exporter_to_the_tempo_that_makes_the_graph_decides_too() -> None:
    graph = "tempo-graph.tracing-system.svc.cluster.local:4317"
    config = {**TWO, "exporters": {**TWO["exporters"], "otlp/vendor": {"endpoint": graph}}}
    stack = world(deployment(tempo=part(DEPLOYMENT.tempo, generator_service="tempo-graph")))
    assert judged_two(two(100, 0, 0, 100), config, stack=stack).because is Because.BLOCKED
    assert judged_two(two(100, 0, 0, 100), config, stack=stack).status is Status.BROKEN


def test_a_new_pod_that_refuses_its_configuration_while_older_ones_serve_is_a_warning() -> None:
    finding = judged(spans(accepted=130, sent=130), pods=[*PODS, *ILL], last_words=[INVALID])
    assert_warns(finding, Code.UNKNOWN_KEYS, remedy=restore())
    assert finding.evidence[-1] == INVALID


def test_one_of_several_pods_that_is_not_ready_is_a_warning() -> None:
    finding = judged(spans(accepted=130, sent=130), pods=[*PODS, *ILL])
    assert_warns(finding, Code.POD_NOT_READY, remedy="kubectl describe pod otel-collector-1 -n istio-system")


@pytest.mark.parametrize(("metrics", "flow"), [(spans(accepted=120, sent=80), 120), (None, 0)])
def test_what_flows_through_a_collector_is_what_it_accepted(metrics: Samples | None, flow: float) -> None:
    assert sum(collector.flow(seen_collector(metrics=metrics)).values()) == flow
