"""What an application does with the trace context, told from the spans of its sidecars.

A call without trace headers is not a mistake by itself: a job, a load generator and a background task rightly begin
traces. It is one if it is made for a request. That shows in time: such a call begins while the sidecar of the same pod
has a request that made no call to this address in its own trace. A call that has nothing to do with requests falls into
such a time as often as chance will have it, which is known from how much of the time such requests took.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum

from verify.propagation.proxy_spans import ProxySpan

_SECOND = 1_000_000_000
# So many calls have to fall into requests, and so many at least must be as good as impossible by chance.
_MIN_FALLEN, _IMPOSSIBLE = 3, 1e-5
# What may be a coincidence that lasts, such as two clients with a common timer.
_MIN_SHARE = 0.02
# Where requests overlap all the time, time alone says nothing; but this share of them having a call of their own does.
_MIN_REQUESTS, _OF_REQUESTS = 10, 0.5


class Verdict(Enum):
    """``PERHAPS``: it looks as if it drops the context, and too few of the traces are sampled to be sure."""

    PASSES = "passes"
    DROPS = "drops"
    PERHAPS = "perhaps"
    UNTOLD = "untold"


@dataclass(frozen=True)
class Conduct:
    """``dropped`` is the share of calls for requests that begin a trace, from 0 to 1; ``calls`` names their addresses.

    ``requests``, ``passed`` and ``begun`` count what it was told from: requests, calls that belong to a request's
    trace, and calls that begin one.
    """

    verdict: Verdict
    requests: int = 0
    passed: int = 0
    begun: int = 0
    dropped: float = 0.0
    calls: tuple[str, ...] = ()


def conduct(spans: Iterable[ProxySpan], seconds: int, sampled: float) -> Conduct:
    """Return what one application does; ``spans`` are those of its sidecars during ``seconds``.

    ``sampled`` is the share of traces that is sampled, from 0 to 1.
    """
    # A span that is in two of Tempo's blocks may be found twice.
    seen = _Seen(list(dict.fromkeys(spans)), sampled)
    requests, begun = len(seen.requests), len(seen.begun)
    innocent = Conduct(
        Verdict.PASSES if requests and seen.passed else Verdict.UNTOLD, requests, len(seen.passed), begun
    )
    if not requests or not begun:
        return innocent
    whole = seen.overlap(seen.begun, seen.passed, seconds)
    if whole.shows(requests):
        return replace(innocent, verdict=Verdict.DROPS, dropped=whole.share, calls=_names(seen.begun))
    # It may pass the context on to one address, and not to another.
    by_name = {name: seen.overlap(begun_there, seen.passed_to(name), seconds) for name, begun_there in seen.by_name()}
    shown = {name: found for name, found in by_name.items() if found.shows(requests)}
    if shown:
        share = sum(found.for_requests for found in shown.values()) / sum(found.calls for found in shown.values())
        return replace(innocent, verdict=Verdict.DROPS, dropped=share, calls=tuple(sorted(shown)))
    # A call shows in time only if its request was sampled too. Where that would have shown, there is nothing.
    suspect = {
        name: len(begun_there)
        for name, begun_there in seen.by_name()
        if not seen.passed_to(name) and len(begun_there) >= _OF_REQUESTS * requests
    }
    would_show = sum(suspect.values()) * sampled > _MIN_REQUESTS
    if suspect and requests >= _MIN_REQUESTS and not would_show:
        return replace(innocent, verdict=Verdict.PERHAPS, dropped=1.0, calls=tuple(sorted(suspect)))
    return innocent


@dataclass(frozen=True)
class _Overlap:
    """``begun`` calls that begin traces, beside ``passed`` that do not. ``fallen`` of them fall into a request.

    ``matched`` requests have at least one; ``by_chance`` would fall into one if they had nothing to do with them.
    ``for_requests`` were made for a request, those too whose request was not sampled.
    """

    begun: int
    passed: int
    fallen: int
    matched: int
    by_chance: float
    for_requests: float

    @property
    def calls(self) -> float:
        return self.for_requests + self.passed

    @property
    def share(self) -> float:
        return self.for_requests / self.calls if self.calls else 0.0

    def shows(self, requests: int) -> bool:
        """Whether calls are made for requests."""
        probability = _at_least(self.fallen, self.begun, self.by_chance / self.begun)
        is_no_chance = self.fallen >= _MIN_FALLEN and probability < _IMPOSSIBLE
        is_in_most = requests >= _MIN_REQUESTS and self.matched >= _OF_REQUESTS * requests
        return self.share >= _MIN_SHARE and (is_no_chance or is_in_most)


class _Seen:
    """The spans of one application, sorted."""

    def __init__(self, spans: Sequence[ProxySpan], sampled: float) -> None:
        self._sampled = sampled
        self.requests = [span for span in spans if span.kind == "server"]
        calls = [span for span in spans if span.kind == "client"]
        self.begun = [span for span in calls if span.begins_trace]
        traces: dict[tuple[str, str], list[ProxySpan]] = defaultdict(list)
        for span in self.requests:
            traces[span.node, span.trace_id].append(span)
        # A call that continues a trace without a request of this pod got its context otherwise, as from ``verify``.
        self.passed = [
            span
            for span in calls
            if not span.begins_trace
            and any(one.start_ns <= span.start_ns for one in traces.get((span.node, span.trace_id), ()))
        ]

    def by_name(self) -> Iterable[tuple[str, list[ProxySpan]]]:
        names: dict[str, list[ProxySpan]] = defaultdict(list)
        for span in self.begun:
            names[span.name].append(span)
        return names.items()

    def passed_to(self, name: str) -> list[ProxySpan]:
        return [span for span in self.passed if span.name == name]

    def overlap(self, begun: Sequence[ProxySpan], passed: Sequence[ProxySpan], seconds: int) -> _Overlap:
        silent = self._silent(passed)
        taken: Counter[ProxySpan] = Counter()
        fallen, by_chance = 0, 0.0
        for node in {span.node for span in begun}:
            there = [span for span in silent if span.node == node]
            share = _covered(there) / (seconds * _SECOND)
            for call in (span for span in begun if span.node == node):
                by_chance += min(share, 1.0)
                around = [
                    one
                    for one in there
                    if one.start_ns <= call.start_ns <= one.end_ns and one.trace_id != call.trace_id
                ]
                if around:
                    fallen += 1
                    taken[min(around, key=lambda one: (taken[one], one.start_ns))] += 1
        for_requests = min(fallen / self._sampled, len(begun)) if self._sampled else fallen
        return _Overlap(len(begun), len(passed), fallen, len(taken), by_chance, for_requests)

    def _silent(self, passed: Collection[ProxySpan]) -> list[ProxySpan]:
        """The requests with none of the calls ``passed`` in their own trace."""
        calls: Mapping[tuple[str, str], list[int]] = _grouped(passed, lambda span: (span.node, span.trace_id))
        return [
            span
            for span in self.requests
            if not any(start >= span.start_ns for start in calls.get((span.node, span.trace_id), ()))
        ]


def _grouped(
    spans: Iterable[ProxySpan], key: Callable[[ProxySpan], tuple[str, str]]
) -> Mapping[tuple[str, str], list[int]]:
    starts: dict[tuple[str, str], list[int]] = defaultdict(list)
    for span in spans:
        starts[key(span)].append(span.start_ns)
    return starts


def _covered(spans: Iterable[ProxySpan]) -> int:
    """How many nanoseconds at least one of ``spans`` takes."""
    covered, until = 0, 0
    for span in sorted(spans, key=lambda span: span.start_ns):
        covered += max(0, span.end_ns - max(span.start_ns, until))
        until = max(until, span.end_ns)
    return covered


def _at_least(hits: int, tries: int, probability: float) -> float:
    """The probability of so many hits or more, each of which has ``probability``: a binomial distribution's tail."""
    if not 0 < probability < 1:
        return float(probability >= 1 or hits == 0)
    hit, miss = math.log(probability), math.log1p(-probability)
    logarithms = (
        math.lgamma(tries + 1) - math.lgamma(n + 1) - math.lgamma(tries - n + 1) + n * hit + (tries - n) * miss
        for n in range(hits, tries + 1)
    )
    return sum(map(math.exp, logarithms))


def _names(spans: Iterable[ProxySpan]) -> tuple[str, ...]:
    return tuple(sorted({span.name for span in spans}))
