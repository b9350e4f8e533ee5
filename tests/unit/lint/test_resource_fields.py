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
    ],
)
def test_what_a_release_has_or_nobody_knows_is_no_fault(check_yaml: CheckYaml, api: str, kind: str, spec: str) -> None:
    found = check_yaml(HEAD.format(api=api, kind=kind, spec=spec))
    assert [one.field for one in found if "no such field" in one.why] == []


def test_the_nearest_field_is_named(check_yaml: CheckYaml) -> None:
    (found,) = check_yaml(HEAD.format(api=TEMPO, kind="TempoStack", spec="{storagesize: 1Gi}"))
    assert found.remedy == "write storageSize"
