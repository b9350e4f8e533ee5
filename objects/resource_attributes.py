"""What the collector adds to each span's resource: where the span comes from, and which pod sent it."""

from typing import Any

from model import ResourceAttributes
from objects.context import PART_OF, Context, Object

_NAMED = "resource/place"
# Newer collectors call it `k8s_attributes`, and take this name too.
_OF_PODS = "k8sattributes/place"
# The Deployment is read off the pod's ReplicaSet.
_METADATA = ["k8s.namespace.name", "k8s.pod.name", "k8s.pod.uid", "k8s.node.name", "k8s.deployment.name"]
_RBAC = "rbac.authorization.k8s.io"
_READ = ["get", "list", "watch"]


def placing(resource: ResourceAttributes) -> dict[str, Any]:
    """The processors by their names, in their order."""
    named = [{"key": name, "value": value, "action": "insert"} for name, value in resource.named.items()]
    # A proxy sends its spans itself, so the pod is the one with the address that they come from.
    pods = {"extract": {"metadata": _METADATA}, "pod_association": [{"sources": [{"from": "connection"}]}]}
    return {
        **({_OF_PODS: pods} if resource.kubernetes else {}),
        **({_NAMED: {"attributes": named}} if named else {}),
    }


def build_pod_reader(account: str, app: str, namespace: str, context: Context) -> dict[str, Object]:
    """The right to find pods, as the processor's README has it ("Cluster-scoped RBAC"), for the ``account``."""
    # A second stack on the cluster has a mesh in another namespace.
    name = f"{PART_OF}-{app}-{namespace}"
    metadata = context.metadata(name, app=app)
    rules = [
        {"apiGroups": [""], "resources": ["pods", "namespaces"], "verbs": _READ},
        {"apiGroups": ["apps"], "resources": ["replicasets"], "verbs": _READ},
    ]
    subject = {"kind": "ServiceAccount", "name": account, "namespace": namespace}
    return {
        "cluster-role": {"apiVersion": f"{_RBAC}/v1", "kind": "ClusterRole", "metadata": metadata, "rules": rules},
        "cluster-role-binding": {
            "apiVersion": f"{_RBAC}/v1",
            "kind": "ClusterRoleBinding",
            "metadata": metadata,
            "roleRef": {"apiGroup": _RBAC, "kind": "ClusterRole", "name": name},
            "subjects": [subject],
        },
    }
