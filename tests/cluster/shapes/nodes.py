"""The nodes of the cluster of this suite, and what is on them."""

import json
from typing import Any

from embedded import Host

NODES = ("node1", "node2", "node3")


def ready_nodes(host: Host) -> list[str]:
    """The nodes that are ready, by name."""
    return sorted(
        node["metadata"]["name"]
        for node in host.objects("nodes")
        for found in node["status"]["conditions"]
        if (found["type"], found["status"]) == ("Ready", "True")
    )


def node_of_volume(host: Host, namespace: str, claim: str) -> str:
    """The node on which a claim has its volume."""
    bound = json.loads(host.kubectl("get", "pvc", "-n", namespace, claim, "-o", "json"))["spec"]["volumeName"]
    volume = json.loads(host.kubectl("get", "pv", bound, "-o", "json"))
    (term,) = volume["spec"]["nodeAffinity"]["required"]["nodeSelectorTerms"]
    (rule,) = term["matchExpressions"]
    (node,) = rule["values"]
    return str(node)


def pods_on(host: Host, node: str) -> list[dict[str, Any]]:
    """The pods that are on a node and are not about to go."""
    found = host.objects("pods", "--all-namespaces", "--field-selector", f"spec.nodeName={node}")
    return [pod for pod in found if "deletionTimestamp" not in pod["metadata"]]


def unavailable(host: Host) -> set[str]:
    """The Deployments of which not all pods are available."""
    return {
        deployment["metadata"]["name"]
        for deployment in host.objects("deployments", "--all-namespaces")
        if deployment["status"].get("availableReplicas", 0) < deployment["spec"]["replicas"]
    }
