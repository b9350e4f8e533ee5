"""The rules for Prometheus: where they lie, and what is refused because nothing could watch it."""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

import pytest
import yaml
from recording import ROOT, Deployed, minimal_config, with_settings
from test_checks import plan_of

from objects.alerts.__main__ import page
from program.objectives import unwatched
from settings import ConfigError

Deploy = Callable[..., Deployed]

THEIRS = "http://prometheus.monitoring.svc.cluster.local:9090"
REVIEWS = {"name": "reviews", "service": "reviews.bookinfo"}


def existing(method: str, **settings: Any) -> dict[str, Any]:
    changes = {"prometheus.existing": {"queryUrl": THEIRS, "method": method}, **settings}
    return with_settings(minimal_config(), changes)


def with_objective(**objective: Any) -> dict[str, Any]:
    return {"alerts.objectives": [{**REVIEWS, **objective}]}


def ours(deployed: Deployed) -> Mapping[str, Any]:
    """The groups of rules of our Prometheus, by name."""
    data = deployed.get("ConfigMap", "prometheus").inputs["data"]
    (file,) = yaml.safe_load(data["prometheus.yml"])["rule_files"]
    return {group["name"]: group for group in yaml.safe_load(data[file])["groups"]}


def theirs(deployed: Deployed) -> dict[str, list[str]]:
    """The names of the groups of rules for an existing Prometheus, by namespace."""
    rules = [one.inputs for one in deployed if one.custom and one.kind == "PrometheusRule"]
    return {one["metadata"]["namespace"]: [group["name"] for group in one["spec"]["groups"]] for one in rules}


def expressions(deployed: Deployed) -> list[str]:
    rules = [one.inputs["spec"]["groups"] for one in deployed if one.custom and one.kind == "PrometheusRule"]
    return [rule["expr"] for groups in rules for group in groups for rule in group["rules"]]


def test_our_prometheus_reads_rules_on_the_whole_way(minimal: Deployed) -> None:
    assert list(ours(minimal)) == ["mesh-tracing-collector", "mesh-tracing-tempo", "mesh-tracing-graph"]
    assert theirs(minimal) == {}


def test_a_new_rule_starts_our_prometheus_anew(deploy: Deploy, minimal: Deployed) -> None:
    def annotations(deployed: Deployed) -> Any:
        return deployed.get("Deployment", "prometheus").inputs["spec"]["template"]["metadata"]["annotations"]

    changed = deploy(with_settings(minimal_config(), with_objective(availability=99.9)))
    assert annotations(changed) != annotations(minimal)


def test_alerts_can_be_switched_off(deploy: Deploy) -> None:
    deployed = deploy(with_settings(minimal_config(), {"alerts.enabled": False}))
    data = deployed.get("ConfigMap", "prometheus").inputs["data"]
    assert "rule_files" not in yaml.safe_load(data["prometheus.yml"])
    assert list(data) == ["prometheus.yml"]


@pytest.mark.parametrize(
    ("method", "enabled", "expected"),
    [
        ("scrape", None, {"istio-system": ["collector", "tempo", "graph"]}),
        # OpenShift's monitoring shows to rules the series of their own namespace only.
        ("scrapeCollectors", None, {"istio-system": ["collector", "graph"], "tracing-system": ["tempo"]}),
        ("scrape", False, {}),
        # It may be no operator's, and has the graph alone.
        ("remoteWrite", None, {}),
        ("remoteWrite", True, {"istio-system": ["graph"]}),
    ],
)
def test_an_existing_prometheus_gets_the_rules_by_its_operator(
    deploy: Deploy, method: str, enabled: bool | None, expected: dict[str, list[str]]
) -> None:
    changes = {} if enabled is None else {"alerts.enabled": enabled}
    found = theirs(deploy(existing(method, **changes)))
    assert found == {namespace: [f"mesh-tracing-{group}" for group in groups] for namespace, groups in expected.items()}


def test_its_operator_finds_the_rules_by_the_labels(deploy: Deploy) -> None:
    config = existing("scrape", **{"alerts.labels": {"role": "rules"}})
    config = with_settings(config, {"prometheus.existing.monitorLabels": {"release": "monitoring"}})
    labels = deploy(config).get("PrometheusRule", "mesh-tracing").inputs["metadata"]["labels"]
    assert (labels["role"], labels["release"]) == ("rules", "monitoring")


def test_what_rules_ask_an_existing_prometheus_for_is_federated(deploy: Deploy) -> None:
    deployed = deploy(existing("scrape"))
    (endpoint,) = deployed.get("ServiceMonitor", "prometheus").inputs["spec"]["endpoints"]
    federated = [re.search(r'__name__=~"([^"]+)"', match) for match in endpoint["params"]["match[]"]]
    patterns = [found[1] for found in federated if found is not None]
    asked = re.findall(r"\b(?:otelcol|tempo|prometheus|traces)_\w+|\bup\b", " ".join(expressions(deployed)))
    assert len(set(asked)) > 10
    assert {name for name in asked if not any(re.fullmatch(pattern, name) for pattern in patterns)} == set()


def test_jobs_are_called_as_who_scrapes_calls_them(deploy: Deploy) -> None:
    def jobs(method: str) -> set[str]:
        return set(re.findall(r'job=~?"([^"]+)"', " ".join(expressions(deploy(existing(method))))))

    assert jobs("scrape") == {"otel-collector", "tempo"}
    monitors = [one.object_name for one in deploy(existing("scrapeCollectors")) if one.kind == "ServiceMonitor"]
    # Its operator calls a job as the Service is called that the monitor selects, which is called as the monitor.
    assert jobs("scrapeCollectors") <= set(monitors)
    # Collectors make the graph there, and are asked for it by a job of its own.
    assert len(jobs("scrapeCollectors")) == 3


def test_windows_have_enough_samples_however_seldom_is_scraped(deploy: Deploy) -> None:
    seldom = deploy(with_settings(minimal_config(), {"prometheus.scrapeInterval": "1m"}))
    windows = re.findall(r"\[(\d+)s\]", json.dumps(ours(seldom)["mesh-tracing-collector"]))
    assert {int(window) for window in windows} == {240}


def test_each_alert_says_what_and_where_and_leads_to_its_part_of_the_page(deploy: Deploy) -> None:
    url = "https://wiki.example.com/alerts"
    config = with_settings(minimal_config(), {"alerts.runbooks": url, **with_objective(availability=99.9)})
    alerts = [rule for group in ours(deploy(config)).values() for rule in group["rules"] if "alert" in rule]
    headings = {line.removeprefix("## ").lower() for line in page().splitlines() if line.startswith("## ")}
    for alert in alerts:
        annotations = alert["annotations"]
        address, _, anchor = annotations["runbook_url"].partition("#")
        assert (address, anchor in headings) == (url, True)
        assert annotations["summary"].strip()
        assert "\n" not in annotations["summary"]


def test_the_page_of_alerts_is_that_of_the_rules() -> None:
    assert (ROOT / "docs" / "alerts.md").read_text() == page(), "run `make docs`"


def test_our_prometheus_asks_a_cert_manager_of_ours(deploy: Deploy) -> None:
    changes = {"operators.source": "manifests", "operators.certManager": "install"}
    deployed = deploy(with_settings(minimal_config(), changes))
    scraped = yaml.safe_load(deployed.get("ConfigMap", "prometheus").inputs["data"]["prometheus.yml"])["scrape_configs"]
    targets = {one["job_name"]: one.get("static_configs") for one in scraped}
    assert targets["cert-manager"] == [{"targets": ["cert-manager.cert-manager.svc.cluster.local:9402"]}]
    assert "mesh-tracing-certificates" in ours(deployed)
    egress = json.dumps(deployed.get("NetworkPolicy", "mesh-tracing-prometheus").inputs["spec"]["egress"])
    assert '"cert-manager"' in egress


REFUSED: Mapping[str, tuple[Mapping[str, Any], str]] = {
    "a window longer than samples are kept": (
        {**with_objective(availability=99.9, window="30d")},
        "alerts.objectives reviews: a window of 30d is longer than Prometheus keeps samples: make it 15d or shorter",
    ),
    "a threshold at which no bucket ends": (
        {**with_objective(latency={"threshold": "300ms", "percentage": 99})},
        "alerts.objectives reviews: no bucket ends at the threshold 300ms: take one of 2ms, 4ms",
    ),
    "a latency without buckets": (
        {
            **with_objective(latency={"threshold": "256ms", "percentage": 99}),
            "tempo.histograms": "native",
            "prometheus.nativeHistograms": True,
        },
        "alerts.objectives reviews: a latency is counted in buckets",
    ),
    "a promise that nobody watches": (
        {**with_objective(availability=99.9), "prometheus.existing": {"queryUrl": THEIRS}},
        "alerts.objectives: prometheus.existing is only written to",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_nothing_could_watch_is_refused(case: str) -> None:
    changes, message = REFUSED[case]
    (line,) = unwatched(plan_of(with_settings(minimal_config(), changes)))
    assert line.startswith(message)


def test_a_promise_that_can_be_watched_is_not_refused() -> None:
    objective = with_objective(availability=99.9, latency={"threshold": "256ms", "percentage": 99}, window="15d")
    assert list(unwatched(plan_of(with_settings(minimal_config(), objective)))) == []


@pytest.mark.parametrize(
    ("alerts", "message"),
    [
        ({"objectives": [{"name": "a", "availability": 99}]}, "either a service, or a client and a server"),
        (
            {"objectives": [{**REVIEWS, "client": "a.b", "availability": 99}]},
            "either a service, or a client and a server",
        ),
        ({"objectives": [REVIEWS]}, "availability, latency, or both"),
        ({"objectives": [{**REVIEWS, "availability": 99, "window": "1d"}]}, "a window of 3d or longer"),
        (
            {"objectives": [{**REVIEWS, "availability": 99}, {**REVIEWS, "availability": 98}]},
            "one objective for each name",
        ),
        ({"objectives": [{**REVIEWS, "availability": 99}], "enabled": False}, "alerts.enabled, or no objectives"),
    ],
)
def test_a_promise_that_says_nothing_is_refused(alerts: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        plan_of(with_settings(minimal_config(), {"alerts": alerts}))
