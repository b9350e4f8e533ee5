"""Workloads: what runs in their Pods, what they mount, and which Services lead to them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

from lint.objects import Manifests, Object, Path, at, grouped, mapping, number, sequence, text, view
from lint.views.hosts import ServiceName

_Found = TypeVar("_Found")
WORKLOADS = ("Deployment", "StatefulSet", "DaemonSet")
_NAMES_OF_VOLUMES: tuple[Path, ...] = (("configMap", "name"), ("secret", "secretName"))


@dataclass(frozen=True)
class Workload:
    """``owner`` is the object that has a template for Pods."""

    owner: Object
    manifests: Manifests

    @property
    def services(self) -> frozenset[ServiceName]:
        return frozenset(
            ServiceName(service.namespace, service.name)
            for service in self.manifests.of("", "Service", namespace=self.owner.namespace)
            if selects(service, self.owner)
        )

    @property
    def most_replicas(self) -> int | None:
        """What an autoscaler may make of it, if there is one."""
        for scaler in self.manifests.of("autoscaling", "HorizontalPodAutoscaler", namespace=self.owner.namespace):
            target = mapping(scaler.at("spec", "scaleTargetRef"))
            if (target.get("kind"), target.get("name")) == (self.owner.kind, self.owner.name):
                return number(scaler.at("spec", "maxReplicas"))
        return None

    @property
    def replicas(self) -> int | None:
        return number(self.owner.at("spec", "replicas"))

    @property
    def on_host_network(self) -> bool:
        return at(self._pod, "hostNetwork") is True

    @property
    def _pod(self) -> Mapping[Any, Any]:
        return mapping(self.owner.at("spec", "template", "spec"))

    @property
    def containers(self) -> Sequence[Mapping[Any, Any]]:
        return [mapping(container) for container in sequence(at(self._pod, "containers"))]

    def image(self, *names: str) -> str:
        """Return the image of ``container``."""
        return text(self.container(*names).get("image"))

    def container(self, *names: str) -> Mapping[Any, Any]:
        """Return the first one of whose image the repository ends with a part that begins with one of ``names``."""
        found = (one for one in self.containers if is_of(one, *names))
        return next(found, {})

    def mounts(self, config_map: Object) -> bool:
        """Whether the ConfigMap or Secret is a volume of its Pods."""
        return config_map.namespace == self.owner.namespace and config_map.name in self.mounted

    @cached_property
    def mounted(self) -> frozenset[str]:
        """The names of the ConfigMaps and Secrets that are volumes of its Pods."""
        volumes = sequence(at(self._pod, "volumes"))
        sources = [source for volume in volumes for source in (volume, *sequence(at(volume, "projected", "sources")))]
        names = {text(at(source, *name)) for source in sources for name in _NAMES_OF_VOLUMES}
        return frozenset(names - {""})


def is_of(container: object, *names: str) -> bool:
    """Whether the repository of its image ends with a part that begins with one of ``names``."""
    return text(at(container, "image")).partition("@")[0].rpartition("/")[2].startswith(names)


@view
def workloads(manifests: Manifests) -> tuple[Workload, ...]:
    return tuple(Workload(obj, manifests) for obj in manifests.of("apps", *WORKLOADS))


def mounting(manifests: Manifests, config_map: Object) -> Sequence[Workload]:
    """Return the workloads of whose Pods the ConfigMap or Secret is a volume."""
    return mounting_among(_by_volume(manifests), manifests, config_map)


@view
def _by_volume(manifests: Manifests) -> Mapping[tuple[str, str], Sequence[Workload]]:
    return grouped(((one.owner.namespace, name), one) for one in workloads(manifests) for name in one.mounted)


def mounting_among(
    by_volume: Mapping[tuple[str, str], Sequence[_Found]], manifests: Manifests, config_map: Object
) -> Sequence[_Found]:
    """Return what mounts the ConfigMap or Secret; ``by_volume`` is by the namespace and the name of what is mounted.

    One that names no namespace goes where whoever applies it says, and so belongs to those that have no other.
    """
    found = by_volume.get((config_map.namespace, config_map.name), ())
    if found or config_map.namespace:
        return found
    there = {obj.namespace for obj in manifests.of("", config_map.kind) if obj.name == config_map.name}
    mounted = ((namespace, users) for (namespace, name), users in by_volume.items() if name == config_map.name)
    return [one for namespace, users in mounted if namespace not in there for one in users]


def selects(service: Object, workload: Object) -> bool:
    labels = mapping(workload.at("spec", "template", "metadata", "labels"))
    selector = mapping(service.at("spec", "selector"))
    return (
        service.namespace == workload.namespace
        and bool(selector)
        and all(labels.get(key) == value for key, value in selector.items())
    )
