"""The provider of the proxies' access logs, and the entry of a Telemetry that switches them on."""

from typing import Any

from model import AccessLogs

# Of the line's fields. By the first one it finds its trace, in Grafana too; the second one also has the span's id.
TRACE_ID = "trace_id"
_TRACE_PARENT = "traceparent"

_PATH = "X-ENVOY-ORIGINAL-PATH?:PATH"
# The fields of a line, by Envoy's command operators. Each is known since Envoy 1.31, that of Istio 1.23; `SPAN_ID` is
# not before 1.38, and a proxy that is older than its istiod would refuse the whole listener.
_FIELDS = {
    TRACE_ID: "%TRACE_ID%",
    _TRACE_PARENT: "%REQ(TRACEPARENT)%",
    "request_id": "%REQ(X-REQUEST-ID)%",
    "start_time": "%START_TIME%",
    "method": "%REQ(:METHOD)%",
    "authority": "%REQ(:AUTHORITY)%",
    "protocol": "%PROTOCOL%",
    "response_code": "%RESPONSE_CODE%",
    "response_code_details": "%RESPONSE_CODE_DETAILS%",
    "response_flags": "%RESPONSE_FLAGS%",
    "duration": "%DURATION%",
    "bytes_received": "%BYTES_RECEIVED%",
    "bytes_sent": "%BYTES_SENT%",
    "upstream_cluster": "%UPSTREAM_CLUSTER%",
    "upstream_host": "%UPSTREAM_HOST%",
    "upstream_transport_failure_reason": "%UPSTREAM_TRANSPORT_FAILURE_REASON%",
    "downstream_remote_address": "%DOWNSTREAM_REMOTE_ADDRESS%",
    "route_name": "%ROUTE_NAME%",
    "user_agent": "%REQ(USER-AGENT)%",
}


def build_logs_provider(logs: AccessLogs, name: str) -> dict[str, Any]:
    """Our entry of the mesh configuration's ``extensionProviders``: to the container's log, as JSON."""
    # istiod adds to the proxies what the second one needs (istio: pilot/pkg/model/telemetry_logging.go).
    path = f"%REQ({_PATH})%" if logs.keep_query_strings else f"%REQ_WITHOUT_QUERY({_PATH})%"
    labels = {**_FIELDS, "path": path}
    return {"name": name, "envoyFileAccessLog": {"path": "/dev/stdout", "logFormat": {"labels": labels}}}


def logging_entry(logs: AccessLogs, name: str) -> dict[str, Any]:
    """The entry of a Telemetry's ``accessLogging``."""
    chosen = {} if logs.filter is None else {"filter": {"expression": logs.filter}}
    return {"providers": [{"name": name}], **chosen}
