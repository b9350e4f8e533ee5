"""What the operator of Tempo refuses, and what it does not."""

from collections.abc import Callable

import pytest

import lint

CheckYaml = Callable[..., list[lint.Finding]]
Codes = Callable[..., list[str]]


def stack(spec: str) -> str:
    head = "apiVersion: tempo.grafana.com/v1alpha1\nkind: TempoStack\nmetadata: {name: a, namespace: obs}\n"
    return f"{head}spec:\n  storage: {{secret: {{name: s, type: s3}}, tls: {{enabled: false}}}}\n  {spec}\n"


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("replicationFactor: 3", ["error N32"]),
        ("replicationFactor: 3\n  size: 1x.small", []),
        ("replicationFactor: 3\n  template: {ingester: {replicas: 2}}", []),
        ("replicationFactor: 1", []),
        ("replicationFactor: 0", []),
    ],
)
def test_more_than_half_of_the_copies_need_an_ingester(codes: Codes, spec: str, expected: list[str]) -> None:
    assert codes(stack(spec)) == expected


def test_static_tenants_without_a_gateway_need_nothing(codes: Codes) -> None:
    assert codes(stack("tenants: {mode: static, authentication: [{tenantName: a, tenantId: a}]}")) == []


def test_static_is_the_mode_that_is_not_written(codes: Codes) -> None:
    tenants = "tenants: {authentication: [{tenantName: a, tenantId: a}]}\n  template: {gateway: {enabled: true}}"
    assert codes(stack(tenants)) == ["error N32"]


def test_a_monolithic_tempo_without_tenants_has_no_gateway(codes: Codes) -> None:
    tempo = """
apiVersion: tempo.grafana.com/v1alpha1
kind: TempoMonolithic
metadata: {name: tempo}
spec: {multitenancy: {enabled: true, mode: static}}
"""
    assert codes(tempo) == []


def test_an_ingress_that_is_none_is_no_ingress(codes: Codes) -> None:
    assert codes(stack("template: {queryFrontend: {jaegerQuery: {ingress: {type: none}}}}")) == []


def test_an_older_operator_does_not_look_at_the_urls(codes: Codes) -> None:
    generator = stack("template: {metricsGenerator: {enabled: true}}")
    assert codes(generator, tempo_operator_version="0.21.0") == ["error N20"]
    assert codes(generator, tempo_operator_version="0.22.0") == ["error N32"]


@pytest.mark.parametrize(
    ("resources", "version", "expected"),
    [
        ("{limits: {memory: 1Gi}}", None, ["warning N32"]),
        ("{limits: {memory: 1Gi}}", "0.15.3", []),
        ("{limits: {memory: 1Gi}}", "0.16.0", ["warning N32"]),
        ("{limits: {memory: 1536Mi}}", None, ["warning N32"]),
        ("{limits: {memory: 2Gi}}", None, []),
        ("{requests: {memory: 1Gi}}", None, []),
    ],
)
def test_a_monolithic_tempo_needs_room_beside_its_ballast(
    codes: Codes, resources: str, version: str | None, expected: list[str]
) -> None:
    head = "apiVersion: tempo.grafana.com/v1alpha1\nkind: TempoMonolithic\nmetadata: {name: a, namespace: obs}\n"
    assert codes(f"{head}spec: {{resources: {resources}}}", tempo_operator_version=version) == expected


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("resources: {total: {limits: {memory: 64Gi}}}", ["advice N32"]),
        ("resources: {total: {limits: {memory: 80Gi}}}", []),
        (
            "resources: {total: {limits: {memory: 80Gi}}}\n  template: {gateway: {enabled: true}}\n"
            "  tenants: {mode: openshift, authentication: [{tenantName: a, tenantId: a}]}",
            ["advice N32"],
        ),
        ("size: 1x.small\n  resources: {total: {limits: {memory: 2Gi}}}", []),
        ("template: {queryFrontend: {component: {resources: {limits: {memory: 512Mi}}}}}", ["advice N32"]),
    ],
)
def test_for_a_query_frontend_room_beside_its_ballast_is_advice(
    check_yaml: CheckYaml, spec: str, expected: list[str]
) -> None:
    assert [f"{one.severity} {one.code}" for one in check_yaml(stack(spec))] == expected
