"""What spans are to tell beside the request: tags that proxies add, and attributes of where spans come from."""

from collections.abc import Mapping
from typing import Any

from pydantic import Field, model_validator

from model.parts import Section
from model.scalars import AttributeName, AttributeValue, EnvName, Flag, HeaderName, TagValue, expected

# By these the collector, and Tempo's users, know which proxy sent a span, and whose it is.
_OF_PROXIES = ("component", "istio.")

# The attribute of each field of its own.
_CLUSTER, _REGION, _ZONE = "k8s.cluster.name", "cloud.region", "cloud.availability_zone"
_SERVICE = "service."


class LiteralTag(Section):
    """The same value in every span."""

    value: TagValue = Field(examples=["production"], description="The value.")


class EnvironmentTag(Section):
    """A variable of the proxy's container."""

    name: EnvName = Field(examples=["REGION"], description="Name of the variable.")
    default_value: TagValue | None = Field(
        default=None, examples=["unknown"], description="The value without the variable; none leaves the tag out."
    )


class HeaderTag(Section):
    """A header of the request."""

    name: HeaderName = Field(examples=["x-tenant"], description="Name of the header.")
    default_value: TagValue | None = Field(
        default=None, examples=["unknown"], description="The value without the header; none leaves the tag out."
    )


class CustomTag(Section):
    """Where the value of a tag comes from: one of three."""

    literal: LiteralTag | None = Field(default=None, description="The same value in every span.")
    environment: EnvironmentTag | None = Field(default=None, description="A variable of the proxy's container.")
    header: HeaderTag | None = Field(
        default=None,
        description="A header of the request; none of those that `tracing.redaction.headers` names.",
    )

    @model_validator(mode="after")
    def _has_one_source(self) -> "CustomTag":
        if [self.literal, self.environment, self.header].count(None) != 2:  # noqa: PLR2004  of three
            raise expected("one of literal, environment and header")
        return self

    def to_istio(self) -> dict[str, Any]:
        """As a Telemetry has it."""
        return self.model_dump(by_alias=True, exclude_none=True)


def refuse_names(tags: Mapping[str, CustomTag]) -> None:
    """Raise the error for a tag that would stand in the place of what proxies say of themselves."""
    for name in tags:
        if name == _OF_PROXIES[0] or name.startswith(_OF_PROXIES[1]):
            raise expected(f"another name for customTags.{name}: by that one, the collector knows proxies' spans")


class ResourceAttributes(Section):
    """What each span tells of where it comes from, as attributes of its resource; what it tells already stays."""

    cluster: AttributeValue | None = Field(
        default=None, examples=["production"], description=f"Name of the cluster, as `{_CLUSTER}`."
    )
    region: AttributeValue | None = Field(
        default=None, examples=["eu-central-1"], description=f"The region that it is in, as `{_REGION}`."
    )
    zone: AttributeValue | None = Field(
        default=None, examples=["eu-central-1a"], description=f"The zone that all of it is in, as `{_ZONE}`."
    )
    attributes: dict[AttributeName, AttributeValue] = Field(
        default={},
        examples=[{"deployment.environment.name": "production"}],
        description="Further attributes, by their names.",
    )
    kubernetes: Flag = Field(
        default=False,
        description="Whether the collector also looks up the pod that sent a span, and adds its name, UID, namespace, "
        "node and Deployment, as `k8s.pod.name` and so on. It may then read all pods, and runs an image that has the "
        "processor.",
    )

    @model_validator(mode="after")
    def _each_is_named_once(self) -> "ResourceAttributes":
        owned = {_CLUSTER: "cluster", _REGION: "region", _ZONE: "zone"}
        for name in self.attributes:
            if name in owned:
                raise expected(f"{owned[name]} instead of attributes.{name}")
            if name.startswith(_SERVICE):
                raise expected(f"no attributes.{name}: the service is what each span tells itself")
        return self

    @property
    def named(self) -> Mapping[str, str]:
        """The attributes that the settings name."""
        own = {_CLUSTER: self.cluster, _REGION: self.region, _ZONE: self.zone}
        return {**{name: value for name, value in own.items() if value is not None}, **self.attributes}
