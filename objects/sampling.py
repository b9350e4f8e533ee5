"""What the collector does with whole traces so that there are fewer of them, and the rates stay true.

With tail sampling it keeps the traces that the settings choose. Where proxies trace only a share of the requests, each
span gets the share of the place where its trace began, and Tempo's metrics generator counts it 1/share times
(``span_multiplier_key``). A trace that a client has begun itself, by a ``traceparent`` of its own, is there whatever
the share is, and counts once.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from model import Tracing
from model.scalars import amount, seconds_of
from objects.whole_traces import Part

# The attribute of a span that has the share, as a double; Tempo reads no other type.
RATIO = "sampling.ratio"
# A client that wants its request to be kept by a tail sampler says so in the header ``tracestate``.
KEEP = ("mesh-tracing", "keep")

_SAMPLER = "tail_sampling"
# The first chooses traces, and of what it chose the second keeps as many as the limits allow: so the difference of what
# they count is what the limits dropped.
_CHOSEN, _LIMITED = f"{_SAMPLER}/chosen", f"{_SAMPLER}/limited"
_KEPT = "kept"
# Traces are whole where they are limited, and come one by one.
_AT_ONCE = "1s"
# A proxy sends its spans every 5 s (envoy: source/extensions/tracers/opentelemetry/grpc_trace_exporter.h and
# tracing.opentelemetry.flush_interval_ms), and the last ones of a trace come that much after its first.
_AFTER_ROOT = 7
# Of the memory limit, for traces that wait, and what a trace is taken to need there: ten spans of two kilobytes.
_SHARE_OF_MEMORY, _BYTES_A_TRACE = 0.4, 20_000
_LEAST_TRACES, _MOST_TRACES = 1_000, 1_000_000
# Spans that come after the decision follow it for as long as it is remembered.
_REMEMBERED = 10

_ERROR = "span.status.code == STATUS_CODE_ERROR"
# Proxies mark their spans, and of these the first one of a trace has no parent.
_BEGUN_BY_A_PROXY = 'span.parent_span_id == SpanID(0x0000000000000000) and span.attributes["component"] == "proxy"'
_NANOSECONDS = 1_000_000_000
# The random part of a trace id (W3C Trace Context Level 2) and how many values it has.
_RANDOM, _RANDOM_BITS = "ParseInt(Substring(span.trace_id.string, 18, 14), 16)", 56


def needs_whole_traces(tracing: Tracing, *, multiplies: bool) -> bool:
    """Whether the collector decides on whole traces; ``multiplies``: Tempo makes the graph, of what proxies send."""
    return tracing.sampling.is_tail or (multiplies and tracing.is_thinned)


def build_parts(
    tracing: Tracing, exporters: Sequence[str], *, multiplies: bool
) -> tuple[dict[str, Any], Sequence[Part]]:
    """The processors that sampling needs, and the parts of the collector that have them, before ``exporters``."""
    if tracing.sampling.is_tail:
        chosen, limited = _sampler(tracing, _choices(tracing)), _sampler(tracing, _limits(tracing), wait=_AT_ONCE)
        return {_CHOSEN: chosen, _LIMITED: limited}, [Part(_KEPT, [_CHOSEN, _LIMITED], exporters)]
    if not multiplies:
        return {}, []
    processors, parts, groups = {}, [], list(_groups(tracing))
    for name, policy, ratio in groups:
        sampler, marker = f"{_SAMPLER}/{name}", f"transform/{name}"
        # Each trace waits in all of them.
        processors[sampler] = _sampler(tracing, [policy], copies=len(groups))
        used = [sampler]
        if ratio is not None:
            statement = f'set(span.attributes["{RATIO}"], {ratio!r})'
            processors[marker] = {"error_mode": "ignore", "trace_statements": [_statements(statement)]}
            used.append(marker)
        parts.append(Part(name, used, exporters))
    return processors, parts


def _statements(*statements: str) -> dict[str, Any]:
    return {"context": "span", "statements": list(statements)}


def _sampler(
    tracing: Tracing, policies: Iterable[Mapping[str, Any]], *, wait: str | None = None, copies: int = 1
) -> dict[str, Any]:
    limit = int(amount(tracing.collector.resources.limits["memory"]))
    traces = min(max(int(limit * _SHARE_OF_MEMORY / copies / _BYTES_A_TRACE), _LEAST_TRACES), _MOST_TRACES)
    wait = wait or tracing.sampling.wait
    return {
        "decision_wait": wait,
        **({"decision_wait_after_root_received": f"{_AFTER_ROOT}s"} if seconds_of(wait) > _AFTER_ROOT else {}),
        "num_traces": traces,
        "decision_cache": {
            "sampled_cache_size": traces * _REMEMBERED,
            "non_sampled_cache_size": traces * _REMEMBERED,
        },
        # The policies are in order: a trace belongs to the first one that takes it, and counts there.
        "sample_on_first_match": True,
        "policies": list(policies),
    }


def _choices(tracing: Tracing) -> Iterator[dict[str, Any]]:
    """The policies that choose traces: what matters, and a part of all others."""
    for name, conditions, _ in _kinds(tracing):
        yield _any(name, conditions)


def _limits(tracing: Tracing) -> Iterator[dict[str, Any]]:
    """The same policies, with the limit of each."""
    for name, conditions, spans_a_second in _kinds(tracing):
        # The limiter takes less than what it is given, so many spans need one more.
        rate = {"spans_per_second": spans_a_second // tracing.collector.replicas + 1}
        limiter = {"name": f"{name}-limit", "type": "rate_limiting", "rate_limiting": rate}
        yield {"name": name, "type": "and", "and": {"and_sub_policy": [_any(f"{name}-trace", conditions), limiter]}}


def _kinds(tracing: Tracing) -> Iterator[tuple[str, Sequence[str], int]]:
    """Two kinds of traces: name, the conditions of which one has to be met, and how many spans a second are kept."""
    tail = tracing.sampling.tail
    yield "important", list(_important(tracing)), tail.ceiling
    others = list(_others(tracing))
    if others:
        yield "others", others, tail.budget


def _important(tracing: Tracing) -> Iterator[str]:
    tail = tracing.sampling.tail
    key, value = KEEP
    yield f"span.trace_state[{json.dumps(key)}] == {json.dumps(value)}"
    if tail.errors:
        yield _ERROR
    if tail.slower_than is not None:
        least = round(seconds_of(tail.slower_than) * _NANOSECONDS)
        yield f"span.end_time_unix_nano - span.start_time_unix_nano >= {least}"


def _others(tracing: Tracing) -> Iterator[str]:
    tail = tracing.sampling.tail
    for service in tail.services:
        yield f'resource.attributes["service.name"] == {json.dumps(service)}'
    for name, values in tail.attributes.items():
        for value in values:
            yield f"String(span.attributes[{json.dumps(name)}]) == {json.dumps(value)}"
    if tail.percentage:
        yield f"{_RANDOM} < {round(tail.percentage / 100 * 2**_RANDOM_BITS)}"


def _any(name: str, conditions: Sequence[str]) -> dict[str, Any]:
    """The policy for a trace of which one span meets one of the conditions."""
    return {"name": name, "type": "ottl_condition", "ottl_condition": _conditions(conditions)}


def _not(name: str, conditions: Sequence[str]) -> dict[str, Any]:
    return {"name": name, "type": "not", "not": {"not_sub_policy": _any(name, conditions)}}


def _conditions(conditions: Sequence[str]) -> dict[str, Any]:
    return {"error_mode": "ignore", "span": list(conditions)}


def _groups(tracing: Tracing) -> Iterator[tuple[str, dict[str, Any], float | None]]:
    """The groups of traces that count alike: name, the policy that chooses them, the ratio unless they count once."""
    begun = {place: _begun_at(place, tracing) for place in tracing.shares}
    if begun:
        yield "once", _not("once", list(begun.values())), None
    for number, (place, ratio) in enumerate(tracing.shares.items(), start=1):
        name = "share" if place is None else f"share-{number}"
        yield name, _any(name, [begun[place]]), ratio


def _begun_at(place: tuple[str, str | None] | None, tracing: Tracing) -> str:
    """The condition for the first span of a trace that began at ``place``."""
    others = [other for other in tracing.ratios if other is not None and other != place]
    if place is not None:
        # A namespace's share does not hold for those of its applications that have one of their own.
        others = [other for other in others if place[1] is None and other[0] == place[0]]
    within = map(_is_in, others)
    excluded = "".join(f" and not ({other})" for other in within)
    return f"{_BEGUN_BY_A_PROXY}{'' if place is None else f' and {_is_in(place)}'}{excluded}"


def _is_in(place: tuple[str, str | None]) -> str:
    namespace, app = place
    if app is None:
        return f'span.attributes["istio.namespace"] == {json.dumps(namespace)}'
    return f'resource.attributes["service.name"] == {json.dumps(f"{app}.{namespace}")}'
