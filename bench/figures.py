"""What was measured: seconds, what was measured beside them, and the target."""

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Figure:
    """Samples of one command in seconds, and of what ran beside it, in the same order; none: nothing can.

    ``target`` is a ratio where there is something beside, else seconds; None: none is set.
    """

    name: str
    seconds: Sequence[float]
    target: float | None = None
    beside: Sequence[float] = ()
    beside_name: str = ""

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)

    @property
    def ratio(self) -> float | None:
        """The median of the ratios of each pair: what slows both runs of a pair down does not count."""
        if not self.beside:
            return None
        return statistics.median(one / other for one, other in zip(self.seconds, self.beside, strict=True))

    @property
    def meets_target(self) -> bool | None:
        if self.target is None:
            return None
        return (self.median if self.ratio is None else self.ratio) <= self.target

    def line(self) -> str:
        """Return the figure as one line of a table."""
        told = f"{self.name:<44}{self.median:>7.2f} s"
        if self.ratio is not None:
            told += f"  = {self.ratio:.2f} x {self.beside_name} ({statistics.median(self.beside):.2f} s)"
        if self.target is not None:
            unit = "s" if self.ratio is None else "x"
            told += f"  target {self.target:g} {unit}: {'met' if self.meets_target else 'missed'}"
        return f"{told}  (median of {len(self.seconds)})" if len(self.seconds) > 1 else told

    def to_json(self) -> dict[str, Any]:
        """Return everything, also each sample, as plain values."""
        return {
            "name": self.name,
            "seconds": list(self.seconds),
            "median": self.median,
            "beside": {"name": self.beside_name, "seconds": list(self.beside)} if self.beside else None,
            "ratio": self.ratio,
            "target": self.target,
            "meets_target": self.meets_target,
        }


def timed(action: Callable[[], object]) -> float:
    """Return the seconds that ``action`` takes."""
    began = time.monotonic()
    action()
    return time.monotonic() - began


def interleaved(rounds: int, *actions: Callable[[], object]) -> list[list[float]]:
    """Return the seconds of each action, by action: all of them in turn, then all again, ``rounds`` times.

    What else the machine does meanwhile slows one as much as the other.
    """
    taken = [[timed(action) for action in actions] for _ in range(rounds)]
    return [list(samples) for samples in zip(*taken, strict=True)]
