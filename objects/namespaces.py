"""Namespaces that the program creates, and the labels that it puts on namespaces of somebody else."""

from collections.abc import Mapping

from pydantic import Field

from model.scalars import Name
from objects.context import Args, Context, Object
from objects.pod_security import ENFORCED


class NamespacesArgs(Args):
    """Arguments of ``Namespaces``."""

    names: list[Name] = Field(description="The namespaces.")
    existing: list[Name] = Field(default=[], description="Namespaces that somebody else made.")
    protected: list[Name] = Field(default=[], description="Those with data in them, which are not to be deleted.")
    unrestricted: list[Name] = Field(
        default=[],
        description="Those with pods that Pod Security `restricted` would refuse; it is enforced in the others.",
    )


def build_namespace(name: str, context: Context, *, extra_labels: Mapping[str, str] | None = None) -> Object:
    """A Namespace with our labels."""
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": context.metadata(name, labels=extra_labels)}


def build_namespace_labels(name: str, *, extra_labels: Mapping[str, str]) -> Object:
    """The only fields of somebody else's Namespace that are ours."""
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": dict(extra_labels)}}


def build_namespaces(args: NamespacesArgs) -> dict[str, Object]:
    """The namespaces to create, by name; existing ones are only read."""
    return {
        name: build_namespace(name, args.context, extra_labels={} if name in args.unrestricted else ENFORCED)
        for name in args.names
        if name not in args.existing
    }
