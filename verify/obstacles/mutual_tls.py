"""DestinationRules by which proxies speak Istio's mutual TLS to a collector outside the mesh, or none to one inside."""

import json
import shlex
from collections.abc import Mapping
from typing import Any

from verify.access.cluster import Object
from verify.causes import Code
from verify.obstacles.obstacle import Obstacle
from verify.obstacles.selectors import covers
from verify.obstacles.surroundings import Surroundings, arguments, name_of, oldest_first
from verify.world import World

_KIND = "destinationrules.networking.istio.io"
# Istio's mode for each way to speak, and the name of a rule that is made for it.
_PLAIN_TEXT, _MUTUAL = ("DISABLE", "tracing-collector-plain-text"), ("ISTIO_MUTUAL", "tracing-collector-mutual-tls")


def rule(world: World, around: Surroundings, pod: Object) -> Obstacle:
    """Return the rule that a proxy obeys for the collector's host, and the command for plain text."""
    obeyed = _obeyed(world, around, pod)
    return Obstacle(
        Code.MUTUAL_TLS,
        f"DestinationRule {name_of(obeyed)} is for {(obeyed.get('spec') or {}).get('host')}" if obeyed else "",
        "the proxies use mTLS to the collector, which is outside the mesh: a DestinationRule covers its host",
        _remedy(world, around, pod, _PLAIN_TEXT),
    )


def plain(world: World, around: Surroundings, pod: Object) -> Obstacle | None:
    """Return the rule by which a proxy speaks plain text to the collector's sidecar, if it obeys such a one."""
    obeyed = _obeyed(world, around, pod)
    tls = (((obeyed or {}).get("spec") or {}).get("trafficPolicy") or {}).get("tls")
    if obeyed is None or tls is None or tls.get("mode", _PLAIN_TEXT[0]) != _PLAIN_TEXT[0]:
        return None
    return Obstacle(
        Code.PLAIN_TEXT,
        f"DestinationRule {name_of(obeyed)} has tls.mode {_PLAIN_TEXT[0]} for {(obeyed.get('spec') or {}).get('host')}",
        "the proxies speak plain text to the collector, whose sidecar takes mTLS alone: a DestinationRule says so",
        _remedy(world, around, pod, _MUTUAL),
    )


def _remedy(world: World, around: Surroundings, pod: Object, wanted: tuple[str, str]) -> str:
    """The command by which a proxy speaks to the collector as ``wanted``, and to all others as before.

    A new rule for the exact host is more specific than what there may be.
    """
    host, (mode, name) = world.deployment.tracing.collector_host, wanted
    home = host.split(".")[1]
    obeyed = _obeyed(world, around, pod)
    if obeyed is not None and _host(obeyed) == host:
        patch = json.dumps({"spec": {"trafficPolicy": {"tls": {"mode": mode}, "portLevelSettings": None}}})
        return f"kubectl patch {arguments(_KIND, obeyed)} --type merge --patch {shlex.quote(patch)}"
    # One in the proxy's own namespace can only be replaced there.
    is_own = obeyed is not None and obeyed["metadata"]["namespace"] not in {home, around.root}
    content: Mapping[str, Any] = {
        "apiVersion": "networking.istio.io/v1",
        "kind": "DestinationRule",
        "metadata": {"name": name, "namespace": pod["metadata"]["namespace"] if is_own else home},
        "spec": {"host": host, "trafficPolicy": {"tls": {"mode": mode}}},
    }
    return f"echo {shlex.quote(json.dumps(content))} | kubectl apply -f -"


def _obeyed(world: World, around: Surroundings, pod: Object) -> Object | None:
    """The rule that a proxy obeys for the collector's host.

    It takes the most specific one in its own namespace, or else in the Service's, or else in the root namespace (istio:
    pilot/pkg/model/push_context.go, destinationRule).
    """
    host = world.deployment.tracing.collector_host
    places = dict.fromkeys((pod["metadata"]["namespace"], host.split(".")[1], around.root))
    return next((found for name in places if (found := _most_specific(around, name, host))), None)


def _most_specific(around: Surroundings, namespace: str, host: str) -> Object | None:
    rules = [one for one in oldest_first(around.destination_rules) if one["metadata"]["namespace"] == namespace]
    covering = [one for one in rules if covers(_host(one), host)]
    return max(covering, key=lambda one: len(_host(one).removeprefix("*")), default=None)


def _host(destination_rule: Object) -> str:
    """A short name is one of the rule's own namespace."""
    host = str((destination_rule.get("spec") or {}).get("host") or "")
    namespace = destination_rule["metadata"]["namespace"]
    return host if "." in host or host.startswith("*") else f"{host}.{namespace}.svc.cluster.local"
