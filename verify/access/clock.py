"""The cluster's time, learnt from its answers: this machine's clock may be minutes off."""

import time
from email.utils import parsedate_to_datetime


class Clock:
    """A clock that is set by the ``Date`` of each answer, and by this machine until there is one.

    In between it runs with the machine's monotonic clock. An answer names the second in which it was written, and
    arrives later, so the time is at least that: the answer that puts the clock furthest ahead is the nearest to it.
    """

    def __init__(self) -> None:
        self._ahead: float | None = None

    def hear(self, date: str | None) -> None:
        """Set the clock by the header ``Date`` of an answer that has just arrived, if it can be read."""
        try:
            heard = parsedate_to_datetime(date or "").timestamp()
        except ValueError:
            return
        ahead = heard - time.monotonic()
        self._ahead = ahead if self._ahead is None else max(self._ahead, ahead)

    def now(self) -> float:
        """Unix time."""
        return time.time() if self._ahead is None else time.monotonic() + self._ahead
