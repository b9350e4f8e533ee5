"""Examples for lint/rules/monitors.py."""

from cases.base import POD_MONITOR, Example, replaced

EXAMPLES = {
    "doubled_backslash": Example(
        "warning N21 PodMonitor bookinfo/envoy-stats: spec.podMetricsEndpoints[0].relabelings[1].regex",
        wrong=replaced(POD_MONITOR, r"\d", r"\\d"),
        right=POD_MONITOR,
    ),
}
