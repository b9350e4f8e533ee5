"""For each check: a faulty manifest that only this check notices, its correct twin, and the example that it carries."""

import datetime
import importlib
import pkgutil
from pathlib import Path
from typing import Any

import cases
import pytest
import yaml
from cases.base import (
    CNI,
    DATA_SOURCES,
    GENERATOR,
    KIALI,
    MESH,
    NAMESPACE,
    POD_MONITOR,
    PROMETHEUS,
    STORE,
    STORE_POD,
    Example,
)

import lint
from lint import reference
from lint.reference import codes

DOCS = Path(__file__).parents[3] / "docs"

EXAMPLES: dict[str, Example] = {
    name: example
    for module in pkgutil.iter_modules(cases.__path__)
    for name, example in getattr(importlib.import_module(f"cases.{module.name}"), "EXAMPLES", {}).items()
}
EACH = [pytest.param(check, id=check.name) for check in lint.RULES]


def found(
    text: str, facts: dict[str, Any], checks: tuple[lint.Rule, ...] = lint.RULES, *, advice: bool = False
) -> list[str]:
    """What ``checks`` find. Advice fits many a right manifest, and is left out unless it is asked for."""
    objects = [document for document in yaml.safe_load_all(text) if document is not None]
    findings = lint.check(objects, lint.Facts(**facts), rules=checks)
    said = [finding for finding in findings if advice or finding.severity is not lint.Severity.ADVICE]
    return [f"{finding.severity} {finding.code} {finding.where}" for finding in said]


def gives_advice(check: lint.Rule) -> bool:
    return check.levels == (lint.Severity.ADVICE,)


def test_every_check_has_an_example_and_every_code_a_check() -> None:
    assert EXAMPLES.keys() == {check.name for check in lint.RULES}
    assert codes() == [f"N{number}" for number in range(1, len(codes()) + 1)]


@pytest.mark.parametrize("check", EACH)
def test_the_wrong_manifest_is_noticed_with_its_code_its_severity_and_the_field(check: lint.Rule) -> None:
    example = EXAMPLES[check.name]
    assert found(example.wrong, example.facts, advice=gives_advice(check)) == [example.finding]


@pytest.mark.parametrize("check", EACH)
def test_its_right_twin_is_silent(check: lint.Rule) -> None:
    example = EXAMPLES[check.name]
    facts = example.facts if example.facts_of_twin is None else example.facts_of_twin
    assert found(example.right, facts, advice=gives_advice(check)) == []


@pytest.mark.parametrize("check", EACH)
def test_without_the_check_the_wrong_manifest_passes_unnoticed(check: lint.Rule) -> None:
    example = EXAMPLES[check.name]
    others = tuple(other for other in lint.RULES if other is not check)
    assert found(example.wrong, example.facts, others) == []


@pytest.mark.parametrize("check", EACH)
def test_the_example_in_the_explanation_has_its_fault_and_no_other(check: lint.Rule) -> None:
    objects = list(yaml.safe_load_all(check.example))
    own = [finding for finding in lint.check(objects, check.facts) if finding.severity in check.levels]
    assert [finding.code for finding in own] == [check.code]
    others = tuple(other for other in lint.RULES if other is not check and not gives_advice(other))
    assert lint.check(objects, check.facts, rules=others) == []


@pytest.mark.parametrize("check", EACH)
def test_an_explanation_is_a_title_and_two_paragraphs(check: lint.Rule) -> None:
    rule = check
    assert not rule.title.endswith(".")
    for paragraph in (rule.why, rule.remedy):
        assert paragraph.endswith(".")
        assert " ".join(paragraph.split()) == paragraph


@pytest.mark.parametrize("check", EACH)
def test_an_explanation_says_where_its_facts_were_read(check: lint.Rule) -> None:
    assert check.source
    assert not check.source.endswith(".")


def test_no_two_checks_have_the_same_title_or_name() -> None:
    assert len({check.title for check in lint.RULES}) == len(lint.RULES)
    assert len({check.name for check in lint.RULES}) == len(lint.RULES)


def test_the_pages_of_the_checks_are_what_the_checks_say() -> None:
    written = {file.relative_to(DOCS).as_posix(): file.read_text() for file in (DOCS / "checks").glob("*.md")}
    written["checks.md"] = (DOCS / "checks.md").read_text()
    assert written == reference.pages(), "run `make docs`"


def test_the_whole_right_deployment_is_silent() -> None:
    everything = (
        MESH + GENERATOR + PROMETHEUS + STORE + STORE_POD + CNI + KIALI + DATA_SOURCES + NAMESPACE + POD_MONITOR
    )
    facts = {
        "platform": "kubernetes",
        "tempo_operator_version": "0.20.0",
        "collector_version": "0.148.0",
        "bucket_is_created": True,
        "prometheus_remote_write_receiver": True,
        "today": datetime.date(2026, 11, 27),
    }
    assert found(everything, facts) == []
