"""Fixtures that check manifests written as YAML."""

from collections.abc import Callable
from typing import Any

import pytest
import yaml

import lint

CheckYaml = Callable[..., list[lint.Finding]]


@pytest.fixture
def check_yaml() -> CheckYaml:
    """Check the objects of a YAML text, and the levels of the findings; facts are keyword arguments."""

    def check(text: str, **facts: Any) -> list[lint.Finding]:
        objects = [document for document in yaml.safe_load_all(text) if document is not None]
        for one in lint.RULES:
            levels = {finding.severity for finding in lint.check(objects, lint.Facts(**facts), rules=[one])}
            assert levels <= {*one.levels}, f"{one.name} does not declare this level"
        return lint.check(objects, lint.Facts(**facts))

    return check


@pytest.fixture
def codes(check_yaml: CheckYaml) -> Callable[..., list[str]]:
    """The same, reduced to ``severity code`` of each finding that is more than advice."""

    def check(text: str, **facts: Any) -> list[str]:
        found = check_yaml(text, **facts)
        return [f"{one.severity} {one.code}" for one in found if one.severity is not lint.Severity.ADVICE]

    return check
