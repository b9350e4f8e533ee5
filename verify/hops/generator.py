"""The metrics generator, which makes the service graph of the spans: Tempo's, or the connectors of the collector."""

from types import ModuleType
from typing import Any

from verify.findings import Finding, absent
from verify.hops import connectors, tempo_generator
from verify.world import Looks, World

NAME = tempo_generator.NAME
TITLE = "Metrics generator"


def look(world: World) -> Any:
    return None if _is_unseen(world) else _maker(world).look(world)


def flow(seen: Any) -> dict[str, float]:
    """The edges that it has made."""
    if seen is None:
        return {}
    return tempo_generator.flow(seen) if isinstance(seen, tempo_generator.Seen) else connectors.flow(seen)


def judge(world: World, looks: Looks[Any]) -> Finding:
    if _is_unseen(world):
        return absent(NAME, "that of somebody else's Tempo, of which only the graph is seen")
    found: Finding = _maker(world).judge(world, looks)
    return found


def _is_unseen(world: World) -> bool:
    return world.deployment.tempo.mode == "existing" and world.deployment.graph_source == "tempo"


def _maker(world: World) -> ModuleType:
    return connectors if world.deployment.graph_source == "collector" else tempo_generator
