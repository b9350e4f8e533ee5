"""Why a container does not keep running: what Kubernetes says of its end, and what it said itself at its start."""

import datetime
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from verify.cluster import Cluster, Object, is_ready, main_container

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
class Refusal:
    """``key`` is what the program does not know in its configuration; empty if it says something else of it."""

    line: str
    key: str


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
