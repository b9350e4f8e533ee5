"""How long a collector holds spans back, and how old they may be that Tempo's generator counts."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from verify.fields import value_at

# What each processor waits for, and how long by default (collector-contrib: processor/*/factory.go).
_WAITING = {"tail_sampling": ("decision_wait", "30s"), "groupbytrace": ("wait_duration", "1s")}
# tempo: modules/generator/config.go, and the overrides in their newer and older format.
SLACK = "metrics_generator.metrics_ingestion_time_range_slack"
_OVERRIDES = (
    "overrides.defaults.metrics_generator.ingestion_time_range_slack",
    "overrides.metrics_generator_ingestion_time_range_slack",
)
DEFAULT_SLACK = "30s"
# A proxy sends its spans every 5 s, and their way to the generator takes its time too.
_ON_THE_WAY = 5.0
# So much earlier than the slack a processor has to pass spans on, so that they are counted in any case.
_EARLIER = 10.0
_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h)")
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


@dataclass(frozen=True)
class Delay:
    """A processor of the collector that holds spans back; its ``field`` says for how long."""

    processor: str
    field: str
    text: str

    def __str__(self) -> str:
        return f"{self.processor}.{self.field} is {self.text}"

    def is_too_long(self, slack: str) -> bool:
        """Whether a generator with this slack does not count what is held back so long."""
        return seconds(self.text) + _ON_THE_WAY > seconds(slack)


def seconds(text: str) -> float:
    """The seconds in a duration as Go writes it; 0 for anything else."""
    return sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(text))


def short_enough(slack: str) -> str:
    """For how long a processor may hold spans back that a generator with this slack counts."""
    return f"{max(1, int(seconds(slack) - _EARLIER))}s"


def slack_of(tempo: Mapping[str, Any]) -> str:
    """How old spans may be, by Tempo's configuration; an override of 0 is none."""
    found = (value_at(tempo, path.split(".")) for path in (*_OVERRIDES, SLACK))
    return next((str(text) for text in found if seconds(str(text))), DEFAULT_SLACK)


def longest(collector: Mapping[str, Any]) -> Delay | None:
    """The processor in a pipeline of traces that holds spans back for longest."""
    pipelines = (collector.get("service") or {}).get("pipelines") or {}
    names = {
        name
        for kind, pipeline in pipelines.items()
        if kind.partition("/")[0] == "traces"
        for name in (pipeline or {}).get("processors") or []
    }
    settings = collector.get("processors") or {}
    found = [
        Delay(name, field, str((settings.get(name) or {}).get(field) or default))
        for name in sorted(names)
        for kind, (field, default) in _WAITING.items()
        if name.partition("/")[0] == kind
    ]
    return max(found, key=lambda delay: seconds(delay.text), default=None)
