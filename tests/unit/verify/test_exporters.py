"""The exporters of a collector, from its configuration and its log."""

from typing import Any

import pytest

from verify.programs.exporters import Exporter, Failure, failures, of_traces


@pytest.mark.parametrize(
    ("pipelines", "names"),
    [
        ({"traces": {"exporters": ["otlp"]}}, ["otlp"]),
        ({"traces/2": {"exporters": ["otlp", "otlp/2"]}}, ["otlp", "otlp/2"]),
        ({"traces": {"exporters": ["otlp"]}, "traces/2": {"exporters": ["otlp"]}}, ["otlp"]),
        ({"metrics": {"exporters": ["otlp"]}}, []),
        ({"traces": {"exporters": None}}, []),
        ({"traces": None}, []),
        (None, []),
    ],
)
def test_only_exporters_of_pipelines_of_traces_count(pipelines: Any, names: list[str]) -> None:
    exporters = {"otlp": {"endpoint": "tempo:4317"}, "otlp/2": {"endpoint": "other:4317"}}
    found = of_traces({"exporters": exporters, "service": {"pipelines": pipelines}})
    assert [one.name for one in found] == names


def test_an_exporter_may_have_no_endpoint() -> None:
    config = {"exporters": {"debug": None}, "service": {"pipelines": {"traces": {"exporters": ["debug", "missing"]}}}}
    assert of_traces(config) == [Exporter("debug", ""), Exporter("missing", "")]


def test_an_empty_configuration_sends_nowhere() -> None:
    assert of_traces({}) == []


REAL = (
    "2026-11-24T17:10:31.540Z\tinfo\tinternal/retry_sender.go:133\tExporting failed. Will retry the request after"
    ' interval.\t{"resource": {"service.name": "otelcol"}, "otelcol.component.id": "otlp", "error": "rpc error: '
    'code = Unavailable desc = \\"dial tcp 10.96.229.186:4317: connect: connection refused\\"", "interval": "19s"}'
)


def test_a_real_failure_names_its_exporter_and_its_error() -> None:
    assert failures([REAL]) == [
        Failure(
            "otlp", 'rpc error: code = Unavailable desc = "dial tcp 10.96.229.186:4317: connect: connection refused"'
        )
    ]


def test_older_collectors_name_the_exporter_elsewhere() -> None:
    line = '2024-05-01T10:00:00Z\terror\tExporting failed. Dropping data.\t{"kind": "exporter", "name": "otlp/2"}'
    assert [one.exporter for one in failures([line])] == ["otlp/2"]


def test_a_failure_without_an_error_is_the_whole_line() -> None:
    assert [str(one) for one in failures(["error Exporting failed. Dropping data. \n"])] == [
        "Exporting failed: error Exporting failed. Dropping data."
    ]


def test_other_lines_are_not_failures() -> None:
    assert failures(['info Everything is ready. {"error": "none"}']) == []
