"""What the engine is asked for, down to the last field, in committed files: every change shows in review.

``MESH_TRACING_GOLDEN=write python -m pytest tests/unit/program/test_golden.py`` rewrites the files.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import variants
import yaml
from goldens import GOLDEN, compare
from recording import SENTINELS, STACKS, Registration, is_secret, run_program, stack_config

pytestmark = pytest.mark.timeout(300)

_IDENTITY_REMEDY = (
    "A resource that got another name, type or parent needs an alias (pulumi.Alias), or an update deletes it and what "
    "it holds; if it is new, or meant to go, run the test with MESH_TRACING_GOLDEN=write and commit the list."
)
_INPUTS_REMEDY = (
    "Every difference is an update of a deployed stack; if it is meant, run the test with MESH_TRACING_GOLDEN=write "
    "and commit the file."
)


def identity(urn: str) -> str:
    """A URN without stack and project: the parents' types, the resource's type, and its name."""
    return "::".join(urn.split("::")[2:])


@pytest.mark.parametrize("stack", STACKS)
def test_no_resource_changes_its_identity_unnoticed(stack: str) -> None:
    found = sorted(identity(resource.urn) for resource in run_program(stack_config(stack), preview=False))
    compare(f"{stack}.txt", "".join(f"{line}\n" for line in found), _IDENTITY_REMEDY)


def test_every_list_belongs_to_a_stack() -> None:
    assert {path.stem for path in GOLDEN.glob("*.txt")} == set(STACKS)


def test_no_input_and_no_option_changes_unnoticed() -> None:
    compare("inputs.yaml", "".join(rendered()), _INPUTS_REMEDY)


@pytest.mark.parametrize("stack", STACKS)
def test_a_preview_asks_for_exactly_what_the_update_does(stack: str) -> None:
    """An input that is unknown in a preview is shown as a change, or even as a replacement, that then never comes."""
    up, preview = (run_program(stack_config(stack), preview=preview) for preview in (False, True))
    assert {r.urn: (recorded_inputs(r), recorded_options(r)) for r in preview} == {
        r.urn: (recorded_inputs(r), recorded_options(r)) for r in up
    }


def rendered() -> Iterator[str]:
    """The golden file in parts: each resource's inputs and options, each once, with the stacks that have them."""
    configs = {**{stack: stack_config(stack) for stack in STACKS}, **variants.variants()}
    runs = {name: run_program(config, preview=False) for name, config in configs.items()}
    numbers = {name: number for number, name in enumerate(runs, start=1)}
    yield "# Written by tests/unit/program/test_golden.py. The committed stacks and the variants, by number.\n"
    yield dumped({"stacks": {number: name for name, number in numbers.items()}})
    for urn in sorted({resource.urn for deployed in runs.values() for resource in deployed}):
        found = {numbers[name]: run.resources[urn] for name, run in runs.items() if urn in run.resources}
        yield "---\n"
        yield dumped({"resource": identity(urn)})
        yield dumped(
            {
                "inputs": grouped({number: recorded_inputs(resource) for number, resource in found.items()}),
                "options": grouped({number: recorded_options(resource) for number, resource in found.items()}),
            }
        )


def grouped(contents: Mapping[int, Any]) -> list[dict[str, Any]]:
    """Each content once, with the numbers of the stacks that have it."""
    groups: dict[str, list[int]] = {}
    for number, content in contents.items():
        groups.setdefault(dumped(content), []).append(number)
    return [{"in": " ".join(map(str, numbers)), "is": contents[numbers[0]]} for numbers in groups.values()]


def recorded_inputs(resource: Registration) -> Any:
    return masked(resource.raw_inputs)


def recorded_options(resource: Registration) -> dict[str, Any]:
    """The options that are not at their default."""
    options = {
        "after": sorted(identity(urn).rsplit("$", 1)[-1] for urn in resource.dependencies),
        "parent": identity(resource.parent).rsplit("$", 1)[-1],
        "provider": identity(resource.provider.rpartition("::")[0]).rsplit("$", 1)[-1],
        "timeouts": {action: limit for action, limit in resource.timeouts.items() if limit},
        "protect": resource.protect,
        "read": resource.read,
        "deleteBeforeReplace": resource.delete_before_replace,
        **resource.further_options,
    }
    return {option: value for option, value in options.items() if value}


def masked(value: Any) -> Any:
    """``value`` with a mark instead of each secret's wrapper, and without the text of the stack's own secrets."""
    if is_secret(value):
        return {"[secret]": masked(value["value"])}
    if isinstance(value, dict):
        return {key: masked(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [masked(inner) for inner in value]
    return next((f"[{key.partition(':')[2]}]" for key, sentinel in SENTINELS.items() if sentinel == value), value)


class _Dumper(yaml.CSafeDumper):
    """Dumps a text of several lines as a YAML block."""


def _text(dumper: _Dumper, text: str) -> yaml.Node:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _text)


def dumped(value: Any) -> str:
    return yaml.dump(value, Dumper=_Dumper, width=10_000, allow_unicode=True)
