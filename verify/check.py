"""One check: look at every hop, follow a request, look again, and name the hop at fault."""

import datetime
from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

from verify.access.cluster import UNREADABLE, CannotCheckError, CannotLookError
from verify.access.deadline import TimeOverError
from verify.causes import Code
from verify.deployment import Deployment
from verify.findings import Because, Finding, Status, attribute, unknown, warning
from verify.hops import HOPS, Hop, graph, provider
from verify.output import unexpected
from verify.output.report import Report, Request
from verify.programs.metrics import gain
from verify.redaction import redacted
from verify.sight import narrowed
from verify.traffic import request, service_graph
from verify.traffic.learning import learnt_edges
from verify.traffic.request import Say
from verify.traffic.service_graph import Edge
from verify.world import Journey, Looks, World

_PARALLEL_LOOKS = 6


@dataclass(frozen=True)
class Wanted:
    """What a person asked for: ``hops`` by name, further expected ``edges``, and where to send requests."""

    hops: Sequence[Hop] = HOPS
    edges: frozenset[Edge] = frozenset()
    probe: str | None = None


def check(world: World, wanted: Wanted, say: Say) -> Report:
    """Check the hops once; raises ``CannotCheckError`` if the API server no longer accepts the credentials."""
    hops, world = wanted.hops, narrowed(replace(world, probe=wanted.probe))
    say("looking at every hop")
    looked_at_twice = [hop for hop in hops if not hop.is_of_minutes]
    before = _look(world, looked_at_twice)
    first = {hop.name: _judge(world, hop, Looks(before[hop.name], before[hop.name], None)) for hop in looked_at_twice}
    journey, after = None, before
    with ThreadPoolExecutor(1) as pool:
        meanwhile = pool.submit(_look, world, [hop for hop in hops if hop.is_of_minutes])
        if any(hop.flow for hop in hops):
            try:
                journey = _follow(world, wanted, [name for name, found in first.items() if _is_fault(found)], say)
            except TimeOverError as error:
                journey = Journey(note=str(error))
            say("looking once more")
            after = _look(world, looked_at_twice)
        once = meanwhile.result()
    before, after = before | once, after | once
    findings = [_judge(world, hop, Looks(before[hop.name], after[hop.name], journey)) for hop in hops]
    # What was found before the time was over stays true.
    findings = [
        first[found.hop] if found.code is Code.TIME_OVER and _is_fault(first.get(found.hop, found)) else found
        for found in findings
    ]
    found = after.get(graph.NAME)
    shown = found.graph if isinstance(found, graph.Seen) else {}
    return Report(
        stack=world.stack,
        context=world.cluster.context,
        at=datetime.datetime.now(tz=datetime.UTC),
        findings=tuple(_hidden(world, finding) for finding in attribute(findings)),
        titles={hop.name: hop.title for hop in hops},
        request=None if journey is None else _request(journey),
        graph=shown,
        # An edge that has gone is none that is missing.
        expected=journey.expected | (journey.learnt & shown.keys()) if journey else frozenset(),
        trace=journey.trace if journey else None,
    )


def _look(world: World, hops: Sequence[Hop]) -> dict[str, Any]:
    """What was seen of each hop, by its name, or the ``CannotLookError`` that says why it could not be looked at."""

    def look(hop: Hop) -> Any:
        try:
            return hop.look(world)
        except CannotLookError as error:
            return error
        except UNREADABLE as error:
            return CannotLookError(f"an answer does not have the expected form: {type(error).__name__}: {error}")
        except TimeOverError as error:
            return CannotLookError(str(error), code=Code.TIME_OVER)
        except CannotCheckError:
            raise
        except Exception as error:
            return CannotLookError(unexpected.described(error), code=Code.UNEXPECTED)

    with ThreadPoolExecutor(_PARALLEL_LOOKS) as pool:
        return dict(zip((hop.name for hop in hops), pool.map(look, hops), strict=True))


def _judge(world: World, hop: Hop, looks: Looks[Any]) -> Finding:
    for seen in (looks.before, looks.after):
        if isinstance(seen, CannotLookError):
            return _unseen(world, hop, seen)
    journey = looks.journey
    try:
        finding = hop.judge(world, looks)
    except Exception as error:
        return unknown(
            hop.name, unexpected.described(error), code=Code.UNEXPECTED, cause="it was looked at, and not understood"
        )
    if finding.status not in {Status.OK, Status.WARNING} or hop.flow is None or journey is None or journey.answered:
        return finding
    if gain(hop.flow(looks.before), hop.flow(looks.after)):
        # Requests of other clients went through it, which proves as much.
        return finding
    why = journey.problem or journey.note
    return unknown(
        hop.name, *finding.evidence, why, code=Code.NO_TRAFFIC, cause="no request went through it during the check"
    )


def _unseen(world: World, hop: Hop, error: CannotLookError) -> Finding:
    if error.code is not Code.NOT_ALLOWED:
        return unknown(hop.name, str(error), code=error.code, cause="it could not be looked at", remedy=error.remedy)
    found = warning if hop.is_aside else unknown
    return found(hop.name, str(error), code=error.code, cause="it may not be looked at", remedy=world.grant)


def _hidden(world: World, finding: Finding) -> Finding:
    """``finding`` without the address of Prometheus where that is secret; a command with it is of no use then."""
    hide = world.deployment.prometheus.hidden
    remedy = finding.remedy if hide(finding.remedy) == finding.remedy else ""
    return replace(finding, evidence=tuple(map(hide, finding.evidence)), cause=hide(finding.cause), remedy=remedy)


def _is_fault(finding: Finding) -> bool:
    return finding.status is Status.BROKEN and finding.because is Because.FAULT


def _follow(world: World, wanted: Wanted, broken: Collection[str], say: Say) -> Journey:
    journey = request.follow(world, world.followed, broken, say)
    # Edges are known by the names that Istio gives services.
    ours = frozenset() if provider.names_services_by_convention(world) else bookinfo_edges(world.deployment)
    known = ours | wanted.edges
    return replace(journey, expected=known, learnt=learnt_edges(world))


def bookinfo_edges(deployment: Deployment) -> frozenset[Edge]:
    bookinfo = deployment.bookinfo
    if bookinfo is None:
        return frozenset()
    return service_graph.bookinfo_edges(bookinfo.namespace, traffic=bookinfo.traffic, gateway=bookinfo.gateway)


def _request(journey: Journey) -> Request | None:
    if not journey.trace_id:
        return None
    return Request(
        trace_id=journey.trace_id,
        address=redacted(journey.address),
        sent_at=datetime.datetime.fromtimestamp(journey.sent_at, tz=datetime.UTC),
        stored_seconds=journey.stored_seconds,
        searchable_seconds=journey.searchable_seconds,
        graphed_seconds=journey.graphed_seconds,
        note=redacted(journey.note),
    )
