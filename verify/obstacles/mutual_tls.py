"""DestinationRules by which proxies speak Istio's mutual TLS to a collector that is outside the mesh."""

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
_RULE = "tracing-collector-plain-text"


def rule(world: World, around: Surroundings, pod: Object) -> Obstacle:
    """Return the rule that a proxy obeys for the collector's host, and the command for plain text.

    A proxy takes the most specific one in its own namespace, or else in the Service's, or else in the root namespace
    (istio: pilot/pkg/model/push_context.go, destinationRule). Where none is found, a new rule for the exact host is
    more specific than what there may be.
    """
    host = world.deployment.tracing.collector_host
    home = host.split(".")[1]
    obeyed = next(
        (
            found
            for name in dict.fromkeys((pod["metadata"]["namespace"], home, around.root))
            if (found := _most_specific(around, name, host))
        ),
        None,
    )
    if obeyed is not None and _host(obeyed) == host:
        patch = json.dumps({"spec": {"trafficPolicy": {"tls": {"mode": "DISABLE"}, "portLevelSettings": None}}})
        remedy = f"kubectl patch {arguments(_KIND, obeyed)} --type merge --patch {shlex.quote(patch)}"
    else:
        # One in the proxy's own namespace can only be replaced there.
        is_own = obeyed is not None and obeyed["metadata"]["namespace"] not in {home, around.root}
        remedy = _plain_text(host, pod["metadata"]["namespace"] if is_own else home)
    return Obstacle(
        Code.MUTUAL_TLS,
        f"DestinationRule {name_of(obeyed)} is for {(obeyed.get('spec') or {}).get('host')}" if obeyed else "",
        "the proxies use mTLS to the collector, which is outside the mesh: a DestinationRule covers its host",
        remedy,
    )


def _most_specific(around: Surroundings, namespace: str, host: str) -> Object | None:
    rules = [one for one in oldest_first(around.destination_rules) if one["metadata"]["namespace"] == namespace]
    covering = [one for one in rules if covers(_host(one), host)]
    return max(covering, key=lambda one: len(_host(one).removeprefix("*")), default=None)


def _host(destination_rule: Object) -> str:
    """A short name is one of the rule's own namespace."""
    host = str((destination_rule.get("spec") or {}).get("host") or "")
    namespace = destination_rule["metadata"]["namespace"]
    return host if "." in host or host.startswith("*") else f"{host}.{namespace}.svc.cluster.local"


def _plain_text(host: str, namespace: str) -> str:
    content: Mapping[str, Any] = {
        "apiVersion": "networking.istio.io/v1",
        "kind": "DestinationRule",
        "metadata": {"name": _RULE, "namespace": namespace},
        "spec": {"host": host, "trafficPolicy": {"tls": {"mode": "DISABLE"}}},
    }
    return f"echo {shlex.quote(json.dumps(content))} | kubectl apply -f -"
