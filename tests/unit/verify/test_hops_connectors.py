"""The findings for the metrics generator where the collector is it."""

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import httpx
import pytest
from verify_world import (
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
from verify.hops import connectors, generator
from verify.obstacles.network_policies import Way
from verify.programs.exporters import Failure
from verify.programs.metrics import Samples

DEPLOYED = deployment(graph_source="collector")
URL = DEPLOYMENT.prometheus.write_url
COLLECTOR = "/apis/opentelemetry.io/v1beta1/namespaces/istio-system/opentelemetrycollectors/otel"
LOGS = "kubectl logs deployment/otel-collector -n istio-system"
PODS = [pod("otel-collector-1", "istio-system")]
TEMPO = {"endpoint": "tempo-tempo.tracing-system.svc.cluster.local:4317"}

Config = dict[str, Any]


def config(exporter: str = "prometheus/graph", settings: Config | None = None) -> Config:
    return {
        "exporters": {"otlp_grpc": TEMPO, exporter: settings or {"endpoint": "0.0.0.0:8889"}},
        "service": {
            "pipelines": {
                "traces": {"receivers": ["otlp"], "exporters": ["otlp_grpc", "servicegraph", "spanmetrics"]},
                "metrics/graph": {"receivers": ["servicegraph", "spanmetrics"], "exporters": [exporter]},
            }
        },
    }


def written(url: str = URL) -> Config:
    return config("prometheusremotewrite/graph", {"endpoint": url})


def counters(edges: int = 50, expired: int = 0, dropped: int = 0, sent: int = 100, failed: int = 0) -> Samples:
    label = 'exporter="prometheusremotewrite/graph"'
    return Samples.parse(
        f"otelcol_connector_servicegraph_total_edges_total {edges}\n"
        f"otelcol_connector_servicegraph_expired_edges_total {expired}\n"
        f"otelcol_connector_servicegraph_dropped_spans_total {dropped}\n"
        f"otelcol_exporter_sent_metric_points_total{{{label}}} {sent}\n"
        f"otelcol_exporter_send_failed_metric_points_total{{{label}}} {failed}\n"
    )


def seen(configured: Config | None = None, metrics: Samples | None = None, **changes: Any) -> connectors.Seen:
    found: dict[str, Any] = {
        "resource": resource("otel", "istio-system", replicas=1, config=configured or config()),
        "pods": PODS,
        "metrics": metrics or counters(),
        "log": [],
    }
    return connectors.Seen(**found | changes)


def judged(after: connectors.Seen) -> Finding:
    """The verdict after a request was followed, since which the counters have the values of ``after``."""
    return generator.judge(world(DEPLOYED), looks(after, seen(), journey()))


def test_connectors_that_count_are_ok() -> None:
    finding = judged(seen(metrics=counters(edges=60, sent=130)))
    assert (finding.hop, finding.status) == ("generator", Status.OK)


def test_connectors_behind_a_sampler_count_too_little() -> None:
    sampled = config()
    sampled["service"]["pipelines"]["traces"]["processors"] = ["memory_limiter", "tail_sampling/mine"]
    finding = judged(seen(sampled))
    assert_broken(finding, Because.FAULT, remedy=restore())
    assert finding.code is Code.RATES_DIFFER


def test_several_pods_that_hand_spans_to_each_other_are_ok() -> None:
    several = config()
    several["service"]["pipelines"]["traces"]["exporters"] = ["otlp_grpc", "loadbalancing/graph"]
    several["service"]["pipelines"]["traces/graph"] = {
        "receivers": ["otlp/graph"],
        "exporters": ["servicegraph", "spanmetrics"],
    }
    assert judged(seen(several, counters(edges=60))).status is Status.OK


def forget_a_connector(changed: Config) -> None:
    changed["service"]["pipelines"]["traces"]["exporters"].remove("servicegraph")


def read_no_connector(changed: Config) -> None:
    changed["service"]["pipelines"]["metrics/graph"]["receivers"] = ["otlp"]


def write_to_no_prometheus(changed: Config) -> None:
    changed["service"]["pipelines"]["metrics/graph"]["exporters"] = ["debug"]


@pytest.mark.parametrize("change", [forget_a_connector, read_no_connector, write_to_no_prometheus])
def test_pipelines_that_lead_past_the_graph_are_a_fault(change: Callable[[Config], None]) -> None:
    changed = deepcopy(config())
    change(changed)
    finding = judged(seen(changed, counters(edges=60)))
    assert_broken(finding, Because.FAULT, remedy=restore())
    assert finding.code is Code.PROCESSOR_OFF


def test_pipelines_that_the_stack_s_settings_lead_past_the_graph_have_the_setting_as_the_remedy() -> None:
    changed = deepcopy(config())
    forget_a_connector(changed)
    made = resource("otel", "istio-system", replicas=1, config=changed)
    owned = {"f:spec": {"f:config": {"f:service": {"f:pipelines": {}}}}}
    made["metadata"]["managedFields"] = [{"manager": "pulumi-kubernetes-1a2b", "operation": "Apply", "fieldsV1": owned}]
    finding = judged(seen(metrics=counters(edges=60), resource=made))
    assert_broken(finding, Because.FAULT, remedy="pulumi config rm --path ")
    assert finding.code is Code.DIFFERENT_BY_SETTINGS


def test_edges_that_are_written_elsewhere_are_a_fault() -> None:
    finding = judged(seen(written("http://prometheus.elsewhere:9090/api/v1/write"), counters(edges=60)))
    assert_broken(finding, Because.FAULT, remedy=restore())
    assert finding.code is Code.WRITES_ELSEWHERE


def test_a_prometheus_that_takes_nothing_is_at_fault_itself() -> None:
    refused = Failure("prometheusremotewrite/graph", "remote write returned HTTP status 404 Not Found")
    finding = judged(seen(written(), counters(edges=60, failed=10), log=[refused]))
    assert_broken(finding, Because.BLOCKED, remedy=LOGS)
    assert finding.code is Code.WRITES_REFUSED
    assert refused.error in " ".join(finding.evidence)


def test_a_prometheus_that_takes_a_part_is_a_warning() -> None:
    finding = judged(seen(written(), counters(edges=60, sent=120, failed=10)))
    assert_warns(finding, Code.WRITES_REFUSED, remedy=LOGS)


def test_spans_for_which_there_is_no_room_are_a_fault_with_the_setting_that_makes_room() -> None:
    finding = judged(seen(metrics=counters(edges=60, dropped=7)))
    assert_broken(finding, Because.FAULT, remedy="pulumi config set --path ")
    assert "connectors.servicegraph.store.max_items" in finding.remedy


def test_spans_without_the_other_one_of_their_edge_make_no_edge() -> None:
    finding = judged(seen(metrics=counters(edges=60, expired=10)))
    assert_broken(finding, Because.STARVED, remedy=LOGS)
    assert finding.code is Code.NO_EDGES


SCRAPED = pod("otel-collector-1", "istio-system")
SCRAPED["status"]["podIP"] = "10.244.0.7"
NEW = pod("otel-collector-2", "istio-system")
NEW["status"]["podIP"] = "10.244.0.8"


def scraping(then: list[str], now: list[str], pods_now: list[Any]) -> Finding:
    """The verdict on what Prometheus scraped of one pod, and then of ``pods_now``."""
    before = seen(pods=[SCRAPED], scraped=frozenset(then))
    after = seen(metrics=counters(edges=60), pods=pods_now, scraped=frozenset(now))
    return generator.judge(world(DEPLOYED), looks(after, before, journey()))


def test_a_pod_that_prometheus_does_not_scrape_is_a_fault() -> None:
    finding = scraping([], [], [SCRAPED])
    assert_broken(finding, Because.FAULT, remedy=restore())
    assert finding.code is Code.NOT_SCRAPED
    assert "10.244.0.7:8889" in finding.evidence[-1]


def test_what_a_prometheus_of_others_does_not_scrape_has_its_monitors_as_the_remedy() -> None:
    theirs = part(DEPLOYMENT.prometheus, takes_writes=False, deployment=None)
    stack = world(deployment(graph_source="collector", prometheus=theirs))
    unscraped = seen(metrics=counters(edges=60), pods=[SCRAPED], scraped=frozenset())
    finding = generator.judge(stack, looks(unscraped, seen(pods=[SCRAPED], scraped=frozenset()), journey()))
    assert_broken(finding, Because.FAULT, remedy="kubectl describe servicemonitors -n istio-system")


@pytest.mark.parametrize(
    ("then", "now", "pods_now"),
    [
        (["10.244.0.7:8889"], ["10.244.0.7:8889"], [SCRAPED]),
        ([], ["10.244.0.7:8889"], [SCRAPED]),
        (["10.244.0.7:8889"], ["10.244.0.7:8889"], [SCRAPED, NEW]),
    ],
    ids=["always", "since a moment", "but not yet a new pod"],
)
def test_pods_that_prometheus_scrapes_are_ok(then: list[str], now: list[str], pods_now: list[Any]) -> None:
    assert scraping(then, now, pods_now).status is Status.OK


@pytest.mark.parametrize(
    ("ip", "instance", "found"),
    [
        ("10.244.0.7", "10.244.0.7:8889", True),
        ("10.244.0.7", "10-244-0-7.mesh-tracing-service-graph.istio-system.svc.cluster.local:8889", True),
        ("fd00::7", "[fd00::7]:8889", True),
        ("fd00::7", "fd00--7.mesh-tracing-service-graph.istio-system.svc.cluster.local:8889", True),
        ("10.244.0.7", "10.244.0.7:8888", False),
        ("10.244.0.7", "10-244-0-77.mesh-tracing-service-graph.istio-system.svc.cluster.local:8889", False),
    ],
)
def test_prometheus_is_asked_for_each_pod_by_its_address_or_its_name_in_dns(
    ip: str, instance: str, *, found: bool
) -> None:
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.params["query"])
        return httpx.Response(200, json={"data": {"result": [{"metric": {"instance": instance}}]}})

    cluster = healthy()
    cluster.answers["prometheus-1", 9090] = answer
    cluster.api.objects["/api/v1/namespaces/istio-system/pods/otc-container-1"]["status"]["podIP"] = ip
    cluster.api.objects[COLLECTOR]["spec"]["config"] = config()
    assert connectors.look(world(DEPLOYED, cluster)).scraped == ({f"{ip}:8889"} if found else set())
    (query,) = asked
    assert "\\" not in query


def test_a_prometheus_that_is_written_to_is_not_asked_what_it_scrapes() -> None:
    cluster = healthy()
    cluster.api.objects[COLLECTOR]["spec"]["config"] = written()
    assert connectors.look(world(DEPLOYED, cluster)).scraped is None


def test_a_policy_that_keeps_the_collector_from_prometheus_is_named() -> None:
    closing = {"metadata": {"name": "shut", "namespace": "istio-system"}, "spec": {"podSelector": {}, "ingress": []}}
    way = Way(PODS[0], pod("prometheus-1", "istio-system"), 9090, [closing], {}, {"app": "prometheus"})
    finding = judged(seen(written(), counters(edges=60, failed=10), way_to_writes=way))
    assert_broken(finding, Because.FAULT, remedy="echo ")
    assert finding.code is Code.POLICY_IN_THE_WAY


def test_pods_that_are_not_ready_leave_the_verdict_to_the_collector() -> None:
    ill = [pod("otel-collector-1", "istio-system", ready=False, waiting="CrashLoopBackOff")]
    assert_broken(judged(seen(pods=ill)), Because.STARVED, remedy=restore())


def test_what_flows_through_is_edges() -> None:
    assert sum(generator.flow(seen(metrics=counters(edges=42))).values()) == 42


@pytest.mark.parametrize(
    ("configured", "labels"),
    [
        (
            config(settings={"endpoint": "0.0.0.0:8889", "const_labels": {"source": "collector"}}),
            {"source": "collector"},
        ),
        (
            config(
                "prometheusremotewrite/graph",
                {"endpoint": URL, "external_labels": {"source": "collector", "collector": "${env:POD_NAME}"}},
            ),
            {"source": "collector"},
        ),
        ({}, {}),
    ],
    ids=["scraped", "written", "nothing"],
)
def test_the_labels_that_all_pods_write_are_known(configured: Config, labels: dict[str, str]) -> None:
    assert connectors.labels_of(configured) == labels
