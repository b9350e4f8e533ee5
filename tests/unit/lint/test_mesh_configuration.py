"""The mesh's configuration is read wherever people keep it, and no more is concluded from it than it says."""

from collections.abc import Callable

import pytest

Codes = Callable[..., list[str]]

# A short host, which is a fault wherever the configuration is read.
MESH_CONFIG = "{extensionProviders: [{name: otel, opentelemetry: {service: otel-collector, port: 4317}}]}"

SOURCES = {
    "Sail": "{apiVersion: sailoperator.io/v1, kind: Istio, metadata: {name: default},"
    " spec: {version: v1.31.0, values: {meshConfig: %s}}}",
    "IstioOperator": "{apiVersion: install.istio.io/v1alpha1, kind: IstioOperator, metadata: {name: a},"
    " spec: {meshConfig: %s}}",
    "values of an IstioOperator": "{apiVersion: install.istio.io/v1alpha1, kind: IstioOperator, metadata: {name: a},"
    " spec: {values: {meshConfig: %s}}}",
    "Flux": "{apiVersion: helm.toolkit.fluxcd.io/v2, kind: HelmRelease, metadata: {name: istiod, namespace: mesh},"
    " spec: {chart: {spec: {chart: istiod, version: 1.31.0}}, values: {meshConfig: %s}}}",
    "Argo CD": "{apiVersion: argoproj.io/v1alpha1, kind: Application, metadata: {name: mesh}, spec: {source:"
    " {chart: istiod, targetRevision: 1.31.0, helm: {valuesObject: {meshConfig: %s}}}}}",
    "values in a file": "{meshConfig: %s}",
    "values of a dependency in a file": "{istiod: {meshConfig: %s}}",
}


@pytest.mark.parametrize("source", SOURCES)
def test_a_provider_is_read_wherever_the_configuration_is_kept(codes: Codes, source: str) -> None:
    assert "error N3" in codes(SOURCES[source] % MESH_CONFIG)


def test_a_text_in_a_config_map_is_read(codes: Codes) -> None:
    config_map = f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: istio}}\ndata:\n  mesh: '{MESH_CONFIG}'\n"
    assert codes(config_map) == ["error N3"]


TELEMETRY = """
---
apiVersion: telemetry.istio.io/v1
kind: Telemetry
metadata: {name: mesh, namespace: istio-system}
spec: {tracing: [{providers: [{name: spans}], randomSamplingPercentage: 10}]}
"""
RELEASE = """
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: {name: istiod, namespace: istio-system}
spec: {chart: {spec: {chart: istiod, version: 1.31.0}}, %s}
"""


def test_a_release_with_all_its_values_lacks_a_provider_that_they_do_not_have(codes: Codes) -> None:
    assert codes(RELEASE % "values: {meshConfig: {accessLogFile: /dev/stdout}}" + TELEMETRY) == ["error N2"]


def test_a_release_with_values_elsewhere_may_have_any_provider(codes: Codes) -> None:
    elsewhere = "valuesFrom: [{kind: ConfigMap, name: ours}], values: {meshConfig: {accessLogFile: /dev/stdout}}"
    assert codes(RELEASE % elsewhere + TELEMETRY) == []


def test_a_file_of_values_without_providers_may_be_one_of_several_layers(codes: Codes) -> None:
    assert codes("meshConfig: {accessLogFile: /dev/stdout}" + TELEMETRY) == []


def test_a_file_of_values_with_providers_has_all_of_them(codes: Codes) -> None:
    providers = "[{name: logs, envoyFileAccessLog: {path: /dev/stdout}}]"
    assert codes(f"meshConfig: {{extensionProviders: {providers}}}" + TELEMETRY) == ["error N2"]


def test_a_provider_whose_name_is_a_variable_may_be_any(codes: Codes) -> None:
    providers = "[{name: '${PROVIDER}', envoyFileAccessLog: {path: /dev/stdout}}]"
    assert codes(f"meshConfig: {{extensionProviders: {providers}}}" + TELEMETRY) == []


def test_names_that_differ_in_case_only_are_the_same_provider(codes: Codes) -> None:
    providers = "[{name: Spans, opentelemetry: {service: otel.example.com, port: 4317}}]"
    assert codes(f"meshConfig: {{extensionProviders: {providers}}}" + TELEMETRY) == []


@pytest.mark.parametrize("kind", ["zipkin", "datadog", "skywalking", "lightstep", "opencensus"])
def test_providers_of_other_kinds_name_their_service_in_full_too(codes: Codes, kind: str) -> None:
    provider = f"{{extensionProviders: [{{name: a, {kind}: {{service: jaeger.tracing.svc, port: 9411}}}}]}}"
    assert codes(f"meshConfig: {provider}") == ["error N3"]


def test_the_clusters_domain_is_read_from_the_values(codes: Codes) -> None:
    provider = "{name: a, zipkin: {service: zipkin.monitoring.svc.corp.example, port: 9411}}"
    values = f"meshConfig: {{extensionProviders: [{provider}]}}"
    assert codes(values) == ["warning N3"]
    assert codes(f"{values}\nglobal: {{proxy: {{clusterDomain: corp.example}}}}") == []


def test_a_config_map_that_istiod_may_not_read_does_not_lack_a_provider(codes: Codes) -> None:
    config_map = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: %s, namespace: istio-system}\ndata: {mesh: '{}'}"
    assert codes(config_map % "istio" + TELEMETRY) == ["error N2"]
    assert codes(config_map % "istio-tracing" + TELEMETRY) == []


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("otel-collector.observability", ["warning N3"]),
        ("otel-collector.obs", ["warning N3"]),
        ("tracing.example.com", []),
        ("example.com", []),
        ("honeycomb.io", []),
    ],
)
def test_a_host_of_two_names_is_judged_by_how_it_ends(codes: Codes, host: str, expected: list[str]) -> None:
    provider = f"{{extensionProviders: [{{name: a, opentelemetry: {{service: {host}, port: 4317}}}}]}}"
    assert codes(f"meshConfig: {provider}") == expected
