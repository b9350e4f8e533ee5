"""The namespaces, labelled before any pod exists: a pod older than the label has no sidecar."""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s

from components._package import PACKAGE, labels


@dataclass(frozen=True, kw_only=True)
class NamespacesArgs:
    """The names to create, each with the labels it needs beyond the usual ones."""

    labels_by_name: Mapping[str, Mapping[str, str]]


class Namespaces(pulumi.ComponentResource):
    """One Namespace per name; deleting it deletes what operators left in it."""

    names: pulumi.Output[list[str]]

    def __init__(self, name: str, args: NamespacesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(f"{PACKAGE}:Namespaces", name, None, opts)
        namespaces = [
            k8s.core.v1.Namespace(
                f"{name}-{namespace}",
                metadata={"name": namespace, "labels": {**labels(namespace), **extra}},
                opts=pulumi.ResourceOptions(parent=self),
            )
            for namespace, extra in args.labels_by_name.items()
        ]
        self.names = pulumi.Output.all(*(namespace.metadata.name for namespace in namespaces))
        self.register_outputs({"names": self.names})
