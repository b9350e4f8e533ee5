"""Grafana's links between spans and access logs, where a Loki is named."""

import re
from collections.abc import Callable
from typing import Any

import pulumi
import pytest
from recording import Deployed, full_config, minimal_config, with_setting, with_settings
from test_checks import plan_of
from test_settings import problems_of
from test_tracing import datasources

import lint
from program import checks
from program.inventory import every_object

Deploy = Callable[..., Deployed]

URL = {"grafana.loki": {"url": "http://loki.logging.svc.cluster.local:3100"}}
THEIRS = {"grafana.loki": {"uid": "logs", "namespaceLabel": "kubernetes_namespace_name"}}
# As Envoy writes it.
LINE = '{"duration":7,"trace_id":"4bf92f3577b34da6a3ce929d0e0e4736","method":"GET"}'


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    lines: list[str] = []
    monkeypatch.setattr(pulumi.log, "info", lambda line, *_, **__: lines.append(line))
    return lines


def test_without_one_there_is_no_link(minimal: Deployed) -> None:
    found = datasources(minimal)
    assert set(found) == {"Mesh Tempo", "Mesh Prometheus"}
    assert "tracesToLogsV2" not in found["Mesh Tempo"]["jsonData"]


def test_both_data_sources_lead_to_each_other(deploy: Deploy) -> None:
    found = datasources(deploy(with_settings(minimal_config(), URL)))
    tempo, loki = found["Mesh Tempo"], found["Mesh Loki"]
    (field,) = loki["jsonData"]["derivedFields"]
    assert (loki["type"], loki["url"]) == ("loki", "http://loki.logging.svc.cluster.local:3100")
    assert tempo["jsonData"]["tracesToLogsV2"]["datasourceUid"] == loki["uid"]
    assert field["datasourceUid"] == tempo["uid"]


def test_a_line_of_an_access_log_leads_to_its_trace(deploy: Deploy) -> None:
    (field,) = datasources(deploy(with_settings(minimal_config(), URL)))["Mesh Loki"]["jsonData"]["derivedFields"]
    match = re.search(field["matcherRegex"], LINE)
    assert match
    assert match[1] == "4bf92f3577b34da6a3ce929d0e0e4736"
    # In a provisioning file Grafana expands what follows a single one.
    assert field["url"] == "$${__value.raw}"


def test_a_span_leads_to_the_lines_of_its_trace_in_its_namespace(deploy: Deploy) -> None:
    link = datasources(deploy(with_settings(minimal_config(), THEIRS)))["Mesh Tempo"]["jsonData"]["tracesToLogsV2"]
    assert link["datasourceUid"] == "logs"
    assert link["filterByTraceID"] is True
    assert link["tags"] == [{"key": "istio.namespace", "value": "kubernetes_namespace_name"}]


def test_of_a_data_source_of_others_the_way_back_is_told(deploy: Deploy, told: list[str]) -> None:
    found = datasources(deploy(with_setting(minimal_config(), "grafana.loki", {"uid": "logs-of-others"})))
    assert set(found) == {"Mesh Tempo", "Mesh Prometheus"}
    (line,) = (line for line in told if "derivedFields" in line)
    assert '"datasourceUid": "mesh-tracing-tempo"' in line
    assert "\n" not in line


@pytest.mark.parametrize("changes", [URL, THEIRS], ids=["ours", "of others"])
def test_lint_has_nothing_against_the_links(changes: dict[str, Any]) -> None:
    plan = plan_of(with_settings(full_config(), changes))
    found = lint.check(checks.without_secrets(every_object(plan)), checks.facts(plan))
    assert [str(one) for one in found if one.code in {"N15", "N33"}] == []


def test_grafana_s_operator_gets_a_third_data_source_in_which_nothing_is_doubled(deploy: Deploy) -> None:
    deployed = deploy(with_settings(full_config(), {**URL, "grafana.mode": "operator"}))
    spec = deployed.get("GrafanaDatasource", "mesh-tracing-loki").inputs["spec"]
    assert spec["uid"] == "mesh-tracing-loki"
    assert spec["datasource"]["jsonData"]["derivedFields"][0]["url"] == "${__value.raw}"


def test_a_grafana_of_ours_starts_anew_for_another_loki(deploy: Deploy) -> None:
    def content(changes: dict[str, Any]) -> str:
        config = with_settings(full_config(), {"grafana.mode": "managed", **changes})
        pod = deploy(config).get("Deployment", "grafana").inputs["spec"]["template"]
        return str(pod["metadata"]["annotations"]["checksum/content"])

    assert content({}) != content(URL)


@pytest.mark.parametrize(
    ("loki", "said"),
    [
        ({}, "url, or the uid"),
        ({"namespaceLabel": "namespace"}, "url, or the uid"),
        ({"uid": "mesh-tracing-tempo"}, "another uid than tempo and prometheus"),
        ({"uid": "logs", "namespaceLabel": "k8s.namespace"}, "grafana.loki.namespaceLabel"),
        ({"url": "http://user:password@loki"}, "grafana.loki.url"),
    ],
)
def test_what_leads_nowhere_is_refused(loki: dict[str, str], said: str) -> None:
    (problem,) = problems_of(with_setting(minimal_config(), "grafana.loki", loki))
    assert said in problem
