"""The store of the traces: the Tempo that the program deploys, or one that somebody else runs."""

from types import ModuleType
from typing import Any

from verify.findings import Finding
from verify.hops import existing_tempo, tempo
from verify.world import Looks, World

NAME = tempo.NAME
TITLE = tempo.TITLE


def look(world: World) -> Any:
    return _of(world).look(world)


def flow(seen: Any) -> dict[str, float]:
    """The spans that it has received; of somebody else's, nobody counts them."""
    return tempo.flow(seen) if isinstance(seen, tempo.Seen) else {}


def judge(world: World, looks: Looks[Any]) -> Finding:
    found: Finding = _of(world).judge(world, looks)
    return found


def _of(world: World) -> ModuleType:
    return existing_tempo if world.deployment.tempo.mode == "existing" else tempo
