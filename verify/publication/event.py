"""A new verdict as an Event, as `kubectl get events` and `kubectl describe` show it."""

import socket
from typing import Any

from verify.access.cluster import Object
from verify.publication.condition import Condition

COMPONENT = "mesh-tracing-verify"


def event(condition: Condition, about: Object) -> dict[str, Any]:
    """The Event (kubernetes: staging/src/k8s.io/api/core/v1/types.go) in the namespace of ``about``."""
    meta = about["metadata"]
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"generateName": f"{meta['name']}-", "namespace": meta["namespace"]},
        "involvedObject": {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "namespace": meta["namespace"],
            "name": meta["name"],
            "uid": meta.get("uid", ""),
        },
        "type": "Normal" if condition.status == "True" else "Warning",
        "reason": condition.reason,
        "message": condition.message,
        "firstTimestamp": condition.lastProbeTime,
        "lastTimestamp": condition.lastProbeTime,
        "count": 1,
        "source": {"component": COMPONENT},
        "reportingComponent": COMPONENT,
        "reportingInstance": socket.gethostname(),
    }
