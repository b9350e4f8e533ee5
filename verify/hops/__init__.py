"""The hops of a span's way, one module each: what is looked at, and what is made of it.

``look`` reads the cluster and judges nothing; it is called before and after requests are followed. ``judge`` gets both
looks and reads nothing: without a journey, it tells only what one look tells.
"""

from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from verify.findings import Finding
from verify.hops import (
    collector,
    control_plane,
    generator,
    grafana,
    graph,
    kiali,
    object_store,
    operators,
    prometheus,
    provider,
    proxies,
    sidecars,
    tempo,
)
from verify.world import Looks, World


@dataclass(frozen=True)
class Hop:
    """One hop. ``flow`` is what a look says has gone through it so far; it is well only if that grew.

    Without a ``flow`` its verdict needs no traffic.
    """

    name: str
    title: str
    look: Callable[[World], Any]
    judge: Callable[[World, Looks[Any]], Finding]
    flow: Callable[[Any], float] | None = None


def _hop(module: ModuleType) -> Hop:
    return Hop(module.NAME, module.TITLE, module.look, module.judge, getattr(module, "flow", None))


# In the order of the spans' way, with what a hop depends on before it.
HOPS: tuple[Hop, ...] = tuple(
    _hop(module)
    for module in (
        operators,
        control_plane,
        sidecars,
        provider,
        proxies,
        collector,
        object_store,
        tempo,
        prometheus,
        generator,
        graph,
        grafana,
        kiali,
    )
)
