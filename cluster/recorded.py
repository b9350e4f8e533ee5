"""What this stack has made so far, as its state says."""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pulumi

from objects.context import Object

_STACK = "pulumi:pulumi:Stack"
_RELEASE = "kubernetes:helm.sh/v3:Release"
# What the engine says of a file of state that is not whole, and how many seconds to wait before it is read again.
_HALF_WRITTEN = "failed to load checkpoint"
_PAUSES = (0.1, 0.2, 0.4, 0.8, 1.6)


@dataclass(frozen=True)
class Recorded:
    """The outputs of the stack, and of each of its resources by URN, as the last operation left them."""

    outputs: Mapping[str, Any] = field(default_factory=dict)
    resources: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def cluster_uid(self) -> str | None:
        """Which cluster the stack is on: the UID of `kube-system`; None before its first complete `up`."""
        uid = (self.outputs.get("deployment") or {}).get("cluster_uid")
        return None if uid is None else str(uid)

    def objects(self) -> Iterator[Object]:
        """The Kubernetes objects that the program made or reads; patches are not among them."""
        for resource in self.resources.values():
            token, made = resource["type"], resource["outputs"]
            whole = token.startswith("kubernetes:") and not token.endswith("Patch")
            if whole and made.get("kind") and made.get("metadata"):
                yield made

    def namespaces(self) -> Iterator[Object]:
        """The namespaces among them."""
        return (made for made in self.objects() if made["kind"] == "Namespace")

    def releases(self) -> Iterator[Object]:
        """The Helm releases that the program made."""
        return (resource["outputs"] for resource in self.resources.values() if resource["type"] == _RELEASE)


def recorded() -> Recorded:
    """The state of the running stack; empty for a new one.

    The engine reads it from the stack's own backend, so it is known where the cluster cannot be reached.
    """
    resources = _outputs(f"{pulumi.get_organization()}/{pulumi.get_project()}/{pulumi.get_stack()}")
    outputs: Mapping[str, Any] = next((entry["outputs"] for entry in resources.values() if entry["type"] == _STACK), {})
    return Recorded(outputs, resources)


def _outputs(stack: str) -> Mapping[str, Any]:
    """The engine writes the state at the same time, and a backend of files shows a file while it is being written."""
    for pause in _PAUSES:
        try:
            return _read(stack)
        except Exception as error:  # the SDK has no other type for what the engine answers
            if _HALF_WRITTEN not in str(error):
                raise
            time.sleep(pause)
    return _read(stack)


def _read(stack: str) -> Mapping[str, Any]:
    answer = pulumi.runtime.invoke("pulumi:pulumi:readStackResourceOutputs", {"stackName": stack}).value
    resources: Mapping[str, Any] = answer["outputs"]
    return resources
