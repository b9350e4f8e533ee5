"""Links from a span to logs, metrics and profiles: the time that they ask for, and the form of their tags."""

import re
from collections.abc import Iterator

from lint.facts import Facts
from lint.findings import Fault, Severity, warning
from lint.objects import Manifests, mapping, sequence, text
from lint.rule import rule
from lint.rules.grafana import TRACE_TYPES
from lint.views.durations import seconds
from lint.views.grafana import DataSource, data_sources

_OLDER_LOGS = "tracesToLogs"
# By link, how far its time begins before the span and ends behind it, in seconds, unless it says so.
_DEFAULT_SHIFTS = {_OLDER_LOGS: (0.0, 0.0), "tracesToLogsV2": (0.0, 0.0), "tracesToMetrics": (-120.0, 120.0)}
_WITH_PAIRS = ("tracesToLogsV2", "tracesToMetrics", "tracesToProfiles")
_SHIFT = re.compile(r"(-?)(\w+)")


@rule(
    code="N33",
    title="The time of a link from a span ends before it begins",
    levels=(Severity.WARNING,),
    why=(
        "Grafana adds `spanStartTimeShift` to the time at which a span begins, and `spanEndTimeShift` to that at which "
        "it ends. With `1h` and `-1h` a link asks for a time that ends before it begins, and shows nothing."
    ),
    remedy='Write `spanStartTimeShift: "-1h"` and `spanEndTimeShift: "1h"`.',
    example="""
        apiVersion: v1
        kind: ConfigMap
        metadata: {name: grafana-datasources, namespace: tracing-system}
        data:
          datasources.yaml: |
            datasources:
              - {name: Loki, uid: loki, type: loki}
              - name: Jaeger
                uid: jaeger
                type: jaeger
                jsonData:
                  tracesToLogsV2: {datasourceUid: loki, spanStartTimeShift: 1h, spanEndTimeShift: -1h}
    """,
    source="grafana: public/app/features/explore/TraceView/createSpanLink.tsx, getTimeRangeFromSpan",
)
def link_that_ends_before_it_begins(manifests: Manifests, _facts: Facts) -> Iterator[Fault]:
    for source in _with_spans(manifests):
        for link, (default_start, default_end) in _DEFAULT_SHIFTS.items():
            start = _shift(source.at("jsonData", link, "spanStartTimeShift"), default_start)
            end = _shift(source.at("jsonData", link, "spanEndTimeShift"), default_end)
            if start is not None and end is not None and start > end:
                yield warning(
                    source.where("jsonData", link, "spanStartTimeShift"),
                    "the shifts are added to the span's begin and end, so the link's time ends before it begins",
                    "begin with a minus, as -1h, and end without one",
                )


@rule(
    code="N33",
    title="Tags of a link from a span have the form of another link",
    levels=(Severity.WARNING,),
    why=(
        "`tracesToLogsV2`, `tracesToMetrics` and `tracesToProfiles` take tags as pairs of `key` and `value`; only the "
        "older `tracesToLogs` takes texts. Grafana finds no tag of the span in a list of the other form, so the query "
        "of the link has none."
    ),
    remedy="Write `tags: [{key: service.name, value: service_name}]`.",
    example="""
        apiVersion: v1
        kind: ConfigMap
        metadata: {name: grafana-datasources, namespace: tracing-system}
        data:
          datasources.yaml: |
            datasources:
              - {name: Loki, uid: loki, type: loki}
              - name: Jaeger
                uid: jaeger
                type: jaeger
                jsonData: {tracesToLogsV2: {datasourceUid: loki, tags: [service.name]}}
    """,
    source=(
        "grafana: packages/grafana-o11y-ds-frontend/src/TraceToLogs/TraceToLogsSettings.tsx; "
        "grafana: packages/grafana-o11y-ds-frontend/src/TraceToMetrics/TraceToMetricsSettings.tsx"
    ),
)
def tags_of_the_other_form(manifests: Manifests, _facts: Facts) -> Iterator[Fault]:
    for source in _with_spans(manifests):
        for link in (*_WITH_PAIRS, _OLDER_LOGS):
            tags = sequence(source.at("jsonData", link, "tags"))
            if link in _WITH_PAIRS and any(isinstance(tag, str) for tag in tags):
                wanted, remedy = "pairs of key and value", "write [{key: ..., value: ...}]"
            elif link == _OLDER_LOGS and any(mapping(tag) for tag in tags):
                wanted, remedy = "texts", "call the link tracesToLogsV2, or write texts"
            else:
                continue
            yield warning(
                source.where("jsonData", link, "tags"),
                f"the tags of {link} are {wanted}, and Grafana finds none of the span's among these",
                remedy,
            )


def _with_spans(manifests: Manifests) -> Iterator[DataSource]:
    return (source for source in data_sources(manifests) if source.type in TRACE_TYPES)


def _shift(written: object, default: float) -> float | None:
    """Return the seconds, which may be below zero; None for what is not known."""
    if written in (None, ""):
        return default
    parts = _SHIFT.fullmatch(text(written))
    found = seconds(parts[2]) if parts else None
    return found if parts is None or found is None or not parts[1] else -found
