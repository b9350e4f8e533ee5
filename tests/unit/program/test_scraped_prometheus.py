"""An existing Prometheus that takes no writes scrapes ours: Tempo writes to ours, who looks asks the existing one."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest
import yaml
from recording import EMPTY_CLUSTER, SENTINELS, Deployed, minimal_config, run_program, with_settings
from test_settings import problems_of

from program.checks import RefusedError

Deploy = Callable[..., Deployed]

THEIRS = "https://thanos-querier.openshift-monitoring.svc.cluster.local:9091"
OURS = "http://prometheus.istio-system.svc.cluster.local:9090"
EVERYTHING = {"kiali.installer": "operator", "grafana.mode": "managed"}


def config(existing: Mapping[str, Any] | None = None, changes: Mapping[str, Any] | None = None) -> dict[str, Any]:
    scraping = {"prometheus.existing": {"method": "scrape", "queryUrl": THEIRS, **(existing or {})}}
    return with_settings({**minimal_config(), **SENTINELS}, {**EVERYTHING, **scraping, **(changes or {})})


def test_tempo_writes_to_ours(deploy: Deploy) -> None:
    deployed = deploy(config())
    tempo = deployed.get("TempoMonolithic")
    (entry,) = tempo.inputs["spec"]["extraConfig"]["tempo"]["metrics_generator"]["storage"]["remote_write"]
    assert entry["url"] == f"{OURS}/api/v1/write"
    assert deployed.get("Deployment", "prometheus").urn in deployed.before(tempo.urn)


def test_who_looks_asks_the_existing_one(deploy: Deploy) -> None:
    deployed = deploy(config())
    file = yaml.safe_load(deployed.get("ConfigMap", "grafana-datasources-tracing").inputs["data"]["datasources.yaml"])
    assert {one["url"] for one in file["datasources"] if one["type"] == "prometheus"} == {THEIRS}
    assert deployed.get("Kiali", "kiali").inputs["spec"]["external_services"]["prometheus"] == {"url": THEIRS}
    assert deployed.exports["prometheus_url"] == THEIRS


def test_ours_is_scraped_for_what_graph_and_dashboard_show(deploy: Deploy) -> None:
    deployed = deploy(config({"monitorLabels": {"release": "monitoring"}}, {"prometheus.scrapeInterval": "20s"}))
    monitor = deployed.get("ServiceMonitor", "prometheus").inputs
    assert monitor["apiVersion"] == "monitoring.coreos.com/v1"
    assert monitor["metadata"]["namespace"] == "istio-system"
    assert monitor["metadata"]["labels"]["release"] == "monitoring"
    service = deployed.get("Service", "prometheus").inputs
    assert monitor["spec"]["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()
    (endpoint,) = monitor["spec"]["endpoints"]
    assert endpoint["port"] in {port["name"] for port in service["spec"]["ports"]}
    assert (endpoint["path"], endpoint["interval"]) == ("/federate", "20s")
    shown = json.dumps(deployed.get("ConfigMap", "grafana-dashboard-tracing").inputs["data"])
    for prefix in ("traces_", "otelcol_", "tempo_metrics_generator_", "tempo_distributor_"):
        assert prefix in shown
        assert any(prefix.split("_")[0] in match for match in endpoint["params"]["match[]"])


@pytest.mark.parametrize("label", ["service", "job"])
def test_a_label_that_openshift_renames_gets_its_name_back(deploy: Deploy, label: str) -> None:
    """Its monitoring honours no labels, and its operator labels each target with its Service's name and its job."""
    (endpoint,) = deploy(config()).get("ServiceMonitor", "prometheus").inputs["spec"]["endpoints"]
    renamed, dropped = (rule for rule in endpoint["metricRelabelings"] if f"exported_{label}" in str(rule))
    assert (renamed["sourceLabels"], renamed["targetLabel"]) == ([f"exported_{label}"], label)
    assert (dropped["action"], dropped["regex"]) == ("labeldrop", f"exported_{label}")


def test_without_scraping_there_is_no_monitor(deploy: Deploy) -> None:
    assert not [r for r in deploy(minimal_config()) if r.kind == "ServiceMonitor"]


def test_tempo_knows_no_login_of_the_one_that_it_does_not_write_to(deploy: Deploy) -> None:
    deployed = deploy(config({"auth": {"type": "bearer"}}, {"operators.tempoVersion": "0.20.0"}))
    assert "env" not in deployed.get("TempoMonolithic").inputs["spec"]
    assert {r.object_name for r in deployed if r.kind == "Secret"} == {
        "kiali-prometheus",
        "grafana-prometheus",
        "grafana-admin",
    }


def test_verify_knows_both(deploy: Deploy) -> None:
    told = deploy(config()).exports["deployment"]["prometheus"]
    assert (told["query_url"], told["write_url"], told["scraped_url"]) == (THEIRS, f"{OURS}/api/v1/write", OURS)
    assert (told["namespace"], told["deployment"]) == ("istio-system", "prometheus")
    assert deploy(minimal_config()).exports["deployment"]["prometheus"]["scraped_url"] is None


def test_ours_may_have_a_volume_that_is_protected(deploy: Deploy) -> None:
    deployed = deploy(config(None, {"prometheus.storage": {"size": "5Gi"}, "protectData": True}))
    assert deployed.get("PersistentVolumeClaim", "prometheus").protect


def test_a_cluster_without_an_operator_of_prometheus_is_refused() -> None:
    live = {**EMPTY_CLUSTER, "/apis": {"items": [{"metadata": {"name": "apps"}, "versions": []}]}}
    with pytest.raises(RefusedError, match=r"no kind ServiceMonitor of monitoring\.coreos\.com/v1"):
        run_program(config(), preview=True, live=live)


REFUSED: Mapping[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "an address to write to": ({"writeUrl": "http://prometheus:9090/api/v1/write"}, {}, "no writeUrl"),
    "native histograms": ({}, {"prometheus.nativeHistograms": True, "tempo.histograms": "both"}, "classic"),
    "labels of no monitor": ({"method": "remoteWrite", "monitorLabels": {"a": "b"}}, {}, "monitorLabels only"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_makes_no_sense_is_refused_in_one_line(name: str) -> None:
    existing, changes, words = REFUSED[name]
    (problem,) = problems_of(config(existing, changes))
    assert words in problem
