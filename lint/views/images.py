"""Container images, wherever they are named: in pods, in resources of operators, in values of charts."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from lint.objects import Manifests, Object, Path, Place, at, mapping, parsed, strings, text, view

# The names by which Docker Hub is known.
_DOCKER_HUB = frozenset({"docker.io", "index.docker.io", "registry-1.docker.io", "registry.hub.docker.com"})
_REFERENCE = re.compile(
    r"(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*(?::\d+)?(?:/[A-Za-z0-9._-]+)*)(?::(?P<tag>[\w.-]+))?(?:@(?P<digest>[\w:]+))?"
)
# Texts that are documents of their own, with values of a chart.
_DOCUMENTS = frozenset({"values", "valuesContent", "values.yaml", "values.yml"})
# What the API server writes itself.
_STATUS: Path = ("status",)


@dataclass(frozen=True)
class Image:
    """``name`` is in full, as docker.io/library/busybox; ``path`` leads to the text with the name, ``tag_path`` to the
    one with the tag."""

    owner: Object
    path: Path
    name: str
    tag: str
    tag_path: Path

    @property
    def where(self) -> Place:
        return self.owner.where(*self.path)


@view
def images(manifests: Manifests) -> tuple[Image, ...]:
    return tuple(image for obj in manifests.objects for image in _among(obj, obj.raw, obj.strings, ()))


def full_name(name: str) -> str:
    """Return the name of an image with its registry, and without the several names of Docker Hub."""
    first, slash, rest = name.partition("/")
    if not slash or not ("." in first or ":" in first or first == "localhost"):
        first, rest = "docker.io", name
    if first not in _DOCKER_HUB:
        return f"{first}/{rest}"
    return f"docker.io/{rest if '/' in rest else f'library/{rest}'}"


def _among(owner: Object, content: object, texts: Iterable[tuple[Path, str]], start: Path) -> Iterator[Image]:
    for path, found in texts:
        if path[:1] == _STATUS and not start:
            continue
        if path[-1:] == ("image",):
            yield from _image(owner, (*start, *path), found, "")
        elif path[-1:] == ("repository",):
            yield from _in_parts(owner, (*start, *path), mapping(at(content, *path[:-1])))
        elif path[-1:] and path[-1] in _DOCUMENTS and not start and ("image" in found):
            document = parsed(found)
            yield from _among(owner, document, strings(document), path)


def _in_parts(owner: Object, path: Path, parts: Any) -> Iterator[Image]:
    """As in values of charts: the registry may stand beside the repository, and the tag does."""
    registry, repository = text(parts.get("registry")), text(parts.get("repository"))
    if "tag" in parts or "image" in str(path[-2:-1]).lower():
        # A tag that YAML reads as a fraction, as 1.30, has lost its last digits.
        tag = text(parts.get("tag"))
        yield from _image(owner, path, f"{registry}/{repository}" if registry else repository, tag)


def _image(owner: Object, path: Path, reference: str, tag: str) -> Iterator[Image]:
    """Nothing for a text with a variable, which may be any image."""
    match = _REFERENCE.fullmatch(reference)
    if match and "$" not in tag and "{" not in tag:
        tag_path = (*path[:-1], "tag") if tag and not match["tag"] else path
        yield Image(owner, path, full_name(match["name"]), match["tag"] or tag, tag_path)
