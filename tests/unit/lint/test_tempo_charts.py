"""Values of Tempo's charts."""

import textwrap
from collections.abc import Callable

import pytest
from tempo_manifests import release

import lint

Codes = Callable[..., list[str]]
CheckYaml = Callable[..., list[lint.Finding]]


@pytest.mark.parametrize(
    "values",
    [
        "global_overrides: {metrics_generator_processors: [service-graphs]}",
        "global_overrides: {defaults: {metrics_generator: {processors: [service-graphs]}}}",
        "per_tenant_overrides: {a: {metrics_generator: {processors: [service-graphs]}}}",
        "overrides: |\n  overrides: {'*': {metrics_generator_processors: [service-graphs]}}",
        "useExternalConfig: true",
    ],
)
def test_processors_have_other_places_in_other_releases_of_the_chart(codes: Codes, values: str) -> None:
    generator = """
    metricsGenerator: {enabled: true, config: {storage: {remote_write: [{url: "http://mimir.obs.svc/api/v1/push"}]}}}
    traces: {otlp: {grpc: {enabled: true}}}
    """
    assert codes(release("tempo-distributed", textwrap.dedent(generator) + values)) == []


def test_a_generator_of_local_blocks_alone_makes_no_service_graph(codes: Codes) -> None:
    values = """
    metricsGenerator: {enabled: true}
    traces: {otlp: {http: {enabled: true}}}
    overrides: {defaults: {metrics_generator: {processors: [local-blocks]}}}
    """
    assert codes(release("tempo-distributed", values)) == ["warning N35"]


def test_processors_in_a_file_of_values_may_have_their_generator_in_another(codes: Codes) -> None:
    values = "tempo: {retention: 24h, overrides: {defaults: {metrics_generator: {processors: [service-graphs]}}}}"
    assert codes(values) == []
    assert codes(values.replace("retention: 24h", "metricsGenerator: {enabled: false}")) == ["error N35"]


def test_values_from_elsewhere_may_have_the_processors(codes: Codes) -> None:
    values = "tempo: {metricsGenerator: {enabled: true}}"
    assert codes(release("tempo", values)) == ["error N35"]
    assert codes(release("tempo", values, "valuesFrom: [{kind: Secret, name: more}]")) == []


def test_a_key_in_values_of_a_chart_is_named_where_it_is(check_yaml: CheckYaml) -> None:
    values = """
    metricsGenerator: {enabled: false, config: {registry: {colection_interval: 15s}}}
    traces: {otlp: {grpc: {enabled: true}}}
    """
    (finding,) = check_yaml(release("tempo-distributed", values))
    assert finding.code == "N31"
    assert finding.where.endswith("spec.values.metricsGenerator.config.registry.colection_interval")
