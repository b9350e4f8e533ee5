"""What is beside a mesh that works, and must not make it look broken."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from embedded import Host, eventually
from faults import BOOKINFO, apply

_LABEL = {"app": "bystander"}
_NODE = "nowhere"


@contextmanager
def crash_looping_pod(host: Host) -> Iterator[None]:
    """A Deployment of the mesh whose one container ends as soon as it has begun."""
    (pod,) = host.objects("pods", "-n", BOOKINFO, "-l", "app=productpage")
    container = {"name": "app", "image": pod["spec"]["containers"][0]["image"], "command": ["/nothing-here"]}
    template = {"metadata": {"labels": _LABEL}, "spec": {"containers": [container]}}
    apply(
        host,
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": "bystander", "namespace": BOOKINFO},
            "spec": {"selector": {"matchLabels": _LABEL}, "template": template},
        },
    )
    try:
        assert eventually(lambda: _restarts(host), bool, 120)
        yield
    finally:
        host.kubectl("delete", "deployment", "-n", BOOKINFO, "bystander", "--wait=true")


def _restarts(host: Host) -> int:
    pods = host.objects("pods", "-n", BOOKINFO, "-l", "app=bystander")
    return sum(
        "waiting" in one["state"] or one["restartCount"]
        for pod in pods
        for one in pod.get("status", {}).get("containerStatuses", [])
        if one["name"] == "app"
    )


@contextmanager
def pods(host: Host, count: int) -> Iterator[None]:
    """Pods of the mesh that say that they are ready and run nowhere: to the API server they are as good as others."""
    names = [f"bystander-{number:03}" for number in range(count)]
    apply(host, {"apiVersion": "v1", "kind": "List", "items": [_pod(name) for name in names]})
    ready = json.dumps({"status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}})
    try:
        say = 'xargs -P 8 -I {} kubectl patch pod -n "$1" {} --subresource=status --type=merge --patch "$2" <<< "$3"'
        host.with_exports("bash", "-c", say, "bash", BOOKINFO, ready, "\n".join(names))
        yield
    finally:
        host.kubectl("delete", "pods", "-n", BOOKINFO, "-l", "app=bystander", "--force", "--grace-period=0")


def _pod(name: str) -> dict[str, Any]:
    containers = [{"name": one, "image": "nothing.invalid/none:1"} for one in ("app", "istio-proxy")]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        # The injector leaves alone what opts out; that it has a sidecar is what verify is to believe.
        "metadata": {"name": name, "namespace": BOOKINFO, "labels": {**_LABEL, "sidecar.istio.io/inject": "false"}},
        "spec": {"nodeName": _NODE, "containers": containers, "automountServiceAccountToken": False},
    }
