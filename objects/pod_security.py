"""Pod Security: the labels by which the API server enforces it, and what makes `restricted` accept our pods."""

from typing import Any

from model import Platform
from objects.context import Object

# Of a namespace. New pods that are not `restricted` are refused; those that run already stay.
ENFORCED = {"pod-security.kubernetes.io/enforce": "restricted"}
# Of a namespace with pods of the node itself, whatever the cluster enforces elsewhere.
PRIVILEGED = {"pod-security.kubernetes.io/enforce": "privileged"}
SECCOMP = {"type": "RuntimeDefault"}
# Of the image that is called curl, which gives it as a name.
CURL_USER = 100
# Of a container, and of a whole pod, for the resources of operators and the values of charts; `manifests/` says the
# same of the pods of our own.
CONTAINER = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
POD = {"runAsNonRoot": True, "seccompProfile": SECCOMP}


def volumes_of(group: int, platform: Platform) -> dict[str, Any]:
    """The part of a pod's security context that hands its volumes, which may arrive as root's, to ``group``.

    OpenShift assigns a group, and refuses any other.
    """
    if platform == "openshift":
        return {}
    # A volume that was handed over before is not walked again at each start.
    return {"fsGroup": group, "fsGroupChangePolicy": "OnRootMismatch"}


def restricted(manifest: Object) -> Object:
    """A copy of ``manifest``, a workload whose containers are `restricted`, whose pods declare that they are too."""
    spec = manifest["spec"]
    template = spec["template"]
    pod = {**template["spec"], "securityContext": POD}
    return {**manifest, "spec": {**spec, "template": {**template, "spec": pod}}}


def run_as(manifest: Object, user: int, platform: Platform) -> Object:
    """A copy of ``manifest``, a workload, whose pods run as ``user``, to whose group their volumes are handed.

    OpenShift assigns a user, and refuses any other. Elsewhere the image's own would do only if the image gives it as a
    number other than root's: the kubelet cannot tell whether a name is root's.
    """
    if platform == "openshift":
        return manifest
    spec = manifest["spec"]
    template = spec["template"]
    pod = template["spec"]
    security = {**pod["securityContext"], "runAsUser": user, **volumes_of(user, platform)}
    pod = {**pod, "securityContext": security}
    return {**manifest, "spec": {**spec, "template": {**template, "spec": pod}}}
