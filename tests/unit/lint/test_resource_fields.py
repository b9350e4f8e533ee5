"""Fields of resources that their operators do not know."""

import pytest
from conftest import CheckYaml

HEAD = "{{apiVersion: {api}, kind: {kind}, metadata: {{name: a, namespace: b}}, spec: {spec}}}"
TEMPO = "tempo.grafana.com/v1alpha1"
COLLECTOR = "opentelemetry.io/"


@pytest.mark.parametrize(
    ("api", "kind", "spec", "field"),
    [
        (TEMPO, "TempoStack", "{storage: {trace: {backend: s3}}}", "spec.storage.trace"),
        (TEMPO, "TempoStack", "{template: {querier: {component: {replicas: 1}}}}", "spec.template.querier.component"),
        (TEMPO, "TempoMonolithic", "{storage: {traces: {s3: {name: a}}}}", "spec.storage.traces.s3.name"),
        (COLLECTOR + "v1beta1", "OpenTelemetryCollector", "{service: {}}", "spec.service"),
        (COLLECTOR + "v1alpha1", "OpenTelemetryCollector", "{ports: [{name: a, prt: 1}]}", "spec.ports[0].prt"),
    ],
)
def test_a_field_that_no_release_has_is_found(
    check_yaml: CheckYaml, api: str, kind: str, spec: str, field: str
) -> None:
    assert [
        one.field for one in check_yaml(HEAD.format(api=api, kind=kind, spec=spec)) if "no such field" in one.why
    ] == [f"{kind} b/a: {field}"]


@pytest.mark.parametrize(
    ("api", "kind", "spec"),
    [
        (TEMPO, "TempoStack", "{template: {metricsGenerator: {enabled: false}}, resources: {total: {any: 1}}}"),
        (TEMPO, "TempoStack", "{extraConfig: {tempo: {storage: {trace: {}}}}}"),
        (TEMPO, "TempoStack", "[]"),
        (COLLECTOR + "v1beta1", "OpenTelemetryCollector", "{config: {receivers: {any: {}}}, env: [{name: a, any: b}]}"),
        (COLLECTOR + "v1beta1", "OpenTelemetryCollector", "{podAnnotations: {any: thing}}"),
        (COLLECTOR + "v2", "OpenTelemetryCollector", "{any: thing}"),
        ("jaegertracing.io/v1", "Jaeger", "{any: thing}"),
        ("networking.istio.io/v1", "DestinationRule", "{trafficPolicy: {any: thing}}"),
        ("networking.istio.io/v1", "Sidecar", "{ingress: [{any: thing}]}"),
    ],
)
def test_what_a_release_has_or_nobody_knows_is_no_fault(check_yaml: CheckYaml, api: str, kind: str, spec: str) -> None:
    found = check_yaml(HEAD.format(api=api, kind=kind, spec=spec))
    assert [one.field for one in found if "no such field" in one.why] == []


def test_the_nearest_field_is_named(check_yaml: CheckYaml) -> None:
    (found,) = check_yaml(HEAD.format(api=TEMPO, kind="TempoStack", spec="{storagesize: 1Gi}"))
    assert found.remedy == "write storageSize"


@pytest.mark.parametrize(
    ("api", "kind", "spec", "field"),
    [
        (TEMPO, "TempoStack", "{replicationFactor: '1'}", "spec.replicationFactor"),
        ("sailoperator.io/v1", "Istio", "{values: {pilot: {env: {PILOT_A: 1}}}}", "spec.values.pilot.env.PILOT_A"),
        ("sailoperator.io/v1", "Istio", "{values: {global: {tag: 1.31}}}", "spec.values.global.tag"),
        ("networking.istio.io/v1", "Sidecar", "{egress: {hosts: ['./*']}}", "spec.egress"),
        ("telemetry.istio.io/v1", "Telemetry", "{tracing: {providers: []}}", "spec.tracing"),
        ("maistra.io/v2", "ServiceMeshControlPlane", "{tracing: {sampling: high}}", "spec.tracing.sampling"),
    ],
)
def test_a_value_of_another_type_is_refused(check_yaml: CheckYaml, api: str, kind: str, spec: str, field: str) -> None:
    found = check_yaml(HEAD.format(api=api, kind=kind, spec=spec))
    assert [one.field for one in found if "refuses the" in one.why] == [f"{kind} b/a: {field}"]


@pytest.mark.parametrize(
    ("api", "kind", "spec"),
    [
        (TEMPO, "TempoStack", "{replicationFactor: 1.0, storageSize: 1Gi}"),
        (TEMPO, "TempoStack", "{replicationFactor: '${COPIES}'}"),
        ("sailoperator.io/v1", "Istio", "{version: v9.99.0, values: {global: {tag: null}}}"),
        ("networking.istio.io/v1", "Sidecar", "{egress: [{hosts: ['./*']}]}"),
    ],
)
def test_a_value_of_the_right_type_is_no_fault(check_yaml: CheckYaml, api: str, kind: str, spec: str) -> None:
    assert [one for one in check_yaml(HEAD.format(api=api, kind=kind, spec=spec)) if "refuses the" in one.why] == []


def test_a_field_beside_spec_is_moved_below_it(check_yaml: CheckYaml) -> None:
    top = HEAD.format(api="telemetry.istio.io/v1", kind="Telemetry", spec="{}").replace("spec:", "tracing: [], spec:")
    (found,) = check_yaml(top)
    assert (found.field, found.remedy) == ("Telemetry b/a: tracing", "move it below spec, as spec.tracing")
