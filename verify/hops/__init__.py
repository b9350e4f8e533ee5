"""The hops on a span's path, one module each, with two functions.

``look`` reads the cluster and judges nothing; it is called before and after requests are followed, or once meanwhile.
``judge`` gets what both looks saw and reads nothing; without a journey, both saw the same.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from verify.findings import Finding
from verify.hops import (
    collector,
    control_plane,
    dns,
    generator,
    grafana,
    graph,
    kiali,
    object_store,
    operators,
    prometheus,
    propagation,
    provider,
    proxies,
    sidecars,
    store,
)
from verify.world import Looks, World


@dataclass(frozen=True)
class Hop:
    """One hop. ``flow`` counts what had gone through it when it was looked at, by pod: it works only if that has grown.

    Without ``flow``, its verdict needs no traffic. ``is_aside``: no span passes it, so that the others have a verdict
    without it. ``is_of_minutes``: what it looks at is of the last minutes, and takes seconds to find, so one look is
    enough, while requests are followed.
    """

    name: str
    title: str
    look: Callable[[World], Any]
    judge: Callable[[World, Looks[Any]], Finding]
    flow: Callable[[Any], Mapping[str, float]] | None = None
    is_aside: bool = False
    is_of_minutes: bool = False


_ASIDE = (operators, dns)
_OF_MINUTES = (propagation,)


def _hop(module: ModuleType) -> Hop:
    flow = getattr(module, "flow", None)
    return Hop(
        module.NAME,
        module.TITLE,
        module.look,
        module.judge,
        flow,
        is_aside=module in _ASIDE,
        is_of_minutes=module in _OF_MINUTES,
    )


# In the order in which a span passes them, each after what it depends on.
HOPS: tuple[Hop, ...] = tuple(
    _hop(module)
    for module in (
        operators,
        dns,
        control_plane,
        sidecars,
        provider,
        proxies,
        collector,
        object_store,
        store,
        prometheus,
        generator,
        propagation,
        graph,
        grafana,
        kiali,
    )
)
