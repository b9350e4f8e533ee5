"""What a cluster's definitions of custom resources have: every field, and the texts that a field may have.

The API server publishes them to everybody who may log in (role `system:discovery`), unlike the definitions themselves.
"""

from collections.abc import Iterator, Mapping
from typing import Any

# The fields below a field by name, the texts that it may have, or None where nothing is said.
Shape = Mapping[str, Any] | list[str] | None
# The shapes of the kinds of one group and version, by kind.
Shapes = Mapping[str, Shape]

_OPENAPI = "/openapi/v3/apis/"


def openapi_path(api_version: str) -> str:
    """The API path of the definitions of a group and version."""
    return f"{_OPENAPI}{api_version}"


def is_openapi(path: str) -> bool:
    return path.startswith(_OPENAPI)


def shapes_of(document: Mapping[str, Any], kinds: frozenset[str]) -> Shapes:
    """The shape of the ``spec`` of each of ``kinds`` that an OpenAPI document has."""
    found: dict[str, Shape] = {}
    for schema in (document.get("components") or {}).get("schemas", {}).values():
        spec = (schema.get("properties") or {}).get("spec")
        for name in schema.get("x-kubernetes-group-version-kind") or []:
            if spec is not None and name["kind"] in kinds:
                found[name["kind"]] = _shape(spec)
    return found


def field_at(shape: Shape, path: str) -> Shape | bool:
    """The shape at ``path`` below a spec; False if the definition has no such field."""
    for part in path.split("."):
        if not isinstance(shape, Mapping):
            return None
        if part not in shape:
            return False
        shape = shape[part]
    return shape


def unknown_fields(shape: Shape, value: Any, path: str = "spec") -> Iterator[str]:
    """The fields of ``value`` that the API server would drop, and the texts that it would refuse."""
    if isinstance(value, list):
        for number, inner in enumerate(value):
            yield from unknown_fields(shape, inner, f"{path}[{number}]")
    elif isinstance(shape, list):
        if isinstance(value, str) and value not in shape:
            yield f"{path}: {value}"
    elif isinstance(shape, Mapping) and isinstance(value, Mapping):
        for key, inner in value.items():
            below = f"{path}.{key}"
            if key in shape:
                yield from unknown_fields(shape[key], inner, below)
            else:
                yield below


def _shape(schema: Mapping[str, Any]) -> Shape:
    """The items of a list have the shape of the list."""
    if isinstance(schema.get("items"), Mapping):
        return _shape(schema["items"])
    fields = schema.get("properties")
    if fields and not schema.get("x-kubernetes-preserve-unknown-fields"):
        return {name: _shape(field) for name, field in fields.items()}
    texts = schema.get("enum")
    return [text for text in texts if isinstance(text, str)] if texts else None
