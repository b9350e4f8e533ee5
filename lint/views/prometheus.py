"""The Prometheus behind a host name, and what it is configured to accept."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from lint.lifecycle import lifecycle
from lint.objects import Manifests, Object, Path, at, mapping, sequence, text, view
from lint.views.hosts import ServiceName
from lint.views.values import Values, values
from lint.views.versions import Minor, image_tag, minor

OPERATORS = ("monitoring.coreos.com", "monitoring.rhobs")
_GOVERNING_SERVICE = "prometheus-operated"
_WORKLOADS = ("Deployment", "StatefulSet")
_RECEIVER = "web.enable-remote-write-receiver"
_OLD_RECEIVER = "remote-write-receiver"
_KNOWS_RECEIVER = lifecycle().first_release("the receiver has a flag of its own")
_FORGETS_OLD_RECEIVER = lifecycle().first_release("the receiver has no feature flag")
_FEATURES = re.compile(r"enable-feature[= ](\S+)")
# By chart, how the names of the Services end that lead to its Prometheus.
_SERVICES_OF_CHARTS = {"kube-prometheus-stack": ("-prometheus", _GOVERNING_SERVICE), "prometheus": ("-server",)}
_ALWAYS_NATIVE_HISTOGRAMS = lifecycle().first_release("native histograms need no feature flag")


@dataclass(frozen=True)
class Prometheus:
    """``receiver_at`` is where the receiver is, or would be, switched on, and ``switch`` says how.

    ``features_at`` is where features are, and ``features`` are their names; ``is_unpinned`` says that nothing here
    pins its release. ``values`` are those of the chart that installs it, if one does.
    """

    owner: Object
    receiver_at: Path
    switch: str
    has_receiver_flag: bool
    has_receiver_feature: bool
    release: Minor | None
    features_at: Path
    has_histogram_flag: bool
    values: Values | None = None
    prefix: str = ""
    features: frozenset[str] = frozenset()
    is_unpinned: bool = False

    @property
    def has_receiver(self) -> bool:
        """Whether it takes remote writes, as far as that is known of its release."""
        old, new = _FORGETS_OLD_RECEIVER, _KNOWS_RECEIVER
        return (self.has_receiver_flag and (self.release is None or self.release >= new)) or (
            self.has_receiver_feature and (self.release is None or self.release < old)
        )

    def may_be_from(self, release: Minor) -> bool:
        """Whether it is of this release or a newer one, as far as that is known."""
        return self.is_unpinned if self.release is None else self.release >= release

    @property
    def remedy(self) -> str:
        """How the receiver is switched on."""
        return "take Prometheus 2.33 or later" if self.has_receiver_flag else self.switch

    @property
    def has_native_histograms(self) -> bool:
        return self.has_histogram_flag or self.needs_no_histogram_flag

    @property
    def needs_no_histogram_flag(self) -> bool:
        """Whether it is known to be a release that always takes native histograms, flag or not."""
        return self.release is not None and self.release >= _ALWAYS_NATIVE_HISTOGRAMS


def find(manifests: Manifests, service: ServiceName) -> list[Prometheus]:
    """Return each Prometheus that ``service`` leads to, as far as the objects show it."""
    return [one for one in every(manifests) if _leads_to(manifests, service, one)]


@view
def every(manifests: Manifests) -> tuple[Prometheus, ...]:
    """Return each Prometheus among the objects."""
    return tuple(_every(manifests))


def _every(manifests: Manifests) -> Iterator[Prometheus]:
    for group in OPERATORS:
        for obj in manifests.of(group, "Prometheus"):
            yield _custom_resource(obj, ("spec",))
        for obj in manifests.of(group, "MonitoringStack"):
            yield _custom_resource(obj, ("spec", "prometheusConfig"))
    for obj in manifests.of("apps", *_WORKLOADS):
        yield from _containers(obj)
    yield from _of_charts(manifests)


def _leads_to(manifests: Manifests, service: ServiceName, prometheus: Prometheus) -> bool:
    owner = prometheus.owner
    if prometheus.values is not None:
        # The name depends on the release's; a file does not say where it goes.
        names = _SERVICES_OF_CHARTS[prometheus.values.chart]
        return prometheus.values.namespace in {service.namespace, ""} and service.name.endswith(names)
    if owner.namespace not in {service.namespace, ""}:
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
    release = minor(text(obj.at(*path, "version"))) or minor(image_tag(text(obj.at(*path, "image"))))
    return _specified(obj, path, obj.at(*path), release)


def _specified(owner: Object, path: Path, spec: object, release: Minor | None) -> Prometheus:
    """A Prometheus as its operator's resource has it, at ``path`` in ``owner``."""
    features = [text(feature) for feature in sequence(at(spec, "enableFeatures"))]
    arguments = [text(at(argument, "name")) for argument in sequence(at(spec, "additionalArgs"))]
    return Prometheus(
        owner=owner,
        receiver_at=(*path, "enableRemoteWriteReceiver"),
        switch="set it to true",
        has_receiver_flag=at(spec, "enableRemoteWriteReceiver") is True or _RECEIVER in arguments,
        has_receiver_feature=_OLD_RECEIVER in features,
        release=release,
        features_at=(*path, "enableFeatures"),
        has_histogram_flag="native-histograms" in features,
        features=frozenset(features),
        # Its operator does not take it from the external URL.
        prefix=_prefix(text(at(spec, "routePrefix"))),
    )


def _of_charts(manifests: Manifests) -> Iterator[Prometheus]:
    for one in values(manifests, *_SERVICES_OF_CHARTS):
        if one.are_all is False:
            continue
        if one.chart == "prometheus":
            yield _of_flags(one)
            continue
        path: Path = ("prometheus", "prometheusSpec")
        release = minor(text(one.at(*path, "version"))) or minor(text(one.at(*path, "image", "tag")))
        found = _specified(one.owner, (*one.path, *path), one.at(*path), release)
        if one.at("prometheus", "enabled") is not False:
            yield replace(found, values=one, is_unpinned=release is None and not one.owner.kind)


def _of_flags(one: Values) -> Prometheus:
    """The Prometheus of the chart of that name, which starts it with flags."""
    path: Path = ("server", "extraFlags")
    flags = [text(flag) for flag in sequence(one.at(*path))]
    arguments = mapping(one.at("server", "extraArgs"))
    release = minor(text(one.at("server", "image", "tag")))
    features = [flag for flag in flags if flag.startswith("enable-feature")]
    features.append(text(arguments.get("enable-feature")))
    return Prometheus(
        owner=one.owner,
        receiver_at=(*one.path, *path),
        switch=f"add {_RECEIVER}",
        has_receiver_flag=_RECEIVER in flags or _RECEIVER in arguments,
        has_receiver_feature=any(_OLD_RECEIVER in feature for feature in features),
        release=release,
        features_at=(*one.path, *path),
        has_histogram_flag=any("native-histograms" in feature for feature in features),
        features=_names(" ".join(features)),
        is_unpinned=release is None and not one.owner.kind,
        values=one,
        prefix=_prefix(text(one.at("server", "prefixURL")), text(one.at("server", "baseURL"))),
    )


def _containers(obj: Object) -> Iterator[Prometheus]:
    path: Path = ("spec", "template", "spec", "containers")
    for index, container in enumerate(sequence(obj.at(*path))):
        if _is_prometheus(container):
            command = " ".join(text(word) for field in ("command", "args") for word in sequence(at(container, field)))
            tag = image_tag(text(at(container, "image")))
            yield Prometheus(
                owner=obj,
                receiver_at=(*path, index, "args"),
                switch="add --web.enable-remote-write-receiver",
                has_receiver_flag=_RECEIVER in command and f"{_RECEIVER}=false" not in command,
                has_receiver_feature=_has_feature(command, _OLD_RECEIVER),
                release=minor(tag),
                features_at=(*path, index, "args"),
                has_histogram_flag="native-histograms" in command,
                features=_names(command),
                is_unpinned=tag in {"", "latest"} and "@" not in text(at(container, "image")),
                prefix=_prefix(*(_value(command, flag) for flag in ("web.route-prefix", "web.external-url"))),
            )


def _prefix(prefix: str, external_url: str = "") -> str:
    """Return the prefix of all paths, which is the path of the external URL unless it is said."""
    return f"/{prefix or urlsplit(external_url).path}".replace("//", "/").rstrip("/")


def _value(command: str, flag: str) -> str:
    found = re.search(rf"--{re.escape(flag)}[= ](\S+)", command)
    return found[1] if found else ""


def _names(command: str) -> frozenset[str]:
    """The features that a command names."""
    return frozenset(name for word in _FEATURES.findall(command) for name in word.split(","))


def _has_feature(command: str, feature: str) -> bool:
    """Whether a command has the flag for a feature, of which it may name several."""
    return feature in _names(command)


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
        # An object that names no namespace may be in any.
        if obj.name == service.name and obj.namespace in {service.namespace, ""}:
            yield obj
