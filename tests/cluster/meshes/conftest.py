"""On the PATH of this suite are `istioctl` and `helm`."""

import pytest


@pytest.fixture(scope="session")
def extras() -> list[str]:
    return ["--with", "installers"]
