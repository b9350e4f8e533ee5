"""Where the resources that lint knows differ from what their kinds have."""

from collections.abc import Mapping
from dataclasses import dataclass

from lint.crd_fields import KINDS, Difference, Fields, differences, fields
from lint.objects import Manifests, Object, Path, text, view

# What every object has, and the API server keeps.
OF_EVERY_OBJECT = frozenset({"apiVersion", "kind", "metadata", "spec", "status"})
# The only part of a kind that tracing depends on.
_PARTS: Mapping[str, Path] = {"Sidecar": ("spec", "egress")}


@dataclass(frozen=True)
class Different:
    """``difference`` has its path from the top of ``owner``; ``known`` is what may stand below its ``spec``."""

    owner: Object
    difference: Difference
    known: Fields


@view
def different(manifests: Manifests) -> tuple[Different, ...]:
    return tuple(
        Different(obj, found, known)
        for kind, group in KINDS.items()
        for obj in manifests.of(group, kind)
        if (known := fields(kind, text(obj.at("apiVersion")).rpartition("/")[2])) is not None
        for found in (*_beside_spec(obj), *differences(obj.at("spec"), known, ("spec",)))
        if _PARTS.get(kind, ()) == found.path[: len(_PARTS.get(kind, ()))]
    )


def _beside_spec(obj: Object) -> list[Difference]:
    top = obj.raw if isinstance(obj.raw, dict) else {}
    return [Difference((key,), "") for key in top if isinstance(key, str) and key not in OF_EVERY_OBJECT]
