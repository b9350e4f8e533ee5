"""From the resources of a stack to the Kubernetes objects that they are."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pulumi_policy import PolicyProviderResource, PolicyResource

from lint.objects import Object, mapping, sequence, text
from policy.values import UNKNOWN, identity, readable

_RELEASE = "kubernetes:helm.sh/v3:Release"
# Of a provider: what decides to which cluster it deploys.
_CLUSTER = ("cluster", "context", "kubeconfig", "renderYamlToDirectory")


@dataclass(frozen=True)
class Deployed:
    """An object with the URN of the resource that deploys it."""

    object: Object
    urn: str


def clusters(resources: Iterable[PolicyResource]) -> Iterator[list[Deployed]]:
    """Yield the objects of each cluster: several providers may deploy to one."""
    found: dict[str, list[Deployed]] = {}
    for resource in resources:
        cluster, namespace = _destination(resource.provider)
        for raw in _raws(resource):
            found.setdefault(cluster, []).append(Deployed(Object(raw, default_namespace=namespace), resource.urn))
    yield from found.values()


def _destination(provider: PolicyProviderResource | None) -> tuple[str, str]:
    """What tells its cluster from others, which is not for printing, and the namespace of objects that name none."""
    if provider is None:
        return "", ""
    namespace = text(readable(provider.props).get("namespace"))
    return identity(provider.props, _CLUSTER) or provider.urn, "" if namespace == UNKNOWN else namespace


def _raws(resource: PolicyResource) -> Iterator[Mapping[str, Any]]:
    """Yield the objects of one resource: none for a component, whose children are resources of their own."""
    if not resource.resource_type.startswith("kubernetes:"):
        return
    properties = readable(resource.props)
    kind = text(properties.get("kind"))
    if resource.resource_type == _RELEASE:
        yield _release(properties)
    elif kind and not _is_patch(resource.resource_type, kind):
        yield from filter(_can_be_read, _items(properties) if kind.endswith("List") else [properties])


def _release(properties: Mapping[str, Any]) -> Mapping[str, Any]:
    """A chart, in the shape in which lint knows the resource that installs it."""
    metadata = {"name": properties.get("name"), "namespace": properties.get("namespace")}
    return {"apiVersion": "helm.sh/v3", "kind": "Release", "metadata": metadata, "spec": properties}


def _is_patch(resource_type: str, kind: str) -> bool:
    """Whether the resource holds only some fields of an object that somebody else has made."""
    return resource_type.endswith(f":{kind}Patch")


def _items(properties: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield the items of a List, which need not repeat what they are."""
    of_all = {"apiVersion": properties.get("apiVersion"), "kind": text(properties.get("kind")).removesuffix("List")}
    for item in sequence(properties.get("items")):
        yield {**of_all, **mapping(item)}


def _can_be_read(raw: Mapping[str, Any]) -> bool:
    """Whether lint may see the object: not a Secret, and nothing of which a whole part is not known."""
    return raw.get("kind") != "Secret" and UNKNOWN not in raw.values()
