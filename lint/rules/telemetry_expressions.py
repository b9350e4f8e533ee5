"""Expressions in a Telemetry: in the tags of metrics, and in filters of access logs."""

import re
from collections.abc import Iterator, Mapping

from lint.facts import Facts
from lint.findings import Fault, Severity, error, warning
from lint.objects import Manifests, sequence, text
from lint.rule import rule
from lint.templates import is_unknown
from lint.views.cel import NotAnExpressionError, attributes
from lint.views.telemetry import metric_tags, telemetries

_OF_TLS = frozenset(
    {
        "tls_version",
        "subject_local_certificate",
        "subject_peer_certificate",
        "dns_san_local_certificate",
        "dns_san_peer_certificate",
        "uri_san_local_certificate",
        "uri_san_peer_certificate",
        "sha256_peer_certificate_digest",
        "transport_failure_reason",
    }
)
_ADDRESS = frozenset({"address", "port"})
# The attributes, and for some of them all of their fields
# (envoy: docs/root/intro/arch_overview/advanced/attributes.rst; istio's proxy adds the peers).
_ATTRIBUTES: Mapping[str, frozenset[str] | None] = {
    **dict.fromkeys(
        (
            "cluster_metadata",
            "cluster_name",
            "downstream_peer",
            "filter_state",
            "listener_direction",
            "listener_metadata",
            "metadata",
            "node",
            "plugin_name",
            "plugin_root_id",
            "plugin_vm_id",
            "route_metadata",
            "route_name",
            "upstream_filter_state",
            "upstream_host_metadata",
            "upstream_peer",
            "virtual_host_metadata",
            "xds",
        )
    ),
    "connection": _OF_TLS | {"id", "mtls", "requested_server_name", "termination_details"},
    "destination": _ADDRESS,
    "request": frozenset(
        {
            "duration",
            "headers",
            "host",
            "id",
            "method",
            "path",
            "protocol",
            "query",
            "referer",
            "scheme",
            "size",
            "time",
            "total_size",
            "url_path",
            "useragent",
        }
    ),
    "response": frozenset(
        {
            "backend_latency",
            "code",
            "code_details",
            "flags",
            "grpc_status",
            "headers",
            "size",
            "total_size",
            "trailers",
        }
    ),
    "source": _ADDRESS,
    "upstream": _OF_TLS
    | _ADDRESS
    | {"cx_pool_ready_duration", "local_address", "locality", "num_endpoints", "request_attempt_count"},
}
# A template of Go with what only the proxies know, so Helm cannot put it in.
_OF_PROXIES = re.compile(r"\{\{-?\s*\.(?:source|destination|request|response|connection|upstream)[_.]\w")


@rule(
    code="N27",
    title="A tag's value is no expression",
    levels=(Severity.WARNING,),
    why=(
        "The value of a metric's tag is an expression of CEL. The proxies cannot read a command operator such as "
        "`%REQ(x-request-id)%`, a template, a single `|` or text without quotes, and the tag becomes `unknown`. Graphs "
        "that are made of the metric lose what it told."
    ),
    remedy=(
        "Write an expression, such as `request.headers['x-request-id']`, with a default as "
        "`has(request.headers.x) ? request.headers.x : 'none'`."
    ),
    example="""
        apiVersion: telemetry.istio.io/v1
        kind: Telemetry
        metadata: {name: mesh-default, namespace: istio-system}
        spec:
          metrics:
            - providers: [{name: prometheus}]
              overrides: [{tagOverrides: {request_id: {value: "%REQ(X-REQUEST-ID)%"}}}]
    """,
    source="istio/api: telemetry/v1alpha1/telemetry.proto, TagOverride; cel-spec: doc/langdef.md",
    reads_variables=True,
)
def tag_that_is_no_expression(manifests: Manifests, _facts: Facts) -> Iterator[Fault]:
    for telemetry, path in metric_tags(manifests):
        value = text(telemetry.at(*path, "value"))
        reason = "" if not value or is_unknown(value) else _reason(value)
        if _OF_PROXIES.search(value):
            reason = "proxies fill in no templates"
        if reason:
            yield warning(
                telemetry.where(*path, "value"),
                f"it is no expression of CEL ({reason}), so the tag becomes unknown",
                "write one, such as request.host, with texts in quotes of their own",
            )


@rule(
    code="N27",
    title="A tag's value is a name where an expression is wanted",
    levels=(Severity.WARNING,),
    why=(
        "The value of a metric's tag is an expression: without quotes, a name is read as attributes that do not exist, "
        "and the tag becomes `unknown`. Graphs that are made of the metric lose what it told."
    ),
    remedy="Put the text into quotes of its own, as `\"'bookinfo'\"`, or name an attribute such as `request.host`.",
    example="""
        apiVersion: telemetry.istio.io/v1
        kind: Telemetry
        metadata: {name: mesh-default, namespace: istio-system}
        spec:
          metrics:
            - providers: [{name: prometheus}]
              overrides: [{tagOverrides: {destination_service: {value: reviews.bookinfo.svc.cluster.local}}}]
    """,
    source="istio: the task on customizing metrics; envoy: docs/root/intro/arch_overview/advanced/attributes.rst",
)
def tag_without_expression(manifests: Manifests, _facts: Facts) -> Iterator[Fault]:
    for telemetry, path in metric_tags(manifests):
        value = text(telemetry.at(*path, "value"))
        if value and not is_unknown(value) and any(map(_is_nowhere, _attributes(value))):
            yield warning(
                telemetry.where(*path, "value"),
                "without quotes of its own it is read as attributes that do not exist, and the tag becomes unknown",
                "put the text into quotes inside of the quotes, or name an attribute",
            )


@rule(
    code="N27",
    title="A Telemetry is refused for a filter that is no expression",
    levels=(Severity.ERROR,),
    why=(
        "The filter of an access log is an expression of CEL. For one that cannot be read, istiod's webhook refuses "
        "the whole Telemetry, with its tracing."
    ),
    remedy="Write an expression, such as `response.code >= 400`.",
    example="""
        apiVersion: telemetry.istio.io/v1
        kind: Telemetry
        metadata: {name: mesh-default, namespace: istio-system}
        spec:
          accessLogging:
            - providers: [{name: envoy}]
              filter: {expression: "response.code >= 400 || %RESPONSE_FLAGS% != '-'"}
    """,
    source="istio: pkg/config/validation/validation_istiod.go, validateTelemetryFilter",
)
def filter_that_is_no_expression(manifests: Manifests, _facts: Facts) -> Iterator[Fault]:
    for telemetry in telemetries(manifests):
        for index, _ in enumerate(sequence(telemetry.at("spec", "accessLogging"))):
            where = telemetry.where("spec", "accessLogging", index, "filter", "expression")
            value = text(telemetry.at(*where.path))
            reason = "" if not value or is_unknown(value) else _reason(value)
            if reason:
                yield error(
                    where,
                    f"istiod refuses the Telemetry: it is no expression of CEL ({reason})",
                    "write one, such as response.code >= 400",
                )


def _reason(value: str) -> str:
    """Why it is no expression; empty if it is one."""
    try:
        attributes(value)
    except NotAnExpressionError as reason:
        return str(reason)
    return ""


def _attributes(value: str) -> frozenset[tuple[str, ...]]:
    try:
        return attributes(value)
    except NotAnExpressionError:
        return frozenset()


def _is_nowhere(attribute: tuple[str, ...]) -> bool:
    """Whether proxies have no such attribute; an extension can add some of its own, which Istio calls ``istio_…``."""
    name, *fields = attribute
    if name not in _ATTRIBUTES:
        return not name.startswith("istio_")
    known = _ATTRIBUTES[name]
    return known is not None and fields[:1] != [] and fields[0] not in known
