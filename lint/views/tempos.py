"""Tempo's configuration, wherever it is: with its operator, in a ConfigMap, in a file, in the values of a chart."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Literal

from lint.facts import Facts
from lint.lifecycle import lifecycle
from lint.objects import Key, Manifests, Object, Path, Place, at, grouped, mapping, parsed, sequence, text, view
from lint.templates import with_holes
from lint.tempo_keys import releases
from lint.views.config_files import TEMPO as TEMPO_PROGRAM
from lint.views.config_files import readers_of
from lint.views.services import TEMPO
from lint.views.tempo_values import CHARTS, own_configuration, parts
from lint.views.values import values
from lint.views.versions import Minor, image_tag, minor
from lint.views.workloads import WORKLOADS, mounting_among

EXTRA_CONFIG: Path = ("spec", "extraConfig", "tempo")
_NATIVE_URLS: Path = ("spec", "template", "metricsGenerator", "remoteWriteURLs")

# Who writes no version is taken not to run a Tempo of before 2023, nor a chart of before the end of 2025.
_OLDEST_IN_USE: Minor = (2, 0)
_OLDEST_OF_CHARTS: Minor = (2, 9)
_NEWEST = ("", "latest")
_STRUCTURED_CONFIG: Path = ("tempo", "structuredConfig")
_REMOTE_WRITE: Path = ("metrics_generator", "storage", "remote_write")
# What values of charts have at the top or below a section, and Tempo's configuration has not.
_OF_CHARTS = frozenset({"admin", "config", "image", "persistence", "replicas", "resources", "tempo", "traces"})
# Grafana's enterprise edition has further keys.
_ENTERPRISE = frozenset({"license", "admin_client", "admin_api"})


@dataclass(frozen=True)
class Workload:
    """A container that runs Tempo, at ``path`` in a Deployment or its like."""

    owner: Object
    path: Path
    container: Mapping[Any, Any]

    @property
    def tag(self) -> str:
        return image_tag(text(self.container.get("image")))

    @property
    def command(self) -> str:
        return " ".join(text(word) for field in ("command", "args") for word in sequence(self.container.get(field)))

    @property
    def variables(self) -> frozenset[str]:
        """The names of the environment variables that it lists itself."""
        return frozenset(text(at(one, "name")) for one in sequence(self.container.get("env")))


@dataclass(frozen=True)
class Tempo:
    """``path`` leads to ``config`` in ``owner``; an operator and a chart add to it what is not there.

    ``sections`` of it are at paths of their own. ``release`` is None where it is not known; ``oldest`` is then the
    oldest one that it may be. ``is_newest`` says that the image has no version of its own. ``urls`` are the remote
    writes that the owner has outside of the configuration.
    """

    owner: Object
    path: Path
    config: Mapping[Any, Any]
    written_by: Literal["operator", "nobody", "chart"]
    namespace: str
    release: Minor | None = None
    is_newest: bool = False
    workloads: tuple[Workload, ...] = ()
    sections: Mapping[str, Path] = field(default_factory=dict)
    urls: tuple[tuple[Path, str], ...] = ()
    oldest: Minor = _OLDEST_IN_USE

    @property
    def is_enterprise(self) -> bool:
        return not _ENTERPRISE.isdisjoint(self.config)

    def at(self, *path: Key) -> Any:
        return at(self.config, *path)

    def where(self, *path: Key) -> Place:
        """A place in the configuration; what is inside a text of a ConfigMap is named like everything else."""
        section = self.sections.get(str(path[0])) if path else None
        return self.owner.where(*self.path, *path) if section is None else self.owner.where(*section, *path[1:])

    def remote_writes(self) -> Iterator[tuple[Place, str]]:
        """The URLs to which the metrics generator writes; a list in the configuration replaces those beside it."""
        own = sequence(self.at(*_REMOTE_WRITE))
        for index, entry in enumerate(own):
            yield self.where(*_REMOTE_WRITE, index, "url"), text(at(entry, "url"))
        for path, url in self.urls if not own else ():
            yield self.owner.where(*path), url


@view
def tempos(manifests: Manifests, facts: Facts) -> tuple[Tempo, ...]:
    return tuple(_found(manifests, facts))


def _found(manifests: Manifests, facts: Facts) -> Iterator[Tempo]:
    yield from _of_operator(manifests, facts)
    for obj in manifests.of("", "ConfigMap", "Secret"):
        for path, document in obj.documents():
            config = mapping(parsed(document)) if text(path[-1]).endswith((".yaml", ".yml")) else {}
            if _is_tempo(config):
                yield _plain(manifests, obj, path, config)
    for obj in manifests.documents():
        if _is_tempo(mapping(obj.raw)):
            manifests.recognise(obj)
            files = readers_of(manifests, obj, TEMPO_PROGRAM)
            runs = tuple(Workload(one.owner, one.container, mapping(one.owner.at(*one.container))) for one in files)
            yield _run_by(obj, (), mapping(obj.raw), runs[0].owner.namespace if runs else "", runs)
    yield from _of_charts(manifests)


def _of_operator(manifests: Manifests, facts: Facts) -> Iterator[Tempo]:
    release = _installed_by(facts.tempo_operator_version)
    for obj in manifests.of(TEMPO, "TempoMonolithic", "TempoStack"):
        native = enumerate(sequence(obj.at(*_NATIVE_URLS)) if obj.kind == "TempoStack" else ())
        yield Tempo(
            owner=obj,
            path=EXTRA_CONFIG,
            config=mapping(obj.at(*EXTRA_CONFIG)),
            written_by="operator",
            namespace=obj.namespace,
            release=release,
            urls=tuple(((*_NATIVE_URLS, index), text(url)) for index, url in native),
        )


def _of_charts(manifests: Manifests) -> Iterator[Tempo]:
    for one in values(manifests, *CHARTS):
        found = parts(one)
        own = own_configuration(one)
        oldest = _OLDEST_IN_USE if one.said and one.said.version else _OLDEST_OF_CHARTS
        if own:
            config = mapping(parsed(with_holes(own)))
            release = minor(found.tag)
            yield Tempo(one.owner, (*one.path, "config"), config, "chart", one.namespace, release, oldest=oldest)
        # With a configuration of one's own nobody knows what it takes from the values.
        taken = {} if own else found.config
        if one.of_ones_own:
            # Its templates may read keys of their own, such as those of an older version of the chart.
            taken = {section: content for section, content in taken.items() if not _is_of_chart(mapping(content))}
        if taken or found.url:
            yield Tempo(
                owner=one.owner,
                path=one.path,
                config=taken,
                written_by="chart",
                namespace=one.namespace,
                release=minor(found.tag),
                sections=found.sections,
                urls=(found.url,) if found.url else (),
                oldest=oldest,
            )
        config = mapping(one.at(*_STRUCTURED_CONFIG)) if one.chart == "tempo-distributed" else {}
        if config:
            path = (*one.path, *_STRUCTURED_CONFIG)
            yield Tempo(one.owner, path, config, "chart", one.namespace, minor(found.tag), oldest=oldest)


def _plain(manifests: Manifests, obj: Object, path: Path, config: Mapping[Any, Any]) -> Tempo:
    return _run_by(obj, path, config, obj.namespace, tuple(_workloads_with(manifests, obj)))


def _run_by(obj: Object, path: Path, config: Mapping[Any, Any], namespace: str, runs: tuple[Workload, ...]) -> Tempo:
    found = {minor(one.tag) for one in runs}
    release = found.pop() if len(found) == 1 else None
    is_newest = bool(runs) and all(one.tag in _NEWEST and "@" not in text(one.container.get("image")) for one in runs)
    return Tempo(
        owner=obj,
        path=path,
        config=config,
        written_by="nobody",
        namespace=namespace,
        release=max(releases()) if is_newest else release,
        is_newest=is_newest,
        workloads=runs,
    )


def _installed_by(version: str | None) -> Minor | None:
    """The release of Tempo that a release of its operator installs."""
    if version is None:
        return None
    found = {minor(one) for one in lifecycle().carried("tempo-operator", version, "tempo")}
    return found.pop() if len(found) == 1 else None


def _is_tempo(config: Mapping[Any, Any]) -> bool:
    """Whether it has keys of Tempo's own: Loki and Mimir have sections of the same names."""
    is_marked = (
        isinstance(at(config, "storage", "trace"), Mapping)
        or isinstance(at(config, "distributor", "receivers"), Mapping)
        or isinstance(config.get("metrics_generator"), Mapping)
    )
    return is_marked and not _is_of_chart(config) and 2 * sum(key in _top_keys() for key in config) >= len(config)


def _is_of_chart(config: Mapping[Any, Any]) -> bool:
    """Whether it is values of a chart, whose sections are workloads."""
    words = {*config, *(key for section in config.values() for key in mapping(section))}
    return not _OF_CHARTS.isdisjoint(words) or any(text(key) != text(key).lower() for key in config)


@cache
def _top_keys() -> frozenset[str]:
    return frozenset(key for keys in releases().values() for key in keys)


def _workloads_with(manifests: Manifests, config: Object) -> Sequence[Workload]:
    """Return what runs Tempo with this configuration; every Tempo of the namespace, if none of them mounts it."""
    mounting = mounting_among(_by_volume(manifests), manifests, config)
    return mounting or _by_namespace(manifests).get(config.namespace, ())


@view
def _by_volume(manifests: Manifests) -> Mapping[tuple[str, str], Sequence[Workload]]:
    found = (one for of_namespace in _by_namespace(manifests).values() for one in of_namespace)
    return grouped(((one.owner.namespace, name), one) for one in found for name in _mounted(one.owner))


@view
def _by_namespace(manifests: Manifests) -> Mapping[str, Sequence[Workload]]:
    return grouped((one.owner.namespace, one) for one in _workloads(manifests))


def _workloads(manifests: Manifests) -> Iterator[Workload]:
    for obj in (*manifests.of("apps", *WORKLOADS), *manifests.of("", "Pod")):
        path = (*_pod(obj), "containers")
        for index, container in enumerate(sequence(obj.at(*path))):
            repository = text(at(container, "image")).partition("@")[0].rpartition("/")[2].partition(":")[0]
            if repository == "tempo":
                yield Workload(obj, (*path, index), mapping(container))


def _pod(obj: Object) -> Path:
    return ("spec",) if obj.kind == "Pod" else ("spec", "template", "spec")


def _mounted(workload: Object) -> frozenset[str]:
    """The names of the ConfigMaps and Secrets that a workload mounts."""
    volumes = sequence(workload.at(*_pod(workload), "volumes"))
    sources = [source for volume in volumes for source in (volume, *sequence(at(volume, "projected", "sources")))]
    fields = (("configMap", "name"), ("secret", "secretName"), ("secret", "name"))
    return frozenset(text(at(source, *field)) for source in sources for field in fields)
