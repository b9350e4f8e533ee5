"""On which nodes pods run, and which of them go first when nodes are short."""

from typing import Any, Literal

from pydantic import Field, model_validator

from model.parts import Section
from model.scalars import DnsName, LabelKey, LabelValue, expected

_Affinity = Literal["nodeAffinity", "podAffinity", "podAntiAffinity"]

_PodField = Literal["nodeSelector", "tolerations", "affinity", "priorityClassName"]


class Toleration(Section):
    """A taint of nodes that pods accept."""

    key: LabelKey | None = Field(
        default=None, examples=["dedicated"], description="Key of the taint; none, with `Exists`, means every key."
    )
    operator: Literal["Equal", "Exists"] = Field(
        default="Equal", examples=["Exists"], description="Whether the taint has to have the value, or any."
    )
    value: LabelValue | None = Field(default=None, examples=["tracing"], description="For `Equal`: value of the taint.")
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] | None = Field(
        default=None, examples=["NoSchedule"], description="Effect of the taint; none means every effect."
    )
    toleration_seconds: int | None = Field(
        default=None,
        ge=0,
        strict=True,
        examples=[300],
        description="For `NoExecute`: how long a pod stays on a node that gets the taint; none means for ever.",
    )

    @model_validator(mode="after")
    def _as_the_api_server_takes_it(self) -> "Toleration":
        if self.operator == "Exists" and self.value:
            raise expected("no value for operator Exists, which takes any")
        if self.operator == "Equal" and self.key is None:
            raise expected("a key, or operator Exists for every key")
        if self.toleration_seconds is not None and self.effect != "NoExecute":
            raise expected("effect NoExecute for tolerationSeconds")
        return self


class Scheduling(Section):
    """Where pods run, in Kubernetes' own terms."""

    node_selector: dict[LabelKey, LabelValue] = Field(
        default={}, examples=[{"node-role.kubernetes.io/infra": ""}], description="Labels that a node has to have."
    )
    tolerations: list[Toleration] = Field(
        default=[],
        examples=[[{"key": "dedicated", "value": "tracing", "effect": "NoSchedule"}]],
        description="Taints of nodes that pods accept.",
    )
    affinity: dict[_Affinity, dict[str, Any]] = Field(
        default={},
        examples=[
            {
                "nodeAffinity": {
                    "requiredDuringSchedulingIgnoredDuringExecution": {
                        "nodeSelectorTerms": [
                            {"matchExpressions": [{"key": "disk", "operator": "In", "values": ["ssd"]}]}
                        ]
                    }
                }
            }
        ],
        description="Affinity as a pod has it; a TempoStack's parts have no field for it.",
    )
    priority_class_name: DnsName | None = Field(
        default=None,
        examples=["tracing"],
        description="A PriorityClass that exists; Tempo's resources, and OLM's, have no field for it.",
    )

    def to_kubernetes(self, *only: _PodField) -> dict[str, Any]:
        """What is set, as a pod has it; ``only`` these fields, where something has not all of them."""
        fields = {
            "nodeSelector": dict(self.node_selector),
            "tolerations": [each.model_dump(by_alias=True, exclude_none=True) for each in self.tolerations],
            "affinity": dict(self.affinity),
            "priorityClassName": self.priority_class_name,
        }
        return {name: value for name, value in fields.items() if value and (not only or name in only)}
