"""Every injected fault of the stack is explained by ``python -m verify`` and repaired by what it prints."""

from typing import Any

import pytest
from embedded import CHECKOUT, Host
from faults import FAULTS, PATIENCE, Fault, prove, report


@pytest.fixture(scope="session")
def healthy(cluster: Host, deployed: str) -> None:
    """The stack as it was deployed, with requests that have become traces."""
    found: dict[str, Any] = report(cluster, *PATIENCE)
    assert found["exit"] == 0, found["hops"]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_the_cause_is_named_and_its_remedy_repairs_it_when(cluster: Host, healthy: None, fault: Fault) -> None:
    prove(cluster, fault)


def test_after_every_remedy_the_stack_is_what_the_program_says(cluster: Host, healthy: None) -> None:
    cluster.with_exports(
        "pulumi", "preview", "--cwd", str(CHECKOUT), "--stack", "local", "--refresh", "--expect-no-changes"
    )
