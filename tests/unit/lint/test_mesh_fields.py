"""Fields that do not exist in the mesh's configuration and in the metrics of a Telemetry."""

from collections.abc import Callable

import pytest
from cases.base import TELEMETRY, mesh, replaced
from cases.telemetry_fields import with_tag
from conftest import CheckYaml

Codes = Callable[..., list[str]]


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ("max_tag_length: 256", []),
        ("http: {path: /v1/traces}", []),
        ("${FIELD}: 1", []),
        ("timeout: 5s", ["warning N3"]),
    ],
)
def test_a_provider_has_its_fields_with_underscores_too(codes: Codes, settings: str, expected: list[str]) -> None:
    name, value = settings.split(": ", 1)
    assert codes(replaced(mesh(), "port: 4317}", f"port: 4317, '{name}': {value}}}")) == expected


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ("accessLogFile: /dev/stdout", []),
        ("access_log_file: /dev/stdout", []),
        ("defaultConfig: {tracing: {provider: {name: otel}}}", ["warning N3"]),
        ("defaultConfig: {proxyMetadata: {ANY: thing}}", []),
        ("sampling: 100", ["warning N3"]),
        ("defaultConfig: {holdApplicationUntilProxyStart: true}", ["warning N3"]),
        ("default_config: {proxy_stats_matcher: {inclusion_regexp: [a]}}", ["warning N3"]),
        ("defaultProviders: {tracings: [otel]}", ["warning N3"]),
    ],
)
def test_the_mesh_has_the_fields_of_istios_api(codes: Codes, settings: str, expected: list[str]) -> None:
    assert codes(replaced(mesh(), "    meshConfig:\n", f"    meshConfig:\n      {settings}\n")) == expected


@pytest.mark.parametrize(
    ("tag", "expected"),
    [
        ("{value: \"request.headers['x']\"}", []),
        ("{value: source.address}", []),
        ("{value: upstream_peer.name}", []),
        ("{value: \"'bookinfo'\"}", []),
        ("{value: 'string(destination.port)'}", []),
        ("{value: production}", ["warning N27"]),
        ("{value: '${HOST}'}", []),
        ("{operation: REMOVE, value: request.host}", ["error N27"]),
        ("{operation: UPSERT, value: request.host}", []),
        ("{expression: request.host}", ["warning N27"]),
    ],
)
def test_a_tag_is_an_expression(codes: Codes, tag: str, expected: list[str]) -> None:
    assert codes(with_tag(tag)) == expected


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ("metrics: [{dimensions: {a: b}}]", ["warning N27"]),
        ("metrics: [{reportingInterval: 5s}]", []),
        ("accessLogging: [{format: json}]", ["warning N27"]),
        ("accessLogging: [{providers: [{name: envoy}], filter: {expression: 'true'}}]", []),
    ],
)
def test_what_is_not_about_tracing_has_its_fields_too(codes: Codes, entry: str, expected: list[str]) -> None:
    assert codes(replaced(TELEMETRY, "spec:\n", f"spec:\n  {entry}\n")) == expected


@pytest.mark.parametrize(
    ("settings", "of_istio", "of_istiod"),
    [
        ("enableTracing: 'true'", ["error N3"], ["error N3"]),
        ("connectTimeout: 10", ["error N3"], ["error N3"]),
        ("accessLogEncoding: json", ["error N3"], ["error N3"]),
        ("defaultConfig: {proxyMetadata: {A: 1}}", ["error N3"], ["error N3"]),
        ("defaultConfig: {concurrency: '2'}", ["error N3"], []),
        ("discoverySelectors: {matchLabels: {a: b}}", ["error N3"], ["error N3"]),
        ("accessLogFile: null", [], []),
        ("enableTracing: '${TRACE}'", [], []),
    ],
)
def test_a_value_of_the_mesh_has_its_type(
    codes: Codes, settings: str, of_istio: list[str], of_istiod: list[str]
) -> None:
    assert codes(replaced(mesh(), "    meshConfig:\n", f"    meshConfig:\n      {settings}\n")) == of_istio
    config_map = f'{{apiVersion: v1, kind: ConfigMap, metadata: {{name: istio}}, data: {{mesh: "{settings}"}}}}'
    assert codes(config_map) == of_istiod


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        ("{defaultConfig: {concurrency: 2}, mixerCheckServer: a:1}", ["there is no such field since Istio 1.8"]),
        ("{defaultConfig: {concurrency: 2}, enableTracing: true}", []),
        # Values of a chart of one's own.
        ("{defaultConfig: {concurrency: 2}, image: a, mixerCheckServer: a:1, replicas: 1, service: {}}", []),
        ("{mixerCheckServer: a:1}", []),
    ],
)
def test_a_field_of_mixer_is_found_in_a_file_of_its_own(check_yaml: CheckYaml, file: str, expected: list[str]) -> None:
    assert [one.why.partition(",")[0] for one in check_yaml(file)] == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("istio", []),
        ("istio-1-31", []),
        ("istio-canary", []),
        ("istio-mesh-config", ["warning N3"]),
        ("istio-tracing", ["warning N3"]),
        ("tracing-config", ["warning N3"]),
        ("${NAME}", []),
    ],
)
def test_a_mesh_configuration_is_in_a_config_map_that_istiod_reads(
    codes: Codes, name: str, expected: list[str]
) -> None:
    config = "{apiVersion: v1, kind: ConfigMap, metadata: {name: '%s', namespace: a}, data: {mesh: '%s'}}"
    assert codes(config % (name, "{defaultConfig: {concurrency: 2}}")) == expected


def test_a_config_map_with_something_else_is_nobody_s_mesh_configuration(codes: Codes) -> None:
    assert codes("{apiVersion: v1, kind: ConfigMap, metadata: {name: a}, data: {mesh: 'any: {thing: 1}'}}") == []


def test_a_config_map_that_another_object_names_is_read(codes: Codes) -> None:
    config = "{apiVersion: v1, kind: ConfigMap, metadata: {name: shared}, data: {mesh: 'defaultConfig: {}'}}"
    istiod = "{apiVersion: v1, kind: Pod, spec: {containers: [{env: [{name: SHARED_MESH_CONFIG, value: shared}]}]}}"
    assert codes(f"{config}\n---\n{istiod}") == []


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("meshConfig: {defaultConfig: {tracing: {sampling: 100}}}", ["warning N3"]),
        ("meshConfig: {enableTracing: true, defaultConfig: {tracing: {sampling: 100}}}", ["warning N3"]),
        ("meshConfig: {defaultConfig: {tracing: {sampling: 100, zipkin: {address: 'zipkin.obs.svc:9411'}}}}", []),
        (
            "meshConfig: {defaultConfig: {tracing: {sampling: 100}}},"
            " values: {meshConfig: {defaultConfig: {tracing: {zipkin: {address: 'zipkin.obs.svc:9411'}}}}}",
            [],
        ),
    ],
)
def test_a_rate_of_sampling_says_not_where_spans_go(codes: Codes, spec: str, expected: list[str]) -> None:
    assert codes(f"{{apiVersion: install.istio.io/v1alpha1, kind: IstioOperator, spec: {{{spec}}}}}") == expected
