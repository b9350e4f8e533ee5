"""Parts of the collector that have to see whole traces: their pipelines, and how each trace gets to one pod.

Spans of a trace come from several proxies, over several connections, and so to any of the pods. Several pods therefore
hand each span to the one that its trace belongs to (``loadbalancing``, by trace id), and that one has the parts. A
single pod has all spans anyway.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from objects.addresses import COLLECTOR_PEER_PORT
from objects.context import Text
from objects.merge import merge

TRACES = "traces"
# Of the components that bring traces together. The name is older than what else needs whole traces.
_PEERS, _FROM_PEERS = "loadbalancing/graph", "otlp/graph"
_FIRST = "memory_limiter"


@dataclass(frozen=True)
class Part:
    """A part of the collector that sees whole traces: what happens to them there, and where they go then.

    It becomes a pipeline ``traces/<name>``, or the end of the pipeline ``traces`` where that comes to the same.
    """

    name: str
    processors: Sequence[str]
    exporters: Sequence[str]


def add_parts(
    config: Mapping[str, Any], parts: Sequence[Part], *, replicas: int, delivery: Mapping[str, Any], peers: Text
) -> dict[str, Any]:
    """The collector's ``config`` with the ``parts`` behind its pipeline ``traces``.

    ``delivery`` is what an exporter does with spans that it cannot send at once; ``peers`` is a host whose addresses
    are those of all pods.
    """
    if not parts:
        return dict(config)
    if replicas == 1:
        return _in_one_pod(config, parts)
    traces = config["service"]["pipelines"][TRACES]
    handed_on = {**traces, "exporters": _all(traces["exporters"], [_PEERS])}
    ends = {
        f"{TRACES}/{part.name}": {
            "receivers": [_FROM_PEERS],
            "processors": [_FIRST, *part.processors],
            "exporters": list(part.exporters),
        }
        for part in parts
    }
    return merge(merge(_among_peers(delivery, peers), config), _pipelines({TRACES: handed_on, **ends}))


def _in_one_pod(config: Mapping[str, Any], parts: Sequence[Part]) -> dict[str, Any]:
    traces = config["service"]["pipelines"][TRACES]
    exporters = traces["exporters"]
    pipelines: dict[str, Any] = {}
    for part in parts:
        if not part.processors:
            exporters = _all(exporters, part.exporters)
            continue
        own = {"processors": [*traces["processors"], *part.processors], "exporters": list(part.exporters)}
        pipelines[f"{TRACES}/{part.name}"] = {**traces, **own}
    if exporters:
        pipelines[TRACES] = {**traces, "exporters": exporters}
        return merge(config, _pipelines(pipelines))
    # All spans go through a part, so one of them takes the place of the pipeline that would lead nowhere.
    first, *others = pipelines
    return merge(config, _pipelines({TRACES: pipelines[first], **{name: pipelines[name] for name in others}}))


def _all(some: Sequence[str], others: Sequence[str]) -> list[str]:
    return list(dict.fromkeys([*some, *others]))


def _pipelines(pipelines: Mapping[str, Any]) -> dict[str, Any]:
    return {"service": {"pipelines": dict(pipelines)}}


def _among_peers(delivery: Mapping[str, Any], host: Text) -> dict[str, Any]:
    """The way by which each trace gets to one of the pods."""
    return {
        "receivers": {_FROM_PEERS: {"protocols": {"grpc": {"endpoint": f"0.0.0.0:{COLLECTOR_PEER_PORT}"}}}},
        "exporters": {
            _PEERS: {
                "routing_key": "traceID",
                # Here and not below `otlp`, which belongs to one peer: what a peer did not take before it went is sent
                # to the one that its traces belong to now.
                **delivery,
                "protocol": {
                    "otlp": {
                        "tls": {"insecure": True},
                        "retry_on_failure": {"enabled": False},
                        "sending_queue": {"enabled": False},
                    }
                },
                "resolver": {"dns": {"hostname": host, "port": str(COLLECTOR_PEER_PORT)}},
            }
        },
    }
