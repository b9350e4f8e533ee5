"""The Prometheus behind a host name, and what it is configured to accept."""

from collections.abc import Iterator
from dataclasses import dataclass

from lint.lifecycle import lifecycle
from lint.objects import Manifests, Object, Path, at, mapping, sequence, text
from lint.views.hosts import ServiceName
from lint.views.versions import Minor, image_tag, minor

OPERATORS = ("monitoring.coreos.com", "monitoring.rhobs")
_GOVERNING_SERVICE = "prometheus-operated"
_WORKLOADS = ("Deployment", "StatefulSet")
_ALWAYS_NATIVE_HISTOGRAMS = lifecycle().first_release("native histograms need no feature flag")


@dataclass(frozen=True)
class Prometheus:
    """``receiver_at`` is where the receiver is, or would be, switched on; ``features_at`` where features are."""

    owner: Object
    receiver_at: Path
    remedy: str
    has_receiver: bool
    release: Minor | None
    features_at: Path
    has_histogram_flag: bool

    @property
    def has_native_histograms(self) -> bool:
        return self.has_histogram_flag or self.needs_no_histogram_flag

    @property
    def needs_no_histogram_flag(self) -> bool:
        """Whether it is known to be a release that always takes native histograms, flag or not."""
        return self.release is not None and self.release >= _ALWAYS_NATIVE_HISTOGRAMS


def find(manifests: Manifests, service: ServiceName) -> list[Prometheus]:
    """Return each Prometheus that ``service`` leads to, as far as the objects show it."""
    return [one for one in every(manifests) if _leads_to(manifests, service, one.owner)]


def every(manifests: Manifests) -> Iterator[Prometheus]:
    """Yield each Prometheus among the objects."""
    for group in OPERATORS:
        for obj in manifests.of(group, "Prometheus"):
            yield _custom_resource(obj, ("spec",))
        for obj in manifests.of(group, "MonitoringStack"):
            yield _custom_resource(obj, ("spec", "prometheusConfig"))
    for obj in manifests.of("apps", *_WORKLOADS):
        yield from _containers(obj)


def _leads_to(manifests: Manifests, service: ServiceName, owner: Object) -> bool:
    if owner.namespace != service.namespace:
        return False
    if owner.kind == "Prometheus":
        pods = {"prometheus": owner.name, "operator.prometheus.io/name": owner.name}
        return service.name == _GOVERNING_SERVICE or _selects(manifests, service, pods)
    if owner.kind == "MonitoringStack":
        return service.name in {_GOVERNING_SERVICE, f"{owner.name}-prometheus"}
    if any(_named(manifests, service)):
        return _selects(manifests, service, mapping(owner.at("spec", "template", "metadata", "labels")))
    return owner.name == service.name


def _custom_resource(obj: Object, path: Path) -> Prometheus:
    features = [text(feature) for feature in sequence(obj.at(*path, "enableFeatures"))]
    arguments = [text(at(argument, "name")) for argument in sequence(obj.at(*path, "additionalArgs"))]
    return Prometheus(
        owner=obj,
        receiver_at=(*path, "enableRemoteWriteReceiver"),
        remedy="set it to true",
        has_receiver=obj.at(*path, "enableRemoteWriteReceiver") is True
        or "web.enable-remote-write-receiver" in arguments,
        release=minor(text(obj.at(*path, "version"))) or minor(image_tag(text(obj.at(*path, "image")))),
        features_at=(*path, "enableFeatures"),
        has_histogram_flag="native-histograms" in features,
    )


def _containers(obj: Object) -> Iterator[Prometheus]:
    path: Path = ("spec", "template", "spec", "containers")
    for index, container in enumerate(sequence(obj.at(*path))):
        if _is_prometheus(container):
            command = " ".join(text(word) for field in ("command", "args") for word in sequence(at(container, field)))
            yield Prometheus(
                owner=obj,
                receiver_at=(*path, index, "args"),
                remedy="add --web.enable-remote-write-receiver",
                has_receiver="web.enable-remote-write-receiver" in command
                and "web.enable-remote-write-receiver=false" not in command,
                release=minor(image_tag(text(at(container, "image")))),
                features_at=(*path, index, "args"),
                has_histogram_flag="native-histograms" in command,
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
