"""The metrics generator, which makes the service graph of the spans: Tempo's, or the connectors of the collector."""

from types import ModuleType
from typing import Any

from verify.findings import Finding
from verify.hops import connectors, tempo_generator
from verify.world import Looks, World

NAME = tempo_generator.NAME
TITLE = "Metrics generator"


def look(world: World) -> Any:
    return _maker(world).look(world)


def flow(seen: Any) -> dict[str, float]:
    """The edges that it has made."""
    return tempo_generator.flow(seen) if isinstance(seen, tempo_generator.Seen) else connectors.flow(seen)


def judge(world: World, looks: Looks[Any]) -> Finding:
    found: Finding = _maker(world).judge(world, looks)
    return found


def _maker(world: World) -> ModuleType:
    return connectors if world.deployment.graph_source == "collector" else tempo_generator
