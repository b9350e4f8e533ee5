"""Collectors: how each is configured and what runs it, wherever that is kept.

The configuration is in an OpenTelemetryCollector, in a ConfigMap that a workload mounts, in values of the chart
opentelemetry-collector, or in a file of its own.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

from lint.facts import Facts
from lint.lifecycle import lifecycle
from lint.objects import (
    Key,
    Manifests,
    Object,
    Path,
    Place,
    at,
    grouped,
    mapping,
    number,
    parsed,
    sequence,
    strings,
    text,
    view,
)
from lint.views.collector_chart import CHART, configuration, names_of_service
from lint.views.config_files import COLLECTOR, readers_of
from lint.views.hosts import ServiceName
from lint.views.mesh import providers
from lint.views.services import OPENTELEMETRY, collector_config
from lint.views.values import Values, every_chart, values
from lint.views.versions import Minor, image_tag, minor
from lint.views.workloads import Workload, mounting, workloads

ROLES = ("receivers", "processors", "exporters")
_SECTIONS = frozenset({*ROLES, "connectors"})
# An image without a version is the newest one.
_NEWEST: Minor = (0, 99999)
# As far down as a configuration may be in values: collectors.<name>.config.
_DEEPEST = 3
_MEMORY: Path = ("resources", "limits", "memory")
_VERSION_LABEL = "app.kubernetes.io/version"
_LISTENS_ON_LOCALHOST = lifecycle().first_release("receivers listen on localhost")
AS_DAEMON_SET = "as a DaemonSet"
# The kinds of processors that hold spans, and put those of several connections together.
HOLDING = frozenset({"batch", "groupbytrace", "tail_sampling"})


@dataclass(frozen=True)
class Pipeline:
    """``signal`` is traces, metrics, logs or profiles; its name may have a second part, as ``traces/mesh``."""

    name: str
    receivers: tuple[str, ...]
    processors: tuple[str, ...]
    exporters: tuple[str, ...]

    @cached_property
    def signal(self) -> str:
        return kind_of(self.name)

    def components(self, role: str) -> tuple[str, ...]:
        return {"receivers": self.receivers, "processors": self.processors, "exporters": self.exporters}[role]


@dataclass(frozen=True)
class Collector:
    """``path`` leads to ``config`` in ``owner``.

    ``is_whole`` says whether all of the configuration is here, and not a part that is merged with others.
    ``several`` says in words how more than one of it runs, and is empty if that is not known.
    ``is_unpinned`` says that nothing here pins its release: it may be the newest one when it is installed.
    ``default_host`` is where a receiver without an endpoint listens, if that is known. ``memory`` is the container's
    limit, as it is written. ``written`` is what the owner has of ``config``, if a chart adds the rest. ``workload``
    is what runs it, if that is among the objects; ``image`` is the one that is named.
    """

    owner: Object
    path: Path
    config: Mapping[Any, Any]
    namespace: str
    is_whole: bool
    release: Minor | None = None
    several: str = ""
    services: frozenset[ServiceName] = frozenset()
    is_sidecar: bool = False
    on_host_network: bool = False
    default_host: str | None = None
    is_unpinned: bool = False
    memory: object = None
    written: Mapping[Any, Any] | None = None
    workload: Workload | None = None
    image: str = ""

    def at(self, *path: Key) -> Any:
        return at(self.config, *path)

    def where(self, *path: Key) -> Place:
        return self.owner.where(*self.path, *path)

    @cached_property
    def strings(self) -> tuple[tuple[Path, str], ...]:
        """Every string of the configuration with its path in it."""
        return tuple(strings(self.config))

    def pipelines(self, signal: str = "") -> Sequence[Pipeline]:
        """Return the pipelines of ``signal``, or all."""
        return [one for one in self._pipelines if one.signal == signal] if signal else self._pipelines

    @cached_property
    def _pipelines(self) -> Sequence[Pipeline]:
        return [
            Pipeline(name, *(tuple(map(text, sequence(pipeline.get(role)))) for role in ROLES))
            for name, pipeline in mapping(self.at("service", "pipelines")).items()
            if isinstance(name, str) and isinstance(pipeline, Mapping)
        ]

    def is_from(self, release: Minor) -> bool:
        """Whether it is of this release or a newer one; without an image, an operator takes one of its own release."""
        if self.release is None:
            return self.owner.group == OPENTELEMETRY and not self.owner.at("spec", "image")
        return self.release >= release

    def takes_spans_of_the_mesh(self, manifests: Manifests, facts: Facts) -> bool:
        return not self.services.isdisjoint(_targets(manifests, facts))


@lru_cache(maxsize=1024)
def kind_of(name: str) -> str:
    """Return what a component is, without the name that tells it from others: ``otlp`` for ``otlp/tempo``."""
    return name.partition("/")[0].strip()


@view
def _targets(manifests: Manifests, facts: Facts) -> frozenset[ServiceName | None]:
    return frozenset(provider.target(facts) for provider in providers(manifests))


@view
def collectors(manifests: Manifests, facts: Facts) -> tuple[Collector, ...]:
    return (
        *(_of_operator(obj, facts) for obj in manifests.of(OPENTELEMETRY, "OpenTelemetryCollector")),
        *_of_documents(manifests),
        *(_of_chart(found) for found in values(manifests, CHART)),
        *_of_other_charts(manifests),
        *(_of_file(manifests, obj) for obj in manifests.documents() if _is_configuration(obj.raw)),
    )


def _of_operator(obj: Object, facts: Facts) -> Collector:
    config = collector_config(obj)
    most = number(obj.at("spec", "autoscaler", "maxReplicas")) or number(obj.at("spec", "maxReplicas"))
    is_sidecar = obj.at("spec", "mode") == "sidecar"
    names = () if is_sidecar else (f"{obj.name}-collector", f"{obj.name}-collector-headless")
    return Collector(
        owner=obj,
        path=("spec", "config"),
        config=config,
        namespace=obj.namespace,
        is_whole=_has_all(config),
        release=_release(text(obj.at("spec", "image"))) or minor(facts.collector_version),
        several=_several(text(obj.at("spec", "mode")), number(obj.at("spec", "replicas")), most),
        services=frozenset(ServiceName(obj.namespace, name) for name in names),
        is_sidecar=is_sidecar,
        on_host_network=obj.at("spec", "hostNetwork") is True,
        # otel-op: internal/components/single_endpoint.go
        default_host="0.0.0.0",  # noqa: S104  it is what the operator writes
        memory=obj.at("spec", *_MEMORY),
        image=text(obj.at("spec", "image")),
    )


def _of_documents(manifests: Manifests) -> Iterator[Collector]:
    for obj in manifests.of("", "ConfigMap", "Secret"):
        # Parsing each text of each ConfigMap would take long.
        candidates = [(path, content) for path, content in obj.documents() if "pipelines" in content]
        configs = [(path, parsed(content)) for path, content in candidates]
        for path, config in configs:
            if _is_configuration(config):
                yield _of_document(manifests, obj, path, mapping(config))


def _of_document(manifests: Manifests, obj: Object, path: Path, config: Mapping[Any, Any]) -> Collector:
    # A collector merges the files that it is started with.
    parts = (parsed(content) for other, content in obj.documents() if other != path)
    is_alone = not any(_SECTIONS & mapping(part).keys() for part in parts)
    workload = _workload_of(manifests, obj)
    if workload is None:
        # Helm and others write it on all that belongs to a release.
        release = _release(f":{text(obj.labels.get(_VERSION_LABEL))}") if _VERSION_LABEL in obj.labels else None
        is_whole = _has_all(config) and is_alone
        return Collector(obj, path, config, obj.namespace, is_whole, release, is_unpinned=release is None)
    return _of_workload(obj, path, config, workload, is_whole=_has_all(config) and is_alone)


def _of_workload(
    obj: Object, path: Path, config: Mapping[Any, Any], workload: Workload, *, is_whole: bool
) -> Collector:
    release = _release(workload.image("opentelemetry-collector", "otel"))
    return Collector(
        owner=obj,
        path=path,
        config=config,
        namespace=workload.owner.namespace,
        is_whole=is_whole,
        release=release,
        several=_several(workload.owner.kind.lower(), workload.replicas, workload.most_replicas),
        services=workload.services,
        on_host_network=workload.on_host_network,
        default_host="localhost" if release is not None and release >= _LISTENS_ON_LOCALHOST else None,
        memory=at(workload.container("opentelemetry-collector", "otel"), *_MEMORY),
        workload=workload,
        image=workload.image("opentelemetry-collector", "otel"),
    )


def _of_file(manifests: Manifests, obj: Object) -> Collector:
    manifests.recognise(obj)
    config = mapping(obj.raw)
    owners = readers_of(manifests, obj, COLLECTOR)
    if len(owners) == 1:
        # As Kustomize makes a ConfigMap of the file.
        return _of_workload(obj, (), config, Workload(owners[0].owner, manifests), is_whole=_has_all(config))
    # Who names no version gets the newest one, which listens there.
    return Collector(obj, (), config, "", _has_all(config), default_host="localhost", is_unpinned=True)


def _of_chart(found: Values) -> Collector:
    config, is_whole, path = configuration(found)
    most = number(found.at("autoscaling", "maxReplicas")) if found.at("autoscaling", "enabled") is True else None
    return Collector(
        owner=found.owner,
        path=(*found.path, *path),
        config=config,
        namespace=found.namespace,
        is_whole=is_whole and _has_all(config),
        release=minor(text(found.at("image", "tag"))),
        several=_several(text(found.at("mode")), number(found.at("replicaCount")), most),
        services=frozenset(ServiceName(found.namespace, name) for name in names_of_service(found)),
        on_host_network=found.at("hostNetwork") is True,
        is_unpinned=not found.at("image", "tag") and not found.owner.kind,
        memory=found.at(*_MEMORY),
        written=mapping(found.at(*path)),
        image="/".join(filter(None, (text(found.at("image", key)) for key in ("registry", "repository")))),
    )


def _of_other_charts(manifests: Manifests) -> Iterator[Collector]:
    """Charts of one's own have the configuration under a name of their own, and may put more into it."""
    known = {id(found.owner) for found in values(manifests, CHART)}
    for one in every_chart(manifests):
        if id(one.owner) in known or _is_configuration(one.content):
            continue
        has_image = any("image" in str(key).lower() for path, _ in strings(one.content) for key in path)
        for path, config in _configurations(one.content, ()):
            manifests.recognise(one.owner)
            place = (*one.path, *path)
            yield Collector(one.owner, place, config, one.namespace, is_whole=False, is_unpinned=not has_image)


def _configurations(content: Mapping[Any, Any], path: Path) -> Iterator[tuple[Path, Mapping[Any, Any]]]:
    """Yield each configuration below ``content`` that is not too deep, with its path."""
    for key, value in content.items():
        if isinstance(key, str) and isinstance(value, Mapping) and len(path) < _DEEPEST:
            if _is_configuration(value):
                yield (*path, key), value
            else:
                yield from _configurations(value, (*path, key))


def _workload_of(manifests: Manifests, config_map: Object) -> Workload | None:
    """Return what mounts the ConfigMap, or else the only collector in its namespace."""
    found = mounting(manifests, config_map) or _running(manifests).get(config_map.namespace, ())
    chosen = {(one.owner.kind, one.owner.name): one for one in found}
    return next(iter(chosen.values())) if len(chosen) == 1 else None


@view
def _running(manifests: Manifests) -> Mapping[str, Sequence[Workload]]:
    """Return by its namespace what has an image of the collector."""
    found = (one for one in workloads(manifests) if one.image("opentelemetry-collector"))
    return grouped((one.owner.namespace, one) for one in found)


def _release(image: str) -> Minor | None:
    """Return the release of the collector in an image; other numbers than 0.x are those of somebody's own build."""
    if image and image_tag(image) in {"", "latest"} and "@" not in image:
        return _NEWEST
    found = minor(image_tag(image))
    return found if found is not None and found[0] == 0 else None


def _several(mode: str, replicas: int | None, most: int | None) -> str:
    if mode == "daemonset":
        return AS_DAEMON_SET
    if most is not None and most > 1:
        return f"as up to {most} replicas"
    return f"as {replicas} replicas" if replicas is not None and replicas > 1 else ""


def _is_configuration(config: object) -> bool:
    sections = mapping(config)
    return isinstance(at(config, "service", "pipelines"), Mapping) and bool(_SECTIONS & sections.keys())


def _has_all(config: Mapping[Any, Any]) -> bool:
    """Whether nothing is left to other files: without receivers or exporters a collector does not start."""
    return all(mapping(config.get(section)) for section in ("receivers", "exporters"))
