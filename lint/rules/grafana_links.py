"""Links between data sources of Grafana: from logs to traces, and settings of links that Grafana does not know."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from lint.facts import Facts
from lint.findings import Fault, Severity, warning
from lint.nearest import nearest
from lint.objects import Manifests, Path, mapping, sequence, text
from lint.rule import rule
from lint.rules.grafana import TRACE_TYPES, dangling, targets
from lint.views.grafana import DataSource, data_sources, every_uid

# The settings of a Tempo data source (grafana: packages/grafana-o11y-ds-frontend/src and
# public/app/plugins/datasource/tempo/types.ts).
_TIMES = ("spanStartTimeShift", "spanEndTimeShift")
_TO_LOGS = (
    *_TIMES,
    "datasourceUid",
    "tags",
    "mappedTags",
    "mapTagNamesEnabled",
    "filterByTraceID",
    "filterBySpanID",
    "lokiSearch",
    "customQuery",
    "query",
)
_SETTINGS: Mapping[str, tuple[str, ...]] = {
    "tracesToLogs": _TO_LOGS,
    "tracesToLogsV2": _TO_LOGS,
    "tracesToMetrics": (*_TIMES, "datasourceUid", "tags", "queries"),
    "tracesToProfiles": ("datasourceUid", "tags", "profileTypeId", "customQuery", "query"),
    "serviceMap": ("datasourceUid", "histogramType"),
    "nodeGraph": ("enabled",),
    "lokiSearch": ("datasourceUid",),
    "spanBar": ("type", "tag"),
    "traceQuery": (*_TIMES, "timeShiftEnabled"),
}
# More sections, whose settings are not told apart here.
_OTHERS = ("azureCredentials", "search", "streamingEnabled")
_OF_LOGS = ("filterByTraceID", "filterBySpanID", "mapTagNamesEnabled", "lokiSearch", "customQuery")
_SWITCHES: Mapping[str, tuple[str, ...]] = {
    "tracesToLogs": _OF_LOGS,
    "tracesToLogsV2": _OF_LOGS,
    "tracesToProfiles": ("customQuery",),
    "nodeGraph": ("enabled",),
    "search": ("hide",),
    "traceQuery": ("timeShiftEnabled",),
}
_LIKE = 0.85
# A class of characters behind two backslashes: one that stands for itself, and a letter.
_DOUBLED = re.compile(r"(?<!\\)\\\\[wWsSdDbB]")
# What Grafana replaces by a variable of its environment or by the content of a file.
_VARIABLE = re.compile(r"(?<!\$)\$[A-Za-z_{]")


@rule(
    code="N15",
    title="Links from logs to traces lead to a data source that does not exist",
    levels=(Severity.ERROR, Severity.WARNING),
    why=(
        "A derived field of a Loki data source is a link to a trace in the data source with the uid in "
        "`derivedFields[].datasourceUid`. It leads nowhere if no data source has that uid. With `datasourceName`, "
        "which Grafana does not read, it is a link to a page outside of Grafana. It is a warning if the uid may be "
        "that of a data source without a fixed one."
    ),
    remedy="Give the Tempo data source a fixed uid, and set `datasourceUid` in `derivedFields` to it.",
    example="""
        apiVersion: v1
        kind: ConfigMap
        metadata: {name: grafana-datasources, namespace: tracing-system}
        data:
          datasources.yaml: |
            datasources:
              - name: Loki
                uid: loki
                type: loki
                jsonData: {derivedFields: [{name: trace, matcherRegex: "id=(.*)", url: "$${__value.raw}",
                  datasourceUid: traces}]}
              - {name: Jaeger, uid: jaeger, type: jaeger}
    """,
    source="grafana: public/app/plugins/datasource/loki/getDerivedFields.ts",
)
def derived_field_without_traces(manifests: Manifests, _facts: Facts) -> Iterator[Fault]:
    known = data_sources(manifests)
    traces = targets(manifests, TRACE_TYPES, "Tempo", "links from logs to traces lead nowhere")
    for source in known:
        for path, field in _derived_fields(source):
            uid = text(field.get("datasourceUid"))
            if uid and uid not in every_uid(manifests):
                yield from dangling(source, (*path, "datasourceUid"), traces)
            elif not uid and "datasourceName" in field:
                yield warning(
                    source.where(*path, "datasourceName"),
                    "Grafana does not read this, and takes the link for one to a page outside",
                    "set datasourceUid to the uid of the data source with the traces",
                )


@rule(
    code="N33",
    title="A link from logs to traces matches no log line",
    levels=(Severity.WARNING,),
    why=(
        "YAML leaves a backslash as it is in a plain text and in single quotes: two of them before `s`, `w` or `d` "
        "look for a backslash in the log line, followed by that letter. Only in double quotes two stand for one."
    ),
    remedy="Write one backslash, or put the pattern in double quotes.",
    example="""
        apiVersion: v1
        kind: ConfigMap
        metadata: {name: grafana-datasources, namespace: tracing-system}
        data:
          datasources.yaml: |
            datasources:
              - name: Loki
                uid: loki
                type: loki
                jsonData:
                  derivedFields:
                    - {name: trace, matcherRegex: 'trace_id=(\\\\w+)', url: "$${__value.raw}", datasourceUid: jaeger}
              - {name: Jaeger, uid: jaeger, type: jaeger}
    """,
    source="https://yaml.org/spec/1.2.2/#732-single-quoted-style; grafana: public/app/plugins/datasource/loki",
)
def derived_field_that_matches_nothing(manifests: Manifests, _facts: Facts) -> Iterator[Fault]:
    for source in data_sources(manifests):
        for path, field in _derived_fields(source):
            # With the type label it is a label's name.
            if _DOUBLED.search(text(field.get("matcherRegex"))) and field.get("matcherType") != "label":
                yield warning(
                    source.where(*path, "matcherRegex"),
                    "two backslashes look for one in the log line, so the link is at no line",
                    "write one backslash",
                )


@rule(
    code="N33",
    title="A link from logs to traces takes nothing from the log line",
    levels=(Severity.WARNING,),
    why=(
        "The trace that a derived field links to is what the first group of `matcherRegex` matches. An expression "
        "without a group finds the line, and takes nothing from it, so that no line has a link. The name of a label "
        "needs `matcherType: label`."
    ),
    remedy="Put parentheses around what the id matches, such as `trace_id=(\\w+)`, or set `matcherType: label`.",
    example="""
        apiVersion: v1
        kind: ConfigMap
        metadata: {name: grafana-datasources, namespace: tracing-system}
        data:
          datasources.yaml: |
            datasources:
              - name: Loki
                uid: loki
                type: loki
                jsonData:
                  derivedFields:
                    - {name: trace, matcherRegex: trace_id, url: "$${__value.raw}", datasourceUid: jaeger}
              - {name: Jaeger, uid: jaeger, type: jaeger}
    """,
    source="grafana: public/app/plugins/datasource/loki/getDerivedFields.ts",
)
def derived_field_that_takes_nothing(manifests: Manifests, _facts: Facts) -> Iterator[Fault]:
    for source in data_sources(manifests):
        names: set[str] = set()
        for path, field in _derived_fields(source):
            # Of several with one name, Grafana looks for what the first one says.
            is_first = text(field.get("name")) not in names
            names.add(text(field.get("name")))
            is_expression = field.get("matcherType") in {None, "regex"}
            if is_first and is_expression and _has_no_group(text(field.get("matcherRegex"))):
                yield warning(
                    source.where(*path, "matcherRegex"),
                    "without a group the expression takes nothing from the log line, so the link is at no line",
                    "put parentheses around what the id matches, or set matcherType to label if this is a label",
                )


def _derived_fields(source: DataSource) -> Iterator[tuple[Path, Mapping[Any, Any]]]:
    """What a data source takes from log lines, each with its path in the data source."""
    for index, field in enumerate(sequence(source.at("jsonData", "derivedFields"))):
        yield ("jsonData", "derivedFields", index), mapping(field)


def _has_no_group(expression: str) -> bool:
    """Whether it surely has none: not if Grafana puts a variable into it, or if only JavaScript reads it."""
    if not expression or _VARIABLE.search(expression):
        return False
    try:
        return re.compile(expression).groups == 0
    except re.error:
        return False


@rule(
    code="N33",
    title="A Tempo data source has no such setting",
    levels=(Severity.WARNING,),
    why=(
        "Grafana ignores a setting in `jsonData` that it does not know. With `filterByTraceId`, for instance, a link "
        "shows the logs of all requests: the setting is called `filterByTraceID`. It is looked at for sections, and "
        "for what resembles a setting: plugins and newer releases may have others."
    ),
    remedy="Write the setting as Grafana's documentation has it, also in its upper and lower case.",
    example="""
        apiVersion: v1
        kind: ConfigMap
        metadata: {name: grafana-datasources, namespace: tracing-system}
        data:
          datasources.yaml: |
            datasources:
              - {name: Loki, uid: loki, type: loki}
              - name: Tempo
                uid: tempo
                type: tempo
                jsonData:
                  serviceMap: {datasourceUid: prometheus}
                  tracesToLogsV2: {datasourceUid: loki, filterByTraceId: true}
    """,
    source="grafana: packages/grafana-o11y-ds-frontend/src/TraceToLogs/TraceToLogsSettings.tsx",
)
def misspelt_setting_of_tempo(manifests: Manifests, _facts: Facts) -> Iterator[Fault]:
    for source in data_sources(manifests):
        if source.type != "tempo":
            continue
        settings = mapping(source.at("jsonData"))
        yield from _misspelt(source, ("jsonData",), settings, tuple(_SETTINGS))
        for key, content in settings.items():
            if isinstance(key, str) and isinstance(content, Mapping) and not _is_section(key):
                yield warning(
                    source.where("jsonData", key),
                    "a Tempo data source has no such section",
                    "leave it out, or rename it",
                )
        for section, known in _SETTINGS.items():
            yield from _misspelt(source, ("jsonData", section), mapping(settings.get(section)), known)


@rule(
    code="N33",
    title="A switch of a Tempo data source is a text",
    levels=(Severity.WARNING,),
    why="Grafana takes any text that is not empty for on: with `filterByTraceID: 'false'` the link filters just so.",
    remedy="Write `false` without quotes.",
    example="""
        apiVersion: v1
        kind: ConfigMap
        metadata: {name: grafana-datasources, namespace: tracing-system}
        data:
          datasources.yaml: |
            datasources:
              - {name: Loki, uid: loki, type: loki}
              - name: Tempo
                uid: tempo
                type: tempo
                jsonData:
                  serviceMap: {datasourceUid: prometheus}
                  tracesToLogsV2: {datasourceUid: loki, filterByTraceID: 'false'}
    """,
    source=(
        "grafana: public/app/features/explore/TraceView/createSpanLink.tsx; "
        "grafana: pkg/services/provisioning/values/values.go"
    ),
)
def switch_that_is_a_text(manifests: Manifests, _facts: Facts) -> Iterator[Fault]:
    for source in data_sources(manifests):
        for section, switches in _SWITCHES.items() if source.type == "tempo" else ():
            for switch in switches:
                if text(source.at("jsonData", section, switch)).lower() == "false":
                    yield warning(
                        source.where("jsonData", section, switch),
                        "Grafana takes any text for on, this one too",
                        "write false without quotes",
                    )


def _is_section(key: str) -> bool:
    """Whether it is one of the maps of settings, or resembles one, which is said elsewhere."""
    return nearest(key.lower(), (name.lower() for name in (*_SETTINGS, *_OTHERS)), _LIKE) is not None


def _misspelt(source: DataSource, path: Path, settings: Mapping[Any, Any], known: tuple[str, ...]) -> Iterator[Fault]:
    """Yield the settings that resemble one that is known: plugins and newer releases may have others."""
    by_letters = {name.lower(): name for name in known}
    for key in settings:
        if not isinstance(key, str) or key in known:
            continue
        near = nearest(key.lower(), by_letters, _LIKE)
        if near:
            yield warning(source.where(*path, key), "Grafana knows no such setting", f"write {by_letters[near]}")
