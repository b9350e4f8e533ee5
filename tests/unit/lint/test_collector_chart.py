"""The image of the chart of the collector."""

from collections.abc import Callable

import pytest

Codes = Callable[..., list[str]]

RELEASE = """
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: {name: otel, namespace: obs}
spec: {chart: {spec: {chart: %s, version: '%s'}}, values: {%s}}
"""


@pytest.mark.parametrize(
    ("chart", "version", "values", "expected"),
    [
        ("opentelemetry-collector", "0.88.0", "mode: deployment", []),
        ("opentelemetry-collector", "0.89.0", "mode: deployment", ["error N25"]),
        ("opentelemetry-collector", "", "mode: deployment", ["error N25"]),
        ("opentelemetry-demo", "", "opentelemetry-collector: {config: {processors: {}}}", []),
    ],
)
def test_the_chart_has_no_image_by_itself_from_a_release_on(
    codes: Codes, chart: str, version: str, values: str, expected: list[str]
) -> None:
    assert codes(RELEASE % (chart, version, values)) == expected


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ("mode: deployment\nconfig: {processors: {}}", ["warning N25"]),
        ("config: {processors: {}}", []),
        ("opentelemetry-collector: {mode: deployment, config: {processors: {}}}", []),
    ],
)
def test_another_file_may_have_the_image(codes: Codes, values: str, expected: list[str]) -> None:
    assert codes(values) == expected
