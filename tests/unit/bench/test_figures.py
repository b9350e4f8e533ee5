"""A figure is the median of its samples, or of its pairs."""

import pytest

from bench.figures import Figure, interleaved


def test_without_something_beside_a_figure_is_its_median_in_seconds() -> None:
    figure = Figure("up", [1.0, 9.0, 2.0], target=3)
    assert (figure.median, figure.ratio, figure.meets_target) == (2.0, None, True)
    assert "2.00 s" in figure.line()


def test_a_ratio_is_of_each_pair() -> None:
    # The second round met a busy machine: the median of one side over that of the other would be 4 / 1.
    figure = Figure("up", [2.0, 8.0, 4.0], target=1.5, beside=[2.0, 4.0, 1.0], beside_name="another")
    assert figure.ratio == pytest.approx(2.0)
    assert figure.meets_target is False


def test_without_a_target_none_is_met_or_missed() -> None:
    figure = Figure("up", [1.0])
    assert figure.meets_target is None
    assert "target" not in figure.line()


def test_a_figure_is_written_with_every_sample() -> None:
    written = Figure("up", [1.0, 2.0], beside=[1.0, 1.0], beside_name="another").to_json()
    assert written["seconds"] == [1.0, 2.0]
    assert written["beside"] == {"name": "another", "seconds": [1.0, 1.0]}
    assert written["ratio"] == 1.5


def test_rounds_are_interleaved() -> None:
    order: list[str] = []
    samples = interleaved(2, lambda: order.append("a"), lambda: order.append("b"))
    assert order == ["a", "b", "a", "b"]
    assert [len(one) for one in samples] == [2, 2]
