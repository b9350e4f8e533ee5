"""Grafana's links between the spans of a proxy and the lines of its access log."""

from typing import Any

from model import LokiDataSource
from objects.access_logs import TRACE_ID

# What proxies say of themselves in each span (istio: pilot/pkg/networking/core/tracing.go).
_NAMESPACE = "istio.namespace"
# A line is written when its request ends, and Loki may have it under the time at which it was read.
_AROUND = "5m"


def to_logs(loki: LokiDataSource) -> dict[str, Any]:
    """From a span to the lines of its trace in the same namespace: ``tracesToLogsV2`` of a data source for traces."""
    return {
        "datasourceUid": loki.uid,
        "spanStartTimeShift": f"-{_AROUND}",
        "spanEndTimeShift": _AROUND,
        # Loki answers no query without a label.
        "tags": [{"key": _NAMESPACE, "value": loki.namespace_label}],
        "filterByTraceID": True,
        "filterBySpanID": False,
    }


def to_trace(tempo_uid: str) -> dict[str, Any]:
    """From a line to its trace: one of the ``derivedFields`` of a data source for logs."""
    return {
        "name": "Trace",
        "matcherRegex": rf'"{TRACE_ID}":\s*"(\w+)"',
        # With a data source beside it, Grafana takes this for a query.
        "url": "${__value.raw}",
        "datasourceUid": tempo_uid,
    }
