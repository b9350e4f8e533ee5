"""A strict loader for the YAML in ``manifests/``.

Objects are returned in the file's order, but nothing may rely on it: whoever creates them states
the edges. The loader refuses what YAML or Kubernetes would accept silently and then treat in a
surprising way.
"""

from collections.abc import Callable, Hashable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from model import Resources, Volume
from objects.context import Context, Object, Text, not_awaited
from objects.pods import scheduled

try:
    # libyaml's parser is ten times faster than Python's.
    from yaml import CSafeLoader as SafeLoader
except ImportError:  # a PyYAML that was built without it
    from yaml import SafeLoader  # type: ignore[assignment]

MANIFESTS = Path(__file__).parent.parent / "manifests"

# A kind that is not here is refused: an object of an unknown kind would be created without being
# awaited.
KINDS = {
    ("apps/v1", "Deployment"),
    ("batch/v1", "Job"),
    ("rbac.authorization.k8s.io/v1", "Role"),
    ("rbac.authorization.k8s.io/v1", "RoleBinding"),
    ("v1", "ConfigMap"),
    ("v1", "PersistentVolumeClaim"),
    ("v1", "Service"),
    ("v1", "ServiceAccount"),
}
_WORKLOADS = {"Deployment", "Job"}


class ManifestError(ValueError):
    """A manifest that this program will not apply; the message says where and why."""


class _StrictLoader(SafeLoader):
    """Safe YAML that refuses repeated keys, of which YAML would silently keep the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[Any] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, str):
                where = key_node.start_mark.line + 1
                raise ManifestError(f"line {where}: key {key!r} is not text; put it in quotes")
            if key in seen:
                raise ManifestError(f"line {key_node.start_mark.line + 1}: key {key!r} twice")
            seen.add(key)
        return super().construct_mapping(node, deep=deep)


@cache
def load(file: str) -> tuple[Object, ...]:
    """The objects of ``manifests/<file>``; they are shared between callers, who copy what they change."""
    return tuple(parse((MANIFESTS / file).read_text(encoding="utf-8"), source=f"manifests/{file}"))


def parse(text: str, *, source: str) -> list[Object]:
    """The objects in ``text``; empty documents are skipped."""
    try:
        _refuse_aliases(text)
        # A subclass of a safe loader: nothing is constructed but maps, lists and scalars.
        documents = list(yaml.load_all(text, Loader=_StrictLoader))
    except yaml.YAMLError as error:
        raise ManifestError(f"{source}: not YAML: {error}") from error
    except ManifestError as error:
        raise ManifestError(f"{source}: {error}") from None

    objects: list[Object] = []
    seen: set[tuple[str, str]] = set()
    for number, document in enumerate(documents, start=1):
        if document is None:
            continue
        where = f"{source}: document {number}"
        identity = _identity(document, where)
        if identity in seen:
            raise ManifestError(f"{where}: {identity[0]} {identity[1]!r} is defined twice")
        seen.add(identity)
        objects.append(document)
    return objects


def _refuse_aliases(text: str) -> None:
    """Refuse aliases: a change of the anchor would change every place that refers to it, unseen in review."""
    for event in yaml.parse(text, Loader=SafeLoader):
        if isinstance(event, yaml.AliasEvent) and event.start_mark is not None:
            raise ManifestError(f"line {event.start_mark.line + 1}: an alias; write the value out")


def role(manifest: Object) -> str:
    """The part of the resource's logical name that identifies ``manifest``: kind and name."""
    return f"{manifest['kind'].lower()}-{manifest['metadata']['name']}"


def place(manifest: Object, *, namespace: str, labels: Mapping[str, str], context: Context) -> Object:
    """A copy of ``manifest`` in ``namespace``, its pods as ``context`` wants; its own labels win over ``labels``.

    A Service is not awaited: Pulumi would wait about ten seconds until its endpoints no longer change, and whoever
    needs what is behind it waits for the Deployment, whose pods those endpoints are. Nor is a claim, for which the pod
    waits: where volumes are bound late, Pulumi waits until the claim is unbound, after an update for ever.
    """
    metadata = manifest["metadata"]
    own_labels = metadata.get("labels") or {}
    placed = {**metadata, "namespace": namespace, "labels": {**labels, **own_labels}}
    if manifest["kind"] in {"Service", "PersistentVolumeClaim"}:
        placed["annotations"] = {**(metadata.get("annotations") or {}), **not_awaited()}
    whole = {**manifest, "metadata": context.with_common(placed)}
    return scheduled(whole, context) if manifest["kind"] in _WORKLOADS else whole


def with_image(manifest: Object, image: str) -> Object:
    """A copy of ``manifest``, a workload of one container, that runs ``image``."""
    return _with_container(manifest, lambda container: {**container, "image": image})


def with_env(manifest: Object, env: list[Object]) -> Object:
    """A copy of ``manifest``, a workload of one container, with the variables ``env``."""
    return _with_container(manifest, lambda container: {**container, "env": env})


def with_arguments(manifest: Object, *more: str) -> Object:
    """A copy of ``manifest``, a workload of one container, that is called with ``more`` arguments at the end."""
    return _with_container(manifest, lambda container: {**container, "args": [*container["args"], *more]})


def with_resources(manifest: Object, resources: Resources) -> Object:
    """A copy of ``manifest``, a workload of one container, with these requests and limits."""
    return _with_container(manifest, lambda container: {**container, "resources": resources.to_kubernetes()})


def with_pod_annotation(manifest: Object, key: str, value: Text) -> Object:
    """A copy of ``manifest``, a workload, whose pods have one more annotation; another value starts them anew."""
    spec = manifest["spec"]
    template = spec["template"]
    annotations = {**template["metadata"].get("annotations", {}), key: value}
    metadata = {**template["metadata"], "annotations": annotations}
    return {**manifest, "spec": {**spec, "template": {**template, "metadata": metadata}}}


def sized(manifest: Object, volume: Volume) -> Object:
    """A copy of ``manifest``, a claim, for the size and the storage class of ``volume``."""
    spec = {**manifest["spec"], "resources": {"requests": {"storage": volume.size}}}
    if volume.storage_class is not None:
        spec["storageClassName"] = volume.storage_class
    return {**manifest, "spec": spec}


def _with_container(manifest: Object, change: Callable[[Object], Object]) -> Object:
    """A copy of ``manifest``, a workload of one container, with what ``change`` makes of it."""
    spec = manifest["spec"]
    template = spec["template"]
    pod = template["spec"]
    (container,) = pod["containers"]
    pod = {**pod, "containers": [change(container)]}
    return {**manifest, "spec": {**spec, "template": {**template, "spec": pod}}}


def _identity(document: object, where: str) -> tuple[str, str]:
    if not isinstance(document, dict):
        raise ManifestError(f"{where}: expected an object, found {type(document).__name__}")
    api_version, kind = document.get("apiVersion"), document.get("kind")
    if isinstance(kind, str) and kind.endswith("List"):
        raise ManifestError(f"{where}: kind {kind}; write its items as documents of their own")
    if (api_version, kind) not in KINDS:
        known = ", ".join(sorted(name for _, name in KINDS))
        raise ManifestError(f"{where}: unknown kind {api_version}/{kind}; known are {known}")
    metadata = document.get("metadata")
    name = metadata.get("name") if isinstance(metadata, dict) else None
    if not isinstance(name, str) or not name:
        raise ManifestError(f"{where}: {kind} without metadata.name")
    return str(kind), name
