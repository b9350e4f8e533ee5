"""The arithmetic of the measurements."""

from collections.abc import Callable

import pytest

from bench.chain import Step, longest_chain
from bench.paired import Pair, pair


def step(name: str, began: float, ended: float, idle: float = 0.0) -> Step:
    return Step(name, began, ended, idle)


def names(chain: list[Step]) -> list[str]:
    return [one.name for one in chain]


def test_the_chain_follows_what_each_step_needs_and_not_what_happens_to_end_before_it() -> None:
    steps = {"a": step("a", 0, 5), "b": step("b", 0, 1), "c": step("c", 5, 8)}
    assert names(longest_chain(steps, {"c": ["b"]})) == ["a"]
    assert names(longest_chain(steps, {"c": ["a", "b"]})) == ["a", "c"]


def test_an_idle_wait_makes_no_chain_longer() -> None:
    steps = {"a": step("a", 0, 10, idle=9), "b": step("b", 0, 3), "c": step("c", 10, 12)}
    assert names(longest_chain(steps, {"c": ["a", "b"]})) == ["b", "c"]


def test_what_is_needed_and_was_not_a_step_is_passed_over() -> None:
    assert names(longest_chain({"a": step("a", 0, 1)}, {"a": ["a provider that was there"]})) == ["a"]


def test_without_steps_there_is_no_chain() -> None:
    assert longest_chain({}, {}) == []


def test_a_step_is_never_shorter_than_nothing() -> None:
    assert step("a", 0, 1, idle=2).busy == 0


def test_the_ratio_is_of_the_medians() -> None:
    assert Pair([2, 100, 2], [1, 1, 50]).ratio == pytest.approx(2)


def test_both_commands_run_in_turn_after_one_run_that_is_not_counted() -> None:
    ran: list[str] = []

    def command(name: str) -> Callable[[], None]:
        return lambda: ran.append(name)

    timed = pair(command("ours"), command("beside"), 2)
    assert ran == ["ours", "beside"] * 3
    assert len(timed.ours) == len(timed.beside) == 2
