"""How many series the service graph may have, and where that is told."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest
import yaml
from recording import SENTINELS, Deployed, minimal_config, with_settings
from test_checks import plan_of

from settings import ConfigError

Deploy = Callable[..., Deployed]

COLLECTOR = {"graph.source": "collector"}
THEIRS = "http://prometheus.monitoring.svc.cluster.local:9090"


def of_tempo(deployed: Deployed, kind: str = "TempoMonolithic") -> Any:
    return deployed.get(kind).inputs["spec"]["extraConfig"]["tempo"]


def connector(deployed: Deployed) -> Any:
    config = deployed.get("OpenTelemetryCollector").inputs["spec"]["config"]
    return config["connectors"]["spanmetrics"]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        # A quarter of 2 GiB, and half of 1 GiB, of which each series takes 4 KiB.
        ({}, 131_000),
        ({"tempo.resources": {"limits": {"memory": "1Gi"}}}, 65_000),
        ({"prometheus.resources": {"limits": {"memory": "256Mi"}}}, 32_000),
        ({"prometheus.resources": {"limits": {"memory": "256Mi"}}, "graph.maxSeries": 5000}, 5000),
        # What somebody else's Prometheus can take is not known.
        ({"prometheus.existing": {"queryUrl": THEIRS}, "tempo.resources": {"limits": {"memory": "4Gi"}}}, 262_000),
        # Nobody limits the memory.
        ({"tempo.resources": {}}, 100_000),
        # A quarter of 512 MiB, of which a series takes 2 KiB.
        (COLLECTOR, 65_000),
        # Two pods share a Prometheus.
        ({**COLLECTOR, "tracing.collector": {"replicas": 2, "resources": {"limits": {"memory": "2Gi"}}}}, 65_000),
    ],
)
def test_there_may_be_as_many_as_fit_into_memory(changes: Mapping[str, Any], expected: int) -> None:
    assert plan_of(with_settings(minimal_config(), changes)).max_series == expected


def test_tempo_is_told_in_its_newer_overrides(deploy: Deploy) -> None:
    config = of_tempo(deploy(with_settings(minimal_config(), {"graph.maxSeries": 7000})))
    assert config["overrides"]["defaults"]["metrics_generator"]["max_active_series"] == 7000


def test_a_stack_of_tempo_is_told_in_the_older_ones_that_its_operator_writes(deploy: Deploy) -> None:
    changes = {"graph.maxSeries": 7000, "graph.source": "tempo", "tempo.mode": "stack", "tempo.storage.backend": "s3"}
    changes |= {"operators.source": "manifests", "operators.tempoVersion": "0.22.0"}
    config = of_tempo(deploy(with_settings({**minimal_config(), **SENTINELS}, changes)), "TempoStack")
    assert config["overrides"] == {"metrics_generator_max_active_series": 7000}


def test_a_limit_of_the_users_own_is_left_alone(deploy: Deploy) -> None:
    own = {"overrides": {"defaults": {"metrics_generator": {"max_active_series": 3}}}}
    config = of_tempo(deploy(with_settings(minimal_config(), {"tempo.extraConfig": own})))
    assert config["overrides"]["defaults"]["metrics_generator"]["max_active_series"] == 3


def test_the_collector_gives_a_service_a_tenth_in_combinations_of_twenty_series(deploy: Deploy) -> None:
    deployed = deploy(with_settings(minimal_config(), {**COLLECTOR, "graph.maxSeries": 10_000}))
    assert connector(deployed)["aggregation_cardinality_limit"] == 50


def test_what_it_serves_is_refused_from_twice_as_many_on(deploy: Deploy) -> None:
    deployed = deploy(with_settings(minimal_config(), {**COLLECTOR, "graph.maxSeries": 10_000}))
    scraped = yaml.safe_load(deployed.get("ConfigMap", "prometheus").inputs["data"]["prometheus.yml"])["scrape_configs"]
    assert {one["job_name"]: one.get("sample_limit") for one in scraped} == {
        "prometheus": None,
        "istiod": None,
        "otel-collector": None,
        "service-graph": 20_000,
        "tempo": None,
    }


def test_an_existing_prometheus_refuses_it_too(deploy: Deploy) -> None:
    changes = {"prometheus.existing": {"queryUrl": THEIRS, "method": "scrapeCollectors"}, "graph.maxSeries": 10_000}
    monitors = [one for one in deploy(with_settings(minimal_config(), changes)) if one.kind == "ServiceMonitor"]
    limits = {one.object_name: one.inputs["spec"].get("sampleLimit") for one in monitors}
    assert limits.pop("mesh-tracing-service-graph") == 20_000
    assert set(limits.values()) == {None}


def test_dimensions_are_labels_whoever_counts(deploy: Deploy) -> None:
    dimensions = {"graph.dimensions": ["http.route", "region"]}
    by_tempo = of_tempo(deploy(with_settings(minimal_config(), dimensions)))
    assert by_tempo["metrics_generator"]["processor"]["span_metrics"]["dimensions"] == ["http.route", "region"]
    by_collector = connector(deploy(with_settings(minimal_config(), {**COLLECTOR, **dimensions})))
    assert by_collector["dimensions"] == [{"name": "http.route"}, {"name": "region"}]


@pytest.mark.parametrize(
    "changes",
    [
        {"graph.dimensions": ["http.route"]},
        {"tempo.extraConfig": {"metrics_generator": {"processor": {"span_metrics": {"dimensions": ["http.route"]}}}}},
        {
            **COLLECTOR,
            "tracing.collector.extraConfig": {"connectors": {"spanmetrics": {"dimensions": [{"name": "http.route"}]}}},
        },
    ],
)
def test_an_alert_looks_at_each_dimension(changes: Mapping[str, Any]) -> None:
    watched = plan_of(with_settings(minimal_config(), changes)).watched
    assert watched is not None
    assert watched.labels == ["span_name", "http_route"]


@pytest.mark.parametrize(
    ("dimensions", "message"),
    [
        (["span.kind"], "dimensions whose labels are not there already: span_kind is"),
        (["a.b", "a_b"], "dimensions whose labels are not there already: a_b is"),
        (["a b"], "an attribute's name"),
        ([f"a{number}" for number in range(9)], "at most 8"),
    ],
)
def test_a_dimension_that_is_no_label_of_its_own_is_refused(dimensions: list[str], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        plan_of(with_settings(minimal_config(), {"graph.dimensions": dimensions}))
