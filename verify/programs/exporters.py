"""The exporters of a collector's traces: where each sends to, and what the collector's log says of it."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

_FAILED = "Exporting failed"
_MAX_LENGTH = 400


@dataclass(frozen=True)
class Exporter:
    """``name`` is its type, or its type, a slash and a name; ``endpoint`` is empty for one that sends nowhere."""

    name: str
    endpoint: str


@dataclass(frozen=True)
class Failure:
    """``exporter`` is empty where the log does not name it; ``error`` is one line."""

    exporter: str
    error: str

    def __str__(self) -> str:
        return f"{_FAILED}: {self.error}"


def type_of(name: str) -> str:
    """The type of a component or pipeline, which is called by it, or by it, a slash and a name."""
    return name.partition("/")[0]


def of_traces(config: Mapping[str, Any]) -> list[Exporter]:
    """The exporters of the pipelines of traces, each once."""
    pipelines = (config.get("service") or {}).get("pipelines") or {}
    names = [
        name
        for kind, pipeline in pipelines.items()
        if type_of(kind) == "traces"
        for name in (pipeline or {}).get("exporters") or []
    ]
    exporters = config.get("exporters") or {}
    return [Exporter(name, (exporters.get(name) or {}).get("endpoint", "")) for name in dict.fromkeys(names)]


def failures(lines: Iterable[str]) -> list[Failure]:
    """What the lines of a collector's log say of exporters that failed."""
    return [_failure(line) for line in lines if _FAILED in line]


def _failure(line: str) -> Failure:
    fields = _fields(line)
    error = str(fields.get("error") or line)
    # Collectors before 0.123 call the component ``name``.
    name = fields.get("otelcol.component.id") or fields.get("name") or ""
    return Failure(str(name), " ".join(error.split())[:_MAX_LENGTH])


def _fields(line: str) -> Mapping[str, Any]:
    """The fields that end a line of the collector's log, as JSON."""
    try:
        found = json.loads(line[line.index("{") :])
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
