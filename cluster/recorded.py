"""What this stack has made so far, as its state says."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pulumi

from objects.context import Object

_STACK = "pulumi:pulumi:Stack"
_RELEASE = "kubernetes:helm.sh/v3:Release"


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
    stack = f"{pulumi.get_organization()}/{pulumi.get_project()}/{pulumi.get_stack()}"
    answer = pulumi.runtime.invoke("pulumi:pulumi:readStackResourceOutputs", {"stackName": stack}).value
    resources = answer["outputs"]
    outputs: Mapping[str, Any] = next((entry["outputs"] for entry in resources.values() if entry["type"] == _STACK), {})
    return Recorded(outputs, resources)
