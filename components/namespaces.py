"""Namespaces: those that the program makes, and those that somebody else made and that it labels.

A namespace of applications is labelled before any pod exists in it: a pod older than the label has
no sidecar.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s

from components._package import PACKAGE, labels


@dataclass(frozen=True, kw_only=True)
class NamespacesArgs:
    """``existing`` are those among ``names`` that somebody else made; ``protected`` those with data in them."""

    names: Sequence[str]
    existing: Collection[str]
    protected: Collection[str]


class Namespaces(pulumi.ComponentResource):
    """The namespaces of the parts that get no sidecar; deleting one deletes what operators left in it."""

    names: pulumi.Output[list[str]]

    def __init__(self, name: str, args: NamespacesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(f"{PACKAGE}:Namespaces", name, None, opts)
        namespaces = [
            declare_namespace(
                f"{name}-{namespace}",
                namespace=namespace,
                exists=namespace in args.existing,
                extra_labels={},
                # With a namespace go the volumes in it.
                opts=pulumi.ResourceOptions(parent=self, protect=namespace in args.protected),
            )
            for namespace in args.names
        ]
        self.names = pulumi.Output.all(*(namespace.metadata.name for namespace in namespaces))
        self.register_outputs({"names": self.names})


def declare_namespace(
    logical_name: str,
    *,
    namespace: str,
    exists: bool,
    extra_labels: Mapping[str, str],
    opts: pulumi.ResourceOptions,
) -> k8s.core.v1.Namespace | k8s.core.v1.NamespacePatch:
    """A Namespace with our labels; of one that exists only ``extra_labels`` become ours.

    Destroy takes the labels from a namespace that existed, and leaves the rest of it alone.
    """
    if exists:
        # Only read. Server-side apply would not fail on one that is missing: it would make it.
        found = k8s.core.v1.Namespace.get(logical_name, id=namespace, opts=opts)
        if not extra_labels:
            return found
        return k8s.core.v1.NamespacePatch(
            f"{logical_name}-labels",
            metadata={"name": namespace, "labels": dict(extra_labels)},
            opts=pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(depends_on=[found])),
        )
    return k8s.core.v1.Namespace(
        logical_name,
        metadata={"name": namespace, "labels": {**labels(namespace), **extra_labels}},
        opts=opts,
    )
