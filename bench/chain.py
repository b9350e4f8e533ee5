"""The longest chain of a ``pulumi up``: what it would take if nothing had to wait for its turn, or without need.

Each resource takes from the engine's event that its operation begins to the one that it has ended. It begins after what
the state says that it depends on, and after its parent. The longest chain is the way along these edges that takes most
time; an ``up`` as long as its longest chain loses nothing to order, to locks or to a lack of processors.

An idle wait is the time that the provider goes on to wait for an object that is ready already. An object is ready when
the last of its conditions became true (Deployments, Jobs, custom resources), or else when it exists. Kubernetes tells
these moments in whole seconds, so that each counts as the end of its second. Where the state has no object (a release
of Helm), no wait is taken for idle.
"""

import datetime
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Resource = Mapping[str, Any]


@dataclass(frozen=True)
class Step:
    """One operation on one resource, in Unix time; ``ready`` is when the object was what its followers need."""

    urn: str
    began: float
    ended: float
    ready: float
    needs: frozenset[str] = frozenset()

    @property
    def seconds(self) -> float:
        return self.ended - self.began

    @property
    def busy_seconds(self) -> float:
        """Without the idle wait at the end."""
        return self.ready - self.began


def steps(events: Iterable[tuple[float, Mapping[str, Any]]], resources: Iterable[Resource]) -> list[Step]:
    """Return the operations that ``events``, each with the time at which it came, tell of.

    ``resources`` are those of the state afterwards. A resource that was not touched takes no time.
    """
    began: dict[str, float] = {}
    ended: dict[str, float] = {}
    for moment, event in events:
        for kind, moments in (("resourcePreEvent", began), ("resOutputsEvent", ended)):
            if kind in event:
                moments[event[kind]["metadata"]["urn"]] = moment
    by_urn = {resource["urn"]: resource for resource in resources}
    children: dict[str, list[str]] = {}
    for urn, resource in by_urn.items():
        children.setdefault(resource.get("parent", ""), []).append(urn)
    found = []
    for urn, resource in by_urn.items():
        start = began.get(urn, 0.0) if resource.get("custom") else 0.0
        end = max(ended.get(urn, start), start) if start else 0.0
        ready = _ready(resource)
        until = end if ready is None else min(max(ready, start), end)
        found.append(Step(urn, start, end, until, _needs(resource, by_urn, children)))
    return found


def longest(steps: Sequence[Step], seconds: Callable[[Step], float]) -> list[Step]:
    """Return the chain with the largest sum of ``seconds``, first step first, without steps that take no time."""
    by_urn = {step.urn: step for step in steps}
    best: dict[str, tuple[float, str | None]] = {}

    def total(urn: str) -> float:
        if urn not in best:
            before = max((need for need in by_urn[urn].needs if need in by_urn), key=total, default=None)
            best[urn] = (seconds(by_urn[urn]) + (total(before) if before else 0.0), before)
        return best[urn][0]

    chain = []
    last = max(by_urn, key=total, default=None)
    while last is not None:
        chain.append(by_urn[last])
        last = best[last][1]
    return [step for step in reversed(chain) if seconds(step) > 0]


def _needs(resource: Resource, by_urn: Mapping[str, Resource], children: Mapping[str, Sequence[str]]) -> frozenset[str]:
    named = {*(resource.get("dependencies") or []), resource.get("provider", "").rpartition("::")[0]}
    for urns in (resource.get("propertyDependencies") or {}).values():
        named.update(urns or [])
    named.discard("")
    # A component is there when its children are; a child, in turn, only needs that what it is in is known.
    around = list(_around(resource, by_urn))
    below = {urn for name in named.difference(around) for urn in _below(name, children)}
    return frozenset({*named, *below, *around[:1]} - {resource["urn"]})


def _around(resource: Resource, by_urn: Mapping[str, Resource]) -> Iterator[str]:
    parent = resource.get("parent", "")
    while parent:
        yield parent
        parent = by_urn.get(parent, {}).get("parent", "")


def _below(urn: str, children: Mapping[str, Sequence[str]]) -> Iterator[str]:
    for child in children.get(urn, ()):
        yield child
        yield from _below(child, children)


def _ready(resource: Resource) -> float | None:
    outputs = resource.get("outputs") or {}
    created = (outputs.get("metadata") or {}).get("creationTimestamp")
    if not isinstance(created, str):
        return None
    conditions = (outputs.get("status") or {}).get("conditions") or []
    became_true = [
        one["lastTransitionTime"] for one in conditions if one.get("status") == "True" and one.get("lastTransitionTime")
    ]
    return max(_unix(moment) for moment in (became_true or [created])) + 1


def _unix(moment: str) -> float:
    return datetime.datetime.fromisoformat(moment).timestamp()
