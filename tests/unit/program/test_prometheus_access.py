"""An existing Prometheus that wants a login, headers or an authority of its own: who asks it has them, and no other.

The fields are those of Prometheus' `remote_write`, Kiali's `external_services.prometheus` and Grafana's data sources.
"""

from collections.abc import Callable, Mapping
from typing import Any

import pytest
import schemas
import yaml
from recording import PROJECT, SENTINELS, Deployed, is_secret, minimal_config, with_settings
from test_settings import problems_of

Deploy = Callable[..., Deployed]

URL = "https://metrics.monitoring.svc.cluster.local:9090"
CA = "-----BEGIN CERTIFICATE-----\nMIIBszCCAVmgAwIBAgIU\n-----END CERTIFICATE-----\n"
CREDENTIALS = SENTINELS[f"{PROJECT}:prometheusCredentials"]
BEARER = {"type": "bearer"}
BASIC = {"type": "basic", "username": "mesh"}
EVERYWHERE = {"kiali.installer": "operator", "grafana.mode": "managed"}


def config(existing: Mapping[str, Any], changes: Mapping[str, Any] | None = None) -> dict[str, Any]:
    settings = {**EVERYWHERE, **(changes or {}), "prometheus.existing": {"queryUrl": URL, **existing}}
    return with_settings({**minimal_config(), **SENTINELS}, settings)


def tempo(deployed: Deployed) -> dict[str, Any]:
    (found,) = (r for r in deployed if r.custom and r.kind in {"TempoMonolithic", "TempoStack"})
    spec: dict[str, Any] = dict(found.inputs["spec"])
    return spec


def remote_write(deployed: Deployed) -> dict[str, Any]:
    (entry,) = tempo(deployed)["extraConfig"]["tempo"]["metrics_generator"]["storage"]["remote_write"]
    return {key: value for key, value in entry.items() if key not in {"url", "name", "send_exemplars"}}


def kiali(deployed: Deployed) -> dict[str, Any]:
    asked: dict[str, Any] = deployed.get("Kiali", "kiali").inputs["spec"]["external_services"]["prometheus"]
    return {key: value for key, value in asked.items() if key != "url"}


def data_source(deployed: Deployed) -> dict[str, Any]:
    file = yaml.safe_load(deployed.get("ConfigMap", "grafana-datasources-tracing").inputs["data"]["datasources.yaml"])
    (found,) = (one for one in file["datasources"] if one["type"] == "prometheus")
    return dict(found)


def secrets(deployed: Deployed) -> dict[str, dict[str, str]]:
    return {
        f"{r.inputs['metadata']['namespace']}/{r.object_name}": r.inputs["stringData"]
        for r in deployed
        if r.kind == "Secret" and "prometheus" in r.object_name
    }


@pytest.mark.parametrize("mode", ["monolithic", "stack"])
@pytest.mark.parametrize(
    ("auth", "fields"),
    [
        (BEARER, {"authorization": {"type": "Bearer", "credentials": "${PROMETHEUS_CREDENTIALS}"}}),
        (BASIC, {"basic_auth": {"username": "mesh", "password": "${PROMETHEUS_CREDENTIALS}"}}),
    ],
    ids=["bearer", "basic"],
)
def test_tempo_logs_in_with_a_variable_from_its_own_secret(
    deploy: Deploy, mode: str, auth: dict[str, Any], fields: dict[str, Any]
) -> None:
    changes = {"tempo.mode": mode, "tempo.storage.backend": "s3"}
    deployed = deploy(config({"auth": auth}, changes))
    assert remote_write(deployed) == fields
    source = {"secretKeyRef": {"name": "tempo-prometheus", "key": "credentials"}}
    assert tempo(deployed)["env"] == [{"name": "PROMETHEUS_CREDENTIALS", "valueFrom": source}]
    assert schemas.faults(deployed) == []


@pytest.mark.parametrize(
    ("auth", "fields"),
    [
        (BEARER, {"auth": {"type": "bearer", "token": "secret:kiali-prometheus:credentials"}}),
        (BASIC, {"auth": {"type": "basic", "username": "mesh", "password": "secret:kiali-prometheus:credentials"}}),
    ],
    ids=["bearer", "basic"],
)
def test_kiali_logs_in_with_a_key_of_its_own_secret(
    deploy: Deploy, auth: dict[str, Any], fields: dict[str, Any]
) -> None:
    assert kiali(deploy(config({"auth": auth}))) == fields


def test_our_grafana_logs_in_with_a_variable_that_is_expanded(deploy: Deploy) -> None:
    bearer, basic = (data_source(deploy(config({"auth": auth}))) for auth in (BEARER, BASIC))
    assert bearer["jsonData"]["httpHeaderName1"] == "Authorization"
    assert bearer["secureJsonData"] == {"httpHeaderValue1": "Bearer ${PROMETHEUS_CREDENTIALS}"}
    assert (basic["basicAuth"], basic["basicAuthUser"]) == (True, "mesh")
    assert basic["secureJsonData"] == {"basicAuthPassword": "${PROMETHEUS_CREDENTIALS}"}
    (container,) = (
        deploy(config({"auth": BASIC})).get("Deployment", "grafana").inputs["spec"]["template"]["spec"]["containers"]
    )
    source = {"secretKeyRef": {"name": "grafana-prometheus", "key": "credentials"}}
    assert {"name": "PROMETHEUS_CREDENTIALS", "valueFrom": source} in container["env"]


@pytest.mark.parametrize(
    ("auth", "path", "text"),
    [
        (BEARER, "secureJsonData.httpHeaderValue1", "Bearer ${credentials}"),
        (BASIC, "secureJsonData.basicAuthPassword", "${credentials}"),
    ],
    ids=["bearer", "basic"],
)
def test_the_operator_of_grafana_puts_the_key_of_a_secret_into_the_data_source(
    deploy: Deploy, auth: dict[str, Any], path: str, text: str
) -> None:
    deployed = deploy(config({"auth": auth}, {"grafana.mode": "operator"}))
    resource = deployed.get("GrafanaDatasource", "mesh-tracing-prometheus")
    spec = resource.inputs["spec"]
    assert spec["datasource"]["secureJsonData"] == {path.removeprefix("secureJsonData."): text}
    source = {"secretKeyRef": {"name": "grafana-prometheus", "key": "credentials"}}
    assert spec["valuesFrom"] == [{"targetPath": path, "valueFrom": source}]
    assert deployed.get("Secret", "grafana-prometheus").urn in deployed.before(resource.urn)
    assert "valuesFrom" not in deployed.get("GrafanaDatasource", "mesh-tracing-tempo").inputs["spec"]
    assert schemas.faults(deployed) == []


def test_each_of_them_has_a_secret_in_its_own_namespace_and_waits_for_it(deploy: Deploy) -> None:
    deployed = deploy(config({"auth": BEARER}, {"grafana.namespace": "grafana"}))
    assert secrets(deployed) == {
        "tracing-system/tempo-prometheus": {"credentials": CREDENTIALS},
        "istio-system/kiali-prometheus": {"credentials": CREDENTIALS},
        "grafana/grafana-prometheus": {"credentials": CREDENTIALS},
    }
    reads = {"tempo-prometheus": "TempoMonolithic", "kiali-prometheus": "Kiali", "grafana-prometheus": "Deployment"}
    for name, kind in reads.items():
        secret = deployed.get("Secret", name)
        assert is_secret(secret.raw_inputs["stringData"])
        reader = deployed.get(kind, name.removesuffix("-prometheus"))
        assert secret.urn in deployed.before(reader.urn)
    for resource in deployed:
        if resource.kind != "Secret":
            assert CREDENTIALS not in str(resource.raw_inputs), resource.urn


def test_a_new_token_restarts_exactly_those_who_read_it(deploy: Deploy) -> None:
    before = deploy(config({"auth": BEARER}))
    after = deploy({**config({"auth": BEARER}), f"{PROJECT}:prometheusCredentials": "another"})
    changed = {f"{r.kind} {r.object_name}" for r in after.children if r.inputs != before.resources[r.urn].inputs}
    assert changed == {
        "Secret tempo-prometheus",
        "Secret kiali-prometheus",
        "Secret grafana-prometheus",
        "TempoMonolithic tempo",
        "Kiali kiali",
        "Deployment grafana",
    }


def test_a_secret_that_exists_is_named_by_all_and_none_is_made(deploy: Deploy) -> None:
    deployed = deploy(config({"auth": {**BEARER, "secret": {"secret": "thanos", "key": "token"}}}))
    assert secrets(deployed) == {}
    reference = {"secretKeyRef": {"name": "thanos", "key": "token"}}
    assert tempo(deployed)["env"][0]["valueFrom"] == reference
    assert kiali(deployed)["auth"]["token"] == ":".join(["secret", "thanos", "token"])
    env = deployed.get("Deployment", "grafana").inputs["spec"]["template"]["spec"]["containers"][0]["env"]
    assert {"name": "PROMETHEUS_CREDENTIALS", "valueFrom": reference} in env


def test_a_tenant_s_header_is_sent_by_all(deploy: Deploy) -> None:
    deployed = deploy(config({"headers": {"X-Scope-OrgID": "mesh"}}))
    assert remote_write(deployed) == {"headers": {"X-Scope-OrgID": "mesh"}}
    assert kiali(deployed) == {"custom_headers": {"X-Scope-OrgID": "mesh"}}
    source = data_source(deployed)
    assert source["jsonData"]["httpHeaderName1"] == "X-Scope-OrgID"
    assert source["secureJsonData"] == {"httpHeaderValue1": "mesh"}
    assert secrets(deployed) == {}
    assert "env" not in tempo(deployed)


def test_a_private_authority_is_trusted_by_all(deploy: Deploy) -> None:
    deployed = deploy(config({"ca": CA}))
    assert remote_write(deployed) == {"tls_config": {"ca": CA}}
    source = data_source(deployed)
    assert source["jsonData"]["tlsAuthWithCACert"] is True
    assert source["secureJsonData"] == {"tlsCACert": CA}
    authorities = deployed.get("ConfigMap", "kiali-cabundle")
    assert authorities.inputs["data"] == {"additional-ca-bundle.pem": CA}
    assert authorities.inputs["metadata"]["namespace"] == "istio-system"
    assert authorities.urn in deployed.before(deployed.get("Kiali", "kiali").urn)


def test_a_data_source_that_grafana_has_needs_no_login_of_ours(deploy: Deploy) -> None:
    existing = {"auth": BEARER, "datasourceUid": "theirs"}
    deployed = deploy(config(existing, {"grafana.mode": "config-map"}))
    assert set(secrets(deployed)) == {"tracing-system/tempo-prometheus", "istio-system/kiali-prometheus"}


def test_without_any_of_it_nothing_is_different(deploy: Deploy) -> None:
    deployed = deploy(config({}))
    assert (remote_write(deployed), kiali(deployed), secrets(deployed)) == ({}, {}, {})
    assert "secureJsonData" not in data_source(deployed)


REFUSED: Mapping[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "no user": ({"auth": {"type": "basic"}}, {}, "a username for type basic"),
    "a user beside a token": ({"auth": {"type": "bearer", "username": "mesh"}}, {}, "none for type bearer"),
    "a login as a header": ({"headers": {"authorization": "Bearer x"}}, {}, "auth instead of a header"),
    "a header with a variable": ({"headers": {"X-Scope-OrgID": "${HOME}"}}, {}, "without `$`"),
    "an authority without https": ({"queryUrl": "http://prometheus:9090", "ca": CA}, {}, "ca only for"),
    "not an authority": ({"ca": "trust me"}, {}, "certificates in PEM"),
    "a ConfigMap": ({"auth": BEARER}, {"grafana.mode": "config-map"}, "prometheus.existing.datasourceUid"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_had_is_refused_in_one_line(name: str) -> None:
    existing, changes, words = REFUSED[name]
    (problem,) = problems_of(config(existing, changes))
    assert words in problem


def test_a_token_that_is_missing_comes_with_the_command_that_sets_it() -> None:
    without = {k: v for k, v in config({"auth": BEARER}).items() if k != f"{PROJECT}:prometheusCredentials"}
    (problem,) = problems_of(without)
    assert "pulumi config set --secret prometheusCredentials <value>" in problem
