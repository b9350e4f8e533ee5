"""Sampling: who decides over it, by which objects, and what is refused because the graph would not be true."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from recording import Deployed, Registration, s3_config, stack_config, with_settings
from test_settings import problems_of

Deploy = Callable[..., Deployed]

TAIL = {"tracing.sampling": {"mode": "tail"}}
STACK = {"tempo.mode": "stack"}
OLDER = {"operators.source": "manifests", "operators.tempoVersion": "0.21.0"}


def exceptions(*places: tuple[str, str | None, float]) -> dict[str, Any]:
    found = [
        {"namespace": namespace, "percentage": percentage, **({} if app is None else {"app": app})}
        for namespace, app, percentage in places
    ]
    return {"tracing.sampling": {"exceptions": found}}


def deployed_with(deploy: Deploy, changes: Mapping[str, Any]) -> Deployed:
    return deploy(with_settings(s3_config(), changes))


def spec(deployed: Deployed) -> dict[str, Any]:
    found: dict[str, Any] = deployed.get("OpenTelemetryCollector").inputs["spec"]
    return found


def pipelines(deployed: Deployed) -> dict[str, Any]:
    found: dict[str, Any] = spec(deployed)["config"]["service"]["pipelines"]
    return found


def telemetries(deployed: Deployed) -> dict[tuple[str, str], Registration]:
    found = [one for one in deployed.children if one.kind == "Telemetry"]
    return {(one.inputs["metadata"]["namespace"], one.inputs["metadata"]["name"]): one for one in found}


def percentage_of(telemetry: Registration) -> float:
    (entry,) = telemetry.inputs["spec"]["tracing"]
    return float(entry["randomSamplingPercentage"])


def multipliers(deployed: Deployed, kind: str) -> list[str | None]:
    tempo = deployed.get(kind).inputs["spec"]["extraConfig"]["tempo"]
    processors = tempo.get("metrics_generator", {}).get("processor", {})
    return [(processors.get(name) or {}).get("span_multiplier_key") for name in ("service_graphs", "span_metrics")]


def test_in_tail_mode_the_proxies_trace_every_request(deploy: Deploy) -> None:
    deployed = deployed_with(deploy, TAIL)
    assert [percentage_of(one) for one in telemetries(deployed).values()] == [100]


def test_in_tail_mode_the_collector_counts_before_it_chooses(deploy: Deploy) -> None:
    deployed = deployed_with(deploy, TAIL)
    assert deployed.exports["graph_source"] == "collector"
    found = pipelines(deployed)
    assert found["traces"] == {
        "receivers": ["otlp"],
        "processors": ["memory_limiter", "attributes/redaction", "resource/redaction"],
        "exporters": ["servicegraph", "spanmetrics"],
    }
    assert found["traces/kept"]["exporters"] == ["otlp_grpc"]
    # Of the same receiver as the other pipeline, so nothing is taken out of its spans before.
    first = found["traces"]["processors"]
    assert found["traces/kept"]["processors"][: len(first)] == first
    assert all(name.startswith("tail_sampling/") for name in found["traces/kept"]["processors"][len(first) :])


def test_several_collectors_choose_among_whole_traces(deploy: Deploy) -> None:
    found = pipelines(deployed_with(deploy, TAIL | {"tracing.collector.replicas": 3}))
    assert found["traces"]["exporters"] == ["loadbalancing/graph"]
    assert {name for name, one in found.items() if one["receivers"] == ["otlp/graph"]} == {
        "traces/graph",
        "traces/kept",
    }


def test_each_of_several_collectors_keeps_its_part_of_the_budget(deploy: Deploy) -> None:
    tail = {"tracing.sampling": {"mode": "tail", "tail": {"budget": 900, "ceiling": 300}}}
    config = spec(deployed_with(deploy, tail | {"tracing.collector.replicas": 3}))["config"]
    policies = config["processors"]["tail_sampling/limited"]["policies"]
    rates = {one["name"]: one["and"]["and_sub_policy"][1]["rate_limiting"]["spans_per_second"] for one in policies}
    # The limiter keeps one less than its number.
    assert rates == {"important": 101, "others": 301}


def test_what_the_user_adds_to_the_pipeline_holds_before_the_sampler_too(deploy: Deploy) -> None:
    extra = {
        "processors": {"attributes/mine": {"actions": [{"key": "x", "action": "delete"}]}},
        "service": {"pipelines": {"traces": {"processors": ["memory_limiter", "attributes/mine"]}}},
    }
    found = pipelines(deployed_with(deploy, TAIL | {"tracing.collector.extraConfig": extra}))
    before = ["memory_limiter", "attributes/redaction", "resource/redaction", "attributes/mine"]
    assert found["traces/kept"]["processors"][:4] == before
    assert found["traces"]["processors"] == before


def test_the_more_memory_the_more_traces_may_wait(deploy: Deploy) -> None:
    waiting = []
    for memory in ("512Mi", "2Gi"):
        resources = {"requests": {"memory": "256Mi"}, "limits": {"memory": memory}}
        config = spec(deployed_with(deploy, TAIL | {"tracing.collector.resources": resources}))["config"]
        waiting.append(config["processors"]["tail_sampling/chosen"]["num_traces"])
    assert waiting[1] == pytest.approx(4 * waiting[0], rel=0.001)


def test_where_proxies_thin_out_tempo_counts_by_the_share(deploy: Deploy) -> None:
    deployed = deployed_with(deploy, {"tracing.samplingPercentage": 5})
    assert deployed.exports["graph_source"] == "tempo"
    assert multipliers(deployed, "TempoMonolithic") == ["sampling.ratio", "sampling.ratio"]
    statements = spec(deployed)["config"]["processors"]["transform/share"]["trace_statements"]
    assert statements == [{"context": "span", "statements": ['set(span.attributes["sampling.ratio"], 0.05)']}]


def test_where_everything_is_traced_nothing_waits_and_nothing_is_multiplied(minimal: Deployed) -> None:
    assert not [name for name in spec(minimal)["config"]["processors"] if name.startswith("tail_sampling")]
    assert multipliers(minimal, "TempoMonolithic") == [None, None]


def test_a_thinned_stack_without_a_generator_gets_a_tempo_that_multiplies(deploy: Deploy) -> None:
    deployed = deployed_with(deploy, STACK | OLDER | {"tracing.samplingPercentage": 5})
    assert deployed.exports["graph_source"] == "tempo"
    assert multipliers(deployed, "TempoMonolithic") == ["sampling.ratio", "sampling.ratio"]


def test_an_exception_is_a_telemetry_in_its_namespace(deploy: Deploy) -> None:
    deployed = deployed_with(deploy, exceptions(("bookinfo", None, 1), ("bookinfo", "reviews", 50)))
    found = telemetries(deployed)
    assert {place: percentage_of(one) for place, one in found.items()} == {
        ("istio-system", "mesh-tracing"): 100,
        ("bookinfo", "mesh-tracing"): 1,
        ("bookinfo", "mesh-tracing-reviews"): 50,
    }
    selected = found["bookinfo", "mesh-tracing-reviews"].inputs["spec"]["selector"]
    assert selected == {"matchLabels": {"app": "reviews"}}


def test_no_application_restarts_when_sampling_changes(deploy: Deploy) -> None:
    def pods(deployed: Deployed) -> list[Any]:
        found = [one.inputs["spec"]["template"] for one in deployed.children if one.kind == "Deployment"]
        return [one for one in found if one["metadata"]["labels"].get("app") in {"productpage", "reviews"}]

    before = pods(deploy(with_settings(stack_config("local"), {})))
    assert before
    for changes in (TAIL, {"tracing.samplingPercentage": 5}, exceptions(("bookinfo", None, 1))):
        assert pods(deploy(with_settings(stack_config("local"), changes))) == before


REFUSED: Mapping[str, tuple[dict[str, Any], str]] = {
    "a tail that proxies have thinned": (TAIL | {"tracing.samplingPercentage": 50}, "no samplingPercentage"),
    "exceptions of a tail": (
        {"tracing.sampling": {"mode": "tail", "exceptions": [{"namespace": "bookinfo", "percentage": 1}]}},
        "no exceptions",
    ),
    "a tail of the head": ({"tracing.sampling": {"tail": {"percentage": 1}}}, "mode tail"),
    "a tail that keeps nothing": (
        {"tracing.sampling": {"mode": "tail", "tail": {"percentage": 0, "errors": False, "slowerThan": None}}},
        "keeps no trace",
    ),
    "a tail that keeps everything": ({"tracing.sampling": {"mode": "tail", "tail": {"percentage": 100}}}, "mode head"),
    "every trace is slow": ({"tracing.sampling": {"mode": "tail", "tail": {"slowerThan": "0s"}}}, "above 0s"),
    "an attribute without values": (
        {"tracing.sampling": {"mode": "tail", "tail": {"attributes": {"http.route": []}}}},
        "at least one value",
    ),
    "a percentage above all": ({"tracing.sampling": {"mode": "tail", "tail": {"percentage": 101}}}, "100"),
    "a budget below the collectors'": (
        {"tracing.sampling": {"mode": "tail", "tail": {"budget": 20}}, "tracing.collector.replicas": 3},
        "at least 30 spans",
    ),
    "a wait beyond what Tempo counts": (
        {"tracing.samplingPercentage": 5, "tracing.sampling": {"wait": "25s"}},
        "at most 20s",
    ),
    "no wait": ({"tracing.sampling": {"wait": "0s"}}, "wait from 1s"),
    "two exceptions of one place": (exceptions(("bookinfo", None, 1), ("bookinfo", None, 2)), "one exception"),
    "an exception outside the mesh": (exceptions(("elsewhere", None, 1)), "elsewhere in it"),
    "Tempo counts what a tail keeps": (TAIL | {"graph.source": "tempo"}, "only what is kept"),
    "connectors count what the head keeps": (
        {"tracing.samplingPercentage": 5, "graph.source": "collector"},
        "mode tail",
    ),
    "native histograms of a tail": (
        TAIL | {"tempo.histograms": "both", "prometheus.nativeHistograms": True},
        "histograms classic",
    ),
    "an application by another name": (
        exceptions(("bookinfo", "reviews", 1))
        | {"mesh.values": {"meshConfig": {"defaultConfig": {"tracingServiceName": "CANONICAL_NAME_ONLY"}}}},
        "tracingServiceName",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_true_is_refused_in_one_line(name: str) -> None:
    changes, words = REFUSED[name]
    (problem,) = problems_of(with_settings(s3_config(), changes))
    assert words in problem
    assert "\n" not in problem
