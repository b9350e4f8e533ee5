"""Fixtures that run the whole program."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from recording import ROOT, STACKS, Deployed, minimal_config, run_program, stack_config


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    # A mistake with Outputs can make a run that never ends. A file may allow its tests more.
    for item in items:
        if Path(__file__).parent in item.path.parents and item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(60))


@pytest.fixture(autouse=True)
def _strict_outputs(monkeypatch: pytest.MonkeyPatch) -> None:
    # The text of an Output inside a string is a mistake that Pulumi only warns of.
    monkeypatch.setenv("PULUMI_ERROR_OUTPUT_STRING", "true")
    monkeypatch.chdir(ROOT)


@pytest.fixture
def deploy() -> Callable[..., Deployed]:
    def deploy_with(config: Mapping[str, Any] | None = None, *, preview: bool = False) -> Deployed:
        return run_program(minimal_config() if config is None else config, preview=preview)

    return deploy_with


@pytest.fixture
def minimal() -> Deployed:
    return run_program(minimal_config(), preview=False)


@pytest.fixture(params=STACKS)
def stack_name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=[False, True], ids=["up", "preview"])
def deployed(stack_name: str, request: pytest.FixtureRequest) -> Deployed:
    """The program run with each committed stack file, in an update and in a preview."""
    return run_program(stack_config(stack_name), preview=request.param)
