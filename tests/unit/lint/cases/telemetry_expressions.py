"""Examples for lint/rules/telemetry_expressions.py."""

from cases.base import TELEMETRY, Example, replaced
from cases.telemetry_fields import with_tag

_TELEMETRY = "Telemetry istio-system/mesh-default: spec"
_TAG = f"{_TELEMETRY}.metrics[0].overrides[0].tagOverrides.host.value"


def with_filter(expression: str) -> str:
    entry = f"{{providers: [{{name: envoy}}], filter: {{expression: {expression}}}}}"
    return replaced(TELEMETRY, "spec:\n", f"spec:\n  accessLogging: [{entry}]\n")


EXAMPLES = {
    "tag_that_is_no_expression": Example(
        f"warning N27 {_TAG}",
        wrong=with_tag("{value: \"request.host | 'none'\"}"),
        right=with_tag("{value: \"has(request.host) ? request.host : 'none'\"}"),
    ),
    "tag_without_expression": Example(
        f"warning N27 {_TAG}",
        wrong=with_tag("{value: reviews.bookinfo}"),
        right=with_tag("{value: request.host}"),
    ),
    "filter_that_is_no_expression": Example(
        f"error N27 {_TELEMETRY}.accessLogging[0].filter.expression",
        wrong=with_filter("response.code => 400"),
        right=with_filter("response.code >= 400"),
    ),
}
