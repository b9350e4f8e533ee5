"""Tempo and its generator are looked at however their operator lays them out, over connections with real TLS."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tempo_servers import (
    TENANT,
    TENANTS,
    Pods,
    api_with_tenants,
    encrypted_stack,
    laid_out,
    monolithic_with_gateway,
    monolithic_with_tenants,
    plain_monolithic,
    plain_stack,
    put_monolithic,
    stack_with_gateway,
)
from verify_world import DEPLOYMENT, PROMETHEUS_URL, assert_broken, deployment, journey, looks, part, restore, world

from verify.causes import Code
from verify.deployment import Deployment
from verify.findings import Because, Status
from verify.hops import tempo, tempo_generator

HOST = "tracing-system.svc.cluster.local"
GATEWAY_URL = f"https://tempo-tempo-gateway.{HOST}:8080/api/traces/v1/{TENANT}/tempo"
STACK = part(
    DEPLOYMENT.tempo,
    mode="stack",
    query_url=f"http://tempo-tempo-query-frontend.{HOST}:3200",
    distributor_service="tempo-tempo-distributor",
    generator_service="tempo-tempo-metrics-generator",
)
MONOLITHIC, MONOLITHIC_GATEWAY = DEPLOYMENT, deployment(tempo=part(DEPLOYMENT.tempo, query_url=GATEWAY_URL))
STACK_OPEN, STACK_GATEWAY = deployment(tempo=STACK), deployment(tempo=part(STACK, query_url=GATEWAY_URL))
Layout = Callable[[Pods], None]
LAYOUTS: list[tuple[Layout, Deployment]] = [
    (plain_monolithic, MONOLITHIC),
    (monolithic_with_gateway, MONOLITHIC_GATEWAY),
    (plain_stack, STACK_OPEN),
    (encrypted_stack, STACK_OPEN),
    (stack_with_gateway, STACK_GATEWAY),
]
every_layout = pytest.mark.parametrize(("layout", "meant"), LAYOUTS, ids=[layout.__name__ for layout, _ in LAYOUTS])


@every_layout
def test_the_spans_that_it_received_are_counted(tmp_path: Path, layout: Layout, meant: Deployment) -> None:
    with laid_out(tmp_path, layout) as cluster:
        assert sum(tempo.flow(tempo.look(world(meant, cluster))).values()) == 3


@every_layout
def test_it_is_searched(tmp_path: Path, layout: Layout, meant: Deployment) -> None:
    with laid_out(tmp_path, layout) as cluster:
        assert tempo.look(world(meant, cluster)).search == 2


@every_layout
def test_it_is_found_to_work(tmp_path: Path, layout: Layout, meant: Deployment) -> None:
    with laid_out(tmp_path, layout) as cluster:
        stack = world(meant, cluster)
        assert tempo.judge(stack, looks(tempo.look(stack))).status is Status.OK


@every_layout
def test_the_generators_configuration_is_read(tmp_path: Path, layout: Layout, meant: Deployment) -> None:
    with laid_out(tmp_path, layout) as cluster:
        config = tempo_generator.look(world(meant, cluster)).config
    assert config is not None
    assert [one["url"] for one in config["metrics_generator"]["storage"]["remote_write"]] == [
        f"{PROMETHEUS_URL}/api/v1/write"
    ]


@every_layout
def test_the_generator_is_found_to_work(tmp_path: Path, layout: Layout, meant: Deployment) -> None:
    with laid_out(tmp_path, layout) as cluster:
        stack = world(meant, cluster)
        assert tempo_generator.judge(stack, looks(tempo_generator.look(stack))).status is Status.OK


# A login.


@pytest.mark.parametrize("token", [None, "of-nobody", "of-a-reader-of-nothing"])
def test_a_gateway_that_refuses_the_user_does_not_make_tempo_broken(tmp_path: Path, token: str | None) -> None:
    with laid_out(tmp_path, stack_with_gateway, token) as cluster:
        stack = world(STACK_GATEWAY, cluster)
        finding = tempo.judge(stack, looks(tempo.look(stack)))
    assert (finding.status, finding.code) == (Status.UNKNOWN, Code.LOGIN_REFUSED)


def test_a_missing_span_is_found_where_searches_are_refused(tmp_path: Path) -> None:
    with laid_out(tmp_path, stack_with_gateway, None) as cluster:
        stack = world(STACK_GATEWAY, cluster)
        seen = tempo.look(stack)
    finding = tempo.judge(stack, looks(seen, seen, journey(stored_seconds=None, searchable_seconds=None)))
    assert (finding.code, finding.because) == (Code.NO_SPANS, Because.STARVED)


def test_the_token_goes_to_no_host_outside_the_cluster(tmp_path: Path) -> None:
    outside = deployment(tempo=part(STACK, query_url=f"https://tempo.example.com/api/traces/v1/{TENANT}/tempo"))
    with world(outside, Pods(tmp_path)).tempo() as client:
        assert "Authorization" not in client.headers


def test_the_token_goes_to_no_tempo_without_a_gateway(tmp_path: Path) -> None:
    with laid_out(tmp_path, plain_monolithic) as cluster, world(MONOLITHIC, cluster).tempo() as client:
        assert "Authorization" not in client.headers


# Tenants of which the stack knows nothing.


def judged(layout: Layout, meant: Deployment, folder: Path) -> tempo.Finding:
    with laid_out(folder, layout) as cluster:
        stack = world(meant, cluster)
        return tempo.judge(stack, looks(tempo.look(stack)))


def test_what_an_exporter_to_a_tempo_monolithic_with_a_gateway_needs_is_named(tmp_path: Path) -> None:
    finding = judged(monolithic_with_gateway, MONOLITHIC, tmp_path)
    assert_broken(
        finding, Because.FAULT, remedy="kubectl patch tempomonolithics tempo -n tracing-system --type merge --patch "
    )
    assert finding.code is Code.NO_TENANT
    assert (
        "tempo-tempo-gateway.tracing-system.svc:4317, TLS, a token and the header X-Scope-OrgID (mesh)" in finding.cause
    )
    assert "Service tracing-system/tempo-tempo does not exist" in finding.evidence
    assert finding.remedy.endswith("""'{"spec":{"multitenancy":null}}'""")


def test_what_an_exporter_to_a_tempo_stack_with_a_gateway_needs_is_named(tmp_path: Path) -> None:
    finding = judged(stack_with_gateway, STACK_OPEN, tmp_path)
    assert finding.code is Code.NO_TENANT
    assert (
        "tempo-tempo-gateway.tracing-system.svc:8090, TLS, a token and the header X-Scope-OrgID (mesh)" in finding.cause
    )
    assert finding.remedy.endswith("""'{"spec":{"tenants":null,"template":{"gateway":{"enabled":false}}}}'""")


CERTIFICATE = {"service.beta.openshift.io/serving-cert-secret-name": "tempo-tempo-gateway-serving-cert"}


@pytest.mark.parametrize(
    ("annotations", "needed"),
    [({}, "svc:4317, a token and the header"), (CERTIFICATE, "svc:4317, TLS, a token and the header")],
    ids=["elsewhere", "with a certificate of OpenShift's"],
)
def test_tls_is_named_where_the_gateway_has_a_certificate(
    tmp_path: Path, annotations: dict[str, str], needed: str
) -> None:
    def with_static_tenants(cluster: Pods) -> None:
        monolithic_with_gateway(cluster)
        put_monolithic(cluster, multitenancy={"enabled": True, **TENANTS, "mode": "static"})
        gateway = cluster.api.objects["/api/v1/namespaces/tracing-system/services/tempo-tempo-gateway"]
        gateway["metadata"]["annotations"] = annotations

    assert needed in judged(with_static_tenants, MONOLITHIC, tmp_path).cause


def test_without_a_gateway_only_the_header_is_missing(tmp_path: Path) -> None:
    finding = judged(monolithic_with_tenants, MONOLITHIC, tmp_path)
    assert (finding.status, finding.code) == (Status.BROKEN, Code.NO_TENANT)
    assert "an exporter to it needs the header X-Scope-OrgID (the tenant)" in finding.cause
    assert "TraceQL: it answered 401 no org id" in finding.evidence
    assert finding.remedy.endswith("""'{"spec":{"multitenancy":null}}'""")


OWN = {"tempo": {"multitenancy_enabled": True}}
SET_FALSE = "pulumi config set --path tempo.extraConfig.multitenancy_enabled false --stack local && " + restore()


@pytest.mark.parametrize(
    ("spec", "remedy"),
    [
        ({"extraConfig": OWN}, SET_FALSE),
        (
            {"extraConfig": OWN, "multitenancy": {"enabled": True}},
            "kubectl patch tempomonolithics tempo -n tracing-system --type merge --patch "
            f"""'{{"spec":{{"multitenancy":null}}}}' && {SET_FALSE}""",
        ),
        # Tempo wants to know a tenant, and its resource does not say why.
        ({}, "kubectl describe tempomonolithics tempo -n tracing-system"),
    ],
    ids=["configuration", "both", "neither"],
)
def test_tenants_are_taken_away_where_they_were_switched_on(tmp_path: Path, spec: Any, remedy: str) -> None:
    def with_tenants(cluster: Pods) -> None:
        put_monolithic(cluster, "tempo-tempo", **spec)
        cluster.listen("tempo-tempo-0", 3200, "none", api_with_tenants)

    finding = judged(with_tenants, MONOLITHIC, tmp_path)
    assert_broken(finding, Because.FAULT, remedy=remedy)
    assert (finding.code, finding.remedy) == (Code.NO_TENANT, remedy)
