"""Sends requests whose trace ids it knows, and follows them until one trace is in Tempo and in the graph.

One request goes out each second, until one of them has been seen in Tempo and in Prometheus: the graph keeps the trace
ids of only some requests, as exemplars. The number of requests and the time are limited.
"""

import secrets
import time
from collections.abc import Callable, Collection
from contextlib import ExitStack
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx

from verify.access.cluster import UNREADABLE, CannotLookError
from verify.hops import collector
from verify.traffic import delays, graph_scope, service_graph
from verify.traffic.service_graph import EVERYTHING, Scope
from verify.traffic.trace import Trace, edges, parse
from verify.world import Journey, World

MAX_REQUESTS = 45
_BETWEEN_REQUESTS = 1.0
# When each step must have happened, in seconds after the first request. A proxy sends its spans every 5 s, a generator
# its edges every 15 s, and remote write to Prometheus runs as often.
_STORED, _SEARCHABLE, _GRAPHED = 20.0, 40.0, 75.0
# Two proxies send the two spans of an edge at different times, so the graph may get the last edge of a trace an
# interval of the generator, and one of remote write, after the first.
_LAST_EDGE = 35.0
# A collector may hold spans back, but what it holds for longer than this is not waited for.
_MOST_HELD = 120.0
# Wait at least this long, so that every proxy has sent its spans and the collector has passed them on.
_MIN_SECONDS = 8.0
# Wait this long if no request is sent, so that the graph has counted requests of other clients.
_SECONDS_WITHOUT_REQUESTS = 35.0
_MAX_UNANSWERED = 5
_STEPS = 3
_HEX_DIGITS = 32
# So many look-ups by id and searches in a round keep pace with one request a second.
_LOOKUPS = 6
_SEARCHES = 3
# What is stored and searched for lies well inside of a window that begins and ends so much earlier and later.
_MARGIN = 5.0
_LIMIT = 500
_HOPS_TO_TEMPO = {"sidecars", "provider", "proxies", "collector", "object-store", "tempo"}
_HOPS_TO_GRAPH = {"prometheus", "generator"}

Say = Callable[[str], None]


@dataclass
class Sent:
    """One request. All times, also those at which its trace was first seen, are Unix times of the cluster."""

    trace_id: str
    at: float
    stored: float | None = None
    searchable: float | None = None
    graphed: float | None = None

    @property
    def steps(self) -> int:
        return sum(moment is not None for moment in (self.stored, self.searchable, self.graphed))


def follow(world: World, url: str | None, broken: Collection[str], say: Say) -> Journey:
    """Send requests to ``url``, inside the cluster, and follow them; ``broken`` are hops with a fault.

    It does not wait for what a broken hop prevents. Without ``url`` it only waits, so that the traffic of other clients
    can be counted.
    """
    if url is None:
        say("no address to send requests to: counting the traffic of other clients")
        time.sleep(max(0.0, min(_SECONDS_WITHOUT_REQUESTS, world.cluster.deadline.left)))
        return Journey(note="no request was sent: name an address with --probe")
    blocks = set(broken)
    with ExitStack() as opened:
        try:
            application = opened.enter_context(world.cluster.client(_root(url)))
        except CannotLookError as error:
            return Journey(address=url, problem=str(error))
        tempo = None if _HOPS_TO_TEMPO & blocks else _store(world.tempo, opened)
        is_awaited = tempo is not None and not _HOPS_TO_GRAPH & blocks
        prometheus = _store(world.prometheus, opened) if is_awaited else None
        scope = EVERYTHING if prometheus is None else graph_scope.of(world)
        now, held = world.cluster.now(), _held_seconds(world)
        kept = world.deployment.tracing.kept_trace_state
        follower = _Follower(url, application, tempo, prometheus, scope, now, held, kept)
        while not follower.has_ended():
            began = time.monotonic()
            follower.send()
            follower.look()
            say(follower.progress())
            time.sleep(max(0.0, _BETWEEN_REQUESTS - (time.monotonic() - began)))
        return follower.journey()


def _store(client: Callable[[], httpx.Client], opened: ExitStack) -> httpx.Client | None:
    """A client of Tempo or Prometheus; None if it cannot be reached, for which its own hop gives the reason."""
    try:
        return opened.enter_context(client())
    except CannotLookError:
        return None


def _held_seconds(world: World) -> float:
    try:
        held = delays.longest(collector.config_of(collector.read(world)))
    except (CannotLookError, *UNREADABLE):
        return 0.0
    return 0.0 if held is None else min(_MOST_HELD, delays.seconds(held.text))


class _Follower:
    """The requests that were sent, and how far each has come; a store without a client is not asked.

    ``held`` are the seconds for which the collector holds spans back, ``kept`` is the header ``tracestate`` by which it
    keeps a trace. ``now`` is the cluster's time: from then on this
    machine only measures how long it is ago, because its own time may be off.
    """

    def __init__(  # noqa: PLR0913, PLR0917  whom it asks, and what about
        self,
        url: str,
        application: httpx.Client,
        tempo: httpx.Client | None,
        prometheus: httpx.Client | None,
        scope: Scope,
        now: float,
        held: float,
        kept: str | None,
    ) -> None:
        self._url = url
        self._application = application
        self._tempo = tempo
        self._prometheus = prometheus
        self._scope = scope
        self._ahead = now - time.monotonic()
        self._held = held
        self._kept = kept
        self._began = now
        self._knows_trace_id = True
        self._sent: list[Sent] = []
        self._refused: list[str] = []
        self._counted_first: float | None = None
        self._counted_at: float | None = None
        self._is_complete = False

    def send(self) -> None:
        """Send one more request, if one may be sent."""
        if len(self._sent) + len(self._refused) >= MAX_REQUESTS:
            return
        one = Sent(_trace_id(), self._now())
        parts = urlsplit(self._url)
        headers = {
            # Every proxy obeys the last byte: this request is sampled, whatever the sampling percentage is.
            "traceparent": f"00-{one.trace_id}-{secrets.token_hex(8)}-01",
            "Host": parts.netloc,
            # And a collector that chooses traces keeps this one.
            **({} if self._kept is None else {"tracestate": self._kept}),
        }
        try:
            answer = self._application.get(f"{parts.path or '/'}?{parts.query}".rstrip("?"), headers=headers)
        except (httpx.HTTPError, CannotLookError) as error:
            self._refused.append(str(error))
            return
        if answer.is_server_error:
            self._refused.append(f"{self._url} answered {answer.status_code}")
        else:
            self._sent.append(one)

    def look(self) -> None:
        """Ask Tempo and Prometheus how far the requests have come; one that does not answer has not seen them."""
        try:
            if self._tempo is not None:
                self._ask_tempo(self._tempo)
            if self._prometheus is not None:
                self._ask_prometheus(self._prometheus)
        except (httpx.HTTPError, CannotLookError, *UNREADABLE):
            return

    def has_ended(self) -> bool:
        elapsed, late = self._now() - self._began, self._held
        if not self._sent:
            return len(self._refused) >= _MAX_UNANSWERED
        if self._is_complete or elapsed > _GRAPHED + late:
            return True
        stored = any(one.stored for one in self._sent)
        searchable = any(one.searchable for one in self._sent)
        return elapsed > _MIN_SECONDS and (
            self._tempo is None
            or (not stored and elapsed > _STORED + late)
            or (not searchable and elapsed > _SEARCHABLE + late)
            or (searchable and self._prometheus is None)
        )

    def progress(self) -> str:
        """One line for a person who waits."""
        one = self._furthest()
        steps = ("sent", "stored", "searchable", "in the graph")
        return f"{len(self._sent)} requests: {steps[one.steps if one else 0]}"

    def journey(self) -> Journey:
        """The outcome of the request that came furthest."""
        one = self._furthest()
        if one is None:
            return Journey(address=self._url, problem=self._refused[-1])
        note, found = "", self._fetch(one)
        # A trace without an edge is not among what was counted.
        counts = found is None or edges(found)
        if one.graphed is None and self._counted_at is not None and one.stored is not None and counts:
            one.graphed = max(self._counted_at, one.stored)
            note = "Prometheus has no exemplar of it, but its counters show that the graph grew"
        return Journey(
            address=self._url,
            answered=len(self._sent),
            trace_id=one.trace_id,
            sent_at=one.at,
            stored_seconds=_since(one.at, one.stored),
            searchable_seconds=_since(one.at, one.searchable),
            graphed_seconds=_since(one.at, one.graphed),
            note=note,
            trace=found,
        )

    def _now(self) -> float:
        return time.monotonic() + self._ahead

    def _furthest(self) -> Sent | None:
        return max(self._sent, key=lambda one: one.steps, default=None)

    def _ask_tempo(self, tempo: httpx.Client) -> None:
        unseen = [one for one in self._sent if one.stored is None]
        # Tempo looks into every block for each of them, so only some are asked for, old and new ones.
        for one in unseen[:: -(-len(unseen) // _LOOKUPS) or 1]:
            if tempo.get(f"/api/traces/{one.trace_id}").is_success:
                one.stored = self._now()
        waiting = [one for one in self._sent if one.stored is not None and one.searchable is None]
        # First those of which only this is not known yet.
        for one in sorted(waiting, key=lambda one: one.graphed is None)[:_SEARCHES]:
            if self._finds(tempo, one):
                one.searchable = self._now()

    def _finds(self, tempo: httpx.Client, one: Sent) -> bool:
        """Whether a search finds the trace itself, however many others there are."""
        if self._knows_trace_id:
            query = {"q": f'{{ trace:id = "{one.trace_id}" }}', "limit": "1"}
            answer = tempo.get("/api/search", params=query | self._window(self._began, self._now()))
            if answer.status_code != httpx.codes.BAD_REQUEST:
                return one.trace_id in _trace_ids(answer)
            # Tempo before 2.5: it may be one of many there, so that only the seconds around the request are searched.
            self._knows_trace_id = False
        query = {"q": "{}", "limit": str(_LIMIT)}
        return one.trace_id in _trace_ids(tempo.get("/api/search", params=query | self._window(one.at, one.at)))

    @staticmethod
    def _window(start: float, end: float) -> dict[str, str]:
        return {"start": str(int(start - _MARGIN)), "end": str(int(end + _MARGIN) + 1)}

    def _ask_prometheus(self, prometheus: httpx.Client) -> None:
        window = {"start": str(self._began - _MARGIN), "end": str(self._now() + _MARGIN)}
        query = {"query": service_graph.exemplars_of(self._scope), **window}
        answer = prometheus.get("/api/v1/query_exemplars", params=query)
        series = answer.json().get("data") or [] if answer.is_success else []
        ids = {
            value.zfill(_HEX_DIGITS)
            for entry in series
            for exemplar in entry["exemplars"]
            for value in exemplar["labels"].values()
        }
        for one in self._sent:
            if one.graphed is None and one.trace_id in ids:
                one.graphed = self._now()
        self._count(prometheus)
        self._is_complete = any(one.steps == _STEPS and self._has_its_edges(one, prometheus) for one in self._sent)

    def _has_its_edges(self, one: Sent, prometheus: httpx.Client) -> bool:
        """Whether the graph has every edge of a trace that it has counted, or has had the time for it."""
        if one.graphed is not None and self._now() - one.graphed > _LAST_EDGE:
            return True
        found = self._fetch(one)
        return found is None or edges(found) <= service_graph.known(prometheus, self._scope)

    def _count(self, prometheus: httpx.Client) -> None:
        """Note when the graph first grew by samples that are newer than the first stored trace."""
        stored = min((one.stored for one in self._sent if one.stored), default=None)
        counted, latest = service_graph.counted(prometheus, self._scope)
        if self._counted_first is None:
            self._counted_first = counted
        elif self._counted_at is None and stored is not None and latest > stored and counted > self._counted_first:
            self._counted_at = self._now()

    def _fetch(self, one: Sent) -> Trace | None:
        if self._tempo is None or one.stored is None:
            return None
        try:
            return parse(self._tempo.get(f"/api/traces/{one.trace_id}").raise_for_status().json())
        except (httpx.HTTPError, CannotLookError, *UNREADABLE):
            return None


def _trace_id() -> str:
    """A new id. It begins with no zero: Tempo shows ids without, and versions before 2.10 compare what they show."""
    return f"{secrets.randbelow(15) + 1:x}{secrets.token_hex(16)[1:]}"


def _trace_ids(answer: httpx.Response) -> set[str]:
    found = answer.raise_for_status().json().get("traces") or []
    return {entry["traceID"].zfill(_HEX_DIGITS) for entry in found}


def _since(start: float, moment: float | None) -> float | None:
    return None if moment is None else max(0.0, moment - start)


def _root(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
