"""The longest chain is found along what the state says, and idle waits are told from work."""

from typing import Any

import pytest

from bench import chain
from bench.chain import Step


def step(name: str, seconds: float, *needs: str, idle: float = 0.0) -> Step:
    return Step(name, 0.0, seconds, seconds - idle, frozenset(needs))


def names(steps: list[Step]) -> list[str]:
    return [one.urn for one in steps]


def resource(urn: str, **fields: Any) -> dict[str, Any]:
    return {"urn": urn, "custom": True, **fields}


def operation(urn: str, began: float, ended: float) -> list[tuple[float, dict[str, Any]]]:
    return [
        (began, {"resourcePreEvent": {"metadata": {"urn": urn}}}),
        (ended, {"resOutputsEvent": {"metadata": {"urn": urn}}}),
    ]


def of(steps: list[Step], urn: str) -> Step:
    return next(one for one in steps if one.urn == urn)


def test_the_longest_chain_is_not_the_one_of_most_steps() -> None:
    steps = [step("a", 1), step("b", 1, "a"), step("c", 1, "b"), step("d", 9, "a"), step("e", 5)]
    assert names(chain.longest(steps, lambda one: one.seconds)) == ["a", "d"]


def test_without_idle_waits_another_chain_may_be_the_longest() -> None:
    steps = [step("a", 10, idle=9), step("b", 5)]
    assert names(chain.longest(steps, lambda one: one.seconds)) == ["a"]
    assert names(chain.longest(steps, lambda one: one.busy_seconds)) == ["b"]


def test_nothing_has_no_chain() -> None:
    assert chain.longest([], lambda one: one.seconds) == []


def test_a_resource_waits_for_what_it_and_its_properties_depend_on_and_for_its_provider() -> None:
    steps = chain.steps(
        [],
        [
            resource(
                "x", dependencies=["a"], propertyDependencies={"spec": ["b"], "data": None}, provider="p::1", parent="q"
            )
        ],
    )
    assert of(steps, "x").needs == {"a", "b", "p", "q"}


def test_who_needs_a_component_waits_for_what_is_in_it() -> None:
    events = [*operation("inner", 100.0, 104.0), *operation("x", 104.0, 105.0)]
    resources = [
        {"urn": "component", "custom": False},
        resource("inner", parent="component"),
        resource("x", dependencies=["component"]),
    ]
    assert names(chain.longest(chain.steps(events, resources), lambda one: one.seconds)) == ["inner", "x"]


def test_what_was_not_touched_takes_no_time() -> None:
    assert of(chain.steps([], [resource("x")]), "x").seconds == 0


@pytest.mark.parametrize(
    ("outputs", "busy"),
    [
        # A release of Helm: nothing is known of its objects.
        ({"status": {"status": "deployed"}}, 20.0),
        ({"metadata": {"creationTimestamp": "1970-01-01T00:16:42Z"}}, 3.0),
        (
            {
                "metadata": {"creationTimestamp": "1970-01-01T00:16:42Z"},
                "status": {
                    "conditions": [
                        {"type": "Progressing", "status": "True", "lastTransitionTime": "1970-01-01T00:16:43Z"},
                        {"type": "Available", "status": "True", "lastTransitionTime": "1970-01-01T00:16:48Z"},
                        {"type": "Failed", "status": "False", "lastTransitionTime": "1970-01-01T00:16:55Z"},
                    ]
                },
            },
            9.0,
        ),
        # It was ready before this run touched it, or only in the second in which the run ended.
        ({"metadata": {"creationTimestamp": "1970-01-01T00:00:01Z"}}, 0.0),
        ({"metadata": {"creationTimestamp": "1970-01-01T00:17:00Z"}}, 20.0),
    ],
)
def test_an_idle_wait_begins_when_the_object_is_ready(outputs: dict[str, Any], busy: float) -> None:
    steps = chain.steps(operation("x", 1000.0, 1020.0), [resource("x", outputs=outputs)])
    assert of(steps, "x").busy_seconds == busy
