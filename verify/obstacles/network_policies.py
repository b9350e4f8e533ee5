"""NetworkPolicies that let no proxy reach the collector."""

import json
import shlex
from collections.abc import Mapping
from typing import Any

from verify.access.cluster import Object, containers
from verify.causes import Code
from verify.obstacles.obstacle import Obstacle
from verify.obstacles.selectors import labels_of, selects
from verify.obstacles.surroundings import Surroundings, name_of
from verify.world import World

_ALLOWING = "tracing-collector-otlp"


def closed(world: World, around: Surroundings, client: Object) -> Obstacle | None:
    """Return a policy that selects the collector, if none of those that do lets ``client`` in on its port.

    A pod that no policy selects takes everything, and what any policy allows is allowed
    (https://kubernetes.io/docs/concepts/services-networking/network-policies/).
    """
    if not around.collector:
        return None
    pod = around.collector[0]
    selecting = [one for one in around.network_policies if _is_for(one, pod)]
    if not selecting or any(_lets_in(world, around, one, pod, client) for one in selecting):
        return None
    port = world.deployment.tracing.collector_port
    return Obstacle(
        Code.POLICY_DROPS_SPANS,
        f"NetworkPolicy {name_of(selecting[0])} selects the collector's pods, and none lets "
        f"{client['metadata']['namespace']} in on port {port}",
        f"packets to port {port} of the collector do not arrive: this NetworkPolicy drops them",
        _let_in(world, pod),
    )


def _is_for(policy: Object, pod: Object) -> bool:
    spec = policy.get("spec") or {}
    return "Ingress" in (spec.get("policyTypes") or ["Ingress"]) and selects(spec.get("podSelector"), labels_of(pod))


def _lets_in(world: World, around: Surroundings, policy: Object, pod: Object, client: Object) -> bool:
    rules = (policy.get("spec") or {}).get("ingress") or []
    return any(_has_port(world, rule, pod) and _has_peer(around, rule, policy, client) for rule in rules)


def _has_port(world: World, rule: Mapping[str, Any], pod: Object) -> bool:
    """The pod's port is that of the collector's Service: its operator leads each to the same number."""
    wanted, ports = world.deployment.tracing.collector_port, rule.get("ports") or []
    named = {port.get("name"): port["containerPort"] for one in containers(pod) for port in one.get("ports") or []}
    for entry in ports:
        first = named.get(entry.get("port"), entry.get("port"))
        last = entry.get("endPort", first)
        if entry.get("protocol", "TCP") == "TCP" and (
            first is None or (isinstance(first, int) and first <= wanted <= last)
        ):
            return True
    return not ports


def _has_peer(around: Surroundings, rule: Mapping[str, Any], policy: Object, client: Object) -> bool:
    peers, meta = rule.get("from") or [], client["metadata"]
    for peer in peers:
        if "ipBlock" in peer:
            # Which addresses pods have is the network plugin's business: it may be this one.
            return True
        namespaces = peer.get("namespaceSelector")
        inside = (
            meta["namespace"] == policy["metadata"]["namespace"]
            if namespaces is None
            else selects(namespaces, labels_of(around.namespaces.get(meta["namespace"])))
        )
        if inside and selects(peer.get("podSelector"), labels_of(client)):
            return True
    return not peers


def _let_in(world: World, pod: Object) -> str:
    """The command for a policy that lets spans in. It is for pods that others isolate already, so it closes nothing."""
    tracing = world.deployment.tracing
    policy = {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": _ALLOWING, "namespace": pod["metadata"]["namespace"]},
        "spec": {
            "podSelector": {
                "matchLabels": {"app.kubernetes.io/instance": f"{tracing.collector_namespace}.{tracing.collector}"}
            },
            "policyTypes": ["Ingress"],
            "ingress": [{"ports": [{"protocol": "TCP", "port": tracing.collector_port}]}],
        },
    }
    return f"echo {shlex.quote(json.dumps(policy))} | kubectl apply -f -"
