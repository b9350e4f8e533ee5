"""The applications: each passes the trace context of a request on to the calls that it makes for it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import httpx

from verify.access.cluster import CannotLookError, Object, ServicePort
from verify.causes import Code
from verify.findings import Finding, absent, fault, ok, unknown, warning
from verify.hops.provider import extension_providers
from verify.propagation import advice, proxy_spans
from verify.propagation.applications import Application, Found, beginners
from verify.propagation.conduct import Verdict
from verify.world import Journey, Looks, World

NAME = "propagation"
TITLE = "Applications pass the trace context on"

_EXPLAINED = "docs/propagation.md has examples for each language, and what an instrumentation does"
_MAX_NAMED = 8


@dataclass(frozen=True)
class Seen:
    """``at`` is when it was looked, in Unix time by Tempo's clock; ``headers`` are those that carry the context.

    ``has_spans``: sidecars of the mesh's namespaces have sent some recently. ``problem`` is why nothing was found.
    ``entry`` are the labels of the pods behind each Service of the mesh's namespaces, by its namespace and name.
    """

    found: Found
    has_spans: bool
    at: int
    headers: Sequence[str] = advice.W3C
    entry: Mapping[tuple[str, str], Mapping[str, str]] = field(default_factory=dict)
    problem: str = ""


_NOTHING = Seen(Found((), 0), has_spans=False, at=0)


def look(world: World) -> Seen:
    deployment, cluster = world.deployment, world.cluster
    namespaces = deployment.mesh.namespaces
    if not namespaces:
        return _NOTHING
    sampled = deployment.tracing.sampling_percentage / 100
    try:
        with world.tempo() as tempo:
            at = proxy_spans.now(tempo)
            found = beginners(cluster, tempo, namespaces, at, sampled)
            has_spans = bool(found.applications) or proxy_spans.any_of(tempo, namespaces, at)
    except httpx.HTTPStatusError as error:
        return replace(_NOTHING, problem=f"Tempo answered {error.response.status_code} to a search")
    except httpx.HTTPError as error:
        return replace(_NOTHING, problem=f"Tempo did not answer a search: {error}")
    except CannotLookError as error:
        if error.code is Code.NOT_ALLOWED:
            raise
        return replace(_NOTHING, problem=str(error))
    if not found.applications:
        return Seen(found, has_spans, at)
    services = [
        one
        for namespace in sorted({one.workload.namespace for one in found.applications})
        for one in cluster.items(f"/api/v1/namespaces/{namespace}/services")
    ]
    return Seen(
        found,
        has_spans,
        at,
        _headers(world),
        {
            (one["metadata"]["namespace"], one["metadata"]["name"]): one.get("spec", {}).get("selector") or {}
            for one in services
        },
    )


def judge(world: World, looks: Looks[Seen]) -> Finding:
    after = looks.after
    if not world.deployment.mesh.namespaces:
        return absent(NAME, "the stack brings no namespace into the mesh")
    if after.problem:
        return unknown(NAME, after.problem, code=Code.NOT_READABLE, cause="the traces cannot be read")
    applications = after.found.applications
    entry = _forgetful_entry(looks)
    dropping = [one for one in applications if one.conduct.verdict is Verdict.DROPS or one is entry]
    perhaps = [one for one in applications if one.conduct.verdict is Verdict.PERHAPS and one not in dropping]
    names = f"{', '.join(after.headers[:-1])} and {after.headers[-1]}"
    evidence = [
        *(_line(one, after.headers) for one in [*dropping, *perhaps][:_MAX_NAMED]),
        *_examples(dropping or perhaps, after.headers),
        *_unseen(after.found, len(dropping) + len(perhaps)),
    ]
    if dropping:
        others = f" and {len(dropping) - 1} more do" if len(dropping) > 1 else " does"
        return fault(
            NAME,
            *evidence,
            _EXPLAINED,
            code=Code.CONTEXT_NOT_PASSED_ON,
            cause=f"{dropping[0].workload.place}{others} not pass on {names} from a request to the calls for it, "
            "so that these begin new traces",
            remedy=_remedy(world, dropping, after.headers),
        )
    if perhaps:
        return warning(
            NAME,
            *evidence,
            _EXPLAINED,
            code=Code.CONTEXT_NOT_PASSED_ON,
            cause=f"{perhaps[0].workload.place} seems not to pass on {names}; sample more of its traces to be sure",
        )
    if not after.has_spans:
        return unknown(
            NAME,
            "no sidecar has sent a span in the last minutes",
            code=Code.NO_TRAFFIC,
            cause="no request was traced, from which it could be told",
        )
    beginning = sorted(one.workload.place for one in applications)
    starts = ", ".join(beginning[:_MAX_NAMED])
    return ok(NAME, f"traces begin at {starts}" if starts else "no call of theirs began a trace", *evidence)


def _forgetful_entry(looks: Looks[Seen]) -> Application | None:
    """The application that was sent the requests, if their traces end there.

    They reach it past its sidecar, so that their traces have only the calls that it makes. If none of them was stored,
    and it makes calls that begin other traces, it has forgotten the headers.
    """
    journey, after = looks.journey, looks.after
    if journey is None or not journey.answered or journey.stored_seconds is not None:
        return None
    selector = _selector(journey, after)
    return next(
        (
            one
            for one in after.found.applications
            if selector
            and selector.items() <= dict(one.workload.labels).items()
            and one.last_begun_ns >= looks.before.at * 1_000_000_000
        ),
        None,
    )


def _selector(journey: Journey, seen: Seen) -> Mapping[str, str]:
    target = ServicePort.of(journey.address)
    return seen.entry.get((target.namespace, target.service), {}) if target else {}


def _line(one: Application, headers: Sequence[str]) -> str:
    workload, conduct = one.workload, one.conduct
    place = f"{workload.place}, container {workload.container} ({workload.image or 'no image'})"
    if conduct.verdict in {Verdict.DROPS, Verdict.PERHAPS}:
        calls = ", ".join(conduct.calls[:3]) + (", …" if len(conduct.calls) > len(conduct.calls[:3]) else "")
        share = "all" if not conduct.passed else f"about {max(conduct.dropped, 0.01):.0%} of"
        return f"{place}: {share} calls to {calls} for requests begin a new trace"
    return f"{place}: the requests that were sent had {headers[0]}, and its calls for them begin a new trace"


def _examples(applications: Sequence[Application], headers: Sequence[str]) -> list[str]:
    languages = dict.fromkeys(one.workload.language for one in applications if one.workload.language)
    return [f"in {language}: {advice.example(language, headers)}" for language in languages]


def _unseen(found: Found, named: int) -> list[str]:
    lines = [f"{named - _MAX_NAMED} more of them"] if named > _MAX_NAMED else []
    return lines + ([f"{found.unseen} more applications begin traces, and were not looked at"] if found.unseen else [])


def _remedy(world: World, dropping: Sequence[Application], headers: Sequence[str]) -> str:
    """One command for all that the operator can instrument; nothing else in a cluster can make up for the headers."""
    if "opentelemetry" not in world.deployment.operators:
        return ""
    return " && ".join(filter(None, (advice.instrument(one.workload, headers) for one in dropping)))


def _headers(world: World) -> Sequence[str]:
    """The headers that the provider's tracer reads."""
    mesh = world.deployment.mesh
    entries = [
        entry
        for name in mesh.config_maps
        for entry in extension_providers(_config_map(world, name))
        if entry.get("name") == world.deployment.tracing.provider
    ]
    return advice.B3 if any("zipkin" in entry for entry in entries) else advice.W3C


def _config_map(world: World, name: str) -> Object | None:
    return world.cluster.read(f"/api/v1/namespaces/{world.deployment.mesh.namespace}/configmaps/{name}")
