"""Sections that several other sections contain."""

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from model.scalars import DnsName, EnvName, Quantity

# A product's own configuration, merged over the program's.
ExtraConfig = dict[str, Any]


def value_at(values: Mapping[str, Any], path: str) -> Any:
    """The value at ``path``, a dotted list of keys; None if there is none."""
    value: Any = values
    for part in path.split("."):
        if not isinstance(value, Mapping):
            return None
        value = value.get(part)
    return value


def is_set(values: Mapping[str, Any], path: str) -> bool:
    """Whether ``path`` is there, if only as null, which would remove what the program sets there."""
    parent, _, key = path.rpartition(".")
    inside = value_at(values, parent) if parent else values
    return isinstance(inside, Mapping) and key in inside


class Section(BaseModel):
    """A frozen object that refuses unknown keys."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        alias_generator=to_camel,
        hide_input_in_errors=True,
        # Python programs say `graph_interval`; a stack's configuration may say `graphInterval` only (settings.py).
        validate_by_name=True,
        validate_by_alias=True,
        validate_default=True,
    )


class Resources(Section):
    """Requests and limits of one container."""

    requests: dict[Literal["cpu", "memory"], Quantity] = Field(
        default={}, description="What the scheduler reserves.", examples=[{"memory": "256Mi"}]
    )
    limits: dict[Literal["cpu", "memory"], Quantity] = Field(
        default={}, description="What the container may not exceed.", examples=[{"memory": "1Gi"}]
    )

    def to_kubernetes(self) -> dict[str, dict[str, str]]:
        parts = {"requests": self.requests, "limits": self.limits}
        return {
            part: {str(resource): amount for resource, amount in amounts.items()}
            for part, amounts in parts.items()
            if amounts
        }


class SecretKey(Section):
    """One key of a Secret that exists already."""

    secret: DnsName = Field(examples=["redis"], description="Name of the Secret, in the pod's namespace.")
    key: str = Field(min_length=1, examples=["password"], description="The key in it.")


# Variables by their names; each takes its text from a Secret.
SecretEnv = dict[EnvName, SecretKey]


def to_kubernetes_env(env: Mapping[str, SecretKey]) -> list[dict[str, Any]]:
    """``env`` as a pod has it."""
    return [
        {"name": name, "valueFrom": {"secretKeyRef": {"name": source.secret, "key": source.key}}}
        for name, source in env.items()
    ]


class Volume(Section):
    """A volume that outlives its pod."""

    size: Quantity = Field(default="10Gi", description="Size of the volume.")
    storage_class: DnsName | None = Field(
        default=None, description="Its storage class; none takes the cluster's default."
    )
