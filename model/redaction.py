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
# What an application may have before a header's name, for one of HTTP and one of gRPC, and within it: `_` in older
# conventions.
_OF_HTTP, _OF_GRPC = r"http\.(?:request|response)\.header\.", r"rpc\.(?:[a-z_]+\.)?(?:request|response)\.metadata\."
_PARTED_BY = "[-_]"


class Redaction(Section):
    """What the collector takes out of spans before they go anywhere.

    That is the query and the login in every URL, and all attributes that are called as one of ``headers``, or as an
    application calls that header of its requests: ``http.request.header.cookie``.
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
        description="Headers that no span may have: an attribute is removed if its name is one of these, alone or "
        "behind `http.request.header.` and the like. A list of your own replaces this one.",
    )
    attributes: list[AttributeName] = Field(
        default=[],
        examples=[["peer.address", "enduser.id"]],
        description="Further attributes of spans and of their resources to remove, by their whole names.",
    )

    @property
    def removed(self) -> list[str]:
        """Regular expressions of which one is the whole name, in either case, of each attribute that is removed.

        Their form is one that Go decides at the first letter that differs (regexp/onepass.go): the collector looks at
        every attribute of every span.
        """
        headers = "|".join(sorted(_PARTED_BY.join(map(re.escape, header.split("-"))) for header in self.headers))
        of_headers = [f"(?:{_OF_HTTP})?(?:{headers})", f"{_OF_GRPC}(?:{headers})"] if headers else []
        whole = "|".join(map(re.escape, sorted([*([] if self.keep_query_strings else _QUERIES), *self.attributes])))
        return [*of_headers, *([whole] if whole else [])]

    def removes(self, attribute: str) -> bool:
        """Whether ``attribute`` is removed altogether."""
        return self.enabled and any(re.fullmatch(one, attribute, re.IGNORECASE) for one in self.removed)

    def takes_out(self, header: str) -> bool:
        """Whether ``header`` is one that no span may have, whatever an attribute with it is called."""
        return header.lower() in (one.lower() for one in self.headers)

    def shortens(self, attribute: str, value: str) -> bool:
        """Whether ``value``, of an attribute with a URL, would lose a part."""
        parts = "?#" if not self.keep_query_strings else ""
        return self.enabled and attribute in URL_ATTRIBUTES and any(part in value for part in parts)
