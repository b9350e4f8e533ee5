"""Sampling: which requests the proxies trace, and which traces the collector keeps."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from model.parts import Section
from model.scalars import Flag, GoDuration, Name, Number, expected, seconds_of

_ALL = 100
# A trace of a small mesh has about so many spans: less than one a second for each pod is no sample.
_LEAST_SPANS_A_POD = 10
_LONGEST_WAIT = 300

_Text = Annotated[str, Field(min_length=1, examples=["checkout.shop"])]


class SamplingException(Section):
    """A share of its own for the requests that enter the mesh at one namespace, or at one application of it."""

    namespace: Name = Field(examples=["shop"], description="The namespace, one of those whose pods get a sidecar.")
    app: Name | None = Field(
        default=None,
        examples=["checkout"],
        description="The label `app` of the pods, if it is for these only.",
    )
    percentage: Number = Field(
        ge=0,
        le=_ALL,
        allow_inf_nan=False,
        examples=[1],
        description="Percentage of the requests that begin a trace there.",
    )


class Tail(Section):
    """Which traces the collector keeps, once it has seen the whole of each."""

    errors: Flag = Field(default=True, description="Keep each trace with a span that failed.")
    slower_than: GoDuration | None = Field(
        default="1s",
        examples=["500ms"],
        description="Keep each trace with a span that took so long or longer; none keeps none for that.",
    )
    ceiling: int = Field(
        default=1000,
        ge=1,
        strict=True,
        examples=[500],
        description="How many spans a second, of all collectors together, `errors` and `slowerThan` may keep; what is "
        "over it is counted, and has no better chance than any other trace.",
    )
    services: list[_Text] = Field(
        default=[],
        examples=[["checkout.shop"]],
        description="Keep the traces that one of these services is in, by its name in traces: application, dot, "
        "namespace.",
    )
    attributes: dict[_Text, list[_Text]] = Field(
        default={},
        examples=[{"http.route": ["/checkout"]}],
        description="Keep the traces with a span that has one of these values in an attribute.",
    )
    percentage: Number = Field(
        default=5,
        ge=0,
        le=_ALL,
        allow_inf_nan=False,
        examples=[5],
        description="Percentage of all other traces to keep.",
    )
    budget: int = Field(
        default=1000,
        ge=1,
        strict=True,
        examples=[500],
        description="How many spans a second, of all collectors together, `services`, `attributes` and `percentage` "
        "may keep; what is over it is dropped and counted.",
    )

    @model_validator(mode="after")
    def _keeps_something_and_not_everything(self) -> "Tail":
        if self.slower_than is not None and seconds_of(self.slower_than) == 0:
            raise expected("slowerThan above 0s: every trace is as slow as that")
        if self.percentage == _ALL:
            raise expected("percentage below 100, or tracing.sampling.mode head, which keeps everything")
        chooses = self.errors or self.slower_than is not None or self.services or self.attributes
        if not chooses and self.percentage == 0:
            raise expected("a percentage above 0, or something else to keep: this keeps no trace at all")
        empty = [name for name, values in self.attributes.items() if not values]
        if empty:
            raise expected(f"at least one value for attributes.{empty[0]}")
        return self


class Sampling(Section):
    """Who decides which traces there are."""

    mode: Literal["head", "tail"] = Field(
        default="head",
        examples=["tail"],
        description="`head`: the proxy at which a request enters the mesh, by chance, by `tracing.samplingPercentage`; "
        "`tail`: proxies trace all requests, and the collector keeps the traces that `tail` chooses, after it has "
        "counted all of them for the service graph.",
    )
    exceptions: list[SamplingException] = Field(
        default=[],
        examples=[[{"namespace": "bookinfo", "percentage": 1}]],
        description="For `head`: where another percentage holds for requests that enter there.",
    )
    tail: Tail = Field(default=Tail(), description="For `tail`: which traces are kept.")
    wait: GoDuration = Field(
        default="15s",
        examples=["30s"],
        description="How long the collector waits for the spans of a trace, where it decides on whole traces: longer "
        "than the longest request. A trace whose first span has come is decided on 7 s later.",
    )

    @model_validator(mode="after")
    def _is_of_its_mode(self) -> "Sampling":
        if self.mode == "tail" and self.exceptions:
            raise expected("no exceptions for mode tail, in which proxies trace all requests")
        if self.mode == "head" and "tail" in self.model_fields_set:
            raise expected("mode tail for tail")
        places = [(one.namespace, one.app) for one in self.exceptions]
        if len(set(places)) < len(places):
            raise expected("one exception for each place")
        if not 1 <= seconds_of(self.wait) <= _LONGEST_WAIT:
            raise expected(f"wait from 1s to {_LONGEST_WAIT}s")
        return self

    @property
    def is_tail(self) -> bool:
        """Whether the collector chooses traces."""
        return self.mode == "tail"

    def refuse_too_little(self, replicas: int) -> None:
        """Raise the error for a limit of which each of the collector's pods would get next to nothing."""
        for name, spans in (("ceiling", self.tail.ceiling), ("budget", self.tail.budget)):
            if self.is_tail and spans < _LEAST_SPANS_A_POD * replicas:
                raise expected(
                    f"sampling.tail.{name} of at least {_LEAST_SPANS_A_POD * replicas} spans a second, "
                    f"{_LEAST_SPANS_A_POD} for each of the collector's pods"
                )
