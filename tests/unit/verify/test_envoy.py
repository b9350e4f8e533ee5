"""What a proxy says of itself is read from Envoy's admin port."""

import json
from typing import Any

import httpx
import pytest
from verify_world import COLLECTOR, DATA

from verify.programs import envoy


def test_the_tracers_of_a_real_proxy_are_found() -> None:
    dump = json.loads((DATA / "listeners.json").read_text())
    assert list(envoy.tracers(dump)) == [(COLLECTOR, "envoy.tracers.opentelemetry", 100.0)]


def tracing(sampling: Any = None, **provider: Any) -> dict[str, Any]:
    found: dict[str, Any] = {"provider": {"name": "envoy.tracers.opentelemetry", **provider}}
    return {"filters": [{"typed_config": {"tracing": found | ({} if sampling is None else sampling)}}]}


@pytest.mark.parametrize(
    ("sampling", "percent"),
    [
        ({"random_sampling": {"value": 5}}, 5.0),
        ({"random_sampling": {"value": 0.5}}, 0.5),
        ({"random_sampling": {}}, 0.0),
        ({}, 100.0),
    ],
)
def test_the_sampling_percentage_of_a_tracer_is_read(sampling: dict[str, Any], percent: float) -> None:
    assert [found[2] for found in envoy.tracers(tracing(sampling))] == [percent]


def test_a_tracer_over_http_leads_to_a_cluster_too() -> None:
    config = {"http_service": {"http_uri": {"cluster": "outbound|4318||otel"}}}
    assert [found[0] for found in envoy.tracers(tracing(typed_config=config))] == ["outbound|4318||otel"]


def test_a_tracer_of_another_kind_leads_to_no_cluster_that_is_known() -> None:
    assert list(envoy.tracers(tracing(name="envoy.tracers.zipkin"))) == [(None, "envoy.tracers.zipkin", 100.0)]


def test_why_a_listener_is_not_what_it_was_to_be_is_read() -> None:
    listeners = [{"active_state": {}}, {"active_state": {}, "error_state": {"details": "no such filter: 'x'\n"}}]
    assert envoy.refusal({"configs": listeners}) == "no such filter: 'x'"


@pytest.mark.parametrize("dump", [{}, {"configs": [{"active_state": {}}]}])
def test_a_proxy_may_refuse_nothing(dump: dict[str, Any]) -> None:
    assert envoy.refusal(dump) == ""


def test_a_dump_of_listeners_leaves_out_what_envoy_could_not_write() -> None:
    asked = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append((request.url.path, request.url.params.get("mask")))
        return httpx.Response(200, json={})

    with httpx.Client(transport=httpx.MockTransport(answer), base_url="http://proxy") as client:
        envoy.read(client, COLLECTOR)
    assert asked[0] == ("/config_dump", "active_state,error_state.details")


@pytest.mark.parametrize("dump", [{}, [], None, "text", {"tracing": None}, {"tracing": {"random_sampling": {}}}])
def test_a_dump_may_have_no_tracer(dump: object) -> None:
    assert list(envoy.tracers(dump)) == []


def test_the_counters_of_a_real_proxy_are_those_of_the_collectors_cluster_alone() -> None:
    answer = json.loads((DATA / "clusters.json").read_text())
    found = envoy.endpoint_counters(answer, COLLECTOR)
    assert {name: found[name] for name in ("rq_success", "rq_error", "cx_connect_fail", "rq_total")} == {
        "rq_success": 4,
        "rq_error": 0,
        "cx_connect_fail": 0,
        "rq_total": 6,
    }


def test_the_counters_of_several_endpoints_are_added() -> None:
    hosts = [{"stats": [{"name": "rq_success", "value": "4"}]}, {"stats": [{"name": "rq_success", "value": "3"}]}, {}]
    answer = {"cluster_statuses": [{"name": COLLECTOR, "host_statuses": hosts}]}
    assert envoy.endpoint_counters(answer, COLLECTOR) == {"rq_success": 7}


def test_a_cluster_without_endpoints_has_no_counters() -> None:
    assert envoy.endpoint_counters({"cluster_statuses": [{"name": COLLECTOR}]}, COLLECTOR) == {}
