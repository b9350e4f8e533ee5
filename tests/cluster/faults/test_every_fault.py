"""Every injected fault of the stack is explained by ``python -m verify`` and repaired by what it prints."""

from collections.abc import Callable
from typing import Any

import bystanders
import pytest
from embedded import CHECKOUT, Host
from faults import FAULTS, PATIENCE, Fault, prove, report
from faults_of_others import FAULTS_OF_OTHERS
from propagation_faults import PROOFS


@pytest.fixture(scope="session")
def healthy(cluster: Host, deployed: str) -> None:
    """The stack as it was deployed, with requests that have become traces."""
    found: dict[str, Any] = report(cluster, *PATIENCE)
    assert found["exit"] == 0, found["hops"]


def troubles(found: dict[str, Any]) -> dict[str, tuple[str, str]]:
    """Status and code of each hop that does not simply work."""
    return {hop["hop"]: (hop["status"], hop["code"]) for hop in found["hops"] if hop["status"] not in {"ok", "absent"}}


@pytest.mark.parametrize("fault", [*FAULTS, *FAULTS_OF_OTHERS], ids=lambda fault: fault.name)
def test_the_cause_is_named_and_its_remedy_repairs_it_when(cluster: Host, healthy: None, fault: Fault) -> None:
    prove(cluster, fault)


@pytest.mark.parametrize("proof", [proof for _, proof in PROOFS], ids=[name for name, _ in PROOFS])
def test_who_drops_the_trace_context_is_named_and_nobody_else_when(
    cluster: Host, healthy: None, proof: Callable[[Host], None]
) -> None:
    proof(cluster)


@pytest.mark.parametrize("offset", ["+90s", "-90s"])
def test_a_clock_that_is_wrong_here_changes_nothing(cluster: Host, healthy: None, offset: str) -> None:
    found = report(cluster, offset=offset)
    assert (found["exit"], troubles(found)) == (0, {})


def test_a_pod_that_crashes_is_a_warning_and_everything_else_is_checked(cluster: Host, healthy: None) -> None:
    with bystanders.crash_looping_pod(cluster):
        found = report(cluster)
        strict = report(cluster, "--strict", "--only", "sidecars")
    assert (found["exit"], troubles(found)) == (0, {"sidecars": ("warning", "pod-not-ready")})
    assert found["request"]["graphed_seconds"] is not None
    assert strict["exit"] == 1


def test_two_hundred_pods_beside_the_stack_change_nothing(cluster: Host, healthy: None) -> None:
    with bystanders.pods(cluster, 200):
        found = report(cluster)
    assert (found["exit"], troubles(found)) == (0, {})


def test_after_every_remedy_the_stack_is_what_the_program_says(cluster: Host, healthy: None) -> None:
    cluster.with_exports(
        "pulumi", "preview", "--cwd", str(CHECKOUT), "--stack", "local", "--refresh", "--expect-no-changes"
    )
