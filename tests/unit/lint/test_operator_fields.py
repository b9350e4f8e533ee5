"""Fields and values of an IstioOperator that no release has, or that stand in another place."""

import pytest
from conftest import CheckYaml

HEAD = "{{apiVersion: install.istio.io/v1alpha1, kind: IstioOperator, metadata: {{name: a}}, spec: {{{spec}}}{more}}}"


def said(check_yaml: CheckYaml, spec: str, more: str = "") -> list[tuple[str, str]]:
    found = check_yaml(HEAD.format(spec=spec, more=more))
    return [(one.field.partition(": ")[2], one.remedy) for one in found if "no such field" in one.why]


def test_a_field_beside_spec_is_moved_below_it(check_yaml: CheckYaml) -> None:
    assert said(check_yaml, "profile: minimal", ", values: {}") == [("values", "move it below spec, as spec.values")]


@pytest.mark.parametrize(
    ("spec", "field"),
    [
        ("components: {pilot: {k8s: {envs: []}}}", "spec.components.pilot.k8s.envs"),
        ("components: {pilot: {env: []}}", "spec.components.pilot.env"),
        ("components: {ingressGateways: [{name: a, labels: {}}]}", "spec.components.ingressGateways[0].labels"),
    ],
)
def test_a_component_has_the_fields_of_istio(check_yaml: CheckYaml, spec: str, field: str) -> None:
    assert [place for place, _ in said(check_yaml, spec)] == [field]


@pytest.mark.parametrize(
    "spec",
    [
        "components: {ingressGateways: [{name: a, label: {any: thing}, k8s: {hpa_spec: {}, volumes: []}}]}",
        "values: {gateways: {istio-ingressgateway: {autoscaleEnabled: false}}}",
        "values: {pilot: {env: {ANY: thing}, resources: {any: thing}}, ztunnel: {any: thing}}",
        "unvalidatedValues: {any: thing}",
        "meshConfig: {extensionProviders: []}",
    ],
)
def test_what_a_release_has_is_no_fault(check_yaml: CheckYaml, spec: str) -> None:
    assert said(check_yaml, spec) == []


@pytest.mark.parametrize(
    ("value", "remedy"),
    [
        ("global: {enableTracing: true}", "move it to spec.meshConfig.enableTracing"),
        ("global: {defaultConfig: {concurrency: 2}}", "move it to spec.meshConfig.defaultConfig"),
        (
            "global: {proxy: {holdApplicationUntilProxyStarted: true}}",
            "write holdApplicationUntilProxyStarts",
        ),
        ("pilot: {k8s: {}}", "move it to spec.components.pilot.k8s"),
        ("global: {mtls: {enabled: true}}", "write a PeerAuthentication"),
    ],
)
def test_a_value_that_no_release_has_gets_its_place(check_yaml: CheckYaml, value: str, remedy: str) -> None:
    assert [instead for _, instead in said(check_yaml, f"values: {{{value}}}")] == [remedy]


@pytest.mark.parametrize(("tag", "count"), [("1.20.3", 0), ("1.24.0", 1), ("1.5.4", 0), ("latest", 1)])
def test_a_value_counts_for_the_release_that_is_named(check_yaml: CheckYaml, tag: str, count: int) -> None:
    value = "values: {pilot: {enableProtocolSniffingForInbound: true}}"
    assert len(said(check_yaml, f"tag: {tag}, {value}")) == count
