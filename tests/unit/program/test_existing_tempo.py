"""A Tempo that somebody else runs, in place of ours: nothing of ours is deployed for it, and all parts use theirs."""

from collections.abc import Callable
from typing import Any

import pytest
import yaml
from recording import Deployed, minimal_config, with_settings
from test_checks import plan_of
from test_settings import problems_of

from cluster.recorded import Recorded
from program import checks
from program.pulled import pulled
from program.roles import roles

Deploy = Callable[..., Deployed]

OTLP = {"endpoint": "gateway.traces.svc.cluster.local:4317", "tls": {"insecure": True}}
QUERY_URL = "http://tempo.traces.svc.cluster.local:3200"
EXISTING: dict[str, Any] = {"otlp": OTLP, "queryUrl": QUERY_URL, "tenant": "mesh"}
WRITTEN = {"prometheus.existing": {"queryUrl": "http://prometheus.monitoring.svc.cluster.local:9090"}}


def config_with(existing: dict[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
    further = {path.replace("__", "."): value for path, value in changes.items()}
    return with_settings(minimal_config(), {"tempo.existing": EXISTING if existing is None else existing, **further})


def collector(deployed: Deployed) -> dict[str, Any]:
    found: dict[str, Any] = deployed.get("OpenTelemetryCollector").inputs["spec"]
    return found


def datasources(deployed: Deployed) -> dict[str, dict[str, Any]]:
    data = deployed.get("ConfigMap", "grafana-datasources-tracing").inputs["data"]["datasources.yaml"]
    return {one["type"]: one for one in yaml.safe_load(data)["datasources"]}


def test_nothing_of_a_tempo_of_ours_is_deployed(deploy: Deploy) -> None:
    deployed = deploy(config_with())
    kinds = {one.kind for one in deployed.children}
    assert not kinds & {"TempoMonolithic", "TempoStack"}
    assert deployed.exports["system_namespaces"] == ["istio-system"]
    policies = {one.object_name for one in deployed.children if one.kind == "NetworkPolicy"}
    assert policies == {"mesh-tracing-collector", "mesh-tracing-prometheus"}


def test_the_collector_sends_there_with_the_tenant(deploy: Deploy) -> None:
    exporter = collector(deploy(config_with()))["config"]["exporters"]["otlp_grpc"]
    assert (exporter["endpoint"], exporter["tls"]) == (OTLP["endpoint"], {"insecure": True})
    assert exporter["headers"] == {"X-Scope-OrgID": "mesh"}


def test_a_hosted_store_gets_its_token_from_a_secret(deploy: Deploy) -> None:
    otlp = {
        "protocol": "http",
        "endpoint": "https://traces.example.com",
        "bearerToken": {"secret": "hosted", "key": "token"},
    }
    found = collector(deploy(config_with({"otlp": otlp})))
    assert found["config"]["exporters"]["otlp_http"]["headers"] == {
        "Authorization": "Bearer ${env:EXPORTER__TEMPO__BEARER}"
    }
    (variable,) = found["env"]
    assert variable["valueFrom"]["secretKeyRef"] == {"name": "hosted", "key": "token"}


def test_the_collector_makes_the_graph(deploy: Deploy) -> None:
    deployed = deploy(config_with())
    assert deployed.exports["graph_source"] == "collector"
    assert "servicegraph" in collector(deployed)["config"]["connectors"]


def test_the_graph_is_theirs_if_their_generator_writes_it(deploy: Deploy) -> None:
    deployed = deploy(config_with({**EXISTING, "makesGraph": True}, **WRITTEN))
    assert deployed.exports["graph_source"] == "tempo"
    assert "connectors" not in collector(deployed)["config"]


def test_grafana_asks_it_for_the_tenant(deploy: Deploy) -> None:
    found = datasources(deploy(config_with()))["tempo"]
    assert found["url"] == QUERY_URL
    assert found["jsonData"]["httpHeaderName1"] == "X-Scope-OrgID"
    assert found["secureJsonData"]["httpHeaderValue1"] == "mesh"


@pytest.mark.parametrize(
    ("further", "uid"), [({}, "mesh-tracing-tempo"), ({"queryUrl": QUERY_URL, "datasourceUid": "theirs"}, "theirs")]
)
def test_what_grafana_cannot_ask_or_has_already_gets_no_data_source(
    deploy: Deploy, further: dict[str, Any], uid: str
) -> None:
    found = datasources(deploy(config_with({"otlp": OTLP, **further})))
    assert set(found) == {"prometheus"}
    (link,) = found["prometheus"]["jsonData"]["exemplarTraceIdDestinations"]
    assert link["datasourceUid"] == uid


def test_kiali_asks_it_for_the_tenant(deploy: Deploy) -> None:
    spec = deploy(config_with(kiali__installer="operator")).get("Kiali").inputs["spec"]
    tracing = spec["external_services"]["tracing"]
    assert (tracing["internal_url"], tracing["custom_headers"]) == (QUERY_URL, {"X-Scope-OrgID": "mesh"})


def test_kiali_shows_no_traces_of_a_store_that_cannot_be_asked(deploy: Deploy) -> None:
    spec = deploy(config_with({"otlp": OTLP}, kiali__installer="operator")).get("Kiali").inputs["spec"]
    assert spec["external_services"]["tracing"] == {"enabled": False}


def test_verify_knows_where_to_ask_and_that_it_is_not_ours(deploy: Deploy) -> None:
    found = deploy(config_with()).exports["deployment"]
    assert (found["tempo"]["mode"], found["tempo"]["query_url"]) == ("existing", QUERY_URL)
    assert found["tempo"]["headers"] == {"X-Scope-OrgID": "mesh"}
    assert found["tracing"]["otlp_address"] == OTLP["endpoint"]
    assert "tempo" not in found["operators"]


def test_nobody_needs_rights_or_images_for_it() -> None:
    plan = plan_of(config_with())
    granted = {kind for role in roles(plan, "mine") for rule in role["rules"] for kind in rule["resources"]}
    assert not granted & {"tempomonolithics", "tempostacks"}
    assert not [one for one in pulled(plan).images if "tempo" in " ".join([one.chosen_by or "", *one.used_by]).lower()]


def test_no_check_refuses_it() -> None:
    checks.refuse_what_breaks(plan_of(config_with()), Recorded())


@pytest.mark.parametrize(
    ("existing", "changes", "said"),
    [
        (EXISTING, {"tempo.storage.backend": "memory"}, "no storage for existing"),
        (EXISTING, {"graph.source": "tempo"}, "graph.source collector or auto"),
        ({**EXISTING, "makesGraph": True}, {}, "prometheus.existing of method remoteWrite"),
        (EXISTING, {"tracing.samplingPercentage": 5}, "tracing.sampling.mode tail"),
        ({**EXISTING, "otlp": {**OTLP, "headers": {"x-scope-orgid": "a"}}}, {}, "tenant or a header"),
        ({**EXISTING, "ca": "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"}, {}, "ca only for"),
        (
            {**EXISTING, "datasourceUid": "theirs"},
            {"grafana.mode": "managed", "grafanaAdminPassword": "long-enough"},
            "no tempo.existing.datasourceUid",
        ),
    ],
)
def test_what_only_a_tempo_of_ours_could_do_is_refused(
    existing: dict[str, Any], changes: dict[str, Any], said: str
) -> None:
    problems = problems_of(with_settings(config_with(existing), changes))
    assert [said in problem for problem in problems] == [True]
