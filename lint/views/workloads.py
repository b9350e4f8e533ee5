"""Workloads: what runs in their Pods, what they mount, and which Services lead to them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lint.objects import Manifests, Object, at, mapping, number, sequence, text
from lint.views.hosts import ServiceName

WORKLOADS = ("Deployment", "StatefulSet", "DaemonSet")


@dataclass(frozen=True)
class Workload:
    """``owner`` is the object that has a template for Pods."""

    owner: Object
    manifests: Manifests

    @property
    def services(self) -> frozenset[ServiceName]:
        return frozenset(
            ServiceName(service.namespace, service.name)
            for service in self.manifests.of("", "Service")
            if selects(service, self.owner)
        )

    @property
    def most_replicas(self) -> int | None:
        """What an autoscaler may make of it, if there is one."""
        for scaler in self.manifests.of("autoscaling", "HorizontalPodAutoscaler"):
            target = mapping(scaler.at("spec", "scaleTargetRef"))
            if scaler.namespace == self.owner.namespace and (target.get("kind"), target.get("name")) == (
                self.owner.kind,
                self.owner.name,
            ):
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
        sources = [at(volume, "configMap", "name") for volume in self._volumes()]
        sources += [at(volume, "secret", "secretName") for volume in self._volumes()]
        return config_map.namespace == self.owner.namespace and config_map.name in sources

    def _volumes(self) -> Iterator[object]:
        for volume in sequence(at(self._pod, "volumes")):
            yield volume
            yield from sequence(at(volume, "projected", "sources"))


def is_of(container: object, *names: str) -> bool:
    """Whether the repository of its image ends with a part that begins with one of ``names``."""
    return text(at(container, "image")).partition("@")[0].rpartition("/")[2].startswith(names)


def workloads(manifests: Manifests) -> Iterator[Workload]:
    return (Workload(obj, manifests) for obj in manifests.of("apps", *WORKLOADS))


def selects(service: Object, workload: Object) -> bool:
    labels = mapping(workload.at("spec", "template", "metadata", "labels"))
    selector = mapping(service.at("spec", "selector"))
    return (
        service.namespace == workload.namespace
        and bool(selector)
        and all(labels.get(key) == value for key, value in selector.items())
    )
