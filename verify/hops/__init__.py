"""The hops on a span's path, one module each, with two functions.

``look`` reads the cluster and judges nothing; it is called before and after requests are followed. ``judge`` gets what
both looks saw and reads nothing; without a journey, both saw the same.
"""

from collections.abc import Callable
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
    tempo,
)
from verify.world import Looks, World


@dataclass(frozen=True)
class Hop:
    """One hop. ``flow`` counts what had gone through it when it was looked at: it works only if that has grown.

    Without ``flow``, its verdict needs no traffic.
    """

    name: str
    title: str
    look: Callable[[World], Any]
    judge: Callable[[World, Looks[Any]], Finding]
    flow: Callable[[Any], float] | None = None


def _hop(module: ModuleType) -> Hop:
    return Hop(module.NAME, module.TITLE, module.look, module.judge, getattr(module, "flow", None))


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
        tempo,
        prometheus,
        generator,
        propagation,
        graph,
        grafana,
        kiali,
    )
)
