"""What every part of a deployment shares, and what every object's metadata is made of."""

from collections.abc import Mapping
from typing import Any

import pulumi
from pydantic import ConfigDict, Field

from model import CLUSTER_DOMAIN, ImageSources, Scheduling, Timeouts
from model.common import CommonKey
from model.parts import Section
from model.scalars import DnsName, LabelValue

PART_OF = "mesh-tracing"
# The annotation of every whole object: the project and the stack that made it.
OWNER = "mesh-tracing/owner"

# A whole Kubernetes object: apiVersion, kind, metadata, and what else its kind has.
Object = dict[str, Any]
# Text, or an Output of another resource; whoever uses the Output waits for that resource.
Text = str | pulumi.Output[str]


def owner() -> str:
    """The mark of the running stack's objects."""
    return f"{pulumi.get_project()}/{pulumi.get_stack()}"


def identity(obj: Mapping[str, Any]) -> tuple[str, str, str | None, str]:
    """Group, kind, namespace and name: an object is the same one in every version of its kind."""
    group, _, _ = obj["apiVersion"].rpartition("/")
    return group, obj["kind"], obj["metadata"].get("namespace"), obj["metadata"]["name"]


def is_ours(obj: Mapping[str, Any]) -> bool:
    """Whether the program makes the whole object, and not some fields of somebody else's."""
    return (obj["metadata"].get("labels") or {}).get("app.kubernetes.io/part-of") == PART_OF


class Context(Section):
    """What every component shares."""

    cluster_domain: DnsName = Field(default=CLUSTER_DOMAIN, description="The cluster's DNS domain.")
    timeouts: Timeouts = Field(default=Timeouts(), description="How long each part may take, in seconds.")
    images: ImageSources = Field(default=ImageSources(), description="Where images are pulled from.")
    scheduling: Scheduling = Field(default=Scheduling(), description="On which nodes pods run.")
    common_labels: dict[CommonKey, LabelValue] = Field(default={}, description="Further labels of every object.")
    common_annotations: dict[CommonKey, str] = Field(default={}, description="Further annotations of every object.")
    offline: bool = Field(default=False, description="Whether a preview does not reach the cluster, and reads nothing.")

    def host(self, service: str, namespace: str) -> str:
        """The full DNS name of a Service; istiod does not find a tracing provider's Service by a shorter name."""
        return f"{service}.{namespace}.svc.{self.cluster_domain}"

    def image(self, name: str) -> str:
        """Where pods pull the image called ``name`` from, which is that name or its copy in a mirror."""
        return self.images.mirrored(name)

    def owner_labels(self) -> dict[str, str]:
        """Labels that are safe on injected pods.

        ``app.kubernetes.io/name`` is not among them: Istio takes a workload's canonical name from it before ``app``,
        so it would rename the services in every trace.
        """
        return {"app.kubernetes.io/part-of": PART_OF, "app.kubernetes.io/managed-by": "pulumi"}

    def labels(self, name: str) -> dict[str, str]:
        """Labels of an object whose pods, if any, are not in the mesh."""
        return {"app.kubernetes.io/name": name, **self.owner_labels()}

    def metadata(
        self,
        name: str,
        namespace: str | None = None,
        *,
        app: str | None = None,
        labels: Mapping[str, str] | None = None,
        annotations: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        """The metadata of one object; ``app`` names the application it belongs to, if that is not ``name``."""
        metadata: dict[str, Any] = {"name": name, "labels": {**self.labels(app or name), **(labels or {})}}
        if namespace is not None:
            metadata["namespace"] = namespace
        if annotations is not None:
            metadata["annotations"] = dict(annotations)
        return self.with_common(metadata)

    def with_common(self, metadata: Mapping[str, Any]) -> dict[str, Any]:
        """A copy of an object's own ``metadata`` with what every object has; what is there already wins.

        Not for a pod's metadata: a label more would start it anew.
        """
        labels = {**self.common_labels, **(metadata.get("labels") or {})}
        annotations = {**self.common_annotations, **(metadata.get("annotations") or {})}
        added = {"labels": labels, "annotations": annotations}
        return {**metadata, **{key: value for key, value in added.items() if value}}


class Args(Section):
    """The arguments of one component.

    Pulumi's component host hands them over as a mapping from their names, so every component validates what it gets;
    the arguments themselves pass as they are.
    """

    # Deferred: a program needs the validators of its own components only, and each takes milliseconds to build.
    model_config = ConfigDict(arbitrary_types_allowed=True, defer_build=True)

    context: Context = Field(default=Context(), description="What this component shares with the others.")


def wait_for(condition: str) -> dict[str, str]:
    """The annotation that makes Pulumi wait for a custom resource; without it Pulumi waits for none."""
    return {"pulumi.com/waitFor": condition}


def not_awaited() -> dict[str, str]:
    """The annotation that stops Pulumi from waiting for an object of a kind that it waits for by default."""
    return {"pulumi.com/skipAwait": "true"}
