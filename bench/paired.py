"""Two commands timed in turn, so that both meet the same load of the machine."""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Pair:
    """The seconds of each run of a command, and of the one beside it."""

    ours: list[float]
    beside: list[float]

    @property
    def ratio(self) -> float:
        """How many times as long ours takes: the quotient of the medians."""
        return statistics.median(self.ours) / statistics.median(self.beside)


def seconds(run: Callable[[], object]) -> float:
    """Return how long ``run`` takes."""
    began = time.monotonic()
    run()
    return time.monotonic() - began


def pair(ours: Callable[[], object], beside: Callable[[], object], runs: int) -> Pair:
    """Run both in turn, ``runs`` times, after one run of each that fills the caches and is not counted."""
    ours()
    beside()
    timed = [(seconds(ours), seconds(beside)) for _ in range(runs)]
    return Pair([one for one, _ in timed], [other for _, other in timed])
