"""Pods that cannot be where their volume is: the node that has it takes no pods, or does not answer."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from verify.access.cluster import CannotLookError, Cluster, Object, condition
from verify.causes import Code
from verify.programs.symptoms import Cause
from verify.world import World

# What the scheduler says of a volume (kubernetes: pkg/scheduler/framework/plugins/volumebinding), now and before, and
# of the node that has it (plugins/nodeunschedulable, plugins/tainttoleration).
_ELSEWHERE = re.compile(r"didn't match PersistentVolume's node affinity|had volume node affinity conflict")
_CORDONED = re.compile(r"were unschedulable")
_LOST = re.compile(r"node\.kubernetes\.io/(?:unreachable|not-ready)")
# Kubernetes takes pods off a node that does not answer. A StatefulSet replaces its own once the node has confirmed it.
_TAKEN_OFF = "DeletionByTaintManager"
# Where the scheduler says on which node the volume was made.
_NODE = "volume.kubernetes.io/selected-node"
# The context of the embedded cluster, whose nodes are started by a command of this project.
_EMBEDDED = "mesh-tracing-local"


@dataclass(frozen=True)
class Stranded:
    """A pod that waits for the node with its volume; ``node`` is empty if it may not be read which one that is.

    ``said`` is what Kubernetes says of it. ``cordoned``: the node takes no new pods; ``lost``: it does not answer.
    """

    pod: str
    node: str
    said: str
    cordoned: bool = False
    lost: bool = False


def of_service(cluster: Cluster, namespace: str, service: str) -> Stranded | None:
    """The stranded pod behind a Service; None if there is none."""
    found = cluster.read(f"/api/v1/namespaces/{namespace}/services/{service}")
    selector = (found or {}).get("spec", {}).get("selector")
    return of_labels(cluster, namespace, selector) if selector else None


def of_labels(cluster: Cluster, namespace: str, labels: Mapping[str, str]) -> Stranded | None:
    """The stranded pod among those with ``labels``; None if there is none."""
    pods = cluster.items(f"/api/v1/namespaces/{namespace}/pods", labels)
    # One that is being deleted says nothing once another has taken its place.
    return next((found for pod in sorted(pods, key=_is_ending) if (found := _stranded(cluster, pod))), None)


def cause(world: World, stranded: Stranded) -> Cause:
    """Why it waits, and what lets it run again."""
    node = stranded.node or "the node"
    waits = f"Pod {stranded.pod} can only run where its volume is, and {node}"
    if stranded.cordoned:
        words = f"{waits} takes no new pods: it was cordoned, or drained"
        remedy = f"kubectl uncordon {stranded.node}"
    elif stranded.lost:
        words = f"{waits} does not answer: it has to be started again"
        remedy = f"kubectl describe node {stranded.node}"
        if world.cluster.context == _EMBEDDED:
            remedy = f".venv/bin/python -m local node start {stranded.node}"
    else:
        words = f"{waits} does not take it"
        remedy = f"kubectl describe node {stranded.node}"
    return Cause(Code.VOLUME_ELSEWHERE, words, remedy if stranded.node else "kubectl get nodes")


def _stranded(cluster: Cluster, pod: Object) -> Stranded | None:
    claims = list(_claims(pod))
    if not claims:
        return None
    place = f"{pod['metadata']['namespace']}/{pod['metadata']['name']}"
    if _is_ending(pod):
        off = condition(pod, "DisruptionTarget") or {}
        if off.get("reason") != _TAKEN_OFF:
            return None
        return Stranded(place, pod["spec"].get("nodeName", ""), str(off.get("message", "")), lost=True)
    scheduled = condition(pod, "PodScheduled") or {}
    said = str(scheduled.get("message", ""))
    if scheduled.get("status") != "False" or not _ELSEWHERE.search(said):
        return None
    cordoned, lost = (bool(pattern.search(said)) for pattern in (_CORDONED, _LOST))
    # Where some nodes are the one and some the other, nothing says which of them this one is.
    return Stranded(
        place, _node(cluster, pod, claims), said, cordoned=cordoned and not lost, lost=lost and not cordoned
    )


def _is_ending(pod: Object) -> bool:
    return "deletionTimestamp" in pod["metadata"]


def _claims(pod: Object) -> Iterator[str]:
    for volume in pod["spec"].get("volumes", []):
        if "persistentVolumeClaim" in volume:
            yield volume["persistentVolumeClaim"]["claimName"]


def _node(cluster: Cluster, pod: Object, claims: list[str]) -> str:
    space = f"/api/v1/namespaces/{pod['metadata']['namespace']}/persistentvolumeclaims"
    try:
        found = [cluster.read(f"{space}/{claim}") for claim in claims]
    except CannotLookError as error:
        if error.code is not Code.NOT_ALLOWED:
            raise
        return ""
    nodes = [(claim or {}).get("metadata", {}).get("annotations", {}).get(_NODE, "") for claim in found]
    return next(filter(None, nodes), "")
