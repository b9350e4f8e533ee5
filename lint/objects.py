"""Kubernetes objects, read without trusting their shape.

An object may have a list where a map belongs. Every reader here then returns an empty value, so that no check has to
look out for it.
"""

import base64
import binascii
import re
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property, update_wrapper
from typing import Any, Concatenate, ParamSpec, TypeVar

from lint.documents import NOT_YAML, Documents, Marks, load_all
from lint.templates import shown

Key = str | int
Path = tuple[Key, ...]
_KEYS = (str, int)
_LISTS = (list, tuple)

_PLAIN_KEY = re.compile(r"[A-Za-z0-9_-]+\Z")
_MAX_DIGITS = 18

_CLUSTER_SCOPED = frozenset(
    {
        "ClusterRole",
        "ClusterRoleBinding",
        "CustomResourceDefinition",
        "GatewayClass",
        "IngressClass",
        "Istio",
        "IstioCNI",
        "IstioRevision",
        "IstioRevisionTag",
        "MutatingWebhookConfiguration",
        "Namespace",
        "Node",
        "PersistentVolume",
        "StorageClass",
        "UIPlugin",
        "ValidatingWebhookConfiguration",
        "ZTunnel",
    }
)


def mapping(value: object) -> Mapping[Any, Any]:
    # Nearly every map is a dictionary, for which to ask for the abstract class takes longer.
    if type(value) is dict:
        return value
    return value if isinstance(value, Mapping) else {}


def sequence(value: object) -> Sequence[Any]:
    return value if isinstance(value, _LISTS) else ()


def text(value: object) -> str:
    return value if isinstance(value, str) else ""


def number(value: object) -> int | None:
    """Return an integer, also one in quotes, as Kubernetes accepts for some ports."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    digits = text(value)
    return int(digits) if digits.isascii() and digits.isdecimal() and len(digits) <= _MAX_DIGITS else None


def at(value: object, *path: Key) -> Any:
    """Return what lies at ``path`` below ``value``, or None."""
    for key in path:
        # What most of the way is made of comes first.
        if type(value) is dict and type(key) is str:
            value = value.get(key)
        elif value is None:
            return None
        elif isinstance(key, int):
            items = sequence(value)
            value = items[key] if key < len(items) else None
        else:
            value = mapping(value).get(key)
    return value


def dotted(path: Path) -> str:
    written = ""
    for key in path:
        if isinstance(key, int):
            written += f"[{key}]"
        elif _PLAIN_KEY.match(key):
            written += f".{key}"
        else:
            written += f'["{key}"]'
    return written.removeprefix(".")


def strings(value: object, path: Path = ()) -> Iterator[tuple[Path, str]]:
    """Yield every string below ``value`` with its path.

    Each container is entered once: YAML's aliases can make one contain itself.
    """
    seen: set[int] = set()
    waiting: list[tuple[Path, object]] = [(path, value)]
    while waiting:
        place, item = waiting.pop()
        if isinstance(item, str):
            yield place, item
        elif id(item) not in seen:
            seen.add(id(item))
            pairs = mapping(item).items() or enumerate(sequence(item))
            waiting.extend([((*place, key if isinstance(key, _KEYS) else str(key)), child) for key, child in pairs])


def parsed(document: object) -> Any:
    """Return the content of YAML that an object carries as a string; None if it is not YAML."""
    found = documents_in(document) if isinstance(document, str) else None
    return found.contents[0][1] if found and len(found.contents) == 1 else None


# Cached because several checks read the same text; none of them changes its content.
@cache
def documents_in(text: str) -> Documents | None:
    """Return the YAML in a text; None if it is something else."""
    try:
        return load_all(text, strict=False)
    except NOT_YAML:
        return None


def printable(name: str) -> str:
    """Replace line breaks and terminal control sequences by question marks, and a template's actions by ``{{…}}``."""
    text = shown(name)
    return text if text.isprintable() else "".join(char if char.isprintable() else "?" for char in text)


@dataclass(frozen=True, eq=False)
class Place:
    """A field of an object, which need not be there: what is wrong may be that it is missing."""

    owner: "Object"
    path: Path

    def __str__(self) -> str:
        source = f"{self.owner.source.name}: " if self.owner.source else ""
        return f"{source}{self.owner.label}: {dotted(self.path)}"

    def value(self) -> Any:
        """What is there, or the nearest value around it; also within a document that is a text."""
        value: Any = self.owner.raw
        for key in self.path:
            inner = parsed(value) if isinstance(value, str) else value
            found = at(inner, key)
            if found is None:
                return value
            value = found
        return value


@dataclass(frozen=True, eq=False)
class Source:
    """A text with manifests: a file, standard input, or what a tool rendered from ``name``, which has no lines.

    ``marks`` are those of its YAML; JSON has none.
    """

    name: str
    text: str = ""
    is_rendered: bool = False
    marks: Mapping[int, Marks] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Object:
    """One object, and where it stands: in the document that begins on ``line``, from 0, and at which path there.

    An object without a namespace is in ``default_namespace``, if it is of a kind that has one.
    """

    raw: object
    source: Source | None = None
    line: int = 0
    base: Path = ()
    default_namespace: str = ""

    @cached_property
    def kind(self) -> str:
        return text(at(self.raw, "kind"))

    @cached_property
    def group(self) -> str | None:
        """The API group: empty for the core group, None for an object without an apiVersion."""
        version = at(self.raw, "apiVersion")
        if not isinstance(version, str):
            return None
        group, slash, _ = version.partition("/")
        return group if slash else ""

    @cached_property
    def name(self) -> str:
        return text(at(self.raw, "metadata", "name"))

    @cached_property
    def namespace(self) -> str:
        named = text(at(self.raw, "metadata", "namespace"))
        return named or ("" if self.kind in _CLUSTER_SCOPED else self.default_namespace)

    @property
    def labels(self) -> Mapping[Any, Any]:
        return mapping(self.at("metadata", "labels"))

    def at(self, *path: Key) -> Any:
        return at(self.raw, *path)

    @cached_property
    def strings(self) -> tuple[tuple[Path, str], ...]:
        """Every text of the object with its path: several rules look at all of them."""
        return tuple(strings(self.raw))

    @property
    def label(self) -> str:
        """What it is called in a message: ``Kind namespace/name``."""
        name = f"{self.namespace}/{self.name or '?'}" if self.namespace else self.name or "?"
        return f"{self.kind} {name}" if self.kind else "document"

    def where(self, *path: Key) -> Place:
        return Place(self, path)

    def documents(self) -> Iterator[tuple[Path, str]]:
        """Yield the texts that a ConfigMap or a Secret holds."""
        for part in ("data", "stringData"):
            for key, value in mapping(self.at(part)).items():
                if isinstance(key, str) and isinstance(value, str):
                    encoded = self.kind == "Secret" and part == "data"
                    yield (part, key), _decoded(value) if encoded else value


@dataclass(frozen=True, eq=False)
class Manifests:
    """The objects that are checked together; ``read`` are those that a rule has looked at, by ``id``.

    ``views`` keeps what has been made of them, by the function that made it.
    """

    objects: tuple[Object, ...]
    read: set[int] = field(default_factory=set)
    views: dict[Any, Any] = field(default_factory=dict)

    def of(self, group: str, *kinds: str, namespace: str | None = None) -> Iterator[Object]:
        """Yield the objects of these kinds, of one ``namespace`` or of all."""
        found = self._by_group.get(group) if namespace is None else self._by_namespace.get((group, namespace))
        for obj in found or ():
            if obj.kind in kinds:
                self.read.add(id(obj))
                yield obj

    def documents(self) -> Iterator[Object]:
        """Yield what has no kind, so is no object of Kubernetes: values of a chart, or a program's configuration.

        Whoever knows what one is calls ``recognise``.
        """
        yield from self._by_group.get(None, ())

    def recognise(self, document: Object) -> None:
        self.read.add(id(document))

    @cached_property
    def _by_group(self) -> Mapping[str | None, Sequence[Object]]:
        return grouped((obj.group if obj.kind else None, obj) for obj in self.objects)

    @cached_property
    def _by_namespace(self) -> Mapping[tuple[str | None, str], Sequence[Object]]:
        return grouped(((group, obj.namespace), obj) for group, objects in self._by_group.items() for obj in objects)


Further = ParamSpec("Further")
T = TypeVar("T")
K = TypeVar("K", bound=Hashable)


def grouped(pairs: Iterable[tuple[K, T]]) -> dict[K, list[T]]:
    """Return what belongs to each key, in its order."""
    found: dict[K, list[T]] = {}
    for key, one in pairs:
        found.setdefault(key, []).append(one)
    return found


def view(make: Callable[Concatenate[Manifests, Further], T]) -> Callable[Concatenate[Manifests, Further], T]:
    """Make a view of some objects once, however many rules ask for it; it is no iterator, and nobody changes it."""

    def made_once(manifests: Manifests, /, *args: Further.args, **options: Further.kwargs) -> T:
        key = (make, args, *options.items())
        if key not in manifests.views:
            manifests.views[key] = make(manifests, *args, **options)
        found: T = manifests.views[key]
        return found

    return update_wrapper(made_once, make)


def _decoded(value: str) -> str:
    try:
        return base64.b64decode(value, validate=True).decode()
    except (binascii.Error, ValueError):
        return ""
