"""The cluster of this suite has three nodes, enforced NetworkPolicies, the connectors, ServiceMonitors and Python."""

import pytest
from nodes import NODES


@pytest.fixture(scope="session")
def extras() -> list[str]:
    extras = ("policies", "otelcol-full", "service-monitors", "verify")
    return ["--nodes", str(len(NODES)), *(word for name in extras for word in ("--with", name))]
