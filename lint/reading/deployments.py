"""Several deployments in one tree, as ``dev/`` and ``prod/``: the objects of one say nothing about the other.

Two folders, or two files, that have the same object with another content are different deployments; what is in neither
belongs to both.
"""

from collections.abc import Sequence
from pathlib import PurePath

from lint.objects import Object

Parts = tuple[str, ...]

# Several parts of one deployment each bring their own copy of these.
_REPEATED = frozenset({"Namespace", "HelmRepository"})


def deployments(objects: Sequence[Object]) -> list[list[Object]]:
    """Return the objects of each deployment, in the order of their names; one list if there is only one."""
    branches = _branches(objects)
    if branches is None:
        return [list(objects)]
    root, names = branches
    shared = [obj for obj in objects if _branch(obj, root) not in names]
    parted = ([obj for obj in objects if _branch(obj, root) == name] for name in sorted(names))
    return [[*shared, *found] for part in parted for found in deployments(part)]


def _branches(objects: Sequence[Object]) -> tuple[Parts, set[str]] | None:
    """The folder nearest to the top that has the same object in several of its folders or files, and these."""
    found: dict[tuple[str | None, str, str, str], list[Object]] = {}
    for obj in objects:
        if obj.kind and obj.name and obj.kind not in _REPEATED:
            found.setdefault((obj.group, obj.kind, obj.namespace, obj.name), []).append(obj)
    branches: dict[Parts, set[str]] = {}
    for same in found.values():
        places = {_parts(obj) for obj in same}
        if len(places) > 1 and any(obj.raw != same[0].raw for obj in same[1:]):
            root = _common(places)
            branches.setdefault(root, set()).update(place[len(root)] for place in places)
    return min(branches.items(), key=lambda item: (len(item[0]), item[0]), default=None)


def _parts(obj: Object) -> Parts:
    name = obj.source.name if obj.source else ""
    return (*PurePath(name).parts, "")


def _branch(obj: Object, root: Parts) -> str | None:
    parts = _parts(obj)
    return parts[len(root)] if parts[: len(root)] == root else None


def _common(places: set[Parts]) -> Parts:
    """What all begin with."""
    first, last = min(places), max(places)
    length = next(number for number, (one, other) in enumerate(zip(first, last, strict=False)) if one != other)
    return first[:length]
