"""Namespaces that the program creates, and namespaces that it did not create and only reads.

A namespace of applications is labelled before any pod exists in it: a pod older than the label has
no sidecar.
"""

import pulumi

from components._declare import PACKAGE, declare_namespace, once_ready
from objects.namespaces import NamespacesArgs, build_namespaces


class Namespaces(pulumi.ComponentResource):
    """The namespaces of the parts that get no sidecar; deleting one deletes what operators left in it."""

    names: pulumi.Output[list[str]]
    """The namespaces, each once it is there."""

    def __init__(self, name: str, args: NamespacesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(f"{PACKAGE}:Namespaces", name, None, opts)
        args = NamespacesArgs.model_validate(args)
        objects = build_namespaces(args)
        namespaces = {
            namespace: declare_namespace(
                f"{name}-{namespace}",
                namespace,
                objects.get(namespace),
                # Deleting a namespace deletes the volumes in it.
                pulumi.ResourceOptions(parent=self, protect=namespace in args.protected),
                args.context,
            )
            for namespace in args.names
        }
        self.names = pulumi.Output.all(*(once_ready(named, made) for named, made in namespaces.items()))
        self.register_outputs({"names": self.names})
