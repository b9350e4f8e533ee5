"""An existing Prometheus that takes no writes scrapes the collectors themselves, which make the graph."""

import re
from collections.abc import Callable, Mapping
from typing import Any

import pytest
import schemas
from recording import EMPTY_CLUSTER, SENTINELS, Deployed, Registration, minimal_config, run_program, with_settings
from test_settings import problems_of

from program.checks import RefusedError

Deploy = Callable[..., Deployed]

THEIRS = "https://thanos-querier.openshift-monitoring.svc.cluster.local:9091"
STACK = {
    "tempo.mode": "stack",
    "tempo.storage.backend": "s3",
    "tempo.resources": {"requests": {"memory": "1Gi"}, "limits": {"memory": "4Gi"}},
}


def config(existing: Mapping[str, Any] | None = None, changes: Mapping[str, Any] | None = None) -> dict[str, Any]:
    scraping = {"prometheus.existing": {"method": "scrapeCollectors", "queryUrl": THEIRS, **(existing or {})}}
    return with_settings({**minimal_config(), **SENTINELS}, {**scraping, **(changes or {})})


def monitors(deployed: Deployed) -> dict[str, Mapping[str, Any]]:
    return {one.object_name: one.inputs for one in deployed if one.custom and one.kind == "ServiceMonitor"}


def endpoint(deployed: Deployed, name: str) -> Mapping[str, Any]:
    (found,) = monitors(deployed)[name]["spec"]["endpoints"]
    return dict(found)


def test_the_collector_makes_the_graph_and_nobody_asked_for_it(deploy: Deploy) -> None:
    deployed = deploy(config())
    assert deployed.exports["graph_source"] == "collector"
    exporters = deployed.get("OpenTelemetryCollector").inputs["spec"]["config"]["exporters"]
    assert exporters["prometheus/graph"]["endpoint"] == "0.0.0.0:8889"


def test_the_program_deploys_no_prometheus(deploy: Deploy) -> None:
    deployed = deploy(config())
    assert [one.urn for one in deployed if one.custom and one.object_name == "prometheus"] == []
    assert deployed.exports["prometheus_url"] == THEIRS


@pytest.mark.parametrize(
    ("changes", "names"),
    [
        ({}, {"otel-collector", "service-graph", "tempo"}),
        (STACK, {"otel-collector", "service-graph", "tempo-distributor", "tempo-query-frontend"}),
    ],
    ids=["monolithic", "stack"],
)
def test_each_hop_has_a_monitor_for_its_service_in_the_same_namespace(
    deploy: Deploy, changes: Mapping[str, Any], names: set[str]
) -> None:
    deployed = deploy(config(changes=changes))
    found = monitors(deployed)
    assert found.keys() == {f"mesh-tracing-{name}" for name in names}
    for name, monitor in found.items():
        service: Registration = deployed.get("Service", name)
        assert monitor["metadata"]["namespace"] == service.inputs["metadata"]["namespace"]
        selected = monitor["spec"]["selector"]["matchLabels"].items()
        assert [
            one.object_name
            for one in deployed
            if one.custom and one.kind == "Service" and selected <= one.inputs["metadata"]["labels"].items()
        ] == [name]
        assert endpoint(deployed, name)["port"] in {port["name"] for port in service.inputs["spec"]["ports"]}


def test_the_monitors_have_the_labels_and_the_interval_of_the_settings(deploy: Deploy) -> None:
    deployed = deploy(config({"monitorLabels": {"release": "monitoring"}}, {"prometheus.scrapeInterval": "20s"}))
    for name, monitor in monitors(deployed).items():
        assert monitor["metadata"]["labels"]["release"] == "monitoring"
        assert endpoint(deployed, name)["interval"] == "20s"


def test_a_part_with_tls_is_scraped_with_tls_whoever_signed_its_certificate(deploy: Deploy) -> None:
    deployed = deploy(config(changes=STACK))
    encrypted = endpoint(deployed, "mesh-tracing-tempo-distributor")
    assert (encrypted["scheme"], encrypted["tlsConfig"]) == ("https", {"insecureSkipVerify": True})
    assert "scheme" not in endpoint(deployed, "mesh-tracing-tempo-query-frontend")


def relabelled(rules: list[Mapping[str, Any]], labels: Mapping[str, str]) -> dict[str, str]:
    """What Prometheus makes of ``labels`` by the rules of a monitor, of the two actions that are used."""
    found = dict(labels)
    for rule in rules:
        if rule.get("action") == "labeldrop":
            found = {name: value for name, value in found.items() if not re.fullmatch(rule["regex"], name)}
            continue
        match = re.fullmatch(rule["regex"], ";".join(found.get(name, "") for name in rule["sourceLabels"]))
        if match:
            found[rule["targetLabel"]] = match.expand(re.sub(r"\$(\d)", r"\\\1", rule.get("replacement", "$1")))
    return found


@pytest.mark.parametrize(
    ("scraped", "kept"),
    [
        ({"le": "1.0"}, {"le": "1"}),
        ({"le": "0.25"}, {"le": "0.25"}),
        ({"le": "+Inf"}, {"le": "+Inf"}),
        ({"service": "mesh-tracing-service-graph", "exported_service": "ratings"}, {"service": "ratings"}),
        ({"service": "ratings"}, {"service": "ratings"}),
    ],
)
def test_the_graph_keeps_the_labels_that_tempo_writes(
    deploy: Deploy, scraped: Mapping[str, str], kept: Mapping[str, str]
) -> None:
    found = endpoint(deploy(config()), "mesh-tracing-service-graph")
    assert found["honorLabels"]
    assert relabelled(found["metricRelabelings"], scraped) == kept


@pytest.mark.parametrize("changes", [{}, STACK], ids=["monolithic", "stack"])
def test_every_object_fits_the_definition_of_its_kind(deploy: Deploy, changes: Mapping[str, Any]) -> None:
    assert schemas.faults(deploy(config(changes=changes))) == []


def test_who_is_scraped_is_told_nothing_of_a_login(deploy: Deploy) -> None:
    deployed = deploy(config({"auth": {"type": "bearer"}, "datasourceUid": "theirs"}))
    assert "env" not in deployed.get("OpenTelemetryCollector").inputs["spec"]
    assert "env" not in deployed.get("TempoMonolithic").inputs["spec"]


def test_verify_knows_that_nothing_is_written(deploy: Deploy) -> None:
    told = deploy(config()).exports["deployment"]["prometheus"]
    assert (told["query_url"], told["takes_writes"], told["deployment"]) == (THEIRS, False, None)
    assert deploy(minimal_config()).exports["deployment"]["prometheus"]["takes_writes"]


def test_a_cluster_without_an_operator_of_prometheus_is_refused() -> None:
    live = {**EMPTY_CLUSTER, "/apis": {"items": [{"metadata": {"name": "apps"}, "versions": []}]}}
    with pytest.raises(RefusedError, match=r"no kind ServiceMonitor of monitoring\.coreos\.com/v1"):
        run_program(config(), preview=True, live=live)


REFUSED: Mapping[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "an address to write to": ({"writeUrl": "http://prometheus:9090/api/v1/write"}, {}, "no writeUrl"),
    "Tempo as the source": ({}, {"graph.source": "tempo"}, "graph.source collector or auto"),
    "native histograms": ({}, {"tempo.histograms": "both"}, "classic"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_makes_no_sense_is_refused_in_one_line(name: str) -> None:
    existing, changes, words = REFUSED[name]
    (problem,) = problems_of(config(existing, changes))
    assert words in problem
