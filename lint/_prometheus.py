"""The Prometheus behind a host name, and what it is configured to accept."""

from collections.abc import Iterator
from dataclasses import dataclass

from lint._hosts import ServiceName
from lint._objects import Manifests, Object, Path, at, mapping, sequence, text

OPERATORS = ("monitoring.coreos.com", "monitoring.rhobs")
_GOVERNING_SERVICE = "prometheus-operated"
_WORKLOADS = ("Deployment", "StatefulSet")


@dataclass(frozen=True)
class Prometheus:
    """``receiver_at`` is where the receiver is, or would be, switched on."""

    owner: Object
    receiver_at: Path
    remedy: str
    has_receiver: bool
    has_native_histograms: bool


def find(manifests: Manifests, service: ServiceName) -> list[Prometheus]:
    """Return each Prometheus that ``service`` leads to, as far as the objects show it."""
    return [*_of_operators(manifests, service), *_of_workloads(manifests, service)]


def _of_operators(manifests: Manifests, service: ServiceName) -> Iterator[Prometheus]:
    for group in OPERATORS:
        for obj in manifests.of(group, "Prometheus"):
            pods = {"prometheus": obj.name, "operator.prometheus.io/name": obj.name}
            if obj.namespace == service.namespace and (
                service.name == _GOVERNING_SERVICE or _selects(manifests, service, pods)
            ):
                yield _custom_resource(obj, ("spec",))
        for obj in manifests.of(group, "MonitoringStack"):
            if obj.namespace == service.namespace and service.name in {_GOVERNING_SERVICE, f"{obj.name}-prometheus"}:
                yield _custom_resource(obj, ("spec", "prometheusConfig"))


def _custom_resource(obj: Object, path: Path) -> Prometheus:
    features = [text(feature) for feature in sequence(obj.at(*path, "enableFeatures"))]
    arguments = [text(at(argument, "name")) for argument in sequence(obj.at(*path, "additionalArgs"))]
    return Prometheus(
        owner=obj,
        receiver_at=(*path, "enableRemoteWriteReceiver"),
        remedy="set it to true",
        has_receiver=obj.at(*path, "enableRemoteWriteReceiver") is True
        or "web.enable-remote-write-receiver" in arguments,
        has_native_histograms="native-histograms" in features,
    )


def _of_workloads(manifests: Manifests, service: ServiceName) -> Iterator[Prometheus]:
    for obj in manifests.of("apps", *_WORKLOADS):
        if obj.namespace != service.namespace:
            continue
        pods = mapping(obj.at("spec", "template", "metadata", "labels"))
        declared = any(_named(manifests, service))
        if not (_selects(manifests, service, pods) if declared else obj.name == service.name):
            continue
        path: Path = ("spec", "template", "spec", "containers")
        for index, container in enumerate(sequence(obj.at(*path))):
            if _is_prometheus(container):
                command = " ".join(
                    text(word) for field in ("command", "args") for word in sequence(at(container, field))
                )
                yield Prometheus(
                    owner=obj,
                    receiver_at=(*path, index, "args"),
                    remedy="add --web.enable-remote-write-receiver",
                    has_receiver="web.enable-remote-write-receiver" in command
                    and "web.enable-remote-write-receiver=false" not in command,
                    has_native_histograms="native-histograms" in command,
                )


def _is_prometheus(container: object) -> bool:
    """Whether it is Prometheus, and not another receiver such as Mimir; without an image, by the container's name."""
    image = text(at(container, "image"))
    repository = image.partition("@")[0].rpartition("/")[2].partition(":")[0]
    return (repository or text(at(container, "name"))) == "prometheus"


def _selects(manifests: Manifests, service: ServiceName, pods: object) -> bool:
    labels = mapping(pods)
    for obj in _named(manifests, service):
        selector = mapping(obj.at("spec", "selector"))
        if selector and all(key in labels and labels[key] == value for key, value in selector.items()):
            return True
    return False


def _named(manifests: Manifests, service: ServiceName) -> Iterator[Object]:
    for obj in manifests.of("", "Service"):
        if (obj.namespace, obj.name) == (service.namespace, service.name):
            yield obj
