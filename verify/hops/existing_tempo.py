"""A store of the traces that somebody else runs: all that can be seen of it is whether it finds recent ones."""

from dataclasses import dataclass

from verify.causes import Code
from verify.findings import Finding, absent, fault, ok, starved
from verify.hops import tempo
from verify.hops.tempo import Failure
from verify.world import Looks, World


@dataclass(frozen=True)
class Seen:
    """``search`` is the number of recent traces; None: it cannot be searched."""

    search: int | Failure | None


def look(world: World) -> Seen:
    return Seen(tempo.search(world) if world.deployment.tempo.query_url else None)


def judge(world: World, looks: Looks[Seen]) -> Finding:
    url, found = world.deployment.tempo.query_url, looks.after.search
    if found is None:
        return absent(tempo.NAME, "somebody else's store, which cannot be searched: tempo.existing has no queryUrl")
    if isinstance(found, Failure):
        return fault(
            tempo.NAME,
            f"{url}: {found.said}",
            code=found.code,
            cause="the existing Tempo cannot be searched: its owner knows why, or tempo.existing has another tenant or "
            "queryUrl than it",
            remedy=f"pulumi config get --path tempo.existing --stack {world.stack}",
        )
    if looks.journey is not None and looks.journey.answered and not found:
        return starved(
            tempo.NAME,
            f"0 recent traces at {url}",
            code=Code.NOT_SEARCHABLE,
            cause="the existing Tempo finds no recent trace",
            remedy=f"pulumi config get --path tempo.existing --stack {world.stack}",
        )
    return ok(tempo.NAME, f"{found} recent traces at {url}")
