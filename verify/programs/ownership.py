"""Who set a field of a live object: only what the program did not set itself is restored by applying it again."""

from collections.abc import Mapping, Sequence
from typing import Any

from verify.access.cluster import Object
from verify.fields import value_at

# Pulumi's provider adds a random suffix for server-side apply (pulumi-kubernetes: provider/pkg/provider/provider.go).
_PULUMI = "pulumi-kubernetes"


def is_by_settings(found: Object | None, path: Sequence[str]) -> bool:
    """Whether the value at ``path`` is there because the stack's settings say so: nobody but Pulumi has set it."""
    if found is None or value_at(found, path) is None:
        return False
    managers = _managers(found, path)
    return bool(managers) and all(manager.startswith(_PULUMI) for manager in managers)


def _managers(found: Object, path: Sequence[str]) -> set[str]:
    """The field managers that own the value at ``path``, or a part of it, or all of a value around it."""
    entries = found["metadata"].get("managedFields") or []
    return {
        str(entry.get("manager"))
        for entry in entries
        if entry.get("subresource") != "status" and _owns(entry.get("fieldsV1") or {}, path)
    }


def _owns(fields: Mapping[str, Any], path: Sequence[str]) -> bool:
    for number, key in enumerate(path):
        if f"f:{key}" not in fields:
            # A map without fields of its own is owned as a whole.
            return number > 0 and not fields
        fields = fields[f"f:{key}"]
    return True
