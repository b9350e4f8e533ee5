"""Whether what Tempo writes still reaches the stack's Prometheus, whatever the extra configuration adds."""

from collections.abc import Iterable, Iterator
from typing import Any

from objects.context import Object
from program.plan import Plan

_LIST = "metrics_generator.storage.remote_write"


def unwritten(plan: Plan, objects: Iterable[Object]) -> Iterator[str]:
    """One line for a list of remote writes that has replaced the program's; it holds the URL, which may be secret."""
    ours = plan.tempo().remote_write_url
    for obj in objects:
        if obj["kind"] in {"TempoMonolithic", "TempoStack"}:
            writes = _remote_writes(obj["spec"])
            if writes is not None and ours not in [entry.get("url") for entry in writes]:
                yield (
                    f"tempo.extraConfig.{_LIST}: this list replaces the program's, so the service graph is not written "
                    f"to the stack's Prometheus: add {ours} to it, or leave the list out"
                )
                return


def _remote_writes(spec: Any) -> list[dict[str, Any]] | None:
    found = spec.get("extraConfig", {}).get("tempo", {}).get("metrics_generator", {}).get("storage", {})
    writes: list[dict[str, Any]] | None = found.get("remote_write")
    return writes
