"""Examples for lint/rules/grafana_span_links.py."""

from cases.base import Example
from cases.grafana import linked

LOGS = "{name: Loki, uid: loki, type: loki}"
AT = 'ConfigMap tracing-system/grafana-datasources: data["datasources.yaml"].datasources[0].jsonData.tracesToLogsV2'


def to_logs(settings: str) -> str:
    return linked(f"tracesToLogsV2: {{datasourceUid: loki, {settings}}}", LOGS)


EXAMPLES = {
    "link_that_ends_before_it_begins": Example(
        f"warning N33 {AT}.spanStartTimeShift",
        wrong=to_logs("spanStartTimeShift: 1h, spanEndTimeShift: -1h"),
        right=to_logs("spanStartTimeShift: -1h, spanEndTimeShift: 1h"),
    ),
    "tags_of_the_other_form": Example(
        f"warning N33 {AT}.tags",
        wrong=to_logs("tags: [service.name]"),
        right=to_logs("tags: [{key: service.name, value: service_name}]"),
    ),
}
