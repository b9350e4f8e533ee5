"""Groups and versions of the API: which are nobody's, and which are somebody else's."""

from collections.abc import Callable

import pytest


@pytest.mark.parametrize(
    ("version", "kind", "expected"),
    [
        ("v1", "ServiceMonitor", ["error N30"]),
        ("apps/v1", "PodMonitor", ["error N30"]),
        ("monitoring.coreos.com/v1beta1", "ServiceMonitor", ["error N30"]),
        ("monitoring.coreos.com/v1", "ServiceMonitor", []),
        ("monitoring.rhobs/v1", "ServiceMonitor", []),
        ("azmonitoring.coreos.com/v1", "PodMonitor", []),
        ("networking.istio.io/v1", "Telemetry", ["error N30"]),
        ("example.com/v1", "Telemetry", []),
        ("sailoperator.io/v1alpha1", "IstioRevision", ["error N30"]),
        ("operator.example.com/v1alpha1", "IstioRevision", []),
        ("tempo.io/v1alpha1", "TempoStack", ["error N30"]),
        ("${GROUP}/v1", "ServiceMonitor", []),
    ],
)
def test_an_api_that_nobody_serves_is_told_from_one_of_somebody_else(
    codes: Callable[..., list[str]], version: str, kind: str, expected: list[str]
) -> None:
    assert codes(f"{{apiVersion: '{version}', kind: {kind}, metadata: {{name: a, namespace: b}}}}") == expected
