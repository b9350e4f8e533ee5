"""Which components the images of collectors have, and the form of settings."""

import textwrap
from collections.abc import Callable

import pytest

Codes = Callable[..., list[str]]

CONFIG = """
receivers: {otlp: {protocols: {grpc: {endpoint: "0.0.0.0:4317"}}}}
processors: {PROCESSOR}
exporters: {otlp: {endpoint: "tempo.example.com:4317"}}
service:
  pipelines: {traces: {receivers: [otlp], processors: [NAME], exporters: [otlp]}}
"""


def collector(image: str, name: str, settings: str = "{}") -> str:
    config = textwrap.indent(CONFIG.replace("PROCESSOR", f"{name}: {settings}").replace("NAME", name), "    ")
    said = f"image: {image}" if image else "mode: deployment"
    return (
        "apiVersion: opentelemetry.io/v1beta1\nkind: OpenTelemetryCollector\n"
        f"metadata: {{name: otel, namespace: obs}}\nspec:\n  {said}\n  config:{config}"
    )


@pytest.mark.parametrize(
    ("image", "name", "expected"),
    [
        ("otel/opentelemetry-collector:0.150.0", "transform", ["error N25"]),
        ("otel/opentelemetry-collector", "transform", ["error N25"]),
        ("ghcr.io/open-telemetry/opentelemetry-collector-releases/opentelemetry-collector", "transform", ["error N25"]),
        ("otel/opentelemetry-collector:0.150.0", "attributes", []),
        ("otel/opentelemetry-collector-contrib:0.150.0", "transform", []),
        ("otel/opentelemetry-collector-k8s:0.150.0", "transform", []),
        # A build of one's own may have any.
        ("registry.example.com/opentelemetry-collector:0.150.0", "transform", []),
        ("otel/opentelemetry-collector:0.150.0", "ours", []),
    ],
)
def test_an_image_has_the_components_of_its_distribution(
    codes: Codes, image: str, name: str, expected: list[str]
) -> None:
    assert codes(collector(image, name)) == expected


def test_the_operators_own_image_is_known_where_the_platform_is(codes: Codes) -> None:
    manifest = collector("", "transform")
    assert codes(manifest, platform="kubernetes") == ["warning N25"]
    assert codes(manifest, platform="openshift") == codes(manifest) == []


@pytest.mark.parametrize(
    ("release", "settings", "expected"),
    [
        ("0.150.0", "{actions: {key: a, action: delete}}", ["error N25"]),
        ("0.150.0", "{actions: [{key: a, action: delete}]}", []),
        # A single map was a list of one then; a list was never a map.
        ("0.104.0", "{actions: {key: a, action: delete}}", []),
        ("0.104.0", "{include: [{match_type: strict}]}", ["error N25"]),
        ("0.150.0", "{actions: '${env:ACTIONS}'}", []),
    ],
)
def test_a_list_is_no_map(codes: Codes, release: str, settings: str, expected: list[str]) -> None:
    image = f"otel/opentelemetry-collector-contrib:{release}"
    assert codes(collector(image, "attributes", settings)) == expected
