"""The files with a configuration that containers are told to read, and what brings them there."""

import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lint.objects import Manifests, Object, Path, at, grouped, sequence, text, view
from lint.views.images import full_name
from lint.views.workloads import WORKLOADS


@dataclass(frozen=True)
class Program:
    """``image`` is the pattern of the images that have it, ``flag`` names the file."""

    image: re.Pattern[str]
    flag: str


TEMPO = Program(re.compile(r"docker\.io/grafana/tempo"), "config.file")
COLLECTOR = Program(
    re.compile(
        r"docker\.io/otel/opentelemetry-collector[a-z0-9-]*"
        r"|ghcr\.io/open-telemetry/opentelemetry-collector-releases/opentelemetry-collector[a-z0-9-]*"
    ),
    "config",
)


@dataclass(frozen=True)
class ConfigFile:
    """``path`` is the file's, ``container`` leads to who reads it in ``owner``, ``mounts`` are the folders and files of
    its mounts.

    ``volume`` leads to the volume of the mount that it is on; ``config_map`` is the name of that volume's ConfigMap and
    ``key`` the one that becomes the file, each empty or None where it is something else.
    """

    owner: Object
    container: Path
    path: str
    mounts: tuple[str, ...]
    volume: Path | None = None
    config_map: str = ""
    key: str | None = None
    is_optional: bool = False


@view
def config_files(manifests: Manifests, program: Program) -> tuple[ConfigFile, ...]:
    return tuple(_files(manifests, program))


def readers_of(manifests: Manifests, document: Object, program: Program) -> Sequence[ConfigFile]:
    """Who is told to read a file of the document's name, which no ConfigMap among the objects has: one is made of the
    document."""
    name = posixpath.basename(document.source.name) if document.source else ""
    return _without_config_map(manifests, program).get(name, ()) if name else ()


@view
def _without_config_map(manifests: Manifests, program: Program) -> Mapping[str, Sequence[ConfigFile]]:
    """By the name of the file, or of the key that becomes it, those whose ConfigMap is not among the objects."""
    there = {(obj.namespace, obj.name) for obj in manifests.of("", "ConfigMap")}
    absent = [one for one in config_files(manifests, program) if (one.owner.namespace, one.config_map) not in there]
    return grouped((name, one) for one in absent for name in {one.key or "", posixpath.basename(one.path)})


def _files(manifests: Manifests, program: Program) -> Iterator[ConfigFile]:
    told = re.compile(rf"--?{re.escape(program.flag)}[= ](?:file:)?(/\S+)")
    for obj, pod in _pods(manifests):
        for index, container in enumerate(sequence(obj.at(*pod, "containers"))):
            name = text(at(container, "image")).partition("@")[0].partition(":")[0]
            command = " ".join(text(word) for field in ("command", "args") for word in sequence(at(container, field)))
            for file in told.findall(command) if program.image.fullmatch(full_name(name)) else ():
                yield _file(obj, pod, index, file)


def _file(obj: Object, pod: Path, index: int, file: str) -> ConfigFile:
    container: Path = (*pod, "containers", index)
    mounts = sequence(obj.at(*container, "volumeMounts"))
    folders = tuple(text(at(mount, "mountPath")).rstrip("/") for mount in mounts)
    around = [place for place, folder in enumerate(folders) if file == folder or file.startswith(f"{folder}/")]
    if not around:
        return ConfigFile(obj, container, file, folders)
    # The innermost mount hides what others have there.
    mount = mounts[max(around, key=lambda place: len(folders[place]))]
    for place, volume in enumerate(sequence(obj.at(*pod, "volumes"))):
        if at(volume, "name") == at(mount, "name"):
            source = at(volume, "configMap")
            return ConfigFile(
                owner=obj,
                container=container,
                path=file,
                mounts=folders,
                volume=(*pod, "volumes", place),
                config_map=text(at(source, "name")),
                key=_key(mount, source, file),
                is_optional=at(source, "optional") is True,
            )
    return ConfigFile(obj, container, file, folders)


def _key(mount: Any, source: Any, file: str) -> str | None:
    """Which key of a volume's ConfigMap becomes the file; None if it is not the file that is mounted."""
    folder = text(at(mount, "mountPath")).rstrip("/")
    part = text(at(mount, "subPath"))
    inside = file.removeprefix(folder).lstrip("/")
    within = "/".join(filter(None, (part, inside)))
    items: Sequence[Any] = sequence(at(source, "items"))
    if not items:
        return within if within and "/" not in within else None
    return next((text(at(item, "key")) for item in items if at(item, "path") == within), None)


def _pods(manifests: Manifests) -> Iterator[tuple[Object, Path]]:
    """Yield what has a Pod, and the path to its specification; a patch, which has no selector, has but a part of it."""
    for obj in manifests.of("apps", *WORKLOADS):
        if obj.at("spec", "selector") is not None:
            yield obj, ("spec", "template", "spec")
    for obj in manifests.of("", "Pod"):
        yield obj, ("spec",)
