"""Redaction: what the collector takes out of spans before they go anywhere."""

import re

from pydantic import Field

from model.parts import Section
from model.scalars import AttributeName, Flag, HeaderName

# The attributes in which proxies (envoy: source/common/tracing/common_values.h) and applications (OpenTelemetry's
# semantic conventions, today's and those before) have a URL or a path, with the query of the request.
URL_ATTRIBUTES = ("http.url", "http.target", "url.full", "url.path", "url.original", "grpc.path")
# Those that are a query, or a fragment, and nothing else.
_QUERIES = ("url.query", "url.fragment")
# What an application may call a header in an attribute: `http.request.header.x-api-key`, with `_` in older conventions.
_PARTED_BY = "[-_]"


class Redaction(Section):
    """What the collector takes out of spans before they go anywhere.

    That is the query and the login in every URL, and all attributes that are called as one of ``headers``: the last
    part of their name counts, as in ``http.request.header.cookie``.
    """

    enabled: Flag = Field(
        default=True,
        examples=[False],
        description="Whether anything is taken out of spans; `false` stores all that proxies and applications record.",
    )
    keep_query_strings: Flag = Field(
        default=False,
        description="Whether URLs keep their query, in which there may be tokens and what people searched for; the "
        "login in a URL is taken out all the same.",
    )
    headers: list[HeaderName] = Field(
        default=[
            "authorization",
            "proxy-authorization",
            "cookie",
            "set-cookie",
            "api-key",
            "x-api-key",
            "x-auth-token",
            "x-access-token",
            "x-csrf-token",
            "x-xsrf-token",
            "x-amz-security-token",
            "x-forwarded-access-token",
            "x-goog-iap-jwt-assertion",
            "referer",
            "x-envoy-original-path",
        ],
        examples=[["authorization", "cookie", "set-cookie"]],
        description="Headers that no span may have: an attribute is removed if its name, or the last part of it, is "
        "one of these. A list of your own replaces this one.",
    )
    attributes: list[AttributeName] = Field(
        default=[],
        examples=[["peer.address", "enduser.id"]],
        description="Further attributes of spans and of their resources to remove, by their whole names.",
    )

    @property
    def removed(self) -> str:
        """A regular expression for the whole name, in either case, of each attribute that is removed."""
        headers = [_PARTED_BY.join(map(re.escape, header.split("-"))) for header in self.headers]
        whole = [*([] if self.keep_query_strings else _QUERIES), *self.attributes]
        ends = [rf"(.*\.)?({'|'.join(headers)})"] if headers else []
        return "|".join([*ends, *map(re.escape, whole)])

    def removes(self, attribute: str) -> bool:
        """Whether ``attribute`` is removed altogether."""
        return self.enabled and re.fullmatch(self.removed, attribute, re.IGNORECASE) is not None

    def takes_out(self, header: str) -> bool:
        """Whether ``header`` is one that no span may have, whatever an attribute with it is called."""
        return header.lower() in (one.lower() for one in self.headers)

    def shortens(self, attribute: str, value: str) -> bool:
        """Whether ``value``, of an attribute with a URL, would lose a part."""
        parts = "?#" if not self.keep_query_strings else ""
        return self.enabled and attribute in URL_ATTRIBUTES and any(part in value for part in parts)
