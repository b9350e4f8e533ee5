"""A field is the stack's own doing if nobody but Pulumi has set it."""

from typing import Any

import pytest

from verify.programs.ownership import is_by_settings

PATH = ("spec", "config", "exporters")
PULUMI = "pulumi-kubernetes-1a2b3c4d"


def found(*managers: tuple[str, dict[str, Any]]) -> dict[str, Any]:
    entries = [{"manager": name, "fieldsV1": fields} for name, fields in managers]
    return {"metadata": {"name": "otel", "managedFields": entries}, "spec": {"config": {"exporters": ["debug"]}}}


OWNED: dict[str, Any] = {"f:spec": {"f:config": {"f:exporters": {}}}}
BESIDE: dict[str, Any] = {"f:spec": {"f:config": {"f:receivers": {}}}}


@pytest.mark.parametrize(
    ("managers", "is_ours"),
    [
        ([(PULUMI, OWNED)], True),
        ([(PULUMI, {"f:spec": {"f:config": {}}})], True),
        ([(PULUMI, OWNED), ("manager", BESIDE)], True),
        ([(PULUMI, OWNED), ("kubectl-edit", OWNED)], False),
        ([(PULUMI, BESIDE), ("kubectl-edit", OWNED)], False),
        ([(PULUMI, BESIDE)], False),
        ([], False),
    ],
    ids=["ours", "ours as a whole", "others beside it", "shared", "theirs", "nobody's", "not known"],
)
def test_only_what_nobody_else_has_set_is_by_settings(managers: list[Any], is_ours: bool) -> None:
    assert is_by_settings(found(*managers), PATH) is is_ours


def test_the_status_is_no_field_that_somebody_sets() -> None:
    made = found((PULUMI, OWNED))
    made["metadata"]["managedFields"].append({"manager": "manager", "subresource": "status", "fieldsV1": OWNED})
    assert is_by_settings(made, PATH)


def test_a_value_that_is_missing_is_not_by_settings() -> None:
    assert not is_by_settings(found((PULUMI, OWNED)), ("spec", "config", "processors"))


def test_an_object_that_is_missing_is_not_by_settings() -> None:
    assert not is_by_settings(None, PATH)
