"""The cluster of this suite has the collector with the connectors and the samplers."""

import pytest


@pytest.fixture(scope="session")
def extras() -> list[str]:
    return ["--with", "otelcol-full"]
