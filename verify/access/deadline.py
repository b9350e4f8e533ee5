"""The time that one check may take, which bounds every wait in it."""

import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from verify.quantities import duration

# After the deadline no further wait begins. What was waiting then has this long to end by itself: a name server, for
# one, cannot be interrupted.
GRACE_SECONDS = 10.0


class TimeOverError(Exception):
    """The time is over. Whoever waits for one answer of several must not take it for a missing answer."""


class Deadline:
    """``seconds`` from now; without a number, never."""

    def __init__(self, seconds: float = math.inf) -> None:
        self._seconds = seconds
        self.restart()

    def restart(self) -> None:
        """Begin anew, for the next check of several."""
        self._end = time.monotonic() + self._seconds

    @property
    def left(self) -> float:
        """The seconds that are left; negative afterwards."""
        return self._end - time.monotonic()

    @property
    def is_over(self) -> bool:
        return self.left <= 0

    def at_most(self, seconds: float | None) -> float | None:
        """``seconds``, or what is left of the time if that is less; raises ``TimeOverError`` if nothing is left.

        None is no limit.
        """
        left = self.left
        if left <= 0:
            raise TimeOverError(f"the time for this check is over: {duration(self._seconds)}")
        shorter = left if seconds is None else min(seconds, left)
        return None if math.isinf(shorter) else shorter

    @contextmanager
    def enforced(self, end: Callable[[], None]) -> Iterator[None]:
        """Call ``end`` from another thread if the time has been over for a while and the block still runs."""
        left_block = threading.Event()

        def watch() -> None:
            while (rest := self.left + GRACE_SECONDS) > 0:
                if left_block.wait(min(rest, threading.TIMEOUT_MAX)):
                    return
            if not left_block.is_set():
                end()

        threading.Thread(target=watch, name="deadline", daemon=True).start()
        try:
            yield
        finally:
            left_block.set()
