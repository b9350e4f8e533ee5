"""The cluster of this suite has the collector's image with the connectors."""

import pytest


@pytest.fixture(scope="session")
def extras() -> list[str]:
    return ["--with", "otelcol-full"]
