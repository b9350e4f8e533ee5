"""Further backends of the collector: what it sends them, whence it has their secrets, and what is refused."""

from collections.abc import Callable
from typing import Any

import pytest
from recording import Deployed, minimal_config, with_settings
from test_checks import plan_of
from test_settings import problems_of

from cluster.recorded import Recorded
from program import checks

Deploy = Callable[..., Deployed]

HOSTED: dict[str, Any] = {
    "protocol": "http",
    "endpoint": "https://traces.example.com/otlp",
    "secretHeaders": {"x-api-key": {"secret": "hosted", "key": "api-key"}},
    "bearerToken": {"secret": "hosted", "key": "token"},
    "tls": {"clientCertificate": "hosted-client"},
}
TEMPO: dict[str, Any] = {"endpoint": "tempo.others.svc.cluster.local:4317", "tls": {"insecure": True}}


def config_with(*, replicas: int = 1, **exporters: Any) -> dict[str, Any]:
    changes: dict[str, Any] = {"tracing.exporters": exporters, "tracing.collector.replicas": replicas}
    return with_settings(minimal_config(), changes)


def spec(deployed: Deployed) -> dict[str, Any]:
    found: dict[str, Any] = deployed.get("OpenTelemetryCollector").inputs["spec"]
    return found


def ends(found: dict[str, Any]) -> dict[str, list[str]]:
    """For each exporter, what its pipelines take from."""
    pipelines = found["config"]["service"]["pipelines"].values()
    return {name: one["receivers"] for one in pipelines for name in one["exporters"] if name.startswith("otlp")}


def test_every_exporter_has_a_pipeline_that_answers_for_itself(deploy: Deploy) -> None:
    found = spec(deploy(config_with(hosted=HOSTED, other=TEMPO)))
    pipelines = found["config"]["service"]["pipelines"]
    assert set(ends(found)) == {"otlp_grpc", "otlp_http/hosted", "otlp_grpc/other"}
    assert pipelines["traces"]["exporters"] == ["forward/kept"]
    apart = [one for one in pipelines.values() if one["receivers"] == ["forward/kept"]]
    assert [(len(one["exporters"]), one["processors"]) for one in apart] == [(1, ["batch/apart"])] * 3


def test_without_further_ones_tempo_has_no_pipeline_of_its_own(deploy: Deploy) -> None:
    assert ends(spec(deploy(minimal_config()))) == {"otlp_grpc": ["otlp"]}


def test_what_is_secret_is_a_variable_of_the_pods(deploy: Deploy) -> None:
    found = spec(deploy(config_with(hosted=HOSTED)))
    from_secrets = {
        one["name"]: (one["valueFrom"]["secretKeyRef"]["name"], one["valueFrom"]["secretKeyRef"]["key"])
        for one in found["env"]
    }
    assert from_secrets == {
        "EXPORTER__HOSTED__HEADER_X_API_KEY": ("hosted", "api-key"),
        "EXPORTER__HOSTED__BEARER": ("hosted", "token"),
        "EXPORTER__HOSTED__CERTIFICATE": ("hosted-client", "tls.crt"),
        "EXPORTER__HOSTED__KEY": ("hosted-client", "tls.key"),
    }
    exporter = found["config"]["exporters"]["otlp_http/hosted"]
    assert exporter["headers"] == {
        "x-api-key": "${env:EXPORTER__HOSTED__HEADER_X_API_KEY}",
        "Authorization": "Bearer ${env:EXPORTER__HOSTED__BEARER}",
    }
    assert exporter["tls"] == {
        "cert_pem": "${env:EXPORTER__HOSTED__CERTIFICATE}",
        "key_pem": "${env:EXPORTER__HOSTED__KEY}",
    }


def test_names_that_differ_in_where_they_are_cut_have_variables_of_their_own(deploy: Deploy) -> None:
    def with_header(name: str) -> dict[str, Any]:
        return {
            "endpoint": "traces.example.com:4317",
            "secretHeaders": {name: {"secret": name, "key": "value"}},
        }

    found = spec(deploy(config_with(**{"a": with_header("header-b"), "a-header": with_header("b")})))
    assert {one["valueFrom"]["secretKeyRef"]["name"] for one in found["env"]} == {"header-b", "b"}
    assert len({one["name"] for one in found["env"]}) == 2


def test_all_queues_together_fit_into_the_memory(deploy: Deploy) -> None:
    config = with_settings(
        config_with(hosted=HOSTED, other=TEMPO, **{f"more-{number}": TEMPO for number in range(6)}),
        {"tracing.collector.resources": {"limits": {"memory": "512Mi"}}},
    )
    exporters = spec(deploy(config))["config"]["exporters"].values()
    # Of two kilobytes for each span; the collector refuses spans from 60 % of its memory limit on.
    assert sum(one["sending_queue"]["queue_size"] for one in exporters) * 2000 < 0.6 * 512 * 2**20


def test_a_smaller_queue_is_as_small_as_it_is_said(deploy: Deploy) -> None:
    exporters = spec(deploy(config_with(hosted={**HOSTED, "queueSize": 3})))["config"]["exporters"]
    assert exporters["otlp_http/hosted"]["sending_queue"]["queue_size"] == 3000


def test_exporters_that_the_settings_themselves_list_leave_the_further_ones_in(deploy: Deploy) -> None:
    own = {"service": {"pipelines": {"traces": {"exporters": ["otlp_grpc", "debug"]}}}, "exporters": {"debug": {}}}
    config = with_settings(config_with(other=TEMPO), {"tracing.collector.extraConfig": own})
    found = spec(deploy(config))
    pipelines = found["config"]["service"]["pipelines"].values()
    assert {name for one in pipelines for name in one["exporters"]} == {
        "forward/kept",
        "otlp_grpc",
        "otlp_grpc/other",
        "debug",
    }


def test_with_older_names_in_the_configuration_the_further_ones_have_older_names_too(deploy: Deploy) -> None:
    config = with_settings(
        config_with(hosted=HOSTED, other=TEMPO),
        {"tracing.collector.extraConfig": {"exporters": {"otlp": {"timeout": "10s"}}}},
    )
    assert set(ends(spec(deploy(config)))) == {"otlp", "otlphttp/hosted", "otlp/other"}


@pytest.mark.parametrize("replicas", [1, 2])
@pytest.mark.parametrize(("all_traces", "sampled"), [(False, True), (True, False)])
def test_with_a_sampler_a_further_one_is_behind_it_unless_it_is_to_get_everything(
    deploy: Deploy, replicas: int, *, all_traces: bool, sampled: bool
) -> None:
    config = with_settings(
        config_with(replicas=replicas, other={**TEMPO, "allTraces": all_traces}),
        {"tracing.sampling": {"mode": "tail"}},
    )
    found = spec(deploy(config))
    (connector,) = ends(found)["otlp_grpc/other"]
    before = [
        name
        for one in found["config"]["service"]["pipelines"].values()
        if connector in one["exporters"]
        for name in one["processors"]
    ]
    assert any(name.startswith("tail_sampling") for name in before) is sampled


@pytest.mark.parametrize(
    ("exporter", "said"),
    [
        ({"endpoint": "https://traces.example.com:4317"}, "endpoint as host and port"),
        ({"endpoint": "traces.example.com"}, "endpoint as host and port"),
        ({"protocol": "http", "endpoint": "traces.example.com:4318"}, "endpoint as an http or https URL"),
        ({"protocol": "http", "endpoint": "https://me:pass@traces.example.com"}, "endpoint as an http or https URL"),
        ({"protocol": "http", "endpoint": "https://traces.example.com/v1/traces"}, "endpoint without /v1/traces"),
        ({"endpoint": "a.example.com:4317", "headers": {"Authorization": "Bearer x"}}, "secretHeaders or bearerToken"),
        ({"endpoint": "a.example.com:4317", "headers": {"x-api-key": "hidden"}}, "secretHeaders or bearerToken"),
        ({**HOSTED, "secretHeaders": {"authorization": {"secret": "a", "key": "b"}}}, "each header once"),
        ({**HOSTED, "protocol": "http", "endpoint": "http://traces.example.com", "tls": {}}, "TLS for secretHeaders"),
        (
            {"endpoint": "a.example.com:4317", "tls": {"insecure": True}, "bearerToken": {"secret": "a", "key": "b"}},
            "TLS for secretHeaders",
        ),
        ({"endpoint": "a.example.com:4317", "tls": {"insecure": True, "serverName": "b"}}, "no ca, caSecret"),
        ({"protocol": "http", "endpoint": "http://a.svc:4318", "tls": {"serverName": "b"}}, "tls only for an endpoint"),
    ],
)
def test_one_that_cannot_work_or_tells_a_secret_is_refused(exporter: dict[str, Any], said: str) -> None:
    (problem,) = problems_of(config_with(one=exporter))
    assert "tracing.exporters.one" in problem
    assert said in problem
    assert "hidden" not in problem


def test_a_secret_may_stay_in_clear_inside_the_cluster(deploy: Deploy) -> None:
    found = spec(deploy(config_with(one={**TEMPO, "bearerToken": {"secret": "a", "key": "b"}})))
    assert found["config"]["exporters"]["otlp_grpc/one"]["tls"] == {"insecure": True}


def test_a_name_of_the_programs_own_is_refused() -> None:
    (problem,) = problems_of(config_with(graph=TEMPO))
    assert "another name than graph" in problem


def test_one_that_leads_to_our_own_collector_is_refused() -> None:
    loop = config_with(loop={**TEMPO, "endpoint": "otel-collector.istio-system.svc.cluster.local:4317"})
    with pytest.raises(checks.RefusedError, match="is this collector itself"):
        checks.refuse_what_breaks(plan_of(loop), Recorded())


def test_two_that_can_work_are_refused_by_no_check() -> None:
    checks.refuse_what_breaks(plan_of(config_with(hosted=HOSTED, other=TEMPO)), Recorded())
