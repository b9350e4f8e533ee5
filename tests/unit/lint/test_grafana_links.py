"""Links between data sources of Grafana, and the files that they are in."""

from collections.abc import Callable

import pytest

Codes = Callable[..., list[str]]

TEMPO = "{name: Tempo, uid: tempo, type: tempo, jsonData: {serviceMap: {datasourceUid: prom}, %s}}"


def file(*sources: str) -> str:
    return f"apiVersion: 1\ndatasources: [{', '.join(sources)}]"


def loki(field: str) -> str:
    return f"{{name: Loki, uid: loki, type: loki, jsonData: {{derivedFields: [{{name: trace, {field}}}]}}}}"


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ("datasourceUid: tempo", []),
        ("datasourceUid: Tempo", []),
        ("datasourceUid: loki", []),
        ("datasourceUid: jaeger", ["warning N15"]),
        ("datasourceUid: $UID", []),
        ("datasourceName: Tempo", ["warning N15"]),
        ("datasourceName: Tempo, datasourceUid: tempo", []),
        ('url: "https://traces.example.com/$${__value.raw}"', []),
    ],
)
def test_a_derived_field_leads_to_a_data_source(codes: Codes, field: str, expected: list[str]) -> None:
    assert codes(file(loki(field), TEMPO % "")) == expected


def test_a_derived_field_may_lead_to_a_data_source_in_another_file(codes: Codes) -> None:
    assert codes(file(loki("datasourceUid: traces"))) == []


@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        ("tracesToLog: {datasourceUid: tempo}", ["warning N33"]),
        ("nodegraph: {enabled: true}", ["warning N33"]),
        ("spanBar: {type: Tag, colour: x}", []),
        ("serviceMap: {datasourceUID: prom, datasourceUid: prom}", ["warning N33"]),
        ("httpMethod: GET, keepCookies: [], tlsSkipVerify: true", []),
        ("streamingEnabled: {search: true}", []),
    ],
)
def test_a_setting_that_only_resembles_one_is_misspelt(codes: Codes, setting: str, expected: list[str]) -> None:
    assert codes(file(TEMPO % setting)) == expected


def test_a_list_of_all_data_sources_has_the_one_that_a_link_leads_to(codes: Codes) -> None:
    manifest = "grafana.ini: {}\ndatasources: {a.yaml: {apiVersion: 1, datasources: [%s]}}"
    link = TEMPO % "tracesToLogsV2: {datasourceUid: loki}"
    assert codes(manifest % link) == ["warning N15", "warning N15"]


def test_values_of_a_dependency_with_another_name_are_its_values_too(codes: Codes) -> None:
    values = "prometheus: {prometheusSpec: {}}, grafana: {additionalDataSources: [{name: T, type: tempo}]}"
    assert codes(f"monitoring: {{{values}}}") == ["warning N15"]


@pytest.mark.parametrize(
    ("link", "expected"),
    [
        ("tracesToLogsV2: {spanStartTimeShift: -1h, spanEndTimeShift: 1h}", []),
        ("tracesToLogsV2: {spanStartTimeShift: 1m}", ["warning N33"]),
        ("tracesToLogsV2: {spanStartTimeShift: -10m, spanEndTimeShift: -5m}", []),
        ("tracesToLogs: {spanStartTimeShift: '1h', spanEndTimeShift: '-1h'}", ["warning N33"]),
        ("tracesToMetrics: {spanStartTimeShift: 1m}", []),
        ("tracesToMetrics: {spanStartTimeShift: 2m, spanEndTimeShift: -2m}", ["warning N33"]),
        ("tracesToLogsV2: {spanStartTimeShift: soon, spanEndTimeShift: -1h}", []),
        ("traceQuery: {timeShiftEnabled: true, spanStartTimeShift: 1h, spanEndTimeShift: 1h}", []),
    ],
)
def test_the_time_of_a_link_begins_before_it_ends(codes: Codes, link: str, expected: list[str]) -> None:
    assert codes(file(TEMPO % link)) == expected


@pytest.mark.parametrize(
    ("link", "expected"),
    [
        ("tracesToLogs: {tags: [job, pod]}", []),
        ("tracesToLogs: {tags: [{key: job}]}", ["warning N33"]),
        ("tracesToLogsV2: {tags: [{key: job}]}", []),
        ("tracesToMetrics: {tags: [job]}", ["warning N33"]),
        ("tracesToProfiles: {tags: [job]}", ["warning N33"]),
        ("tracesToProfiles: {tags: []}", []),
    ],
)
def test_tags_of_a_link_have_the_form_of_that_link(codes: Codes, link: str, expected: list[str]) -> None:
    assert codes(file(TEMPO % link)) == expected


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ("matcherRegex: trace_id", ["warning N33"]),
        ("matcherRegex: trace_id, matcherType: regex", ["warning N33"]),
        ("matcherRegex: 'trace_id=(?:[0-9a-f]+)'", ["warning N33"]),
        ("matcherRegex: 'trace_id=\\(.*'", ["warning N33"]),
        ("matcherRegex: 'trace_id=([0-9a-f]+)'", []),
        ("matcherRegex: 'trace_id=(?<id>[0-9a-f]+)'", []),
        ("matcherRegex: trace_id, matcherType: label", []),
        ("matcherRegex: $EXPRESSION", []),
        ("matcherRegex: 'id=(.+)'}, {name: trace, matcherRegex: id", []),
    ],
)
def test_a_derived_field_takes_the_id_by_a_group_of_its_expression(
    codes: Codes, field: str, expected: list[str]
) -> None:
    assert codes(file(loki(f"datasourceUid: tempo, {field}"), TEMPO % "")) == expected
