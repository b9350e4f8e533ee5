"""NetworkPolicies that let no proxy reach the collector, or the collector not reach what it sends to."""

import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from verify.access.cluster import Cluster, Object, ServicePort, containers
from verify.causes import Code
from verify.obstacles.obstacle import Obstacle
from verify.obstacles.selectors import labels_of, selects
from verify.obstacles.surroundings import Surroundings, name_of
from verify.world import World

_ALLOWING = "tracing-collector-otlp"
_ALLOWING_OUT = "tracing-collector-out"


@dataclass(frozen=True)
class Way:
    """From a pod to a port of another one; ``policies`` are those of the namespaces of both.

    ``namespaces`` are by name, ``selector`` has the labels by which the other one is found.
    """

    client: Object
    server: Object
    port: int
    policies: Sequence[Object]
    namespaces: Mapping[str, Object]
    selector: Mapping[str, str]


def read(cluster: Cluster, client: Object, target: ServicePort) -> Way | None:
    """The way from a pod to what is behind a Service; None without a pod there, or to one who may not read policies."""
    service = cluster.read(f"/api/v1/namespaces/{target.namespace}/services/{target.service}")
    servers = cluster.pods_of(target.namespace, target.service)
    if service is None or not servers:
        return None
    places = dict.fromkeys([client["metadata"]["namespace"], target.namespace])
    listed = [cluster.allowed(f"/apis/networking.k8s.io/v1/namespaces/{one}/networkpolicies", one) for one in places]
    namespaces = cluster.allowed("/api/v1/namespaces", "the labels of namespaces")
    if any(one.unseen for one in (*listed, namespaces)):
        return None
    return Way(
        client=client,
        server=servers[0],
        port=target.port,
        policies=[policy for one in listed for policy in one.items],
        namespaces={one["metadata"]["name"]: one for one in namespaces.items},
        selector=service["spec"]["selector"],
    )


def closed(world: World, around: Surroundings, client: Object) -> Obstacle | None:
    """Return a policy that selects the collector, if none of those that do lets ``client`` in on its port."""
    if not around.collector:
        return None
    pod, port = around.collector[0], world.deployment.tracing.collector_port
    selector = {"app.kubernetes.io/instance": _instance(world)}
    policy = _closing_in(Way(client, pod, port, around.network_policies, around.namespaces, selector))
    if policy is None:
        return None
    return Obstacle(
        Code.POLICY_DROPS_SPANS,
        f"NetworkPolicy {name_of(policy)} selects the collector's pods, and none lets "
        f"{client['metadata']['namespace']} in on port {port}",
        f"packets to port {port} of the collector do not arrive: this NetworkPolicy drops them",
        _let_in(_ALLOWING, pod, selector, port),
    )


def closed_behind(world: World, way: Way) -> Obstacle | None:
    """Return a policy that keeps the collector from what it sends to, at its own end of the way or at the other."""
    place = f"{way.server['metadata']['namespace']}/{way.server['metadata']['name']}"
    policy = _closing_out(way)
    if policy is not None:
        return Obstacle(
            Code.POLICY_IN_THE_WAY,
            f"NetworkPolicy {name_of(policy)} selects the collector's pods, and none lets them connect to port "
            f"{way.port} of {place}",
            f"packets of the collector to {place} do not arrive: this NetworkPolicy drops them",
            _apply(
                _ALLOWING_OUT,
                way.client["metadata"]["namespace"],
                {"app.kubernetes.io/instance": _instance(world)},
                # One that limits to whom the collector connects knows nothing of what else it sends to.
                {"policyTypes": ["Egress"], "egress": [{}]},
            ),
        )
    policy = _closing_in(way)
    if policy is None:
        return None
    return Obstacle(
        Code.POLICY_IN_THE_WAY,
        f"NetworkPolicy {name_of(policy)} selects {place}, and none lets the collector in on port {way.port}",
        f"packets of the collector to {place} do not arrive: this NetworkPolicy drops them",
        _let_in(f"tracing-to-port-{way.port}", way.server, way.selector, way.port),
    )


def _instance(world: World) -> str:
    tracing = world.deployment.tracing
    return f"{tracing.collector_namespace}.{tracing.collector}"


def _closing_in(way: Way) -> Object | None:
    """A policy that selects the server, if none of those that do lets the client in.

    A pod that no policy selects takes everything, and what any policy allows is allowed
    (https://kubernetes.io/docs/concepts/services-networking/network-policies/).
    """
    selecting = [one for one in way.policies if "Ingress" in _types(one) and _is_for(one, way.server)]
    return _unless_let(selecting, way, "ingress", "from", way.client)


def _closing_out(way: Way) -> Object | None:
    """A policy that selects the client, if none of those that do lets it connect to the server."""
    selecting = [one for one in way.policies if "Egress" in _types(one) and _is_for(one, way.client)]
    return _unless_let(selecting, way, "egress", "to", way.server)


def _unless_let(selecting: Sequence[Object], way: Way, rules: str, peers: str, other: Object) -> Object | None:
    for policy in selecting:
        for rule in policy["spec"].get(rules) or []:
            if _has_port(rule, way) and _has_peer(rule.get(peers) or [], policy, way.namespaces, other):
                return None
    return selecting[0] if selecting else None


def _types(policy: Object) -> Sequence[str]:
    spec = policy.get("spec") or {}
    types: Sequence[str] = spec.get("policyTypes") or ["Ingress", *(["Egress"] if spec.get("egress") else [])]
    return types


def _is_for(policy: Object, pod: Object) -> bool:
    same = policy["metadata"]["namespace"] == pod["metadata"]["namespace"]
    return same and selects((policy.get("spec") or {}).get("podSelector"), labels_of(pod))


def _has_port(rule: Mapping[str, Any], way: Way) -> bool:
    """The pod's port is that of its Service: the operators lead each to the same number."""
    ports = rule.get("ports") or []
    named = {
        port.get("name"): port["containerPort"] for one in containers(way.server) for port in one.get("ports") or []
    }
    for entry in ports:
        first = named.get(entry.get("port"), entry.get("port"))
        last = entry.get("endPort", first)
        if entry.get("protocol", "TCP") == "TCP" and (
            first is None or (isinstance(first, int) and first <= way.port <= last)
        ):
            return True
    return not ports


def _has_peer(
    peers: Sequence[Mapping[str, Any]], policy: Object, namespaces: Mapping[str, Object], pod: Object
) -> bool:
    meta = pod["metadata"]
    for peer in peers:
        if "ipBlock" in peer:
            # Which addresses pods have is the network plugin's business: it may be this one.
            return True
        wanted = peer.get("namespaceSelector")
        inside = (
            meta["namespace"] == policy["metadata"]["namespace"]
            if wanted is None
            else selects(wanted, labels_of(namespaces.get(meta["namespace"])))
        )
        if inside and selects(peer.get("podSelector"), labels_of(pod)):
            return True
    return not peers


def _let_in(name: str, pod: Object, selector: Mapping[str, str], port: int) -> str:
    rules = {"policyTypes": ["Ingress"], "ingress": [{"ports": [{"protocol": "TCP", "port": port}]}]}
    return _apply(name, pod["metadata"]["namespace"], selector, rules)


def _apply(name: str, namespace: str, selector: Mapping[str, str], rules: Mapping[str, Any]) -> str:
    """The command for a policy that allows. It is for pods that others isolate already, so it closes nothing."""
    policy = {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"podSelector": {"matchLabels": dict(selector)}, **rules},
    }
    return f"echo {shlex.quote(json.dumps(policy))} | kubectl apply -f -"
