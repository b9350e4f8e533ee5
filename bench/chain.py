"""The longest chain of a ``pulumi up``: what it would take if nothing waited that need not."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Step:
    """What Pulumi did for one resource, in seconds after the first step began.

    ``idle`` is the time from the moment in which the object says that it became ready until the step's end: there the
    provider only waited. It is 0 for objects that do not say it.
    """

    name: str
    began: float
    ended: float
    idle: float = 0.0

    @property
    def busy(self) -> float:
        """What the step took without its idle wait."""
        return max(0.0, self.ended - self.began - self.idle)


def longest_chain(steps: Mapping[str, Step], needs: Mapping[str, Sequence[str]]) -> list[Step]:
    """Return the steps of the chain that takes longest, first to last, without idle waits.

    ``needs`` has, for the URN of each resource, those that had to be there before it.
    """
    best: dict[str, tuple[float, str | None]] = {}

    def total(urn: str) -> float:
        if urn not in best:
            before = [(total(other), other) for other in needs.get(urn, ()) if other in steps]
            longest, previous = max(before, default=(0.0, None))
            best[urn] = longest + steps[urn].busy, previous
        return best[urn][0]

    last: str | None = max(steps, key=total, default=None)
    chain = []
    while last is not None:
        chain.append(steps[last])
        last = best[last][1]
    return chain[::-1]
