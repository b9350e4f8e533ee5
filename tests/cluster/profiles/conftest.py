"""The cluster of this suite has what its stacks need: Istio's CNI plugin, the full collector, Kiali, a Grafana."""

import pytest

EXTRAS = ("istio-cni", "grafana", "kiali", "otelcol-full")


@pytest.fixture(scope="session")
def extras() -> list[str]:
    return [word for extra in EXTRAS for word in ("--with", extra)]
