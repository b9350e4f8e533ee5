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
    """One hop; ``follows`` says whether its verdict needs a request that was followed."""

    name: str
    title: str
    look: Callable[[World], Any]
    judge: Callable[[World, Looks[Any]], Finding]
    follows: bool


def _hop(module: ModuleType, *, follows: bool) -> Hop:
    return Hop(module.NAME, module.TITLE, module.look, module.judge, follows)


# In the order of the spans' way, with what a hop depends on before it.
HOPS: tuple[Hop, ...] = (
    _hop(operators, follows=False),
    _hop(control_plane, follows=False),
    _hop(sidecars, follows=False),
    _hop(provider, follows=False),
    _hop(proxies, follows=True),
    _hop(collector, follows=True),
    _hop(object_store, follows=False),
    _hop(tempo, follows=True),
    _hop(prometheus, follows=False),
    _hop(generator, follows=True),
    _hop(graph, follows=True),
    _hop(grafana, follows=False),
    _hop(kiali, follows=True),
)
