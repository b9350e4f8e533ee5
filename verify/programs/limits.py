"""Tempo's limits, and the commands that raise them."""

from collections.abc import Mapping
from dataclasses import dataclass

from verify.world import World


@dataclass(frozen=True)
class Limit:
    """A limit of Tempo's overrides.

    ``newer`` and ``older`` are its keys in the two formats that the overrides have; ``enough`` is what it is raised to
    at least: Tempo's own default, where that is a limit.
    """

    newer: str
    older: str
    enough: int


# tempo: modules/overrides/config.go, modules/overrides/config_legacy.go
RATE = Limit("ingestion.rate_limit_bytes", "ingestion_rate_limit_bytes", 30_000_000)
BURST = Limit("ingestion.burst_size_bytes", "ingestion_burst_size_bytes", 30_000_000)
LIVE_TRACES = Limit("ingestion.max_traces_per_user", "max_traces_per_user", 20_000)
TRACE_SIZE = Limit("global.max_bytes_per_trace", "max_bytes_per_trace", 10_000_000)
SERIES = Limit("metrics_generator.max_active_series", "metrics_generator_max_active_series", 60_000)


def raised(world: World, *limits: Limit, now: Mapping[Limit, float] | None = None) -> str:
    """The command that doubles ``limits``, as far as it is known what they are ``now``."""
    # The operator writes the older format for a TempoStack, and Tempo stops when it finds both.
    is_older = world.deployment.tempo.mode == "stack"
    return world.change(
        {
            f"tempo.extraConfig.overrides.{limit.older if is_older else f'defaults.{limit.newer}'}": max(
                limit.enough, int(2 * (now or {}).get(limit, 0))
            )
            for limit in limits
        }
    )
