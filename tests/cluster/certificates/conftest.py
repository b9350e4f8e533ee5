"""The cluster of this suite has the images of cert-manager."""

import pytest


@pytest.fixture(scope="session")
def extras() -> list[str]:
    return ["--with", "cert-manager"]
