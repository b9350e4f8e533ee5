"""The cluster's clock is set by the dates of its answers, not by this machine."""

from email.utils import formatdate

import pytest

from verify.access.clock import Clock


@pytest.mark.parametrize("skew", [-90.0, 0.0, 90.0])
def test_the_time_is_the_clusters_whatever_this_machines_is(monkeypatch: pytest.MonkeyPatch, skew: float) -> None:
    monkeypatch.setattr("verify.access.clock.time", _time(1_800_000_000.0 + skew))
    clock = Clock()
    clock.hear(formatdate(1_800_000_000, usegmt=True))
    assert clock.now() == 1_800_000_000.0


def test_before_the_first_answer_it_is_this_machines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("verify.access.clock.time", _time(5.0))
    assert Clock().now() == 5.0


@pytest.mark.parametrize("date", [None, "", "yesterday"])
def test_an_answer_without_a_date_changes_nothing(monkeypatch: pytest.MonkeyPatch, date: str | None) -> None:
    monkeypatch.setattr("verify.access.clock.time", _time(5.0))
    clock = Clock()
    clock.hear(date)
    assert clock.now() == 5.0


def test_a_date_that_arrives_late_does_not_set_it_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("verify.access.clock.time", _time(5.0))
    clock = Clock()
    clock.hear(formatdate(1_800_000_010, usegmt=True))
    clock.hear(formatdate(1_800_000_007, usegmt=True))
    assert clock.now() == 1_800_000_010.0


def _time(now: float) -> object:
    return type("Time", (), {"time": lambda: now, "monotonic": lambda: 77.0})
