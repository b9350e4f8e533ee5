"""Writes the table of all settings: ``python -m model > docs/settings.md``."""

import json
import sys
from collections.abc import Iterator
from typing import Any, Literal, get_args, get_origin

import pulumi
from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from model.stack import Settings

_HEAD = """# Settings

Every key of `Pulumi.<stack>.yaml`, below `mesh-tracing:`. Written from the model by `make docs`; do not edit.
A key with dots is a field of an object: `pulumi config set --path cluster.context kind-mesh`.

| key | type | default | meaning |
| --- | --- | --- | --- |
"""


_COLLECTIONS = {"[]": "list of objects", ".<name>": "object of objects"}


def table() -> str:
    """The page, as Markdown."""
    lines = (
        f"| `{key}` | {kind} | {default} | {meaning} |\n" for key, kind, default, meaning in _rows(Settings, "", None)
    )
    return _HEAD + "".join(lines)


def _rows(section: type[BaseModel], prefix: str, defaults: BaseModel | None) -> Iterator[tuple[str, str, str, str]]:
    """One row per key; ``defaults`` is the section as it is if none of its keys is set."""
    for name, field in section.model_fields.items():
        key = f"{prefix}{field.alias or name}"
        default = field.get_default() if defaults is None else getattr(defaults, name)
        inner, each = _section_in(field.annotation)
        if inner is None or each or default is None:
            # An object that may be absent, and a list or a map of objects, have rows of their own.
            kind = _kind(field.annotation) if inner is None else _COLLECTIONS.get(each, "object")
            yield key, kind, _text(default), (field.description or "").replace("|", "\\|")
        if inner is not None:
            inside = default if isinstance(default, BaseModel) else None
            yield from _rows(inner, f"{key}{each}.", inside)


def _section_in(annotation: Any) -> tuple[type[BaseModel] | None, str]:
    """The section that ``annotation`` holds, and how one of them is called if it holds several."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation, ""
    for part in get_args(annotation):
        inner, _ = _section_in(part)
        if inner is not None:
            return inner, {list: "[]", dict: ".<name>"}.get(get_origin(annotation), "")
    return None, ""


def _kind(annotation: Any) -> str:
    origin = get_origin(annotation)
    arguments = get_args(annotation)
    if origin is Literal:
        return " or ".join(f"`{choice}`" for choice in arguments)
    if origin is list:
        return f"list of {_kind(arguments[0])}"
    if origin is dict:
        return "object"
    if origin is pulumi.Output:
        return "secret text"
    if arguments:
        # A union with None, or an annotated scalar.
        return next(_kind(part) for part in arguments if part is not type(None))
    names = {str: "text", bool: "true or false", int: "whole number", float: "number"}
    return names.get(annotation, "text")


def _text(default: Any) -> str:
    if default is PydanticUndefined:
        return "**required**"
    if default is None:
        return "none"
    return f"`{default}`" if isinstance(default, str) else f"`{json.dumps(default)}`"


if __name__ == "__main__":
    sys.stdout.write(table())
