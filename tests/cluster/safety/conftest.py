"""The cluster of this suite also has the image of the check that runs in it."""

import pytest


@pytest.fixture(scope="session")
def extras() -> list[str]:
    return ["--with", "verify"]
