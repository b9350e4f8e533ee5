"""Quantities are short, and no more exact than what was measured."""

import pytest

from verify.quantities import duration, rate, share


@pytest.mark.parametrize(
    ("per_second", "said"),
    [(0, "0/s"), (2.34, "2.3/s"), (23.4, "23/s"), (234.5, "234/s"), (0.05, "3/min"), (1e-6, "< 0.01/min")],
)
def test_a_rate_is_per_second_and_a_small_one_per_minute(per_second: float, said: str) -> None:
    assert rate(per_second) == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "0 ms"), (0.0004, "0.4 ms"), (0.0123, "12 ms"), (0.9994, "999 ms"), (0.9996, "1 s"), (12.34, "12 s")],
)
def test_a_time_is_in_milliseconds_below_a_second(seconds: float, said: str) -> None:
    assert duration(seconds) == said


@pytest.mark.parametrize(
    ("part", "said"),
    [(0, "0 %"), (1e-5, "< 0.1 %"), (0.001, "0.1 %"), (0.5, "50 %"), (0.9999, "> 99 %"), (1, "100 %")],
)
def test_a_share_is_0_or_100_percent_only_if_it_is_exactly_that(part: float, said: str) -> None:
    assert share(part) == said
