"""The proxies: each has the tracer and the collector's cluster, and the collector accepts its spans."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from verify.causes import Code
from verify.cluster import Object, is_ready
from verify.findings import Finding, absent, fault, ok, stalled, starved, unknown
from verify.hops.sidecars import has_sidecar
from verify.world import Looks, World

NAME = "proxies"
TITLE = "Proxies send spans to the collector"

_ADMIN_PORT = 15000
_TRACER = "envoy.tracers.opentelemetry"
# One proxy of each application is enough, and a mesh may have hundreds of applications.
_MAX_PROXIES = 12


@dataclass(frozen=True)
class Proxy:
    """One sidecar. ``tracer`` names the cluster that its tracer sends to; ``sampling`` is in percent.

    ``counters`` are those of all endpoints of that cluster; ``cluster`` is its configuration, if it exists.
    """

    pod: str
    tracer: str | None
    sampling: float | None
    cluster: Mapping[str, Any] | None
    counters: Mapping[str, int]


@dataclass(frozen=True)
class Seen:
    """``silent`` are the pods whose proxy does not answer."""

    proxies: list[Proxy]
    silent: list[str]


def look(world: World) -> Seen:
    proxies, silent = [], []
    for pod in _one_of_each(world):
        name = f"{pod['metadata']['namespace']}/{pod['metadata']['name']}"
        try:
            with world.cluster.pod_client(pod, _ADMIN_PORT) as client:
                proxies.append(_proxy(name, client, collector_cluster(world)))
        except (httpx.HTTPError, ValueError):
            silent.append(name)
    return Seen(proxies, silent)


def flow(seen: Seen) -> float:
    """The exports of spans that the collector has accepted."""
    return sum(proxy.counters.get("rq_success", 0) for proxy in seen.proxies)


def judge(world: World, looks: Looks[Seen]) -> Finding:
    before, after, journey = looks.before, looks.after, looks.journey
    proxies = after.proxies
    if not world.deployment.mesh.namespaces:
        return absent(NAME, "the stack brings no namespace into the mesh")
    if not proxies:
        return unknown(
            NAME,
            *(f"Pod {name}: its proxy does not answer" for name in after.silent),
            code=Code.NO_PROXY,
            cause="there is no sidecar to ask",
        )
    tracerless = [proxy for proxy in proxies if proxy.tracer is None]
    if tracerless:
        return starved(
            NAME,
            *(f"Pod {proxy.pod}: no listener has {_TRACER}" for proxy in tracerless),
            code=Code.PROXY_WITHOUT_TRACER,
            cause="istiod has not sent these proxies a tracer",
            remedy=_restart_istiod(world),
        )
    wanted = collector_cluster(world)
    elsewhere = [proxy for proxy in proxies if proxy.tracer != wanted or proxy.cluster is None]
    if elsewhere:
        return starved(
            NAME,
            *(f"Pod {proxy.pod}: the tracer sends to {proxy.tracer}" for proxy in elsewhere),
            f"expected {wanted}",
            code=Code.PROXY_ELSEWHERE,
            cause="these proxies send to another collector, or to none",
            remedy=_restart_istiod(world),
        )
    sampling_nothing = [proxy for proxy in proxies if proxy.sampling == 0]
    if len(sampling_nothing) == len(proxies):
        return starved(
            NAME,
            *(f"Pod {proxy.pod}: random_sampling is 0" for proxy in sampling_nothing),
            code=Code.SAMPLED_LESS,
            cause="a Telemetry for their namespace or workload sets the sampling to 0 %",
            remedy="kubectl get telemetries.telemetry.istio.io --all-namespaces --output yaml",
        )
    encrypting = [proxy for proxy in proxies if _is_encrypted(proxy.cluster or {})]
    if encrypting:
        return fault(
            NAME,
            *(f"Pod {proxy.pod}: {wanted} has a TLS transport socket" for proxy in encrypting),
            *_counters(before, after),
            code=Code.MUTUAL_TLS,
            cause="the proxies use mTLS to the collector, which is outside the mesh: a DestinationRule covers its host",
            remedy=_plain_text(world),
        )
    evidence = f"{len(proxies)} of {len(proxies)} proxies have {_TRACER} and {wanted}"
    if journey is None or not journey.answered or _grown(before, after, "rq_success"):
        return ok(NAME, evidence, *(_counters(before, after) if journey else ()))
    if not {proxy.pod for proxy in before.proxies} & {proxy.pod for proxy in proxies}:
        return unknown(NAME, evidence, code=Code.PROXY_RESTARTED, cause="these proxies have only just started")
    return stalled(
        NAME,
        *_counters(before, after),
        code=Code.SPANS_DROPPED,
        cause=f"packets to port {world.deployment.tracing.collector_port} of the collector do not arrive: "
        "a NetworkPolicy or a firewall drops them",
        remedy=_let_in(world),
    )


def collector_cluster(world: World) -> str:
    """Envoy's name of the collector's cluster."""
    tracing = world.deployment.tracing
    return f"outbound|{tracing.collector_port}||{tracing.collector_host}"


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


def _one_of_each(world: World) -> list[Object]:
    pods = [pod for name in world.deployment.mesh.namespaces for pod in world.cluster.pods(name)]
    chosen: dict[tuple[str, str], Object] = {}
    for pod in pods:
        if has_sidecar(pod) and is_ready(pod):
            meta = pod["metadata"]
            chosen.setdefault((meta["namespace"], meta.get("labels", {}).get("app", meta["name"])), pod)
    return list(chosen.values())[:_MAX_PROXIES]


def _proxy(name: str, client: httpx.Client, wanted: str) -> Proxy:
    def get(path: str, **query: str) -> Any:
        return json.loads(client.get(path, params=query).raise_for_status().text)

    found = [one for one in tracers(get("/config_dump", resource="dynamic_listeners")) if one[1] == _TRACER]
    target = next((target for target, _, _ in found), None)
    pattern = f"^{re.escape(target or wanted)}$"
    configs = get("/config_dump", resource="dynamic_active_clusters", name_regex=pattern).get("configs", [])
    return Proxy(
        pod=name,
        tracer=target if found else None,
        sampling=next((sampling for _, _, sampling in found), None),
        cluster=configs[0].get("cluster") if configs else None,
        counters=endpoint_counters(get("/clusters", format="json"), target or wanted),
    )


def _is_encrypted(cluster: Mapping[str, Any]) -> bool:
    return "tls" in str(cluster.get("transport_socket", {}).get("name", ""))


def _grown(before: Seen, after: Seen, counter: str) -> int:
    """By how much a counter grew in all proxies together; in a proxy that is new, by its whole value."""
    then = {proxy.pod: proxy.counters for proxy in before.proxies}
    return sum(
        max(0, proxy.counters.get(counter, 0) - then.get(proxy.pod, {}).get(counter, 0)) for proxy in after.proxies
    )


def _counters(before: Seen, after: Seen) -> list[str]:
    grown = {name: _grown(before, after, name) for name in ("rq_success", "rq_error", "cx_connect_fail")}
    return ["to the collector, during the check: " + ", ".join(f"{name} +{value}" for name, value in grown.items())]


def _restart_istiod(world: World) -> str:
    mesh = world.deployment.mesh
    return f"kubectl rollout restart deployment/{mesh.istiod} -n {mesh.namespace}"


def _plain_text(world: World) -> str:
    """The command for a rule without TLS: one for the exact host takes precedence over one with a wildcard."""
    tracing = world.deployment.tracing
    rule = {
        "apiVersion": "networking.istio.io/v1",
        "kind": "DestinationRule",
        "metadata": {"name": "tracing-collector-plain-text", "namespace": tracing.collector_namespace},
        "spec": {"host": tracing.collector_host, "trafficPolicy": {"tls": {"mode": "DISABLE"}}},
    }
    return f"echo '{json.dumps(rule)}' | kubectl apply -f -"


def _let_in(world: World) -> str:
    """The command for a policy that allows spans in: what any NetworkPolicy allows is allowed."""
    tracing = world.deployment.tracing
    ports = [{"protocol": "TCP", "port": tracing.collector_port}]
    policy = {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": "tracing-collector-otlp", "namespace": tracing.collector_namespace},
        "spec": {
            "podSelector": {
                "matchLabels": {"app.kubernetes.io/instance": f"{tracing.collector_namespace}.{tracing.collector}"}
            },
            "policyTypes": ["Ingress"],
            "ingress": [{"ports": ports}],
        },
    }
    return f"echo '{json.dumps(policy)}' | kubectl apply -f -"
