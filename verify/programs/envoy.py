"""What a proxy says of itself at Envoy's admin port."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import httpx

ADMIN_PORT = 15000
# Of each listener what is in use, and why its newest configuration is not (envoy.admin.v3.ListenersConfigDump). What
# was refused is left out: if it has a filter that Envoy does not know, Envoy writes no dump at all.
_LISTENER = "active_state,error_state.details"
TRACER = "envoy.tracers.opentelemetry"


@dataclass(frozen=True)
class Tracing:
    """``tracer`` names the cluster that a proxy's tracer sends to; ``sampling`` is in percent.

    ``counters`` are those of all endpoints of that cluster; ``cluster`` is its configuration, if it exists. ``refusal``
    is why the proxy refuses what it was sent last; empty if it does not.
    """

    tracer: str | None
    sampling: float | None
    cluster: Mapping[str, Any] | None
    counters: Mapping[str, int]
    refusal: str = ""


def read(client: httpx.Client, wanted: str) -> Tracing:
    """Ask a proxy; ``wanted`` is the cluster whose counters count if it has no tracer.

    Raises ``httpx.HTTPError``, or ``ValueError`` for an answer that is no JSON.
    """

    def get(path: str, **query: str) -> Any:
        return json.loads(client.get(path, params=query).raise_for_status().text)

    listeners = get("/config_dump", resource="dynamic_listeners", mask=_LISTENER)
    found = [one for one in tracers(listeners) if one[1] == TRACER]
    target = next((target for target, _, _ in found), None)
    pattern = f"^{re.escape(target or wanted)}$"
    configs = get("/config_dump", resource="dynamic_active_clusters", name_regex=pattern).get("configs", [])
    return Tracing(
        tracer=target if found else None,
        sampling=next((sampling for _, _, sampling in found), None),
        cluster=configs[0].get("cluster") if configs else None,
        counters=endpoint_counters(get("/clusters", format="json"), target or wanted),
        refusal=refusal(listeners),
    )


def refusal(dump: Mapping[str, Any]) -> str:
    """Why the newest configuration of a listener is not in use, from a dump of listeners; empty if it is."""
    errors = (listener.get("error_state") or {} for listener in dump.get("configs") or [])
    return next((str(error["details"]).strip().splitlines()[0] for error in errors if error.get("details")), "")


def tracers(dump: object) -> Iterator[tuple[str | None, str, float]]:
    """The tracers in a dump of listeners: the cluster that each sends to, its name, its sampling in percent."""
    if isinstance(dump, dict):
        tracing = dump.get("tracing")
        if isinstance(tracing, dict) and isinstance(tracing.get("provider"), dict):
            provider = tracing["provider"]
            config = provider.get("typed_config", {})
            target = config.get("grpc_service", {}).get("envoy_grpc", {}).get("cluster_name")
            if target is None:
                target = config.get("http_service", {}).get("http_uri", {}).get("cluster")
            # Envoy leaves it out if it is 100 %.
            sampling = tracing.get("random_sampling", {"value": 100.0}).get("value", 0.0)
            yield target, provider.get("name", ""), float(sampling)
        for value in dump.values():
            yield from tracers(value)
    elif isinstance(dump, list):
        for value in dump:
            yield from tracers(value)


def endpoint_counters(answer: Mapping[str, Any], cluster: str) -> dict[str, int]:
    """The counters of all endpoints of one cluster, from Envoy's ``/clusters?format=json``."""
    counters: dict[str, int] = {}
    for status in answer.get("cluster_statuses", []):
        if status.get("name") == cluster:
            for host in status.get("host_statuses", []):
                for stat in host.get("stats", []):
                    counters[stat["name"]] = counters.get(stat["name"], 0) + int(stat.get("value", 0))
    return counters


def is_encrypted(cluster: Mapping[str, Any]) -> bool:
    """Whether all traffic to a cluster is encrypted; automatic mTLS, which looks at each endpoint, is not that."""
    return "tls" in str(cluster.get("transport_socket", {}).get("name", ""))
