"""The proxies' access logs."""

from pydantic import Field, model_validator

from model.parts import Section
from model.scalars import Flag, TagValue, expected


class AccessLogs(Section):
    """The proxies' access logs: one line of JSON for each request, with the ids of its trace and its span."""

    enabled: Flag = Field(
        default=False,
        description="Whether proxies write a line for each request to their containers' logs, where the program's "
        "Telemetry holds.",
    )
    filter: TagValue | None = Field(
        default=None,
        examples=["response.code >= 400"],
        description="Which requests have a line: an expression in CEL, as a Telemetry has it; none means all.",
    )
    keep_query_strings: Flag = Field(
        default=False,
        description="Whether the path in a line has the query of the request.",
    )

    @model_validator(mode="after")
    def _has_lines_to_choose_from(self) -> "AccessLogs":
        if self.filter is not None and not self.enabled:
            raise expected("enabled true for filter: without it there are no lines")
        return self
