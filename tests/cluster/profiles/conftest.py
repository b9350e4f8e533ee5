"""The cluster of this suite has Istio's CNI plugin, as OpenShift needs it, Kiali, and an image in Grafana's place."""

import pytest


@pytest.fixture(scope="session")
def extras() -> list[str]:
    return ["--with", "istio-cni", "--with", "grafana", "--with", "kiali"]
