"""The findings for Prometheus, the generator, the graph, Grafana's data sources and Kiali."""

from email.utils import formatdate
from typing import Any

import httpx
import pytest
import yaml
from verify_world import (
    DATA,
    DATASOURCES,
    DEPLOYMENT,
    EDGE,
    GRAFANA_BY_OPERATOR,
    GRAFANA_MANAGED,
    KIALI,
    PROMETHEUS_URL,
    TEMPO_URL,
    TRACE_ID,
    assert_broken,
    assert_is_command,
    assert_warns,
    config_map,
    deployment,
    healthy,
    journey,
    looks,
    part,
    pod,
    restore,
    service,
    world,
)

from verify.causes import Code
from verify.findings import Because, Finding, Status
from verify.hops import grafana, graph, kiali, prometheus, tempo_generator
from verify.programs.answers import NoAnswer
from verify.programs.metrics import Samples
from verify.traffic.service_graph import Calls, Edge
from verify.traffic.trace import Span, Trace
from verify.world import Journey

UNANSWERED = journey(answered=0, trace_id="", stored_seconds=None, searchable_seconds=None, graphed_seconds=None)
SOMEBODY_ELSES = world(
    deployment(
        prometheus=part(
            DEPLOYMENT.prometheus, query_url="https://prometheus.example.com", namespace=None, deployment=None
        )
    )
)


# Prometheus.

FLAGS = {"web.enable-remote-write-receiver": "true", "enable-feature": "exemplar-storage"}


def test_a_prometheus_that_takes_writes_is_ok() -> None:
    finding = prometheus.judge(world(), looks(prometheus.Seen(FLAGS, "")))
    assert (finding.status, finding.evidence) == (
        Status.OK,
        ("--web.enable-remote-write-receiver is on", "exemplars are kept"),
    )


def test_a_prometheus_that_keeps_no_exemplars_is_ok() -> None:
    finding = prometheus.judge(world(), looks(prometheus.Seen(FLAGS | {"enable-feature": ""}, "")))
    assert (finding.status, finding.evidence[-1]) == (Status.OK, "exemplars are not kept")


def test_a_prometheus_that_does_not_answer_is_restored() -> None:
    finding = prometheus.judge(world(), looks(prometheus.Seen({}, "Service istio-system/prometheus has no ready pod")))
    assert_broken(finding, Because.FAULT, remedy=restore())
    assert finding.evidence == (f"{PROMETHEUS_URL}: Service istio-system/prometheus has no ready pod",)


def test_an_existing_prometheus_that_does_not_answer_has_a_command_to_ask_it() -> None:
    finding = prometheus.judge(SOMEBODY_ELSES, looks(prometheus.Seen({}, "timed out")))
    assert_broken(finding, Because.FAULT, remedy="curl --fail https://prometheus.example.com/-/ready")


def test_a_prometheus_without_the_receiver_is_given_it() -> None:
    flags = FLAGS | {"web.enable-remote-write-receiver": "false"}
    finding = prometheus.judge(world(), looks(prometheus.Seen(flags, "")))
    assert_broken(finding, Because.FAULT, remedy=restore())
    assert finding.evidence == (f"{PROMETHEUS_URL}: --web.enable-remote-write-receiver is false",)


def test_an_existing_prometheus_without_the_receiver_has_no_remedy() -> None:
    flags = FLAGS | {"web.enable-remote-write-receiver": "false"}
    finding = prometheus.judge(SOMEBODY_ELSES, looks(prometheus.Seen(flags, "")))
    assert (finding.status, finding.remedy) == (Status.BROKEN, "")


def test_a_prometheus_that_scrapes_the_hops_needs_no_receiver() -> None:
    flags = FLAGS | {"web.enable-remote-write-receiver": "false"}
    scraping = world(deployment(prometheus=part(DEPLOYMENT.prometheus, takes_writes=False, deployment=None)))
    assert prometheus.judge(scraping, looks(prometheus.Seen(flags, ""))).status is Status.OK


def judged_prometheus(flags: int, query: httpx.Response) -> prometheus.Finding:
    cluster = healthy()
    cluster.answers["prometheus-1", 9090] = lambda one: httpx.Response(flags) if "flags" in one.url.path else query
    stack = world(cluster=cluster)
    return prometheus.judge(stack, looks(prometheus.look(stack)))


VECTOR = httpx.Response(200, json={"data": {"result": []}})


@pytest.mark.parametrize("status", [403, 404, 501])
def test_a_store_that_has_no_flags_to_show_and_answers_queries_is_ok(status: int) -> None:
    assert judged_prometheus(status, VECTOR).status is Status.OK


@pytest.mark.parametrize("status", [401, 403])
def test_a_store_that_does_not_accept_the_login_is_reported_as_unknown(status: int) -> None:
    finding = judged_prometheus(status, httpx.Response(status))
    assert (finding.status, finding.code) == (Status.UNKNOWN, Code.LOGIN_REFUSED)
    assert finding.evidence == (f"{PROMETHEUS_URL}: /api/v1/query answered {status}",)


@pytest.mark.parametrize("answer", [httpx.Response(503), httpx.Response(404), httpx.Response(200, text="<html>")])
def test_a_store_that_answers_no_query_is_a_fault(answer: httpx.Response) -> None:
    finding = judged_prometheus(404, answer)
    assert_broken(finding, Because.FAULT, remedy=restore())
    assert finding.code is Code.PROMETHEUS_DOWN


def test_a_store_that_wants_a_login_which_nobody_has_given_is_reported_as_unknown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("PROMETHEUS_CREDENTIALS", raising=False)
    stack = world(deployment(prometheus=part(DEPLOYMENT.prometheus, login="basic", username="me")))
    for hop in (prometheus, graph):
        assert hop.judge(stack, looks(hop.look(stack))).code is Code.LOGIN_REFUSED


@pytest.mark.parametrize(
    ("status", "because", "code"),
    [(401, None, Code.LOGIN_REFUSED), (403, None, Code.LOGIN_REFUSED), (503, Because.STARVED, Code.GRAPH_UNREADABLE)],
)
def test_a_graph_that_nobody_shows_is_not_empty(status: int, because: Because | None, code: Code) -> None:
    cluster = healthy()
    cluster.answers["prometheus-1", 9090] = lambda _: httpx.Response(status)
    stack = world(cluster=cluster)
    finding = graph.judge(stack, looks(graph.look(stack), None, journey()))
    assert finding.code is code
    assert (finding.because if finding.status is Status.BROKEN else None) is because


# The generator.

CONFIG = tempo_generator.parse_config((DATA / "tempo-config.txt").read_text()) or {}
TEMPO_LOGS = "kubectl logs -n tracing-system tempo-tempo-0 --tail=50"
REFUSED = (
    "time=2026-11-24T17:11:27Z level=ERROR source=github.com/prometheus/prometheus@v0.303.1/storage/remote/"
    'queue_manager.go:1670 msg="non-recoverable error" tenant=single-tenant component=remote remote_name=ac1365 '
    'failedSampleCount=286 err="server returned HTTP status 404 Not Found: "'
)
RETRYING = (
    "time=2026-11-24T17:11:27Z level=WARN source=github.com/prometheus/prometheus@v0.303.1/storage/remote/"
    'queue_manager.go:2031 msg="Failed to send batch, retrying" tenant=single-tenant component=remote '
    'err="Post \\"http://prometheus:9090/api/v1/write\\": dial tcp: connect: connection refused"'
)
OLDER = (
    "level=warn ts=2026-11-24T17:11:27Z caller=dedupe.go:112 tenant=single-tenant component=remote "
    'msg="Failed to send batch, retrying" err="connection refused"'
)
STARTING = (
    "time=2026-11-24T17:10:42.318Z level=INFO source=github.com/prometheus/prometheus@v0.303.1/tsdb/wlog/watcher.go:225"
    ' msg="Starting WAL watcher" tenant=single-tenant component=remote remote_name=ac1365'
)


def counters(spans: int = 50, edges: int = 20, written: int = 90, failed: int = 0, retried: int = 0) -> Samples:
    return Samples.parse(
        f'tempo_metrics_generator_spans_received_total{{tenant="single-tenant"}} {spans}\n'
        f'tempo_metrics_generator_processor_service_graphs_edges{{tenant="single-tenant"}} {edges}\n'
        f"prometheus_remote_storage_samples_total {written}\n"
        f"prometheus_remote_storage_samples_failed_total {failed}\n"
        f"prometheus_remote_storage_samples_retried_total {retried}\n"
        "prometheus_remote_storage_samples_pending 7\n"
    )


def seen_generator(**changes: Any) -> tempo_generator.Seen:
    seen: dict[str, Any] = {
        "pods": [pod("tempo-tempo-0", "tracing-system")],
        "config": CONFIG,
        "metrics": counters(),
        "log": [],
    }
    return tempo_generator.Seen(**seen | changes)


def judged_generator(followed: Journey | None = None, **changes: Any) -> Finding:
    return tempo_generator.judge(world(), looks(seen_generator(**changes), seen_generator(), followed or journey()))


def thinned(statement: str, **keys: str) -> Finding:
    """The verdict on a stack of which 5 % are traced, with what its collector and its Tempo say of it."""
    tracing = part(DEPLOYMENT.tracing, sampling_percentage=5, ratio_attribute="sampling.ratio", ratios=[0.05])
    generator = CONFIG["metrics_generator"] | {
        "processor": {name: {"span_multiplier_key": key} for name, key in keys.items()}
    }
    marker = {"trace_statements": [{"context": "span", "statements": [statement]}]}
    seen = seen_generator(
        config=CONFIG | {"metrics_generator": generator},
        metrics=counters(spans=60, edges=30, written=99),
        collector={
            "processors": {"transform/share": marker},
            "service": {"pipelines": {"traces": {"processors": ["transform/share"]}}},
        },
    )
    return tempo_generator.judge(world(deployment(tracing=tracing)), looks(seen, seen_generator(), journey()))


BY_SHARE = {"service_graphs": "sampling.ratio", "span_metrics": "sampling.ratio"}


def test_a_graph_that_counts_by_the_share_of_the_proxies_is_ok() -> None:
    assert thinned('set(span.attributes["sampling.ratio"], 0.05)', **BY_SHARE).status is Status.OK


@pytest.mark.parametrize(
    ("statement", "keys"),
    [
        ('set(span.attributes["sampling.ratio"], 0.5)', BY_SHARE),
        ('set(span.attributes["other"], 0.05)', BY_SHARE),
        ('set(span.attributes["sampling.ratio"], 0.05)', {}),
        ('set(span.attributes["sampling.ratio"], 0.05)', BY_SHARE | {"span_metrics": "other"}),
    ],
)
def test_a_graph_that_counts_by_another_share_than_the_proxies_is_a_fault(statement: str, keys: dict[str, str]) -> None:
    finding = thinned(statement, **keys)
    assert_broken(finding, Because.FAULT, remedy=restore())
    assert finding.code is Code.RATES_DIFFER


def config(storage: dict[str, Any] | None = None, overrides: dict[str, Any] | None = None) -> dict[str, Any]:
    found = CONFIG["metrics_generator"]["storage"] if storage is None else storage
    return {
        "metrics_generator": {"storage": found},
        "overrides": CONFIG["overrides"] if overrides is None else overrides,
    }


def test_a_generator_that_makes_edges_is_ok() -> None:
    finding = judged_generator(metrics=counters(spans=80, edges=31, written=190))
    assert (finding.status, finding.evidence) == (
        Status.OK,
        ("spans +30, edges +11, samples written +100, failed +0, retried +0",),
    )


def test_a_generator_that_does_not_show_its_configuration_is_reported_as_unknown() -> None:
    finding = judged_generator(config=None)
    assert (finding.status, finding.remedy) == (Status.UNKNOWN, "kubectl get pods -n tracing-system")


def test_a_generator_without_metrics_is_reported_as_unknown() -> None:
    assert judged_generator(metrics=None).status is Status.UNKNOWN


@pytest.mark.parametrize(("storage", "said"), [({}, "empty"), ({"path": "/wal"}, "/wal")])
def test_a_generator_without_a_path_on_the_volume_is_switched_on_again(storage: dict[str, Any], said: str) -> None:
    finding = judged_generator(config=config(storage))
    assert_broken(finding, Because.FAULT, remedy=restore())
    assert finding.evidence == (f"metrics_generator.storage.path is {said!r}",)


def test_a_processor_that_is_missing_is_switched_on_again() -> None:
    overrides = {"defaults": {"metrics_generator": {"processors": ["span-metrics"]}}}
    finding = judged_generator(config=config(overrides=overrides))
    assert_broken(finding, Because.FAULT, remedy=restore())
    assert finding.evidence == ("processors switched on: span-metrics", "not switched on: service-graphs")


def test_a_generator_that_writes_elsewhere_is_corrected() -> None:
    storage = {"path": "/var/tempo/wal", "remote_write": [{"url": "http://other:9090/api/v1/write"}]}
    finding = judged_generator(config=config(storage), log=[RETRYING])
    assert_broken(finding, Because.FAULT, remedy=restore())
    assert finding.evidence == (
        "metrics_generator.storage.remote_write goes to http://other:9090/api/v1/write",
        f"Prometheus is {PROMETHEUS_URL}/api/v1/write",
        RETRYING,
    )


@pytest.mark.parametrize(
    "metrics",
    [counters(failed=286), counters(retried=40)],
    ids=["refused", "tried again and again"],
)
def test_a_generator_whose_samples_are_not_taken_is_blocked(metrics: Samples) -> None:
    finding = judged_generator(metrics=metrics, log=[REFUSED])
    assert_broken(finding, Because.BLOCKED, remedy=TEMPO_LOGS)
    assert finding.evidence[-1] == REFUSED


def test_a_generator_that_wrote_after_it_tried_again_is_ok() -> None:
    assert judged_generator(metrics=counters(spans=80, edges=31, written=190, retried=40)).status is Status.OK


def test_a_generator_that_gets_no_spans_is_starved() -> None:
    assert_broken(judged_generator(), Because.STARVED, remedy=TEMPO_LOGS)


def test_a_generator_whose_spans_have_no_pairs_is_starved_of_them() -> None:
    assert_broken(judged_generator(metrics=counters(spans=80, written=190)), Because.STARVED, remedy=TEMPO_LOGS)


def test_a_generator_that_gets_no_spans_is_ok_when_no_request_was_answered() -> None:
    assert judged_generator(UNANSWERED).status is Status.OK


def test_tempos_page_has_a_line_before_its_configuration() -> None:
    assert CONFIG["target"] == "all"


@pytest.mark.parametrize(
    ("text", "found"),
    [("target: all\n", {"target": "all"}), ("", None), ("404 page not found", None)],
)
def test_a_page_may_be_a_configuration_or_not(text: str, found: Any) -> None:
    assert tempo_generator.parse_config(text) == found


def test_a_broken_configuration_is_an_error_of_yaml() -> None:
    with pytest.raises(yaml.YAMLError):
        tempo_generator.parse_config("GET /status/config\n---\na: [")


@pytest.mark.parametrize(
    ("overrides", "found"),
    [
        (CONFIG["overrides"], ["service-graphs", "span-metrics"]),
        ({"defaults": {"metrics_generator": {"processors": {"service-graphs": {}}}}}, ["service-graphs"]),
        ({"metrics_generator_processors": ["service-graphs"]}, ["service-graphs"]),
        ({"metrics_generator_processors": {"span-metrics": None}}, ["span-metrics"]),
        ({"defaults": {"metrics_generator": {"processors": None}}}, []),
        ({"defaults": None}, []),
        (None, []),
    ],
    ids=["newer", "newer, a map", "legacy", "legacy, a map", "none", "no defaults", "no overrides"],
)
def test_processors_are_named_in_either_format(overrides: Any, found: list[str]) -> None:
    assert tempo_generator.processors({"overrides": overrides}) == found


@pytest.mark.parametrize("line", [REFUSED, RETRYING, OLDER])
def test_a_line_about_samples_that_were_not_written_is_a_write_error(line: str) -> None:
    assert tempo_generator.is_write_error(line)


@pytest.mark.parametrize("line", [STARTING, 'level=warn caller=wal.go:99 msg="unowned file entry ignored"'])
def test_any_other_line_is_not_a_write_error(line: str) -> None:
    assert not tempo_generator.is_write_error(line)


def test_write_errors_are_read_from_tempos_log() -> None:
    cluster = healthy()
    cluster.api.logs["tempo-tempo-0", "tempo"] = f"{STARTING}\n{REFUSED}\n"
    assert tempo_generator.look(world(cluster=cluster)).log == [REFUSED]


def limits(limited: int, most: int = 40) -> Samples:
    (mine,) = counters(spans=80, edges=20, written=190).pods.values()
    (more,) = Samples.parse(
        f'tempo_metrics_generator_registry_series_limited_total{{tenant="single-tenant"}} {limited}\n'
        f'tempo_metrics_generator_registry_active_series{{tenant="single-tenant"}} {most}\n'
        f'tempo_metrics_generator_registry_max_active_series{{tenant="single-tenant"}} {most}\n'
    ).pods.values()
    return Samples({"": {**mine, **more}})


def test_a_generator_at_its_limit_of_series_has_the_limit_raised() -> None:
    finding = judged_generator(metrics=limits(12, most=70_000))
    assert_broken(
        finding,
        Because.FAULT,
        remedy="pulumi config set --path "
        "tempo.extraConfig.overrides.defaults.metrics_generator.max_active_series 140000 ",
    )
    assert (finding.code, finding.evidence[-1]) == (
        Code.SERIES_LIMIT,
        "series +12 not made: 70000 of at most 70000 are there",
    )


def test_a_generator_that_was_at_its_limit_long_ago_is_ok() -> None:
    (series,) = limits(12).pods.values()
    before = seen_generator(metrics=Samples({"": {**series, **next(iter(counters().pods.values()))}}))
    after = seen_generator(metrics=Samples({"": {**series, **next(iter(counters(80, 31, 190).pods.values()))}}))
    assert tempo_generator.judge(world(), looks(after, before, journey())).status is Status.OK


def too_old() -> Samples:
    (mine,) = counters(spans=80, edges=20, written=190).pods.values()
    name = "tempo_metrics_generator_spans_discarded_total"
    (more,) = Samples.parse(f'{name}{{reason="outside_metrics_ingestion_slack"}} 30\n').pods.values()
    return Samples({"": {**mine, **more}})


def sampling(wait: str | None = None) -> dict[str, Any]:
    settings = {} if wait is None else {"decision_wait": wait}
    pipelines = {"traces": {"processors": ["tail_sampling", "batch"]}}
    return {"processors": {"tail_sampling": settings}, "service": {"pipelines": pipelines}}


@pytest.mark.parametrize(("wait", "said"), [("40s", "40s"), (None, "30s"), ("26s", "26s")])
def test_a_collector_that_decides_too_late_is_told_when(wait: str | None, said: str) -> None:
    finding = judged_generator(metrics=too_old(), collector=sampling(wait))
    assert_broken(
        finding,
        Because.FAULT,
        remedy="pulumi config set --path tracing.collector.extraConfig.processors.tail_sampling.decision_wait 20s ",
    )
    assert finding.code is Code.SPANS_TOO_OLD
    assert "the 30s for which" in finding.cause
    assert finding.cause.endswith(f"back for {said}")


def test_a_slack_that_is_too_short_is_made_longer() -> None:
    short = {**CONFIG, "metrics_generator": {**CONFIG["metrics_generator"], "metrics_ingestion_time_range_slack": "1s"}}
    finding = judged_generator(metrics=too_old(), config=short)
    assert_broken(
        finding,
        Because.FAULT,
        remedy="pulumi config set --path tempo.extraConfig.metrics_generator.metrics_ingestion_time_range_slack 30s ",
    )


@pytest.mark.parametrize("collector", [{}, sampling("5s")])
def test_spans_from_before_an_interruption_are_reported_as_unknown(collector: dict[str, Any]) -> None:
    finding = judged_generator(metrics=too_old(), collector=collector)
    assert (finding.status, finding.code) == (Status.UNKNOWN, Code.SPANS_TOO_OLD)


def test_of_a_generator_whose_pods_were_all_replaced_nothing_is_known() -> None:
    finding = judged_generator(metrics=Samples({"new": next(iter(counters(edges=90).pods.values()))}))
    assert (finding.status, finding.code) == (Status.UNKNOWN, Code.RESTARTED)


def by_settings(**tempo_config: Any) -> Any:
    def owned(found: Any) -> dict[str, Any]:
        return {f"f:{key}": owned(value) for key, value in found.items()} if isinstance(found, dict) else {}

    spec = {"extraConfig": {"tempo": tempo_config}}
    fields = {"manager": "pulumi-kubernetes-1a2b3c4d", "fieldsV1": {"f:spec": owned(spec)}}
    return {"metadata": {"name": "tempo", "managedFields": [fields]}, "spec": spec}


def test_a_list_of_remote_writes_that_the_settings_replace_is_taken_out_of_the_settings() -> None:
    storage = {"path": "/var/tempo/wal", "remote_write": [{"url": "http://other:9090/api/v1/write"}]}
    finding = judged_generator(
        config=config(storage),
        resource=by_settings(metrics_generator={"storage": {"remote_write": storage["remote_write"]}}),
    )
    assert_broken(
        finding,
        Because.FAULT,
        remedy="pulumi config rm --path tempo.extraConfig.metrics_generator.storage.remote_write --stack local && ",
    )
    assert finding.code is Code.DIFFERENT_BY_SETTINGS


def test_what_the_collector_waits_for_is_read_with_the_generator() -> None:
    cluster = healthy()
    collector = cluster.api.objects[
        "/apis/opentelemetry.io/v1beta1/namespaces/istio-system/opentelemetrycollectors/otel"
    ]
    collector["spec"]["config"] = sampling("40s")
    assert tempo_generator.look(world(cluster=cluster)).collector == sampling("40s")


@pytest.mark.parametrize(("metrics", "flow"), [(counters(edges=31), 31), (None, 0)])
def test_what_flows_through_a_generator_is_the_edges_that_it_made(metrics: Samples | None, flow: float) -> None:
    assert sum(tempo_generator.flow(seen_generator(metrics=metrics)).values()) == flow


# The graph.

GRAPH = {EDGE: Calls(3, 0, 0.01)}


def test_a_graph_with_every_edge_is_ok() -> None:
    finding = graph.judge(world(), looks(graph.Seen(GRAPH, ""), None, journey(expected=frozenset({EDGE}))))
    assert (finding.status, finding.evidence) == (Status.OK, ("1 edges, with all 1 that are expected",))


def test_a_graph_that_cannot_be_read_is_starved() -> None:
    finding = graph.judge(world(), looks(graph.Seen({}, "timed out")))
    assert_broken(finding, Because.STARVED, remedy="kubectl get --raw /readyz")
    assert finding.evidence == (f"{PROMETHEUS_URL}: timed out",)


def test_a_graph_that_does_not_grow_is_starved() -> None:
    finding = graph.judge(world(), looks(graph.Seen(GRAPH, ""), None, journey(graphed_seconds=None)))
    assert_broken(finding, Because.STARVED, remedy=restore())


def test_a_graph_without_an_expected_edge_is_starved_of_it() -> None:
    expected = frozenset({EDGE, Edge("reviews.bookinfo", "ratings.bookinfo")})
    finding = graph.judge(world(), looks(graph.Seen(GRAPH, ""), None, journey(expected=expected)))
    assert_broken(finding, Because.STARVED, remedy="kubectl logs -n bookinfo -l app=reviews --tail=20")
    assert finding.evidence == ("no edge reviews.bookinfo → ratings.bookinfo",)


def test_an_edge_that_earlier_traces_had_is_a_warning() -> None:
    gone = journey(expected=frozenset({EDGE}), learnt=frozenset({Edge("cart.shop", "web.shop")}))
    finding = graph.judge(world(), looks(graph.Seen(GRAPH, ""), None, gone))
    assert_warns(finding, Code.EDGE_GONE, remedy="kubectl logs -n shop -l app=cart --tail=20")
    assert finding.evidence == ("no edge cart.shop → web.shop, and traces of the last minutes have it",)


def span(service: str, kind: str) -> Span:
    return Span(f"{service}{kind}", "", service, "/", kind, start_ns=1, duration_ns=1, failed=False)


def ending(*spans: Span, **changes: Any) -> Journey:
    """A journey whose trace makes no edge."""
    return journey(graphed_seconds=None, trace=Trace(TRACE_ID, spans), **changes)


def judged_graph(followed: Journey, before: Any = None) -> graph.Finding:
    return graph.judge(world(), looks(graph.Seen(GRAPH, ""), before, followed))


def test_an_application_that_drops_the_context_is_not_blamed_on_prometheus() -> None:
    finding = judged_graph(ending(span("productpage.bookinfo", "server")))
    assert_broken(finding, Because.STARVED, remedy="kubectl logs -n bookinfo -l app=productpage --tail=20")
    assert finding.code is Code.CONTEXT_NOT_PASSED_ON
    assert "productpage.bookinfo" in finding.cause
    assert "Prometheus" not in finding.cause


def test_an_application_that_may_call_nobody_is_reported_as_unknown() -> None:
    finding = judged_graph(ending(span("web.shop", "server")))
    assert (finding.status, finding.code) == (Status.UNKNOWN, Code.CONTEXT_NOT_PASSED_ON)


def test_an_application_that_passes_the_context_on_is_not_blamed_for_who_is_called() -> None:
    finding = judged_graph(ending(span("productpage.bookinfo", "server"), span("productpage.bookinfo", "client")))
    assert_broken(finding, Because.STARVED, remedy="kubectl get pods -n bookinfo")
    assert finding.code is Code.NO_EDGES


def test_requests_that_are_not_even_stored_are_not_blamed_on_prometheus() -> None:
    finding = judged_graph(journey(stored_seconds=None, searchable_seconds=None, graphed_seconds=None))
    assert_broken(finding, Because.STARVED, remedy="kubectl logs deployment/otel-collector -n istio-system")
    assert finding.code is Code.NOT_STORED


def test_a_graph_in_which_other_edges_grow_is_not_blamed_on_prometheus() -> None:
    finding = judged_graph(journey(graphed_seconds=None), graph.Seen({EDGE: Calls(1, 0, 0.01)}, ""))
    assert (finding.status, finding.code) == (Status.UNKNOWN, Code.NOT_COUNTED)


def test_the_name_of_a_service_is_no_command() -> None:
    expected = frozenset({Edge("$(reboot).shop; reboot", "web.shop")})
    finding = graph.judge(world(), looks(graph.Seen(GRAPH, ""), None, journey(expected=expected)))
    assert_broken(finding, Because.STARVED, remedy="kubectl logs -n 'shop; reboot' -l 'app=$(reboot)' --tail=20")


def test_an_empty_graph_of_which_nothing_is_expected_is_reported_as_unknown() -> None:
    finding = graph.judge(world(), looks(graph.Seen({}, ""), None, UNANSWERED))
    assert finding.status is Status.UNKNOWN


def test_without_a_journey_a_graph_that_can_be_read_is_ok() -> None:
    assert graph.judge(world(), looks(graph.Seen({}, ""))).status is Status.OK


def test_a_prometheus_without_pods_is_why_there_is_no_graph() -> None:
    cluster = healthy()
    del cluster.api.objects["/api/v1/namespaces/istio-system/pods/prometheus-1"]
    assert graph.look(world(cluster=cluster)) == graph.Seen({}, "Service istio-system/prometheus has no ready pod")


def test_what_flows_through_the_graph_is_the_requests_on_all_of_its_edges() -> None:
    assert graph.flow(graph.Seen({EDGE: Calls(3, 0, 0.1), Edge("a", "b"): Calls(4, 1, 0.1)}, "")) == {"": 7}


# Grafana.

TEMPO_SOURCE: dict[str, Any] = {
    "uid": "tempo",
    "url": TEMPO_URL,
    "jsonData": {"serviceMap": {"datasourceUid": "prometheus"}},
}
PROMETHEUS_SOURCE: dict[str, Any] = {"uid": "prometheus", "url": PROMETHEUS_URL}
PLACE = "ConfigMap istio-system/grafana-datasources-tracing"


def seen_grafana(*datasources: dict[str, Any], **changes: Any) -> grafana.Seen:
    seen: dict[str, Any] = {
        "place": PLACE,
        "datasources": list(datasources) or [TEMPO_SOURCE, PROMETHEUS_SOURCE],
        "resources": [],
        "health": {},
        "problem": None,
    }
    return grafana.Seen(**seen | changes)


def test_data_sources_that_lead_to_each_other_are_ok() -> None:
    finding = grafana.judge(world(), looks(seen_grafana()))
    assert (finding.status, finding.evidence) == (Status.OK, (f"{PLACE}: serviceMap of tempo leads to prometheus",))


@pytest.mark.parametrize(
    ("datasources", "evidence"),
    [
        ([PROMETHEUS_SOURCE], (f"{PLACE} has the data sources prometheus", "expected tempo and prometheus")),
        (
            [TEMPO_SOURCE, PROMETHEUS_SOURCE | {"uid": "other"}],
            (f"{PLACE} has the data sources tempo, other", "expected tempo and prometheus"),
        ),
        (
            [TEMPO_SOURCE | {"jsonData": {"serviceMap": {"datasourceUid": "old"}}}, PROMETHEUS_SOURCE],
            (f"{PLACE}: serviceMap.datasourceUid of tempo is 'old'", "Prometheus' uid is 'prometheus'"),
        ),
        (
            [TEMPO_SOURCE | {"jsonData": None}, PROMETHEUS_SOURCE],
            (f"{PLACE}: serviceMap.datasourceUid of tempo is None", "Prometheus' uid is 'prometheus'"),
        ),
        (
            [TEMPO_SOURCE | {"url": "http://old:3200"}, PROMETHEUS_SOURCE],
            (f"{PLACE}: tempo is at http://old:3200", f"expected {TEMPO_URL}"),
        ),
        (
            [TEMPO_SOURCE, PROMETHEUS_SOURCE | {"url": "http://old:9090"}],
            (f"{PLACE}: prometheus is at http://old:9090", f"expected {PROMETHEUS_URL}"),
        ),
    ],
    ids=[
        "missing",
        "another uid",
        "serviceMap leads elsewhere",
        "no serviceMap",
        "another Tempo",
        "another Prometheus",
    ],
)
def test_data_sources_that_are_wrong_are_corrected(datasources: list[dict[str, Any]], evidence: tuple[str]) -> None:
    finding = grafana.judge(world(), looks(seen_grafana(*datasources)))
    assert_broken(finding, Because.FAULT, remedy=restore())
    assert finding.evidence == evidence


def test_a_prometheus_that_grafana_had_before_is_not_looked_for_among_ours() -> None:
    theirs = part(deployment().grafana, datasource_uids=["tempo"], prometheus_uid="theirs")
    stack = world(deployment(grafana=theirs))
    linked = TEMPO_SOURCE | {"jsonData": {"serviceMap": {"datasourceUid": "theirs"}}}
    assert grafana.judge(stack, looks(seen_grafana(linked))).status is Status.OK
    finding = grafana.judge(stack, looks(seen_grafana(TEMPO_SOURCE)))
    assert_broken(finding, Because.FAULT, remedy=stack.restore)
    assert finding.evidence[1] == "Prometheus' uid is 'theirs'"


def test_no_data_sources_at_all_are_restored() -> None:
    finding = grafana.judge(world(), looks(seen_grafana(datasources=[])))
    assert_broken(finding, Because.FAULT, remedy=restore())
    assert finding.evidence[0] == f"{PLACE} has the data sources none"


def datasource(name: str, uid: str, url: str, status: str) -> dict[str, Any]:
    conditions = [{"type": "DatasourceSynchronized", "status": status, "message": "no Grafana matches"}]
    found: dict[str, Any] = {"url": url, "jsonData": {"serviceMap": {"datasourceUid": "prometheus"}}}
    return {
        "metadata": {"name": name, "namespace": "grafana"},
        "spec": {"uid": uid, "datasource": found},
        "status": {"conditions": conditions},
    }


def by_operator(status: str) -> tuple[Any, grafana.Seen]:
    cluster = healthy()
    cluster.api.put(
        "/apis/grafana.integreatly.org/v1beta1/grafanadatasources",
        datasource("tracing-tempo", "tempo", TEMPO_URL, status),
        datasource("tracing-prometheus", "prometheus", PROMETHEUS_URL, "True"),
        datasource("somebody-elses", "loki", "http://loki", "False"),
    )
    stack = world(deployment(grafana=GRAFANA_BY_OPERATOR), cluster)
    return stack, grafana.look(stack)


def test_resources_that_grafanas_operator_has_synchronized_are_ok() -> None:
    stack, seen = by_operator("True")
    assert grafana.judge(stack, looks(seen)).status is Status.OK


def test_a_resource_that_is_in_no_grafana_has_describe_as_its_remedy() -> None:
    stack, seen = by_operator("False")
    finding = grafana.judge(stack, looks(seen))
    assert_broken(finding, Because.FAULT, remedy="kubectl describe grafanadatasource tracing-tempo -n grafana")
    assert finding.evidence == ("GrafanaDatasource tracing-tempo: no Grafana matches",)


MANAGED = world(deployment(grafana=GRAFANA_MANAGED))


def test_a_grafana_that_does_not_answer_is_restarted() -> None:
    finding = grafana.judge(MANAGED, looks(seen_grafana(problem=NoAnswer("timed out"))))
    assert_broken(finding, Because.FAULT, remedy="kubectl rollout restart deployment/grafana -n istio-system")


def test_a_data_source_that_grafana_does_not_reach_is_a_fault() -> None:
    seen = seen_grafana(health={"tempo": "dial tcp: no such host", "prometheus": "OK"})
    finding = grafana.judge(MANAGED, looks(seen))
    assert_broken(finding, Because.FAULT, remedy="kubectl logs -n istio-system deployment/grafana --tail=50")
    assert finding.evidence[1:] == ("tempo: dial tcp: no such host",)


@pytest.mark.parametrize("status", [401, 403])
def test_a_token_that_grafana_does_not_accept_is_no_fault_of_a_data_source(
    monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200) if request.url.path == "/api/health" else httpx.Response(status, json={})

    monkeypatch.setenv(grafana.TOKEN_VARIABLE, "word")
    stack = managed(answer)
    finding = grafana.judge(stack, looks(grafana.look(stack)))
    assert (finding.status, finding.code) == (Status.UNKNOWN, Code.LOGIN_REFUSED)


def test_what_grafana_says_of_its_data_sources_is_evidence() -> None:
    finding = grafana.judge(MANAGED, looks(seen_grafana(health={"tempo": "OK", "prometheus": "OK"})))
    assert (finding.status, finding.evidence[-1]) == (Status.OK, "Grafana says both are healthy")


def test_without_a_token_grafana_is_not_asked_and_the_evidence_says_how() -> None:
    finding = grafana.judge(MANAGED, looks(seen_grafana()))
    assert finding.evidence[-1] == "Grafana answers; set GRAFANA_TOKEN to have it check their health"


def managed(answer: Any) -> Any:
    cluster = healthy()
    cluster.api.put("/api/v1/pods", pod("grafana-1", "istio-system", labels={"app": "grafana"}))
    cluster.api.put("/api/v1/services", service("grafana", "istio-system", {"app": "grafana"}, {"port": 3000}))
    cluster.answers["grafana-1", 3000] = answer
    return world(deployment(grafana=GRAFANA_MANAGED), cluster)


def test_grafana_is_asked_for_the_health_of_both_with_the_token(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append((request.url.path, request.headers.get("Authorization")))
        return httpx.Response(200, json={"status": "OK"})

    monkeypatch.setenv(grafana.TOKEN_VARIABLE, "word")
    assert grafana.look(managed(answer)).health == {"tempo": "OK", "prometheus": "OK"}
    assert asked == [
        ("/api/health", None),
        ("/api/datasources/uid/tempo/health", "Bearer word"),
        ("/api/datasources/uid/prometheus/health", "Bearer word"),
    ]


def test_without_a_token_grafana_is_asked_only_whether_it_lives(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(grafana.TOKEN_VARIABLE, raising=False)
    seen = grafana.look(managed(lambda _: httpx.Response(200)))
    assert (seen.health, seen.problem) == ({}, None)


def test_the_reason_that_grafana_gives_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/api/health":
            return httpx.Response(200)
        return httpx.Response(400, json={"status": "ERROR", "message": "no such host"})

    monkeypatch.setenv(grafana.TOKEN_VARIABLE, "word")
    assert grafana.look(managed(answer)).health == {"tempo": "no such host", "prometheus": "no such host"}


def test_data_sources_are_found_in_every_provisioning_file() -> None:
    found = grafana.provisioned(
        config_map("any", "any", **{"a.yaml": DATASOURCES, "b.yaml": "datasources: [{uid: loki}]", "c.yaml": "a: ["})
    )
    assert [one["uid"] for one in found] == ["tempo", "prometheus", "loki"]


@pytest.mark.parametrize("text", ["", "words", "datasources:", "datasources: [words]", "- uid: tempo"])
def test_a_provisioning_file_may_have_no_data_sources(text: str) -> None:
    assert grafana.provisioned(config_map("any", "any", file=text)) == []


@pytest.mark.parametrize("found", [None, {"metadata": {"name": "any"}}, {"data": None}])
def test_a_config_map_may_have_no_provisioning_file(found: dict[str, Any] | None) -> None:
    assert grafana.provisioned(found) == []


# Kiali.

PATH = "/api/namespaces/bookinfo/services/productpage/traces"
KIALI_LOGS = "kubectl logs deployment/kiali -n istio-system --tail=50"


def with_kiali(answer: Any, **parts: Any) -> Any:
    cluster = healthy()
    cluster.api.put("/api/v1/pods", pod("kiali-1", "istio-system", labels={"app": "kiali"}))
    cluster.api.put("/api/v1/services", service("kiali", "istio-system", {"app": "kiali"}, {"port": 20001}))
    cluster.answers["kiali-1", 20001] = answer
    return world(deployment(kiali=KIALI, **parts), cluster)


def judged_kiali(answer: Any, followed: Journey | None = None) -> kiali.Finding:
    stack = with_kiali(answer)
    return kiali.judge(stack, looks(kiali.look(stack), None, followed))


def test_a_kiali_that_finds_traces_is_ok() -> None:
    finding = judged_kiali(lambda _: httpx.Response(200, json={"data": [{}, {}], "errors": []}), journey())
    assert (finding.status, finding.evidence) == (Status.OK, (f"2 traces at {PATH}",))


def test_a_kiali_that_finds_no_traces_is_starved() -> None:
    finding = judged_kiali(lambda _: httpx.Response(200, json={"data": None}), journey())
    assert_broken(finding, Because.STARVED, remedy=KIALI_LOGS)


def test_a_kiali_that_does_not_reach_tempo_is_at_fault() -> None:
    finding = judged_kiali(lambda _: httpx.Response(200, json={"data": [], "errors": [{"msg": "no such host"}]}))
    assert_broken(finding, Because.FAULT, remedy=KIALI_LOGS)
    assert finding.evidence == ("no such host",)


@pytest.mark.parametrize("answer", [httpx.Response(503), httpx.Response(200, text="<html>")])
def test_a_kiali_that_answers_something_else_is_at_fault(answer: httpx.Response) -> None:
    assert_broken(judged_kiali(lambda _: answer), Because.FAULT, remedy=KIALI_LOGS)


def unreached(url: str) -> httpx.Response:
    """What Kiali answers when Tempo does not (kiali: tracing/tempo/http_client.go, handlers/tracing.go)."""
    search = f"{url}/api/search?q=%7B.service.name%3D%22productpage.bookinfo%22%7D&limit=20"
    return httpx.Response(503, json={"error": f'Get "{search}": dial tcp: lookup tempo: no such host'})


def test_what_kiali_says_of_a_failure_is_quoted_without_the_search() -> None:
    finding = judged_kiali(lambda _: unreached(TEMPO_URL))
    assert_broken(finding, Because.FAULT, remedy=KIALI_LOGS)
    assert finding.evidence == (f'Get "{TEMPO_URL}/api/search": dial tcp: lookup tempo: no such host',)


def test_a_kiali_of_the_chart_that_looks_for_tempo_elsewhere_is_led_there() -> None:
    finding = judged_kiali(lambda _: unreached("http://tempo.istio-system:3200"))
    assert_broken(finding, Because.FAULT, remedy="kubectl get configmap kiali -n istio-system -o yaml | sed")
    assert finding.cause == f"Kiali looks for traces at http://tempo.istio-system:3200, and Tempo is at {TEMPO_URL}"
    assert f"s#http://tempo.istio-system:3200#{TEMPO_URL}#g" in finding.remedy


def test_a_kiali_of_the_operator_that_looks_for_tempo_elsewhere_is_restored_by_pulumi() -> None:
    stack = with_kiali(lambda _: unreached("http://tempo.istio-system:3200"), operators=["kiali"])
    assert kiali.judge(stack, looks(kiali.look(stack))).remedy == stack.restore


def test_another_address_that_kiali_complains_of_is_not_taken_for_tempos() -> None:
    complaint = httpx.Response(503, json={"error": 'Get "https://10.96.0.1:443/api/v1/namespaces": forbidden'})
    assert_broken(judged_kiali(lambda _: complaint), Because.FAULT, remedy=KIALI_LOGS)


def test_kiali_takes_a_token_for_a_session() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/api/authenticate":
            assert (request.method, request.content) == ("POST", b"token=of-a-person")
            return httpx.Response(200, headers={"Set-Cookie": "kiali-token=session; Path=/; HttpOnly"}, json={})
        known = "kiali-token=session" in request.headers.get("Cookie", "")
        return httpx.Response(200, json={"data": [{}]}) if known else httpx.Response(401)

    stack = with_kiali(answer)
    stack.cluster.bearer = lambda: "of-a-person"
    assert kiali.judge(stack, looks(kiali.look(stack))).status is Status.OK


def test_a_token_that_kiali_refuses_is_reported_as_unknown() -> None:
    stack = with_kiali(lambda _: httpx.Response(401))
    stack.cluster.bearer = lambda: "of-a-person"
    assert kiali.judge(stack, looks(kiali.look(stack))).code is Code.LOGIN_REFUSED


@pytest.mark.parametrize("status", [401, 403])
def test_a_kiali_that_wants_another_login_is_reported_as_unknown(status: int) -> None:
    finding = judged_kiali(lambda _: httpx.Response(status))
    assert (finding.status, finding.evidence) == (Status.UNKNOWN, (f"{PATH} answered {status}",))
    assert_is_command(finding.remedy)


def test_a_stack_may_have_no_kiali() -> None:
    assert kiali.judge(world(), looks(kiali.look(world()))).status is Status.ABSENT


def test_kiali_is_asked_for_the_last_minutes_of_the_clusters_time() -> None:
    asked = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(int(request.url.params["startMicros"]))
        return httpx.Response(200, json={"data": [{}]})

    stack = with_kiali(answer)
    monday = 1_800_000_000
    stack.cluster._clock.hear(formatdate(monday, usegmt=True))
    kiali.look(stack)
    assert [abs(found / 1e6 - (monday - 300)) < 30 for found in asked] == [True]


def test_without_bookinfo_kiali_is_asked_for_a_service_of_the_mesh() -> None:
    asked = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path)
        return httpx.Response(200, json={"data": [{}]})

    stack = with_kiali(answer, bookinfo=None, mesh=part(DEPLOYMENT.mesh, namespaces=["shop"]))
    stack.cluster.api.put("/api/v1/services", service("cart", "shop", {}, {"port": 80}))
    finding = kiali.judge(stack, looks(kiali.look(stack)))
    assert (finding.evidence, asked) == (
        ("1 traces at /api/namespaces/shop/services/cart/traces",),
        ["/api/namespaces/shop/services/cart/traces"],
    )
