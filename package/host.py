"""Tells Pulumi of the components: their arguments, their outputs, and what each of them means.

Pulumi's component host reads the arguments of a component from the annotations of a class. Ours are pydantic models,
whose fields know more: their defaults, their constraints, and their descriptions.
"""

import json
import types
from typing import Annotated, Any, Literal, Optional, Union, get_args, get_origin

import pulumi
from pulumi.provider.experimental import component
from pulumi.provider.experimental.analyzer import Analyzer, PropertyDefinition
from pydantic import BaseModel

from components import Bookinfo, GrafanaTempoDatasource, MeshTelemetry, TempoStack

# The first part of the components' type tokens.
_NAME = "meshtracing"
_COMPONENTS: list[type[pulumi.ComponentResource]] = [MeshTelemetry, TempoStack, Bookinfo, GrafanaTempoDatasource]


def provider() -> component.ComponentProvider:
    """What tells the engine of the components, and constructs them."""
    # The host makes its analyzer itself, and has no parameter for another one.
    component.Analyzer = ModelAnalyzer  # type: ignore[attr-defined]
    return component.ComponentProvider(_COMPONENTS, _NAME)


class ModelAnalyzer(Analyzer):
    """Pulumi's analyzer, which also knows the fields of pydantic models."""

    def analyze_type(
        self, typ: type, *, is_component_output: bool
    ) -> tuple[dict[str, PropertyDefinition], dict[str, str]]:
        """The properties of ``typ``, and the Python name of each."""
        if not issubclass(typ, BaseModel):
            return super().analyze_type(typ, is_component_output=is_component_output)
        names = {field.alias or name: name for name, field in typ.model_fields.items()}
        properties = {
            alias: self.analyze_property(
                plain_type(typ.model_fields[name].annotation),
                typ,
                name,
                can_be_plain=not is_component_output,
                is_component_output=is_component_output,
                optional=not typ.model_fields[name].is_required(),
            )
            for alias, name in names.items()
        }
        return properties, names

    def get_docstring(self, typ: type, name: str) -> str | None:
        """The description of the property called ``name``, and its default, for which the schema has no place."""
        if not issubclass(typ, BaseModel):
            return super().get_docstring(typ, name)
        field = typ.model_fields[name]
        default = field.get_default()
        has_text = isinstance(default, str | int | float)
        return f"{field.description} Default: `{json.dumps(default)}`." if has_text else field.description


def plain_type(annotation: Any) -> Any:
    """``annotation`` without constraints, in the types that Pulumi's analyzer takes."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return plain_type(arguments[0])
    if origin is Literal:
        return type(arguments[0])
    if origin in {Union, types.UnionType}:
        return _plain_union(arguments)
    if origin is list:
        return list[plain_type(arguments[0])]  # type: ignore[misc]
    if origin is dict:
        return dict[str, plain_type(arguments[1])]  # type: ignore[misc]
    return annotation


def _plain_union(members: tuple[Any, ...]) -> Any:
    """A value or none, a value or an Output of it, or both."""
    value = next(member for member in members if member is not type(None) and get_origin(member) is not pulumi.Output)
    plain = plain_type(value)
    if any(get_origin(member) is pulumi.Output for member in members):
        plain = pulumi.Input[plain]  # type: ignore[misc, valid-type]
    return Optional[plain] if type(None) in members else plain  # noqa: UP045  an Input is no operand of `|`
