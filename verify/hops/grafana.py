"""Grafana: its data sources exist, and the one for traces takes the service graph from the right Prometheus."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx
import yaml

from verify.access.cluster import Object, condition
from verify.causes import Code
from verify.findings import Finding, fault, ok, unknown
from verify.programs import answers
from verify.programs.answers import NoAnswer
from verify.world import Looks, World

NAME = "grafana"
TITLE = "Grafana data sources"

# The token of a service account in a Grafana that the program deployed; never printed.
TOKEN_VARIABLE = "GRAFANA_TOKEN"  # noqa: S105  the name of a variable


@dataclass(frozen=True)
class Seen:
    """``datasources`` are as provisioned; ``health`` is Grafana's own verdict on each by uid, if it was asked."""

    place: str
    datasources: Sequence[Mapping[str, Any]]
    resources: list[Object]
    health: Mapping[str, str]
    problem: NoAnswer | None


def look(world: World) -> Seen:
    grafana, cluster = world.deployment.grafana, world.cluster
    health, problem = _ask_grafana(world)
    if grafana.config_map is None:
        listed = f"/apis/grafana.integreatly.org/v1beta1/namespaces/{grafana.namespace}/grafanadatasources"
        resources = [one for one in cluster.items(listed) if one["metadata"]["name"] in grafana.resources]
        datasources = [{**one["spec"].get("datasource", {}), "uid": one["spec"].get("uid")} for one in resources]
        return Seen(f"GrafanaDatasources in {grafana.namespace}", datasources, resources, health, problem)
    found = cluster.read(f"/api/v1/namespaces/{grafana.namespace}/configmaps/{grafana.config_map}")
    place = f"ConfigMap {grafana.namespace}/{grafana.config_map}"
    return Seen(place, provisioned(found), [], health, problem)


def judge(world: World, looks: Looks[Seen]) -> Finding:
    after = looks.after
    grafana = world.deployment.grafana
    by_uid = {one.get("uid"): one for one in after.datasources}
    if not set(grafana.datasource_uids) <= by_uid.keys():
        return fault(
            NAME,
            f"{after.place} has the data sources {', '.join(map(str, by_uid)) or 'none'}",
            f"expected {' and '.join(grafana.datasource_uids)}",
            code=Code.DATASOURCE_MISSING,
            cause="a data source is missing, or has another uid than the one that the other refers to",
            remedy=world.restore,
        )
    # Where Grafana has the data source already, or there is none, it links as its owner wants.
    links = grafana.tempo_uid in grafana.datasource_uids
    linked = ((by_uid.get(grafana.tempo_uid, {}).get("jsonData") or {}).get("serviceMap") or {}).get("datasourceUid")
    if links and linked != grafana.prometheus_uid:
        return fault(
            NAME,
            f"{after.place}: serviceMap.datasourceUid of {grafana.tempo_uid} is {linked!r}",
            f"Prometheus' uid is {grafana.prometheus_uid!r}",
            code=Code.SERVICE_MAP_ELSEWHERE,
            cause="the Service Graph tab asks another Prometheus than the one that has the graph",
            remedy=world.restore,
        )
    urls = {
        grafana.tempo_uid: world.deployment.tempo.query_url,
        grafana.prometheus_uid: world.deployment.prometheus.query_url,
    }
    for uid in grafana.datasource_uids:
        url, found = urls[uid], by_uid[uid].get("url")
        if found != url:
            return fault(
                NAME,
                f"{after.place}: {uid} is at {found}",
                f"expected {url}",
                code=Code.DATASOURCE_ELSEWHERE,
                cause="the data source asks another address than the deployment's",
                remedy=world.restore,
            )
    for resource in after.resources:
        state = condition(resource, "DatasourceSynchronized") or {}
        if state.get("status") != "True":
            return fault(
                NAME,
                f"GrafanaDatasource {resource['metadata']['name']}: {state.get('message', 'not synchronized')}",
                code=Code.DATASOURCE_NOT_SYNCED,
                cause="grafana-operator has not added it to any Grafana",
                remedy=f"kubectl describe grafanadatasource {resource['metadata']['name']} -n {grafana.namespace}",
            )
    return _by_health(world, after)


def provisioned(config_map: Object | None) -> list[Mapping[str, Any]]:
    """The data sources of every provisioning file in a ConfigMap."""
    found: list[Mapping[str, Any]] = []
    for text in ((config_map or {}).get("data") or {}).values():
        try:
            content = yaml.safe_load(text)
        except yaml.YAMLError:
            continue
        if isinstance(content, dict):
            found += [one for one in content.get("datasources") or [] if isinstance(one, dict)]
    return found


def _by_health(world: World, after: Seen) -> Finding:
    grafana = world.deployment.grafana
    evidence = f"{after.place}: serviceMap of {grafana.tempo_uid} leads to {grafana.prometheus_uid}"
    if after.problem is not None and after.problem.wants_login:
        return unknown(
            NAME,
            evidence,
            f"{grafana.url}: {after.problem.said}",
            code=Code.LOGIN_REFUSED,
            cause=f"Grafana does not accept the token in {TOKEN_VARIABLE}",
        )
    if after.problem is not None:
        return fault(
            NAME,
            evidence,
            f"{grafana.url}: {after.problem.said}",
            code=Code.GRAFANA_DOWN,
            cause="Grafana does not answer",
            remedy=f"kubectl rollout restart deployment/grafana -n {grafana.namespace}",
        )
    unhealthy = {uid: words for uid, words in after.health.items() if words != "OK"}
    if unhealthy:
        return fault(
            NAME,
            evidence,
            *(f"{uid}: {words}" for uid, words in unhealthy.items()),
            code=Code.DATASOURCE_UNHEALTHY,
            cause="Grafana cannot reach what the data source names",
            remedy=f"kubectl logs -n {grafana.namespace} deployment/grafana --tail=50",
        )
    asked = "Grafana says both are healthy" if after.health else ""
    if grafana.url and not after.health:
        asked = f"Grafana answers; set {TOKEN_VARIABLE} to have it check their health"
    return ok(NAME, evidence, *filter(None, [asked]))


def _ask_grafana(world: World) -> tuple[dict[str, str], NoAnswer | None]:
    grafana = world.deployment.grafana
    if grafana.url is None:
        return {}, None
    token = os.environ.get(TOKEN_VARIABLE)
    health: dict[str, str] = {}
    try:
        with world.cluster.client(grafana.url) as client:
            client.get("/api/health").raise_for_status()
            for uid in grafana.datasource_uids if token else ():
                answer = client.get(f"/api/datasources/uid/{uid}/health", headers={"Authorization": f"Bearer {token}"})
                # For a data source that is ill too it answers with a reason, and an error of another kind.
                if answer.status_code in {httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN}:
                    answer.raise_for_status()
                said = answer.json()
                health[uid] = "OK" if said.get("status") == "OK" else str(said.get("message", "no reason given"))
    except answers.ERRORS as error:
        return {}, NoAnswer.of(error)
    return health, None
