"""The sidecars: every pod in the mesh's namespaces has one, unless it opts out."""

from collections.abc import Mapping
from dataclasses import dataclass

from verify.access.cluster import Object, containers, is_ready, trouble
from verify.causes import Code
from verify.findings import Finding, absent, fault, ok, unknown, warning
from verify.world import Looks, World

NAME = "sidecars"
TITLE = "Sidecars"

_PROXY = "istio-proxy"
_OPT_OUT = "sidecar.istio.io/inject"
# The init container that pods have with Istio's CNI plugin, and how it ends where the plugin has not done its work
# (istio: tools/istio-iptables/pkg/constants).
_VALIDATION, _NOT_VALID = "istio-validation", 126
# The plugin's agents, whoever installed them, in whatever namespace.
_AGENTS = "kubectl get daemonsets,pods -A -o wide -l k8s-app=istio-cni-node"
_AMBIENT = ("istio.io/dataplane-mode", "ambient")


@dataclass(frozen=True)
class Seen:
    """The mesh's namespaces, None for one that does not exist, and their pods."""

    namespaces: dict[str, Object | None]
    pods: list[Object]


def look(world: World) -> Seen:
    names = world.deployment.mesh.namespaces
    return Seen(
        namespaces={name: world.cluster.read(f"/api/v1/namespaces/{name}") for name in names},
        pods=[pod for name in names for pod in world.cluster.pods(name)],
    )


def has_sidecar(pod: Object) -> bool:
    return any(container["name"] == _PROXY for container in containers(pod))


def wants_sidecar(pod: Object) -> bool:
    """Whether a pod should have one: not if it has ended, is on the host's network, or opts out."""
    meta, spec = pod["metadata"], pod["spec"]
    said = meta.get("labels", {}).get(_OPT_OUT) or meta.get("annotations", {}).get(_OPT_OUT)
    ended = pod.get("status", {}).get("phase") in {"Succeeded", "Failed"}
    return said != "false" and not spec.get("hostNetwork") and not ended


def _is_not_redirected(pod: Object) -> bool:
    """Whether the pod waits for somebody to lead its traffic to its sidecar, which the plugin has not done."""
    for state in pod.get("status", {}).get("initContainerStatuses", []):
        if state["name"] == _VALIDATION:
            ended = state.get("state", {}).get("terminated") or state.get("lastState", {}).get("terminated") or {}
            return not state.get("ready") and ended.get("exitCode") == _NOT_VALID
    return False


def judge(world: World, looks: Looks[Seen]) -> Finding:
    after = looks.after
    labels = world.deployment.mesh.injection_labels
    wanted = " ".join(f"{key}={value}" for key, value in labels.items())
    if not after.namespaces:
        return absent(NAME, "the stack brings no namespace into the mesh")
    for name, namespace in after.namespaces.items():
        if namespace is None:
            return fault(
                NAME,
                f"no Namespace {name}",
                code=Code.NO_NAMESPACE,
                cause="the namespace does not exist",
                remedy=world.restore,
            )
        there = namespace["metadata"].get("labels", {})
        if any(there.get(key) != value for key, value in labels.items()):
            bare = [pod for pod in after.pods if _in(pod, name) and not has_sidecar(pod)]
            return fault(
                NAME,
                f"Namespace {name} does not have the label {wanted}",
                f"{len(bare)} of its pods have no sidecar",
                code=Code.NAMESPACE_WITHOUT_LABEL,
                cause=f"without the label the injector leaves the namespace's pods alone{_instead(there)}",
                remedy=f"kubectl label namespace {name} {wanted} --overwrite"
                f" && kubectl rollout restart deployment -n {name}",
            )
    expected = [pod for pod in after.pods if wants_sidecar(pod)]
    bare = [pod for pod in expected if not has_sidecar(pod)]
    if bare:
        name = bare[0]["metadata"]["namespace"]
        return fault(
            NAME,
            *(
                f"Pod {pod['metadata']['namespace']}/{pod['metadata']['name']} has no container {_PROXY}"
                for pod in bare
            ),
            code=Code.POD_WITHOUT_SIDECAR,
            cause="these pods were created while no sidecars were injected",
            remedy=f"kubectl rollout restart deployment -n {name}",
        )
    not_redirected = [pod for pod in expected if _is_not_redirected(pod)]
    if not_redirected:
        nodes = ", ".join(sorted({pod["spec"].get("nodeName", "") for pod in not_redirected}))
        return warning(
            NAME,
            *(
                f"Pod {one['metadata']['namespace']}/{one['metadata']['name']}: {_VALIDATION} ends with {_NOT_VALID}"
                for one in not_redirected
            ),
            code=Code.NOT_REDIRECTED,
            cause=f"Istio's CNI plugin was not on {nodes} when these pods started; its agent repairs them as soon as "
            "it runs there",
            remedy=_AGENTS,
        )
    waiting = [pod for pod in expected if not is_ready(pod)]
    evidence = f"{len(expected)} of {len(expected)} pods in {', '.join(after.namespaces)} have one"
    if not expected:
        return unknown(
            NAME, f"no pods in {', '.join(after.namespaces)}", code=Code.NO_PODS, cause="there is nothing to trace yet"
        )
    if waiting:
        pod = waiting[0]["metadata"]
        return warning(
            NAME,
            evidence,
            *(f"Pod {one['metadata']['namespace']}/{one['metadata']['name']}: {trouble(one)}" for one in waiting),
            code=Code.POD_NOT_READY,
            cause="these pods are not ready, so they take no requests and have no spans",
            remedy=f"kubectl describe pod {pod['name']} -n {pod['namespace']}",
        )
    if world.unseen:
        return warning(
            NAME,
            evidence,
            f"not looked at: {', '.join(world.unseen)} (not allowed)",
            code=Code.NOT_ALLOWED,
            cause="not all namespaces of the mesh may be looked at: nothing is said about the others",
            remedy=world.grant,
        )
    return ok(NAME, evidence)


def _instead(labels: Mapping[str, str]) -> str:
    """What the pods of a namespace without the label have, where it is not nothing."""
    key, value = _AMBIENT
    if labels.get(key) != value:
        return ""
    return ": it is ambient, where a waypoint at most makes spans, in its own name, and no edges between applications"


def _in(pod: Object, namespace: str) -> bool:
    return bool(pod["metadata"]["namespace"] == namespace)
