"""Why a container does not keep running: what Kubernetes says of its end, and what it said itself at its start."""

import datetime
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from verify.access.cluster import Cluster, Object, is_ready, main_container
from verify.causes import Code
from verify.fields import value_at
from verify.programs.ownership import is_by_settings
from verify.programs.symptoms import Cause
from verify.world import World

_OUT_OF_MEMORY = "OOMKilled"
# Kubernetes waits up to five minutes before it starts such a container again.
_LOG_SECONDS = 900
_RECENT_SECONDS = 600
# The collector (otelcol/config.go, confmap) and Tempo (cmd/tempo/main.go, by gopkg.in/yaml) name what they do not know.
_UNKNOWN = (
    re.compile(r"has invalid keys: (?P<key>[\w./-]+)"),
    re.compile(r'unknown type: "(?P<key>[^"]+)"'),
    re.compile(r'references \w+ "(?P<key>[^"]+)" which is not configured'),
    re.compile(r"field (?P<key>\w+) not found in type"),
)
# What else they say before they end.
_REFUSED = re.compile(
    "invalid configuration|cannot unmarshal the configuration|failed to get config|failed to build pipelines"
    "|failed parsing config|config is invalid"
)


@dataclass(frozen=True)
class Program:
    """What runs, and what it is made of.

    ``config`` is where its configuration is in ``resource``, ``settings`` where that is in the stack's settings, and
    ``memory`` is the setting of its memory limit, ``usual_memory`` what the stack sets by default.
    """

    name: str
    resource: Object | None
    config: tuple[str, ...]
    settings: str
    memory: str
    usual_memory: str


@dataclass(frozen=True)
class Refusal:
    """``key`` is what the program does not know in its configuration; empty if it says something else of it."""

    line: str
    key: str


def cause_of_end(
    world: World, program: Program, words: Sequence[str], out_of_memory: Sequence[str]
) -> tuple[Cause, str] | None:
    """Why a program does not keep running, and a line that says so; None if neither Kubernetes nor its log says it."""
    if out_of_memory:
        return too_little_memory(world, program), f"Pod {out_of_memory[0]}: a container was ended for its memory"
    refused = refusal(words)
    if refused is None:
        return None
    setting = _setting(program, refused.key)
    said = f"{program.name} refuses its configuration"
    if refused.key:
        said += f": it does not know {refused.key!r}"
    if setting:
        said += f", which the stack's setting {setting} says"
    return Cause(Code.UNKNOWN_KEYS, said, world.forget(setting) if setting else world.restore), refused.line


def too_little_memory(world: World, program: Program) -> Cause:
    """A container is ended because it reaches its limit."""
    return Cause(
        Code.OUT_OF_MEMORY, f"{program.name} is ended because it reaches its memory limit", more_memory(world, program)
    )


def more_memory(world: World, program: Program) -> str:
    """The command that doubles a program's memory limit."""
    # A TempoStack has one for all of its parts together.
    found = (
        value_at(program.resource, ("spec", "resources", *all_of, "limits", "memory")) for all_of in ((), ("total",))
    )
    return world.change({program.memory: twice(str(next(filter(None, found), program.usual_memory)))})


def twice(quantity: str) -> str:
    """Double a quantity of memory in Kubernetes' notation."""
    number = quantity.rstrip("kKMGTPEi")
    return f"{float(number) * 2:.12g}{quantity.removeprefix(number)}"


def _setting(program: Program, key: str) -> str:
    """The setting that puts ``key`` into the configuration; empty if that is not the stack's doing."""
    for path in paths_of(key, value_at(program.resource, program.config)) if key else ():
        if is_by_settings(program.resource, (*program.config, *path)):
            return ".".join((program.settings, *path))
    return ""


def last_words(cluster: Cluster, pods: Iterable[Object]) -> list[str]:
    """What the pods that are not ready logged, each in its present run and in the one before."""
    lines: list[str] = []
    for pod in pods:
        if not is_ready(pod):
            for previous in (True, False):
                lines += cluster.log(pod, main_container(pod), seconds=_LOG_SECONDS, previous=previous)
    return lines


def refusal(lines: Sequence[str]) -> Refusal | None:
    """The newest line in which a program refuses its configuration."""
    named = (
        Refusal(line.strip(), found["key"])
        for line in reversed(lines)
        for pattern in _UNKNOWN
        if (found := pattern.search(line))
    )
    unnamed = (Refusal(line.strip(), "") for line in reversed(lines) if _REFUSED.search(line))
    return next(named, None) or next(unnamed, None)


def out_of_memory(pods: Iterable[Object], now: float) -> list[str]:
    """The pods, by name, of which a container was ended in the last minutes because it had reached its memory limit."""
    return [
        str(pod["metadata"]["name"])
        for pod in pods
        for status in pod.get("status", {}).get("containerStatuses", [])
        for state in (status.get("state") or {}, status.get("lastState") or {})
        if _is_out_of_memory(state.get("terminated") or {}, now)
    ]


def paths_of(key: str, config: Any) -> list[tuple[str, ...]]:
    """Where ``config`` has ``key``, as a key of a map or in a list; the shortest path first."""
    return sorted(_paths(key, config, ()), key=len)


def _paths(key: str, found: Any, above: tuple[str, ...]) -> Iterable[tuple[str, ...]]:
    if isinstance(found, Mapping):
        for name, value in found.items():
            if name == key:
                yield (*above, name)
            else:
                yield from _paths(key, value, (*above, str(name)))
    elif isinstance(found, list) and key in found:
        yield above


def _is_out_of_memory(terminated: Mapping[str, Any], now: float) -> bool:
    if terminated.get("reason") != _OUT_OF_MEMORY:
        return False
    try:
        ended = datetime.datetime.fromisoformat(str(terminated.get("finishedAt"))).timestamp()
    except ValueError:
        return True
    return now - ended < _RECENT_SECONDS
